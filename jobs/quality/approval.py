"""The Feature Analyst's word on a quality report: what it says yes to, and when it may not be given."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.model.names import FEATURES
from workflows.rules import FATAL

APPROVALS = "ml.data_approval"
SCHEMA = "job_run_id string, source string, tables string, approved_by string, reason string, approved_at timestamp"
SHORTEST_REASON = 10


@dataclass(frozen=True, kw_only=True)
class Report:
    """The newest checks of every table of a source.

    findings: of each table, a hash of all that the report says of it. versions: the version that was checked.
    stopping: the tables of which nothing may be made.
    """

    findings: Mapping[str, str]
    versions: Mapping[str, int | None]
    stopping: tuple[str, ...]


def current(
    rows: Iterable[Mapping[str, Any]], *, source: str, declared: Collection[str], there: Callable[[str], bool]
) -> list[Mapping[str, Any]]:
    """The rows of a report without those of tables that nothing makes any more, which would never be checked again.

    declared: what the source is delivered and made as. Of models the job does not know: their tables count while they
    are there.
    """
    rows = list(rows)
    kept = {
        table
        for table in {row["table"] for row in rows}
        if table in declared or (table.startswith(f"{source}_ra.{FEATURES}") and there(table))
    }
    return [row for row in rows if row["table"] in kept]


def newest(rows: Iterable[Mapping[str, Any]]) -> Report:
    """The report of the newest checks of each table."""
    rows = list(rows)
    last: dict[str, Any] = {}
    for row in rows:
        last[row["table"]] = max(row["checked_at"], last.get(row["table"], row["checked_at"]))
    found = [row for row in rows if row["checked_at"] == last[row["table"]]]
    bad = {row["table"] for row in found if row["severity"] == FATAL and row["state"] in ("failed", "error")}
    return Report(
        findings={row["table"]: row["findings"] for row in sorted(found, key=lambda row: row["table"])},
        versions={row["table"]: row["table_version"] for row in found},
        stopping=tuple(sorted(bad)),
    )


def refusals(
    report: Report, now: Mapping[str, int | None], *, source: str, approved_by: str, reason: str, principal: str
) -> list[str]:
    """Every reason against an approval, each with what to do; empty when there is none.

    now: the newest version of each table of the report. principal: who runs the task.
    """
    if not report.findings:
        return [f"{source} has no quality report: run {source}'s featurize job"]
    found = []
    for table, checked in sorted(report.versions.items()):
        other = now[table] != checked
        there = f"version {now[table]} is there" if now[table] is not None else "it is not there any more"
        if table in report.stopping and table.startswith(f"{source}."):
            found.append(f"{table} breaks its contract: have it delivered again")
        elif table in report.stopping:
            beside = f", and {there}, which was not checked" if other else ""
            found.append(f"{table} broke its contract in version {checked}{beside}: {anew(table, source)}")
        elif other:
            found.append(f"the report speaks of version {checked} of {table}, {there}: {anew(table, source)}")
    if not approved_by.strip():
        found.append("approved_by is empty: run the approve job with approved_by=<the feature analyst who approves it>")
    elif approved_by.strip().casefold() == principal.casefold():
        found.append(
            f"approved_by = {approved_by!r} is the service principal that made the report: a person has to sign"
        )
    if len(reason.strip()) < SHORTEST_REASON:
        found.append(f"reason = {reason!r} is not valid: {SHORTEST_REASON} letters or more")
    return found


def anew(table: str, source: str) -> str:
    """What to do so that the report speaks of a table as it is."""
    made = table.removeprefix(f"{source}_ra.")
    if made.startswith(FEATURES):
        model = made.removeprefix(FEATURES)
        return f"run {model}'s featurize job, or drop the table where {model} is retired"
    return f"run {source}'s featurize job again"
