"""A workspace with two zones and a volume, whose grants a test sets one by one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException

from sandbox.grants.published import DELIVERS
from sandbox.services import Services
from sandbox.workspace import Workspace

CACHE = Path(__file__).resolve().parents[3] / ".cache"
CATALOG = "cdh_test"
NUMBER = 7
DEPLOYER = "sp-deploy"
DENIED = re.compile(r"User does not have ([A-Z ]+) on (Catalog|Schema|Table|Volume) '([^']+)'")
# The numbers of principals and tables: each test has its own.
_numbers = count(1)


def grants_workspace(root: Path, catalog: str = CATALOG, number: int = NUMBER) -> Workspace:
    workspace = Workspace(root)
    workspace.store.create("databricks_catalog", catalog, {"name": catalog, "owner": DEPLOYER})
    bind(workspace, catalog, number, "BINDING_TYPE_READ_WRITE")
    for schema in ("raw", "ml"):
        workspace.store.create("databricks_schema", f"{catalog}.{schema}", {"name": schema, "owner": DEPLOYER})
        (workspace.warehouse / schema).mkdir(parents=True)
    (workspace.volumes / catalog / "ml" / "landing").mkdir(parents=True)
    (workspace.volumes / catalog / "ml" / "landing" / "a.csv").write_text("id\n1\n")
    workspace.store.create("databricks_volume", f"{catalog}.ml.landing", {"name": "landing", "owner": DEPLOYER})
    return workspace


def bind(workspace: Workspace, name: str, number: int, mode: str, kind: str = "catalog") -> None:
    """Bind what is in a workspace to the workspace of that number, as terraform would."""
    body = {"workspace_id": number, "securable_type": kind, "securable_name": name, "binding_type": mode}
    workspace.store.create("databricks_workspace_binding", f"{number}|{kind}|{name}", body)


@dataclass
class GrantsBench:
    workspace: Workspace
    services: Services
    given: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def principal(self) -> str:
        return f"sp-{next(_numbers)}"

    def table(self) -> str:
        """A new table of the zone raw, delivered by the data manager: `t7`."""
        name = f"t{next(_numbers)}"
        with self.services.session(DELIVERS) as spark:
            # Two versions, and a feed of changes.
            spark.sql(
                f"CREATE TABLE raw.{name} (id BIGINT) USING DELTA TBLPROPERTIES (delta.enableChangeDataFeed = true)"
            )
            spark.range(5).write.format("delta").mode("append").saveAsTable(f"raw.{name}")
        return name

    def grant(self, principal: str, privilege: str, kind: str, name: str) -> None:
        """Grant as terraform would: `databricks_grants` of one securable, with what it had before."""
        self.given.setdefault(f"{kind.lower()}/{name}", {}).setdefault(principal, set()).add(
            privilege.replace(" ", "_")
        )
        self._publish(f"{kind.lower()}/{name}")

    def revoke(self, principal: str, privilege: str, kind: str, name: str) -> None:
        self.given[f"{kind.lower()}/{name}"][principal].remove(privilege.replace(" ", "_"))
        self._publish(f"{kind.lower()}/{name}")

    def _publish(self, securable: str) -> None:
        body = {
            "grant": [
                {"principal": principal, "privileges": sorted(privileges)}
                for principal, privileges in self.given[securable].items()
            ]
        }
        self.workspace.store.delete("databricks_grants", securable)
        self.workspace.store.create("databricks_grants", securable, body)
        # Asking for the server is what a task's start does, and makes what changed known.
        self.services.spark_remote("anyone")

    @contextmanager
    def session(self, principal: str) -> Iterator[Any]:
        with self.services.session(principal) as spark:
            yield spark

    def granted_until_it_passes(self, principal: str, act: Callable[[], Any]) -> list[str]:
        """Grant exactly what each refusal names, until nothing is refused; what was granted, in order."""
        granted: list[str] = []
        for _ in range(12):
            refusal = refused(act)
            if refusal is None:
                return granted
            named = DENIED.search(refusal)
            assert named, refusal
            privilege, kind, name = named.groups()
            assert f"{privilege} {name}" not in granted, f"{granted}, and still: {refusal}"
            granted.append(f"{privilege} {name}")
            self.grant(principal, privilege, kind, name)
        raise AssertionError(f"still refused after {granted}")


def streamed(spark: Any, table: str, state: str) -> Any:
    """What is there of a table of the zone raw, as a stream that keeps its state at a path."""
    stream = spark.readStream.table(f"raw.{table}").writeStream.format("delta").trigger(availableNow=True)
    return stream.option("checkpointLocation", state)


def refused(act: Callable[[], Any]) -> str | None:
    """The refusal, or None when it passes; any other error is an error."""
    try:
        act()
    except PySparkException as error:
        if "[INSUFFICIENT_PERMISSIONS]" not in str(error):
            raise
        return str(error).partition("\n\nJVM")[0]
    return None
