"""Schedules and triggers: which deployed jobs are due, on a clock that is passed in; nothing here waits.

What was seen (tables' versions, files, the last time) is kept in the runs database, so that a trigger that fired does
not fire again for the same reason, whoever looks next.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sandbox.errors import SandboxError
from sandbox.run_store import connect
from sandbox.runner.clock import Clock
from sandbox.runner.deployed import deployed_jobs
from sandbox.runner.entries import Transaction
from sandbox.runner.job import Job, Trigger
from sandbox.runner.quartz import Quartz
from sandbox.workspace import Workspace

_UNITS = {"HOURS": 3600, "DAYS": 86_400, "WEEKS": 604_800}
# What a run that a trigger starts says of it (`job.trigger.type`).
TYPES = {"schedule": "PERIODIC", "periodic": "PERIODIC", "file_arrival": "FILE_ARRIVAL", "table_update": "TABLE"}


@dataclass(frozen=True)
class Due:
    """A job that is to be started. at: since when. why: for a person."""

    job: str
    trigger: str
    at: float
    why: str


class Triggers:
    """Looks at the deployed jobs' schedules and triggers. The first look only remembers what there is."""

    def __init__(self, workspace: Workspace, clock: Clock) -> None:
        self._workspace, self._clock = workspace, clock

    def look(self) -> list[Due]:
        """The jobs that are due now, each once; a paused trigger is never due."""
        due = []
        jobs = deployed_jobs(self._workspace).values()
        # One at a time: two who look at once must not both find the same job due.
        with closing(connect(self._workspace.runs)) as db, Transaction(db):
            for job in jobs:
                if job.trigger is not None and not job.trigger.paused:
                    found = self._look_at(db, job, job.trigger)
                    due += [found] if found else []
        return sorted(due, key=lambda one: (one.at, one.job))

    def run_until(self, end: float, start: Callable[[Due], object], every: float = 60.0) -> list[Due]:
        """Look every so many seconds until ``end``, starting what is due; time passes by the clock's own `wait`.

        "File arrival triggers make a best effort to check for new files every minute".
        """
        started, never = [], threading.Event()
        while True:
            for due in self.look():
                start(due)
                started.append(due)
            if self._clock.time() >= end:
                return started
            self._clock.wait(never, min(every, end - self._clock.time()))

    def _look_at(self, db: sqlite3.Connection, job: Job, trigger: Trigger) -> Due | None:
        looks = {
            "schedule": self._scheduled,
            "periodic": self._periodic,
            "file_arrival": self._arrived,
            "table_update": self._updated,
        }
        row = db.execute("SELECT state FROM trigger_state WHERE job_id = ?", (job.id,)).fetchone()
        kept = json.loads(row[0]) if row else {}
        # A job whose trigger was changed starts anew.
        mark = [trigger.kind, trigger.settings]
        state = kept.get("state", {}) if kept.get("trigger") == mark else {}
        due = looks[trigger.kind](job, trigger.settings, state)
        text = json.dumps({"trigger": mark, "state": state})
        if row is None or text != row[0]:
            db.execute("INSERT OR REPLACE INTO trigger_state VALUES (?, ?)", (job.id, text))
        return due

    def _due(self, job: Job, at: float, why: str) -> Due:
        assert job.trigger is not None
        return Due(job.name, TYPES[job.trigger.kind], at, why)

    def _scheduled(self, job: Job, settings: dict[str, Any], state: dict[str, Any]) -> Due | None:
        now = self._clock.time()
        quartz = Quartz(settings["expression"], settings["timezone"])
        at = quartz.after(float(state.setdefault("since", now)))
        if at is None or at > now:
            return None
        # Times that nobody looked at are made up for once, not once each.
        state["since"] = now
        return self._due(job, at, f"schedule {settings['expression']}")

    def _periodic(self, job: Job, settings: dict[str, Any], state: dict[str, Any]) -> Due | None:
        now, interval = self._clock.time(), settings["interval"] * _UNITS[settings["unit"]]
        last = float(state.setdefault("last", now))
        if now < last + interval:
            return None
        state["last"] = last + (now - last) // interval * interval
        return self._due(job, last + interval, f"every {settings['interval']} {settings['unit'].lower()}")

    def _arrived(self, job: Job, settings: dict[str, Any], state: dict[str, Any]) -> Due | None:
        # "A file arrival trigger recursively checks for new files in all subdirectories of the configured location."
        # "Only new files trigger runs. Overwriting an existing file with a file of the same name does not trigger a
        # run."
        folder = self._workspace.volume_path(settings["url"])
        files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        seen = set(state.setdefault("seen", files))
        new = [name for name in files if name not in seen]
        state["pending"] = pending = sorted({*state.get("pending", []), *new})
        state["seen"] = files
        if not self._ripe(settings, state, changed=bool(new), pending=bool(pending)):
            return None
        state["pending"] = []
        return self._due(job, self._clock.time(), f"{len(pending)} new files in {settings['url']}")

    def _updated(self, job: Job, settings: dict[str, Any], state: dict[str, Any]) -> Due | None:
        versions = {table: self._version(table) for table in settings["tables"]}
        before = state.setdefault("versions", versions)
        changed = [table for table, version in versions.items() if version != before.get(table)]
        state["pending"] = pending = sorted({*state.get("pending", []), *changed})
        state["versions"] = versions
        wanted = len(settings["tables"]) if settings["condition"] == "ALL_UPDATED" else 1
        if not self._ripe(settings, state, changed=bool(changed), pending=len(pending) >= wanted):
            return None
        state["pending"] = []
        return self._due(job, self._clock.time(), f"updated: {', '.join(pending)}")

    def _ripe(self, settings: dict[str, Any], state: dict[str, Any], *, changed: bool, pending: bool) -> bool:
        """Whether the waits that the trigger asks for are over."""
        now = self._clock.time()
        if changed:
            state["changed"] = now
        # "If set, the trigger starts a run only after the specified amount of time has passed since the last time the
        # trigger fired" and "only after no file activity has occurred for the specified amount of time".
        if not pending or now < state.get("fired", 0) + settings["min_time_between_triggers_seconds"]:
            return False
        if now < state.get("changed", 0) + settings["wait_after_last_change_seconds"]:
            return False
        state["fired"] = now
        return True

    def _version(self, table: str) -> int:
        """A table's Delta version; -1 while there is none. ``SandboxError`` for a table of another catalog."""
        catalog, schema, name = table.split(".")
        if catalog != self._workspace.catalog:
            raise SandboxError(f"table '{table}' is not in this workspace; its catalog: {self._workspace.catalog}")
        log = self._workspace.warehouse / schema / name / "_delta_log"
        versions = [int(path.stem) for path in log.glob("*.json") if path.stem.isdigit()]
        return max(versions, default=-1)
