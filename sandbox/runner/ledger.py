"""Writes the runs of a workspace: their beginning, queue, cancellation, repair and end."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.process import started
from sandbox.run_store import lock_path
from sandbox.runner.clock import Clock
from sandbox.runner.entries import Entries, Transaction
from sandbox.runner.lease import STRAY_SECONDS, acquire, trying
from sandbox.runner.notices import Notices

_END = "SET life_cycle = ?, result = ?, reason = ?, ended = ?"


class Ledger(Entries):
    """One runner's writer of runs; it holds the lease of each run from its beginning (or repair) to its end."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        super().__init__(folder, clock)
        self._leases: dict[int, int] = {}

    def close(self) -> None:
        """Let go of the file and of every lease."""
        for run_id in list(self._leases):
            self._release(run_id)
        self._db.close()

    def lease(self, run_id: int) -> int:
        """The descriptor of the run's lock, for the processes of its tasks to inherit."""
        return self._leases[run_id]

    def recover(self) -> list[int]:
        """End what runners that are gone left unfinished; the ids of their runs."""
        with self._lock:
            rows = self._db.execute("SELECT run_id, owner_pid FROM run WHERE ended IS NULL").fetchall()
        ended = []
        for run_id, pid in rows:
            if run_id in self._leases:
                continue
            # The runner's processes may outlive it for a moment: nothing is decided before they are gone.
            patience = STRAY_SECONDS if started(pid) is None else 0.0
            with trying(lock_path(self.folder, run_id), patience) as lock:
                if lock is not None and self._bury(run_id, pid):
                    ended.append(run_id)
        return ended

    def _bury(self, run_id: int, pid: int) -> bool:
        values = ("INTERNAL_ERROR", "FAILED", f"the runner (process {pid}) ended while this run was active")
        with self._lock, Transaction(self._db) as db:
            row = db.execute("SELECT notify FROM run WHERE run_id = ? AND ended IS NULL", (run_id,)).fetchone()
            if row is None:
                return False
            now = self.clock.time()
            tasks = "SELECT task_run_id FROM task WHERE run_id = ?"
            db.execute(
                f"UPDATE attempt {_END} WHERE ended IS NULL AND task_run_id IN ({tasks})", (*values, now, run_id)
            )
            db.execute(f"UPDATE task {_END} WHERE ended IS NULL AND run_id = ?", (*values, now, run_id))
            self._end(db, run_id, *values)
            db.execute("UPDATE run SET epoch = epoch + 1 WHERE run_id = ?", (run_id,))
        return True

    def begin(
        self,
        *,
        job_id: str,
        job_name: str,
        run_as: str,
        parameters: dict[str, str],
        parent: int | None,
        tasks: Iterable[tuple[str, ...]],
        at_once: int,
        queue: bool = False,
        trigger: str = "",
        notify: str | None = None,
    ) -> tuple[int, dict[str, int], str]:
        """Open a run: its id, each task's id, and why it does not start now ("" when it does).

        tasks: (key, kind[, notifications]) in the order of the DAG. at_once: how many runs of the job may be active.
        queue: whether a run that may not start waits (`start_queued`) or is skipped.
        """
        now, pid = self.clock.time(), os.getpid()
        trigger = trigger or ("MANUAL" if parent is None else "RUN_JOB_TASK")
        with self._lock, Transaction(self._db) as db:
            active = db.execute(
                "SELECT run_id, owner_pid FROM run WHERE job_id = ? AND job_name = ? AND ended IS NULL",
                (job_id, job_name),
            ).fetchall()
            run_id = db.execute(
                "INSERT INTO run (job_id, job_name, run_as, parameters, parent_run_id, trigger, life_cycle, reason, "
                "queued, started, at_once, owner_pid, epoch, repairs, notify) "
                "VALUES (?, ?, ?, ?, ?, ?, 'RUNNING', '', ?, ?, ?, ?, 1, 0, ?) RETURNING run_id",
                (job_id, job_name, run_as, json.dumps(parameters, sort_keys=True), parent, trigger, now, now, at_once,
                 pid, notify),
            ).fetchone()[0]  # fmt: skip
            self._take(run_id, 1)
            ids = {} if active[at_once - 1 :] and not queue else self._open(db, run_id, tasks)
            if len(active) < at_once:
                self._start(db, run_id)
                return run_id, ids, ""
            other = active[0]
            reason = f"run {other[0]} of this job is still active (process {other[1]}); at most {at_once} may be"
            if queue:
                db.execute("UPDATE run SET life_cycle = 'QUEUED', reason = ? WHERE run_id = ?", (reason, run_id))
            else:
                self._end(db, run_id, "SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED", reason)
        if not queue:
            self._release(run_id)
        return run_id, ids, reason

    def start_queued(self, run_id: int) -> bool:
        """Start a queued run if it is its turn: fewer than allowed are active, and none waits for longer."""
        with self._lock, Transaction(self._db) as db:
            self._fence_run(db, run_id)
            before = db.execute(
                "SELECT count(*), max(mine.at_once) FROM run AS mine LEFT JOIN run AS other ON other.run_id != "
                "mine.run_id AND other.job_id = mine.job_id AND other.job_name = mine.job_name AND other.ended IS NULL "
                "AND (other.life_cycle != 'QUEUED' OR other.run_id < mine.run_id) "
                "WHERE mine.run_id = ? AND other.run_id IS NOT NULL",
                (run_id,),
            ).fetchone()
            if before[0] and before[0] >= before[1]:
                return False
            db.execute(
                "UPDATE run SET life_cycle = 'RUNNING', reason = '', started = ? WHERE run_id = ?",
                (self.clock.time(), run_id),
            )
            self._start(db, run_id)
        return True

    def reopen(self, run_id: int, tasks: Iterable[tuple[str, ...]], rerun: Collection[str]) -> dict[str, int]:
        """Take an ended run for a repair: each task's id; those in ``rerun`` wait again and forget what they gave.

        ``SandboxError`` when the run is active, or as many runs of its job are as may be.
        """
        with self._lock, Transaction(self._db) as db:
            row = db.execute(
                "SELECT ended, owner_pid, job_id, job_name, at_once, epoch, repairs FROM run WHERE run_id = ?",
                (run_id,),
            ).fetchone()
            if row is None or row[0] is None:
                raise SandboxError(f"run {run_id} is still active (process {row[1] if row else 0}); cancel it first")
            others = db.execute(
                "SELECT run_id FROM run WHERE job_id = ? AND job_name = ? AND ended IS NULL", (row[2], row[3])
            ).fetchall()
            if len(others) >= row[4]:
                raise SandboxError(
                    f"run {run_id} cannot be repaired now: run {others[0][0]} of its job is active; "
                    f"at most {row[4]} may be"
                )
            self._take(run_id, row[5] + 1)
            now = self.clock.time()
            db.execute(
                "UPDATE run SET life_cycle = 'RUNNING', result = NULL, reason = '', ended = NULL, cancel_asked = NULL, "
                "owner_pid = ?, epoch = epoch + 1, repairs = repairs + 1 WHERE run_id = ?",
                (os.getpid(), run_id),
            )
            db.execute("INSERT INTO repair VALUES (?, ?, ?, NULL, NULL, NULL)", (run_id, row[6] + 1, now))
            ids = self._open(db, run_id, tasks)
            for key in rerun:
                db.execute(
                    "UPDATE task SET life_cycle = 'PENDING', result = NULL, reason = '', outcome = NULL, "
                    "child_run_id = NULL, started = NULL, ended = NULL WHERE task_run_id = ?",
                    (ids[key],),
                )
                db.execute("DELETE FROM value WHERE task_run_id = ?", (ids[key],))
            self._tell_of_run(db, run_id, "on_start", "repair started")
        return ids

    def ask_cancel(self, run_id: int) -> None:
        """Ask the runner of an active run to stop it."""
        with self._lock, Transaction(self._db) as db:
            row = db.execute("SELECT life_cycle, result, ended FROM run WHERE run_id = ?", (run_id,)).fetchone()
            if row is None:
                raise SandboxError(f"run {run_id} is unknown")
            if row[2] is not None:
                raise SandboxError(f"run {run_id} is not active: {row[0]} {row[1]}")
            asked = "UPDATE run SET cancel_asked = coalesce(cancel_asked, ?) WHERE run_id = ?"
            db.execute(asked, (self.clock.time(), run_id))

    def cancel_asked(self, run_id: int) -> bool:
        """Whether somebody asked to cancel the run."""
        with self._lock:
            row = self._db.execute("SELECT cancel_asked FROM run WHERE run_id = ?", (run_id,)).fetchone()
        return row is not None and row[0] is not None

    def began(self, run_id: int) -> float:
        """When the run started, or was queued while it waits."""
        with self._lock:
            return float(self._db.execute("SELECT started FROM run WHERE run_id = ?", (run_id,)).fetchone()[0])

    def run_took_long(self, run_id: int, seconds: float) -> None:
        """A run exceeded the duration of its health rule."""
        with self._lock, Transaction(self._db) as db:
            self._fence_run(db, run_id)
            event = "on_duration_warning_threshold_exceeded"
            self._tell_of_run(db, run_id, event, f"takes longer than {seconds:g} s")

    def end(self, run_id: int, life_cycle: str, result: str, reason: str) -> None:
        """A run is over; its lease is free."""
        with self._lock, Transaction(self._db) as db:
            self._fence_run(db, run_id)
            self._end(db, run_id, life_cycle, result, reason)
        self._release(run_id)

    def _open(self, db: sqlite3.Connection, run_id: int, tasks: Iterable[tuple[str, ...]]) -> dict[str, int]:
        """Make the rows of the tasks that have none yet; each task's id."""
        for position, (key, kind, *notify) in enumerate(tasks):
            db.execute(
                "INSERT INTO task (run_id, task_key, position, kind, life_cycle, reason, notify) "
                "VALUES (?, ?, ?, ?, 'PENDING', '', ?) ON CONFLICT (run_id, task_key) "
                "DO UPDATE SET position = excluded.position, kind = excluded.kind, notify = excluded.notify",
                (run_id, key, position, kind, notify[0] if notify else None),
            )
        return dict(
            db.execute("SELECT task_key, task_run_id FROM task WHERE run_id = ? AND for_each IS NULL", (run_id,))
        )

    def _start(self, db: sqlite3.Connection, run_id: int) -> None:
        db.execute("INSERT INTO repair VALUES (?, 0, ?, NULL, NULL, NULL)", (run_id, self.clock.time()))
        self._tell_of_run(db, run_id, "on_start", "started")

    def _end(self, db: sqlite3.Connection, run_id: int, life_cycle: str, result: str, reason: str) -> None:
        values = (life_cycle, result, reason, self.clock.time(), run_id)
        db.execute(f"UPDATE run {_END} WHERE run_id = ?", values)
        db.execute("UPDATE repair SET result = ?, reason = ?, ended = ? WHERE run_id = ? AND ended IS NULL", values[1:])
        notices = self._notices(db, run_id)
        event = notices.of_end(result, skipped=life_cycle == "SKIPPED")
        said = result.lower().replace("_", " ")
        self._tell(db, run_id, "", notices, event, f"{said}: {reason}" if reason else said)

    def _tell_of_run(self, db: sqlite3.Connection, run_id: int, event: str, said: str) -> None:
        self._tell(db, run_id, "", self._notices(db, run_id), event, said)

    @staticmethod
    def _notices(db: sqlite3.Connection, run_id: int) -> Notices:
        return Notices.from_json(db.execute("SELECT notify FROM run WHERE run_id = ?", (run_id,)).fetchone()[0])

    def _take(self, run_id: int, epoch: int) -> None:
        descriptor = acquire(lock_path(self.folder, run_id))
        if descriptor is None:
            raise SandboxError(f"a process of run {run_id} still works on it; try again when it has ended")
        self._leases[run_id], self._epochs[run_id] = descriptor, epoch

    def _release(self, run_id: int) -> None:
        self._epochs.pop(run_id, None)
        with suppress(KeyError, OSError):
            os.close(self._leases.pop(run_id))
