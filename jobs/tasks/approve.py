"""approve: a person's word on the newest quality report of a source. The next report that differs is not approved."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from jobs.errors import TaskError
from jobs.io.context import Task, run
from jobs.quality.approval import APPROVALS, SCHEMA, current, newest, refusals
from jobs.quality.table import QUALITY
from workflows.contracts.facts import tables_of
from workflows.sources import named

COLUMNS = ("table", "table_version", "checked_at", "severity", "state", "findings")


def approve() -> None:
    """Entry point."""
    run(_approve)


def _approve(task: Task) -> None:
    source = task.declaration.source
    table = f"{source}_ra.{QUALITY}"
    rows = task.tables.read(table).select(*COLUMNS).distinct().collect() if task.tables.exists(table) else []
    of_source = current(
        (row.asDict() for row in rows), source=source, declared=tables_of(named(source)), there=task.tables.exists
    )
    report = newest(of_source)
    given = {name: task.parameters.get(name, "").strip() for name in ("approved_by", "reason")}
    now = {name: task.tables.version(name) for name in report.versions}
    if reasons := refusals(report, now, source=source, principal=task.principal, **given):
        raise TaskError(f"the quality report of {source} is not approved: {'; '.join(reasons)}")
    findings = json.dumps(dict(report.findings), sort_keys=True)
    row = (task.job_run_id, source, findings, given["approved_by"], given["reason"], datetime.now(UTC))
    read = {name: version for name, version in report.versions.items() if version is not None}
    task.tables.append(APPROVALS, task.spark.createDataFrame([row], SCHEMA), read)
    task.log(f"the quality report of {source} is approved, for {len(read)} tables")
