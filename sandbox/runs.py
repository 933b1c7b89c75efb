"""The runs of a workspace's jobs: every run, task, attempt and task value, committed as it happens, in one sqlite file.

Readers (command line, report) use ``Runs``; only the runner writes, through ``sandbox.runner.ledger``.
Times are seconds since 1970; states and results are named as Databricks names them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.workspace import Workspace

SCHEMA = """
CREATE TABLE IF NOT EXISTS run (
    run_id INTEGER PRIMARY KEY, job_id TEXT NOT NULL, job_name TEXT NOT NULL, run_as TEXT NOT NULL,
    parameters TEXT NOT NULL, parent_run_id INTEGER, life_cycle TEXT NOT NULL, result TEXT, reason TEXT NOT NULL,
    started REAL NOT NULL, ended REAL, owner_pid INTEGER NOT NULL, owner_started REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS task (
    task_run_id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL, task_key TEXT NOT NULL, position INTEGER NOT NULL,
    kind TEXT NOT NULL, life_cycle TEXT NOT NULL, result TEXT, reason TEXT NOT NULL, outcome TEXT,
    child_run_id INTEGER, started REAL, ended REAL, UNIQUE (run_id, task_key)
);
CREATE TABLE IF NOT EXISTS attempt (
    task_run_id INTEGER NOT NULL, attempt INTEGER NOT NULL, life_cycle TEXT NOT NULL, result TEXT, reason TEXT NOT NULL,
    started REAL NOT NULL, ended REAL, PRIMARY KEY (task_run_id, attempt)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS value (
    task_run_id INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (task_run_id, key)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Run:
    """One run of a job. parent_run_id: the run whose `run_job_task` started it; None when a person did."""

    run_id: int
    job_id: str
    job_name: str
    run_as: str
    parameters: dict[str, str]
    parent_run_id: int | None
    life_cycle: str
    result: str | None
    reason: str
    started: float
    ended: float | None

    @property
    def trigger(self) -> str:
        """`RUN_JOB_TASK` or `MANUAL`."""
        return "MANUAL" if self.parent_run_id is None else "RUN_JOB_TASK"

    @property
    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        return None if self.ended is None else self.ended - self.started


@dataclass(frozen=True)
class Attempt:
    """One execution of a task; numbered from 1."""

    attempt: int
    life_cycle: str
    result: str | None
    reason: str
    started: float
    ended: float | None


@dataclass(frozen=True)
class TaskRun:
    """One task of a run.

    outcome: "true" or "false" of a condition. child_run_id: the run that a `run_job_task` started.
    """

    task_run_id: int
    run_id: int
    task_key: str
    kind: str
    life_cycle: str
    result: str | None
    reason: str
    outcome: str | None
    child_run_id: int | None
    started: float | None
    ended: float | None
    attempts: tuple[Attempt, ...]
    values: dict[str, Any]

    @property
    def seconds(self) -> float | None:
        """How long it took with all its attempts; None before its end and for one that never started."""
        return None if self.ended is None or self.started is None else self.ended - self.started


@dataclass(frozen=True)
class LogLine:
    """One line that a task wrote. stream: `out` or `err`."""

    at: str
    stream: str
    text: str


class Runs:
    """Reads the runs of a workspace; safe while a runner writes."""

    def __init__(self, workspace: Workspace) -> None:
        self.folder = workspace.runs

    def all(self) -> list[Run]:
        """Every run, oldest first."""
        return self._runs("ORDER BY run_id", ())

    def run(self, run_id: int) -> Run:
        """One run; ``SandboxError`` lists the valid ones."""
        found = self._runs("WHERE run_id = ?", (run_id,))
        if not found:
            valid = ", ".join(str(run.run_id) for run in self.all()) or "none"
            raise SandboxError(f"run {run_id} is unknown; valid: {valid}")
        return found[0]

    def tasks(self, run_id: int) -> list[TaskRun]:
        """A run's tasks, in the order of the DAG."""
        self.run(run_id)
        with self._reading() as db:
            rows = db.execute("SELECT * FROM task WHERE run_id = ? ORDER BY position", (run_id,)).fetchall()
            return [self._task(db, row) for row in rows]

    def log(self, run_id: int, task_key: str, attempt: int | None = None) -> list[LogLine]:
        """What an attempt (the last one by default) of a task wrote; empty when it never started."""
        tasks = {task.task_key: task for task in self.tasks(run_id)}
        if task_key not in tasks:
            raise SandboxError(f"run {run_id} has no task '{task_key}'; valid: {', '.join(tasks)}")
        path = log_path(self.folder, run_id, task_key, attempt or len(tasks[task_key].attempts))
        if not path.exists():
            return []
        with path.open(encoding="utf-8") as lines:
            # A runner that was killed may have left half a line.
            parts = [line.rstrip("\n").split(" ", 2) for line in lines]
        return [LogLine(*part) for part in parts if len(part) == 3]

    def _runs(self, where: str, values: tuple[Any, ...]) -> list[Run]:
        with self._reading() as db:
            rows = db.execute(f"SELECT * FROM run {where}", values).fetchall()
        return [_run(*row) for row in rows]

    def _task(self, db: sqlite3.Connection, row: tuple[Any, ...]) -> TaskRun:
        number, run_id, key, _, kind, life_cycle, result, reason, outcome, child, started, ended = row
        attempts = db.execute(
            "SELECT attempt, life_cycle, result, reason, started, ended FROM attempt WHERE task_run_id = ? "
            "ORDER BY attempt",
            (number,),
        )
        values = db.execute("SELECT key, value FROM value WHERE task_run_id = ? ORDER BY key", (number,))
        return TaskRun(
            task_run_id=number,
            run_id=run_id,
            task_key=key,
            kind=kind,
            life_cycle=life_cycle,
            result=result,
            reason=reason,
            outcome=outcome,
            child_run_id=child,
            started=started,
            ended=ended,
            attempts=tuple(Attempt(*attempt) for attempt in attempts),
            values={name: json.loads(value) for name, value in values},
        )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        path = database(self.folder)
        with closing(sqlite3.connect(path if path.exists() else ":memory:", timeout=60)) as db:
            # Nothing ran yet, or the first runner is making the file at this moment.
            if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'run'").fetchone() is None:
                with closing(sqlite3.connect(":memory:")) as empty:
                    empty.executescript(SCHEMA)
                    yield empty
            else:
                yield db


def _run(*row: Any) -> Run:
    run_id, job_id, job_name, run_as, parameters, *rest = row[:11]
    return Run(run_id, job_id, job_name, run_as, json.loads(parameters), *rest)


def database(folder: Path) -> Path:
    """The sqlite file of a workspace's runs."""
    return folder / "runs.sqlite"


def log_path(folder: Path, run_id: int, task_key: str, attempt: int) -> Path:
    """The file of an attempt's log: a line is `<ISO time> <out|err> <text>`."""
    return folder / "logs" / str(run_id) / f"{task_key}.{attempt}.log"
