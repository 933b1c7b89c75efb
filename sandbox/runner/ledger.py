"""Writes the runs of a workspace: each change is committed before the runner goes on."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from sandbox.process import started
from sandbox.runs import SCHEMA, database

# A process's start time is read with the resolution of the kernel's clock tick.
_SAME_START_SECONDS = 1.5


class Ledger:
    """One runner's writer. Several runners may write to the same file at once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock = threading.Lock()
        self._db = sqlite3.connect(database(folder), timeout=60, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def recover(self) -> list[int]:
        """End what runners that are gone left unfinished; the ids of their runs."""
        with self._lock, _Transaction(self._db) as db:
            rows = db.execute("SELECT run_id, owner_pid, owner_started FROM run WHERE ended IS NULL").fetchall()
            orphans = [(run_id, pid) for run_id, pid, since in rows if not _alive(pid, since)]
            for run_id, pid in orphans:
                reason = f"the runner (process {pid}) ended while this run was active"
                values = ("INTERNAL_ERROR", "FAILED", reason, time.time(), run_id)
                change = "SET life_cycle = ?, result = ?, reason = ?, ended = ?"
                tasks = "SELECT task_run_id FROM task WHERE run_id = ?"
                db.execute(f"UPDATE attempt {change} WHERE ended IS NULL AND task_run_id IN ({tasks})", values)
                db.execute(f"UPDATE task {change} WHERE ended IS NULL AND run_id = ?", values)
                db.execute(f"UPDATE run {change} WHERE run_id = ?", values)
        return [run_id for run_id, _ in orphans]

    def begin(
        self,
        *,
        job_id: str,
        job_name: str,
        run_as: str,
        parameters: dict[str, str],
        parent: int | None,
        tasks: Iterable[tuple[str, str]],
        at_once: int,
    ) -> tuple[int, dict[str, int], str]:
        """Open a run: its id, each task's id, and why it is skipped ("" when it is not).

        tasks: (key, kind) in the order of the DAG. at_once: how many runs of the job may be active.
        """
        now, pid = time.time(), os.getpid()
        with self._lock, _Transaction(self._db) as db:
            active = db.execute(
                "SELECT run_id, owner_pid FROM run WHERE job_id = ? AND job_name = ? AND ended IS NULL",
                (job_id, job_name),
            ).fetchall()
            run_id = db.execute(
                "INSERT INTO run (job_id, job_name, run_as, parameters, parent_run_id, life_cycle, reason, started, "
                "owner_pid, owner_started) VALUES (?, ?, ?, ?, ?, 'RUNNING', '', ?, ?, ?) RETURNING run_id",
                (job_id, job_name, run_as, json.dumps(parameters, sort_keys=True), parent, now, pid, started(pid)),
            ).fetchone()[0]
            if len(active) >= at_once:
                other = active[0]
                reason = f"run {other[0]} of this job is still active (process {other[1]}); at most {at_once} may be"
                db.execute(
                    "UPDATE run SET life_cycle = 'SKIPPED', result = 'MAXIMUM_CONCURRENT_RUNS_REACHED', reason = ?, "
                    "ended = ? WHERE run_id = ?",
                    (reason, now, run_id),
                )
                return run_id, {}, reason
            ids = {}
            for position, (key, kind) in enumerate(tasks):
                ids[key] = db.execute(
                    "INSERT INTO task (run_id, task_key, position, kind, life_cycle, reason) "
                    "VALUES (?, ?, ?, ?, 'PENDING', '') RETURNING task_run_id",
                    (run_id, key, position, kind),
                ).fetchone()[0]
        return run_id, ids, ""

    def end(self, run_id: int, life_cycle: str, result: str, reason: str) -> None:
        """A run is over."""
        self._write(
            "UPDATE run SET life_cycle = ?, result = ?, reason = ?, ended = ? WHERE run_id = ?",
            (life_cycle, result, reason, time.time(), run_id),
        )

    def task_started(self, task_run_id: int) -> None:
        """A task's first attempt begins."""
        statement = "UPDATE task SET life_cycle = 'RUNNING', started = ? WHERE task_run_id = ?"
        self._write(statement, (time.time(), task_run_id))

    def task_child(self, task_run_id: int, child_run_id: int) -> None:
        """A `run_job_task` started a run."""
        self._write("UPDATE task SET child_run_id = ? WHERE task_run_id = ?", (child_run_id, task_run_id))

    def task_ended(self, task_run_id: int, life_cycle: str, result: str, reason: str, outcome: str | None) -> None:
        """A task is over."""
        self._write(
            "UPDATE task SET life_cycle = ?, result = ?, reason = ?, outcome = ?, ended = ? WHERE task_run_id = ?",
            (life_cycle, result, reason, outcome, time.time(), task_run_id),
        )

    def attempt_started(self, task_run_id: int, attempt: int) -> None:
        """An attempt begins."""
        self._write(
            "INSERT INTO attempt (task_run_id, attempt, life_cycle, reason, started) VALUES (?, ?, 'RUNNING', '', ?)",
            (task_run_id, attempt, time.time()),
        )

    def attempt_ended(self, task_run_id: int, attempt: int, result: str, reason: str, values: dict[str, Any]) -> None:
        """An attempt is over; the task values it set are kept with it, in one commit."""
        with self._lock, _Transaction(self._db) as db:
            db.execute(
                "UPDATE attempt SET life_cycle = 'TERMINATED', result = ?, reason = ?, ended = ? "
                "WHERE task_run_id = ? AND attempt = ?",
                (result, reason, time.time(), task_run_id, attempt),
            )
            for key, value in values.items():
                db.execute("INSERT OR REPLACE INTO value VALUES (?, ?, ?)", (task_run_id, key, json.dumps(value)))

    def _write(self, statement: str, values: tuple[Any, ...]) -> None:
        with self._lock, _Transaction(self._db) as db:
            db.execute(statement, values)


class _Transaction:
    """Takes the write lock first, so that two runners wait for each other instead of failing half-way."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> sqlite3.Connection:
        self._db.execute("BEGIN IMMEDIATE")
        return self._db

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")


def _alive(pid: int, since: float) -> bool:
    now = started(pid)
    return now is not None and abs(now - since) < _SAME_START_SECONDS


def read_values(path: Path) -> dict[str, Any]:
    """The task values in an attempt's file: one JSON object {"key", "value"} a line, the last of a key counts."""
    if not path.exists():
        return {}
    found: dict[str, Any] = {}
    with closing(path.open(encoding="utf-8")) as lines:
        for line in lines:
            if line.endswith("\n"):
                entry = json.loads(line)
                found[str(entry["key"])] = entry["value"]
    return found
