"""promote: the alias champion names a version that passed its gates and that two people signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jobs.errors import TaskError
from jobs.io import frames
from jobs.io.context import Task, reason, run
from jobs.io.lineage import LINEAGE
from jobs.io.registry import Registry
from jobs.model import validation
from jobs.model.names import CHAMPION, RECORDS, Names, declared_model
from jobs.model.promotion import refusals
from workflows.declare import Model

if TYPE_CHECKING:
    import pandas as pd

MADE = ("object", "version", "inputs", "written_at")
OBSERVED = ("job_run_id", "observed_at", "model_version", "block", "measure", "signal")


def validated(task: Task, model: Model, tags: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Why the method of a version is not validated, and what the version is tagged with if it is.

    tags: of the version. The parameter `validated_in` names the catalog of the stage whose records count.
    """
    catalog, monitoring = task.parameter("validated_in"), Names.of(model).table("monitoring")
    if not catalog:
        task.log("this stage asks for no validation: its champion serves nobody")
        return [], {}
    # The lineage of a stage grows with every write: only that of the source's own zones is asked.
    zones = f"split_part(object, '.', 1) IN ('{model.source}', '{model.source}_ra')"
    try:
        record = validation.newest(elsewhere(task, catalog, RECORDS, f"model = '{model.name}'"), model.name)
        lineage = elsewhere(task, catalog, LINEAGE, zones, MADE) if record else []
    except TaskError as error:
        return [str(error)], {}
    observed = dicts(frames.read(task, monitoring, columns=OBSERVED)) if task.tables.exists(monitoring) else []
    reasons = validation.refusals(
        record, model=model.name, source=model.source, tags=tags, lineage=lineage, observations=observed
    )
    if record is None or reasons:
        return reasons, {}
    passed = "passed" if record["passed"] else "did not all pass there, which is for the analyst to judge, who signs"
    task.log(
        f"validated in {catalog} at {record['recorded_at']:%Y-%m-%d %H:%M} UTC by run {record['mlflow_run_id']}; "
        f"its gates {passed}"
    )
    said = {"catalog": catalog, "gates_passed": str(bool(record["passed"])).lower(), "run_id": record["mlflow_run_id"]}
    return [], {f"validation_{name}": value for name, value in said.items()}


def elsewhere(
    task: Task, catalog: str, table: str, where: str, columns: Sequence[str] = ("*",)
) -> list[dict[str, Any]]:
    """Rows of a table of another stage's catalog; raises TaskError where it cannot be read."""
    from pyspark.errors import PySparkException

    model = task.declaration.name
    try:
        return dicts(task.tables.elsewhere(catalog, table).where(where).select(*columns).toPandas())
    except PySparkException as error:
        raise TaskError(
            f"{catalog}.{table} cannot be read, so that nobody can say whether {model} was validated "
            f"({reason(error)}): deploy the validation stage and run {model}_validate there"
        ) from error


def dicts(found: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows, by the names of their columns."""
    return [dict(one) for one in found.to_dict("records")]


def _promote(task: Task) -> None:
    model = declared_model(task.declaration)
    registry = Registry(task, Names.of(model))
    version = registry.version(task.parameter("model_version"))
    champion = registry.champion()
    is_it = champion is not None and champion.version == version.version
    if is_it and version.tags.get("promoted_in") == task.job_run_id:
        task.log(f"{registry.name} version {version.version} is {CHAMPION}: this run has promoted it already")
        return
    signed = {name: task.parameters.get(name, "").strip() for name in ("approved_by", "validated_by")}
    reasons = refusals(
        tags=version.tags, registry_user=version.user_id, principal=task.principal, **signed,
        champion=None if champion is None else str(champion.version), version=str(version.version),
    )  # fmt: skip
    unvalidated, by = validated(task, model, version.tags)
    reasons += unvalidated
    if reasons:
        raise TaskError(f"{registry.name} version {version.version} is not promoted: " + "; ".join(reasons))
    registry.tag(str(version.version), signed | {"promoted_by": task.principal, "promoted_in": task.job_run_id} | by)
    registry.crown(str(version.version))
    former = "" if champion is None else f" in the place of version {champion.version}"
    task.log(f"{registry.name} version {version.version} is {CHAMPION}{former}")


def promote() -> None:
    """Entry point."""
    run(_promote)
