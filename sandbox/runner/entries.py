"""What a runner writes of the tasks of its runs: each change is committed before the runner goes on."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.run_store import connect
from sandbox.runner.attempt import Ended
from sandbox.runner.clock import Clock
from sandbox.runner.notices import Notices


class LostLeaseError(SandboxError):
    """Another runner took the run over: nothing more of it may be written."""

    def __init__(self, run_id: int) -> None:
        super().__init__(f"run {run_id} was taken over by another runner; this one stops working on it")


class Entries:
    """One runner's writer. Several runners may write to the same file at once; each only to the runs it holds."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self.folder, self.clock = folder, clock or Clock()
        self._lock = threading.Lock()
        self._db = connect(folder)
        # Run -> its epoch when this runner took it: a write under another epoch is refused.
        self._epochs: dict[int, int] = {}

    def task_started(self, task_run_id: int) -> None:
        """A task begins (again, in a repair)."""
        statement = "UPDATE task SET life_cycle = 'RUNNING', started = coalesce(started, ?) WHERE task_run_id = ?"
        self._write(task_run_id, statement, (self.clock.time(), task_run_id))

    def task_waits(self, task_run_id: int) -> None:
        """A task waits for its next attempt."""
        statement = "UPDATE task SET life_cycle = 'WAITING_FOR_RETRY' WHERE task_run_id = ?"
        self._write(task_run_id, statement, (task_run_id,))

    def task_child(self, task_run_id: int, child_run_id: int) -> None:
        """A `run_job_task` started a run."""
        statement = "UPDATE task SET child_run_id = ? WHERE task_run_id = ?"
        self._write(task_run_id, statement, (child_run_id, task_run_id))

    def task_ended(self, task_run_id: int, life_cycle: str, result: str, reason: str, outcome: str | None) -> None:
        """A task is over."""
        self._write(
            task_run_id,
            "UPDATE task SET life_cycle = ?, result = ?, reason = ?, outcome = ?, ended = ? WHERE task_run_id = ?",
            (life_cycle, result, reason, outcome, self.clock.time(), task_run_id),
        )

    def attempt_started(self, task_run_id: int, attempt: int, *, retried: bool = False) -> None:
        """An attempt begins. retried: whether an attempt of the same repair came before it."""
        with self._lock, Transaction(self._db) as db:
            run_id = self._fence(db, task_run_id)
            db.execute(
                "INSERT INTO attempt (task_run_id, attempt, repair, life_cycle, reason, started) "
                "SELECT ?, ?, repairs, 'RUNNING', '', ? FROM run WHERE run_id = ?",
                (task_run_id, attempt, self.clock.time(), run_id),
            )
            db.execute("UPDATE task SET life_cycle = 'RUNNING' WHERE task_run_id = ?", (task_run_id,))
            self._tell_of_task(db, task_run_id, lambda notices: notices.of_start(retried), "started")

    def attempt_ended(
        self, task_run_id: int, attempt: int, ended: Ended, values: dict[str, Any] | None = None, *, again: bool = False
    ) -> None:
        """An attempt is over; the task values it set and its notifications are kept with it, in one commit."""
        result = ended.result
        with self._lock, Transaction(self._db) as db:
            self._fence(db, task_run_id)
            db.execute(
                "UPDATE attempt SET life_cycle = ?, result = ?, reason = ?, ended = ? "
                "WHERE task_run_id = ? AND attempt = ?",
                (ended.state, result, ended.reason, self.clock.time(), task_run_id, attempt),
            )
            for key, value in (values or {}).items():
                db.execute("INSERT OR REPLACE INTO value VALUES (?, ?, ?)", (task_run_id, key, json.dumps(value)))
            self._tell_of_task(db, task_run_id, lambda notices: notices.of_end(result, again=again), _ended(result))

    def iterations(self, task_run_id: int, kind: str, inputs: Sequence[str], notify: str | None) -> dict[int, int]:
        """Open the iterations of a `for_each_task`: number (from 1) -> task run, of those that are still to run.

        Those that succeeded before, with the same inputs, stay as they are.
        """
        with self._lock, Transaction(self._db) as db:
            run_id = self._fence(db, task_run_id)
            key = db.execute("SELECT task_key FROM task WHERE task_run_id = ?", (task_run_id,)).fetchone()[0]
            rows = db.execute("SELECT input FROM task WHERE for_each = ? ORDER BY iteration", (task_run_id,)).fetchall()
            if [row[0] for row in rows] != list(inputs):
                old = "SELECT task_run_id FROM task WHERE for_each = ?"
                for table in ("attempt", "value"):
                    db.execute(f"DELETE FROM {table} WHERE task_run_id IN ({old})", (task_run_id,))
                db.execute("DELETE FROM task WHERE for_each = ?", (task_run_id,))
                db.executemany(
                    "INSERT INTO task (run_id, task_key, position, kind, life_cycle, reason, for_each, iteration, "
                    "input, notify) VALUES (?, ?, ?, ?, 'PENDING', '', ?, ?, ?, ?)",
                    (
                        (run_id, f"{key}.{number}", number, kind, task_run_id, number, one, notify)
                        for number, one in enumerate(inputs, 1)
                    ),
                )
            still = "for_each = ? AND coalesce(result, '') != 'SUCCESS'"
            db.execute(
                f"UPDATE task SET life_cycle = 'PENDING', result = NULL, reason = '', ended = NULL WHERE {still}",
                (task_run_id,),
            )
            found = db.execute(f"SELECT iteration, task_run_id FROM task WHERE {still}", (task_run_id,)).fetchall()
        return dict(sorted(found))

    def iterations_ended(self, task_run_id: int, result: str, reason: str) -> None:
        """End the iterations that were not started."""
        self._write(
            task_run_id,
            "UPDATE task SET life_cycle = 'TERMINATED', result = ?, reason = ?, ended = ? "
            "WHERE for_each = ? AND ended IS NULL",
            (result, reason, self.clock.time(), task_run_id),
        )

    def attempts(self, task_run_id: int) -> int:
        """How often a task was executed, repairs included."""
        with self._lock:
            found = self._db.execute("SELECT max(attempt) FROM attempt WHERE task_run_id = ?", (task_run_id,))
            return int(found.fetchone()[0] or 0)

    def task_took_long(self, task_run_id: int, seconds: float) -> None:
        """A task exceeded the duration of its health rule."""
        with self._lock, Transaction(self._db) as db:
            self._fence(db, task_run_id)
            said = f"takes longer than {seconds:g} s"
            self._tell_of_task(db, task_run_id, lambda _: "on_duration_warning_threshold_exceeded", said)

    def _write(self, task_run_id: int, statement: str, values: tuple[Any, ...]) -> None:
        with self._lock, Transaction(self._db) as db:
            self._fence(db, task_run_id)
            db.execute(statement, values)

    def _fence(self, db: sqlite3.Connection, task_run_id: int) -> int:
        """The run of the task; ``LostLeaseError`` when another runner has taken it."""
        found = db.execute("SELECT run_id FROM task WHERE task_run_id = ?", (task_run_id,)).fetchone()
        run_id = int(found[0]) if found else -1
        self._fence_run(db, run_id)
        return run_id

    def _fence_run(self, db: sqlite3.Connection, run_id: int) -> None:
        found = db.execute("SELECT epoch FROM run WHERE run_id = ?", (run_id,)).fetchone()
        if found is None or found[0] != self._epochs.get(run_id):
            raise LostLeaseError(run_id)

    def _tell_of_task(self, db: sqlite3.Connection, task_run_id: int, event: Any, said: str) -> None:
        row = db.execute("SELECT run_id, task_key, notify FROM task WHERE task_run_id = ?", (task_run_id,)).fetchone()
        notices = Notices.from_json(row[2])
        self._tell(db, row[0], row[1], notices, event(notices), said)

    def _tell(
        self, db: sqlite3.Connection, run_id: int, task_key: str, notices: Notices, event: str | None, said: str
    ) -> None:
        """Put one notification for each recipient of the event into the outbox."""
        recipients = notices.recipients.get(event or "", ())
        if not recipients:
            return
        job = db.execute("SELECT job_name FROM run WHERE run_id = ?", (run_id,)).fetchone()[0]
        subject = f"{job}, run {run_id}{f', task {task_key}' if task_key else ''}: {said}"
        db.executemany(
            "INSERT INTO notification (at, run_id, task_key, event, channel, recipient, subject) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(self.clock.time(), run_id, task_key, event, channel, whom, subject) for channel, whom in recipients],
        )


class Transaction:
    """Takes the write lock first, so that two runners wait for each other instead of failing half-way.

    ``SandboxError`` when the disk is full or gone; nothing of the transaction is kept then.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> sqlite3.Connection:
        self._db.execute("BEGIN IMMEDIATE")
        return self._db

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if kind is None:
            try:
                self._db.execute("COMMIT")
                return
            except sqlite3.OperationalError as failed:
                error = failed
        # A full disk may have ended the transaction already.
        with suppress(sqlite3.OperationalError):
            self._db.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError):
            raise SandboxError(
                f"the runs database cannot be written: {error}; what was written before is kept"
            ) from error


def _ended(result: str) -> str:
    return result.lower().replace("_", " ")
