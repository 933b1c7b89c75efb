"""unseal: break-glass. The engineers (R6) read one source's persons for some minutes; then the zones are sealed again.

Who starts it says who asks, why and under which ticket; the job's own notifications tell the operators when it starts
and when it ends. It gives reading alone, and takes it back whatever happens meanwhile.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from jobs.errors import TaskError
from jobs.io.context import Task, run
from jobs.io.grants import Grants
from workflows.sources import named

PRIVILEGES = ("SELECT", "USE_SCHEMA")
LONGEST = 50  # minutes; a task is stopped after an hour
SHORTEST_REASON = 10
RECORD = "ml.unsealed"
SCHEMA = (
    "job_run_id string, event string, source string, requested_by string, reason string, ticket string, minutes int, "
    "at timestamp"
)


@dataclass(frozen=True)
class Opening:
    """Who asks for it, why, under which ticket, and for how many minutes."""

    requested_by: str
    reason: str
    ticket: str
    minutes: int

    @classmethod
    def of(cls, parameters: Callable[[str], str]) -> Opening:
        """From a task's parameters; raises TaskError naming the one that will not do."""
        given = {name: parameters(name).strip() for name in ("requested_by", "reason", "ticket", "minutes")}
        for name in ("requested_by", "ticket"):
            if not given[name]:
                raise TaskError(f"unseal: {name} is empty; valid: {name}=<{name.replace('_', ' ')}>")
        if len(given["reason"]) < SHORTEST_REASON:
            raise TaskError(
                f"unseal: reason = {given['reason']!r} is not valid; valid: {SHORTEST_REASON} letters or more"
            )
        minutes = int(given["minutes"]) if given["minutes"].isdecimal() else 0
        if not 1 <= minutes <= LONGEST:
            raise TaskError(f"unseal: minutes = {given['minutes']!r} is not valid; valid: 1 to {LONGEST}")
        return cls(given["requested_by"], given["reason"], given["ticket"], minutes)


def hold_open(
    grants: Grants, zones: Sequence[str], group: str, seconds: float, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Give the group reading of the zones for so long; whatever ends the wait, every zone is sealed again."""
    try:
        for zone in zones:
            grants.give(zone, group, PRIVILEGES)
        sleep(seconds)
    finally:
        failed: list[str] = []
        for zone in zones:
            # One zone that cannot be sealed must not leave the next one open.
            try:
                grants.take(zone, group, PRIVILEGES)
            except Exception:
                failed.append(zone)
        if failed:
            raise TaskError(f"unseal: {', '.join(failed)} could not be sealed; deploy the stage now, which takes it")


def _unseal(task: Task, grants: Grants | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
    opening, source = Opening.of(task.parameter), named(task.declaration.source)
    zones = [f"{task.catalog}.{source.name}", f"{task.catalog}.{source.name}_ra"]
    # A run that is cancelled is told to end; then what it opened is sealed as at its end.
    with suppress(ValueError):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    record(task, "opened", source.name, opening)
    task.log(
        f"{', '.join(zones)} are open to {task.parameter('group')} for {opening.minutes} minutes: {opening.ticket}"
    )
    try:
        hold_open(grants or Grants(), zones, task.parameter("group"), opening.minutes * 60, sleep)
    finally:
        record(task, "ended", source.name, opening)
    task.log(f"{', '.join(zones)} are sealed")


def record(task: Task, event: str, source: str, opening: Opening) -> None:
    """A row that stays."""
    row = (task.job_run_id, event, source, opening.requested_by, opening.reason, opening.ticket, opening.minutes,
           datetime.now(UTC))  # fmt: skip
    task.tables.append(RECORD, task.spark.createDataFrame([row], SCHEMA))


# Not proved here: the break-glass job on a cluster. Why: the runner's tasks are given no REST door; a test opens the
# zones through the door with the official client. On Azure: run `<source>_unseal` in dev; an engineer reads, and
# afterwards is refused.
def unseal() -> None:
    """Entry point."""
    run(_unseal)
