"""Reads the runs of a workspace's jobs: every run, task, attempt, task value and notification, as it happened.

Readers (command line, report, services) use ``Runs``; only the runner writes, through ``sandbox.runner.ledger``.
Times are seconds since 1970; states and results are named as Databricks names them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.errors import SandboxError
from sandbox.run_store import log_path, reading
from sandbox.workspace import Workspace

_RUN = (
    "run_id, job_id, job_name, run_as, parameters, parent_run_id, life_cycle, result, reason, started, ended, trigger, "
    "queued, repairs"
)
_TASK = (
    "task_run_id, run_id, task_key, kind, life_cycle, result, reason, outcome, child_run_id, started, ended, "
    "iteration, input"
)


@dataclass(frozen=True)
class Run:
    """One run of a job. parent_run_id: the run whose `run_job_task` started it, if one did.

    trigger: `MANUAL`, `RUN_JOB_TASK`, `PERIODIC`, `FILE_ARRIVAL` or `TABLE`. queued: when it was asked for. repairs:
    how many there were. worked: seconds in which something was done for it, waits between repairs not counted.
    """

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
    trigger: str
    queued: float
    repairs: int
    worked: float

    @property
    def seconds(self) -> float | None:
        """How long it took, repairs included; None while it runs."""
        return None if self.ended is None else self.worked

    @property
    def active(self) -> bool:
        """Whether it is queued or runs."""
        return self.ended is None


@dataclass(frozen=True)
class Attempt:
    """One execution of a task; numbered from 1."""

    attempt: int
    life_cycle: str
    result: str | None
    reason: str
    started: float
    ended: float | None
    repair: int


@dataclass(frozen=True)
class TaskRun:
    """One task of a run, or one iteration of a `for_each_task` (key `<task>.<number>`, from 1, with its ``input``).

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
    iteration: int | None = None
    input: str | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took with all its attempts; None before its end and for one that never started."""
        return None if self.ended is None or self.started is None else self.ended - self.started


@dataclass(frozen=True)
class Repair:
    """One stretch of work on a run: 0 is the first, each repair another one."""

    repair: int
    started: float
    ended: float | None
    result: str | None
    reason: str


@dataclass(frozen=True)
class Notification:
    """One message in the outbox. task_key: "" for one about the whole run. channel: `email` or `webhook`."""

    at: float
    run_id: int
    task_key: str
    event: str
    channel: str
    recipient: str
    subject: str


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
        return self._tasks("run_id = ? AND for_each IS NULL ORDER BY position", run_id)

    def task(self, run_id: int, task_key: str) -> TaskRun:
        """A task or an iteration by its key; ``SandboxError`` lists the valid tasks."""
        self.run(run_id)
        found = self._tasks("run_id = ? AND task_key = ?", run_id, task_key)
        if not found:
            valid = ", ".join(task.task_key for task in self.tasks(run_id)) or "none"
            raise SandboxError(f"run {run_id} has no task '{task_key}'; valid: {valid}")
        return found[0]

    def task_run(self, task_run_id: int) -> TaskRun | None:
        """A task or an iteration of any run, or None."""
        return next(iter(self._tasks("task_run_id = ?", task_run_id)), None)

    def iterations(self, task_run_id: int, start: int = 0, count: int = -1) -> list[TaskRun]:
        """The iterations of a `for_each_task`, in the order of its inputs: ``count`` of them (-1: all)."""
        return self._tasks("for_each = ? ORDER BY iteration LIMIT ? OFFSET ?", task_run_id, count, start)

    def inputs(self, task_run_id: int) -> list[str]:
        """The inputs of a `for_each_task`, each as JSON."""
        with reading(self.folder) as db:
            rows = db.execute("SELECT input FROM task WHERE for_each = ? ORDER BY iteration", (task_run_id,))
            return [row[0] for row in rows]

    def repairs(self, run_id: int) -> list[Repair]:
        """A run's work: the first, then each repair."""
        columns = "repair, started, ended, result, coalesce(reason, '')"
        with reading(self.folder) as db:
            rows = db.execute(f"SELECT {columns} FROM repair WHERE run_id = ? ORDER BY repair", (run_id,))
            return [Repair(*row) for row in rows]

    def iteration_states(self, task_run_id: int) -> dict[str, int]:
        """How many iterations of a `for_each_task` are in each state: result, or life cycle without one."""
        with reading(self.folder) as db:
            rows = db.execute(
                "SELECT coalesce(result, life_cycle), count(*) FROM task WHERE for_each = ? GROUP BY 1 ORDER BY 1",
                (task_run_id,),
            )
            return dict(rows.fetchall())

    def notifications(self, run_id: int | None = None) -> list[Notification]:
        """The outbox (of one run), oldest first."""
        where, values = ("WHERE run_id = ?", (run_id,)) if run_id is not None else ("", ())
        with reading(self.folder) as db:
            rows = db.execute(
                "SELECT at, run_id, task_key, event, channel, recipient, subject "
                f"FROM notification {where} ORDER BY notification_id",
                values,
            ).fetchall()
        return [Notification(*row) for row in rows]

    def log(self, run_id: int, task_key: str, attempt: int | None = None) -> list[LogLine]:
        """What an attempt (the last one by default) of a task wrote; empty when it never started."""
        return list(self.log_lines(run_id, task_key, attempt))

    def log_lines(self, run_id: int, task_key: str, attempt: int | None = None) -> Iterator[LogLine]:
        """As ``log``, one by one."""
        path = log_path(self.folder, run_id, task_key, attempt or len(self.task(run_id, task_key).attempts))
        if not path.exists():
            return
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                # Half a line: one that is being written, or that a runner which was killed left.
                parts = line.rstrip("\n").split(" ", 2)
                if len(parts) == 3 and line.endswith("\n"):
                    yield LogLine(*parts)

    def _runs(self, where: str, values: tuple[Any, ...]) -> list[Run]:
        worked = "(SELECT sum(coalesce(ended, 0) - started) FROM repair WHERE repair.run_id = run.run_id AND ended > 0)"
        with reading(self.folder) as db:
            rows = db.execute(f"SELECT {_RUN}, coalesce({worked}, 0) FROM run {where}", values).fetchall()
        found = (list(row) for row in rows)
        return [Run(*[*row[:4], json.loads(row[4]), *row[5:]]) for row in found]

    def _tasks(self, where: str, *values: Any) -> list[TaskRun]:
        with reading(self.folder) as db:
            rows = db.execute(f"SELECT {_TASK} FROM task WHERE {where}", values).fetchall()
            return [self._task(db, row) for row in rows]

    def _task(self, db: sqlite3.Connection, row: tuple[Any, ...]) -> TaskRun:
        attempts = db.execute(
            "SELECT attempt, life_cycle, result, reason, started, ended, repair FROM attempt WHERE task_run_id = ? "
            "ORDER BY attempt",
            (row[0],),
        )
        values = db.execute("SELECT key, value FROM value WHERE task_run_id = ? ORDER BY key", (row[0],))
        found = {name: json.loads(value) for name, value in values}
        return TaskRun(*[*row[:11], tuple(Attempt(*attempt) for attempt in attempts), found, *row[11:]])
