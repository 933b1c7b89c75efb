"""A task of a deployed job: its arguments, its declaration, and the doors to everything outside the process."""

from __future__ import annotations

import hashlib
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from jobs.digest import digest
from jobs.disclosure import redacted
from jobs.errors import TaskError
from jobs.io.lineage import Provenance
from jobs.io.session import spark_session, tracking
from jobs.io.tables import Tables
from jobs.io.values import FileValues, Values, WorkspaceValues
from workflows.canonical import parse
from workflows.declare import Declaration
from workflows.errors import DeclarationError
from workflows.sources import named, names

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Of the wheel: the commit it was built from, and the hash of its sources, as infra names it.
COMMIT, CODE = "commit.txt", "code.txt"
REQUIRED = ("catalog", "declaration", "requirements", "job_id", "job_run_id", "task_run_id")


@dataclass(frozen=True)
class Surroundings:
    """What the process finds around it. All empty on Databricks, where the platform's own doors are used."""

    spark_remote: str | None = None
    session_catalog: str | None = None
    volumes_root: Path | None = None
    values_file: Path | None = None
    tracking_uri: str | None = None
    registry_uri: str | None = None
    principal: str | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Surroundings:
        """Read from environment variables."""
        folder, values = environ.get("CDH_VOLUMES_ROOT"), environ.get("CDH_TASK_VALUES")
        return cls(
            spark_remote=environ.get("SPARK_REMOTE"),
            session_catalog=environ.get("CDH_CATALOG"),
            volumes_root=Path(folder) if folder else None,
            values_file=Path(values) if values else None,
            tracking_uri=environ.get("MLFLOW_TRACKING_URI"),
            registry_uri=environ.get("MLFLOW_REGISTRY_URI"),
            principal=environ.get("MLFLOW_TRACKING_USERNAME"),
        )

    def volume(self, path: str) -> Path:
        """`/Volumes/...` as a path this process can open."""
        pure = PurePosixPath(path)
        if pure.parts[:2] != ("/", "Volumes") or ".." in pure.parts:
            raise TaskError(f"volume path {path!r} is not valid; valid: /Volumes/<catalog>/<schema>/<volume>/...")
        return self.volumes_root.joinpath(*pure.parts[2:]) if self.volumes_root else Path(path)


@dataclass
class Task:
    """One task run. The doors (`spark`, `mlflow`) are opened when first used."""

    name: str
    catalog: str
    declaration: Declaration
    declaration_hash: str
    parameters: dict[str, str]
    commit: str
    requirements_hash: str
    job_id: str
    job_run_id: str
    task_run_id: str
    surroundings: Surroundings = field(default_factory=Surroundings)

    @classmethod
    def of(cls, name: str, arguments: Sequence[str], surroundings: Surroundings) -> Task:
        """The task that `--name=value` arguments describe; raises TaskError naming what is missing."""
        given = parsed(arguments)
        missing = [key for key in REQUIRED if key not in given]
        if missing:
            raise TaskError(f"{name}: parameters {', '.join(missing)} are missing; given: {', '.join(sorted(given))}")
        served = surroundings.session_catalog
        if served is not None and served != given["catalog"]:
            raise TaskError(f"{name}: catalog = {given['catalog']!r} is not served here; valid: {served}")
        text = contents(surroundings, given["declaration"])
        return cls(
            name=name,
            catalog=given["catalog"],
            declaration=parse(text.decode()),
            declaration_hash=hashlib.sha256(text).hexdigest(),
            parameters=given,
            commit=of_wheel(COMMIT),
            requirements_hash=hashlib.sha256(contents(surroundings, given["requirements"])).hexdigest(),
            job_id=given["job_id"],
            job_run_id=given["job_run_id"],
            task_run_id=given["task_run_id"],
            surroundings=surroundings,
        )

    def parameter(self, name: str) -> str:
        """The value of a named parameter; raises TaskError listing those given."""
        if name not in self.parameters:
            raise TaskError(f"{self.name}: parameter {name!r} is missing; given: {', '.join(sorted(self.parameters))}")
        return self.parameters[name]

    def also(self, **parameters: str) -> Task:
        """This task with further parameters: the same session and the same tables, whose lineage is written once."""
        _ = self.tables
        other = replace(self, parameters={**self.parameters, **parameters})
        # What is opened once stands in the instance.
        vars(other).update({name: value for name, value in vars(self).items() if name not in vars(other)})
        return other

    @property
    def tags(self) -> dict[str, str]:
        """What every MLflow run and model version of this task is tagged with."""
        names = ("commit", "requirements_hash", "declaration_hash", "job_id", "job_run_id", "task_run_id")
        return {name: getattr(self, name) for name in names}

    @cached_property
    def spark(self) -> SparkSession:
        """The Spark session, with the catalog selected and UTC as its time zone."""
        return spark_session(self.catalog, self.surroundings.spark_remote)

    @cached_property
    def principal(self) -> str:
        """Who runs this task: the application id of the job's `run_as`."""
        return self.surroundings.principal or str(self.spark.sql("SELECT current_user()").collect()[0][0])

    @cached_property
    def tables(self) -> Tables:
        """The tables of the catalog."""
        who = Provenance(
            self.job_run_id, self.task_run_id, self.commit, self.requirements_hash, self.declaration_hash,
            contract_hash(self.declaration),
        )  # fmt: skip
        return Tables(lambda: self.spark, who, days_by_schema(self.parameters.get("as_of_days", "")))

    @cached_property
    def values(self) -> Values:
        """Where task values go."""
        file = self.surroundings.values_file
        return WorkspaceValues(lambda: self.spark) if file is None else FileValues(file)

    @cached_property
    def mlflow(self) -> Any:
        """The mlflow module, configured; `task.mlflow.MlflowClient()` is the registry's client."""
        return tracking(self.surroundings.tracking_uri, self.surroundings.registry_uri)

    def volume(self, path: str) -> Path:
        """`/Volumes/...` as a path this process can open."""
        return self.surroundings.volume(path)

    def log(self, text: str) -> None:
        """Write one line to the task's log."""
        print(f"{self.name}: {text}", flush=True)

    def close(self) -> None:
        """Write what is still to be written and let the session go."""
        if "tables" in vars(self):
            self.tables.flush()
        if "spark" in vars(self) and self.surroundings.spark_remote is not None:
            self.spark.stop()


