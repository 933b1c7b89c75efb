"""The quality report as a table: one row a check of a table, in every run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from jobs.quality.published import Published
from jobs.quality.result import version_of
from workflows.contract import Contract
from workflows.source import Source

QUALITY, STATISTICS = "quality", "statistics"
SCHEMA = (
    "job_run_id string, checked_at timestamp, table string, table_version long, check_id string, check_version string, "
    "what string, severity string, threshold double, state string, reason string, rows_at_fault long, "
    "rows_checked long, share double, table_rows long, findings string"
)


def rows(
    found: Iterable[Published], *, job_run_id: str, checked_at: datetime, table: str, version: int | None
) -> list[tuple[Any, ...]]:
    """Published results as rows of the report; `findings` is a hash of all that they say of this version."""
    found = list(found)
    told = [
        (one.result.check, one.result.version, one.result.state, one.result.threshold, one.rows, one.of)
        for one in found
    ]
    findings = version_of(table, version, sorted(told, key=repr))
    return [
        (
            job_run_id, checked_at, table, version, one.result.check, one.result.version,
            one.result.what, one.result.severity, one.result.threshold, one.result.state, one.result.reason, one.rows,
            one.of, one.share, one.all_rows, findings,
        )
        for one in found
    ]  # fmt: skip


def of_persons(contract: Contract) -> bool:
    """Whether a table tells of persons: unless all its columns are public."""
    return any(column.classification != "public" for column in contract.columns)


def whose(source: Source, contract: Contract) -> str | None:
    """The expression of whose a row of a curated table is; where it names no person, the stay; None where neither."""
    names = {column.name for column in contract.columns}
    declared = {
        (source.persons.table, source.persons.person_id),
        (source.encounters.table, source.encounters.person_id),
        *((part.table, part.person_id) for part in (source.observation, source.notes) if part is not None),
        *((part.table, part.person_id) for part in source.events),
    }
    own = sorted(expression for table, expression in declared if table == contract.table and "." not in expression)
    if own:
        return own[0]
    stay = source.encounters.visit_occurrence_id
    return next((name for name in ("person_id", stay) if name in names), None)
