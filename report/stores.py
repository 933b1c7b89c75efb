"""What the report reads of a stage: its Delta tables, its deployed resources, its runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from report import words

Row = dict[str, Any]
# Commits that change no row, as the jobs have them too (jobs/tasks/history.py).
QUIET = (
    "OPTIMIZE", "VACUUM START", "VACUUM END", "SET TBLPROPERTIES", "UNSET TBLPROPERTIES", "CHANGE COLUMN",
    "UPGRADE PROTOCOL", "CLUSTER BY",
)  # fmt: skip


@dataclass(frozen=True)
class TaskRun:
    """The last attempt of one task; times in seconds since 1970, null where it never began or ended."""

    key: str
    state: str
    started: float | None = None
    ended: float | None = None
    attempts: int = 1
    reason: str = ""
    outcome: str = ""  # "true" or "false" of a condition
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One run of a job; times in seconds since 1970."""

    run_id: str
    job: str
    state: str
    started: float | None = None
    ended: float | None = None
    reason: str = ""
    tasks: tuple[TaskRun, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    started_by: str = ""

    @property
    def seconds(self) -> float | None:
        """How long it took, or null while it runs."""
        return None if self.started is None or self.ended is None else self.ended - self.started

    def task(self, key: str) -> TaskRun | None:
        """The task named `key`, if the run has one."""
        return next((task for task in self.tasks if task.key == key), None)

    @property
    def why(self) -> str:
        """Why it failed: the reason of its first failed task, else its own."""
        if words.kind(words.state(self.state)) == "good":
            return ""
        failed = [task for task in self.tasks if task.reason and words.kind(words.state(task.state)) == "bad"]
        first = min(failed, key=lambda task: task.started or 0.0, default=None)
        return f"{first.key}: {first.reason}" if first else self.reason


class Tables:
    """The Delta tables under one warehouse folder (`<schema>/<table>`), read without Spark."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def there(self, table: str) -> bool:
        """True where `schema.table` has been written."""
        return table.count(".") == 1 and (self._path(table) / "_delta_log").is_dir()

    def rows(
        self,
        table: str,
        columns: Sequence[str] | None = None,
        where: Sequence[tuple[str, str, Any]] | None = None,
        version: int | None = None,
    ) -> list[Row] | None:
        """The rows of `schema.table` (at a version), or null where it is not there yet."""
        if not self.there(table):
            return None
        from deltalake import DeltaTable

        opened = DeltaTable(self._path(table), version=version)
        filters = [tuple(condition) for condition in where] if where else None
        read = opened.to_pyarrow_table(columns=None if columns is None else list(columns), filters=filters)
        return list(read.to_pylist())

    def version(self, table: str) -> int | None:
        """The newest version of `schema.table`, or null where it is not there yet."""
        if not self.there(table):
            return None
        from deltalake import DeltaTable

        return int(DeltaTable(self._path(table)).version())

    def made(self, table: str, version: int) -> int:
        """The version that made the rows of `version`: the newest until then whose commit is more than upkeep.

        The given one where the log does not tell so far back.
        """
        found = version
        while self._commit(table, found).get("operation") in QUIET:
            found -= 1
        return found if self._commit(table, found) else version

    def columns(self, table: str) -> dict[str, str]:
        """The columns of `schema.table` and Delta's names of their types."""
        from deltalake import DeltaTable

        fields = DeltaTable(self._path(table)).schema().fields
        return {field.name: str(getattr(field.type, "type", "structure")) for field in fields}

    def said(self, table: str, version: int) -> Row:
        """What the commit that made a version says of itself; empty where none of our tasks made it."""
        text = self._commit(table, version).get("userMetadata") or ""
        return dict(json.loads(text)) if text.startswith("{") else {}

    def _commit(self, table: str, version: int) -> Row:
        """What the log says of a commit; empty where it does not have it (any more)."""
        if table.count(".") != 1:
            return {}
        log = self._path(table) / "_delta_log" / f"{version:020}.json"
        if not log.is_file():
            return {}
        lines = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines())
        return dict(next((line["commitInfo"] for line in lines if "commitInfo" in line), {}))

    def _path(self, table: str) -> Path:
        schema, name = table.split(".")
        return self.folder / schema / name


@dataclass(frozen=True)
class Stage:
    """One stage as the report sees it: tables, runs (oldest first), deployed addresses, synthesized stack."""

    name: str
    tables: Tables
    runs: tuple[Run, ...]
    deployed: Mapping[str, int] | None
    stack: Mapping[str, Any]

    def last_run(self, job: str) -> Run | None:
        """The newest run of a job."""
        return next((run for run in reversed(self.runs) if run.job == job), None)