def parsed(arguments: Sequence[str]) -> dict[str, str]:
    """`--name=value` arguments as a dict."""
    given = {}
    for argument in arguments:
        name, equals, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--") or not equals or not name:
            raise TaskError(f"argument {argument!r} is not valid; valid: --name=value")
        given[name] = value
    return given


def days_by_schema(text: str) -> dict[str, int]:
    """`ml=30,uci130_ra=7` as a dict."""
    found = {}
    for one in filter(None, text.split(",")):
        schema, _, days = one.partition("=")
        if not schema or not days.isdecimal() or int(days) < 1:
            raise TaskError(f"as_of_days: {one!r} is not valid; valid: <schema>=<days from 1>, between commas")
        found[schema] = int(days)
    return found


def contract_hash(declaration: Declaration) -> str:
    """SHA-256 of the contracts and the mapping of the declaration's source; empty where it has none."""
    if declaration.source not in names():
        return ""
    return digest(named(declaration.source))


def contents(surroundings: Surroundings, path: str) -> bytes:
    """The bytes of a file on a volume."""
    try:
        return surroundings.volume(path).read_bytes()
    except OSError as error:
        raise TaskError(f"{path} cannot be read ({error.strerror}); deploy the stage first") from error


def of_wheel(name: str) -> str:
    """What the wheel's build wrote: COMMIT or CODE; `unknown` in a checkout that was never built."""
    file = resources.files("jobs") / name
    return file.read_text(encoding="utf-8").strip() if file.is_file() else "unknown"


def reason(error: BaseException) -> str:
    """One line for the log that quotes no cell of any table."""
    if isinstance(error, (TaskError, DeclarationError)):
        return str(error)
    kind = type(error).__name__
    text = str(error).strip()
    # A refusal names a privilege and what it is on; Databricks breaks its line before that.
    if any(word in text for word in ("INSUFFICIENT_PERMISSIONS", "PERMISSION_DENIED")):
        return f"{kind}: {' '.join(text.partition('JVM stacktrace')[0].split())}"
    # Analysis errors name tables and columns, never values; any other text may quote a row.
    if kind in ("AnalysisException", "ParseException"):
        return f"{kind}: {next(iter(text.splitlines()), '')}"
    return f"{kind}: {redacted(str(error))}"


def run(main: Callable[[Task], None]) -> None:
    """Run `main` with the task that the command line describes; a failure ends the process with its reason, code 1."""
    name = main.__name__.strip("_")
    task: Task | None = None
    try:
        task = Task.of(name, sys.argv[1:], Surroundings.of(os.environ))
        main(task)
        task.close()
    except Exception as error:
        if task is not None:
            # Versions already written keep their lineage; a second failure must not hide the first.
            with suppress(Exception):
                task.close()
        if not isinstance(error, (TaskError, DeclarationError)):
            sys.stderr.write("".join(traceback.format_tb(error.__traceback__)))
        sys.stderr.write(f"{name}: {reason(error)}\n")
        sys.exit(1)
