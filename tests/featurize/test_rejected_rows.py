"""Rows at fault are kept apart from just the version that was checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from curated import deliver, frame, rows
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.io.context import Task
from jobs.tasks import check
from workflows.featurizations.synthetic_omop import synthetic_omop

pytestmark = pytest.mark.spark
STAYS = "visit_occurrence"


def test_rows_at_fault_are_those_of_the_version_that_was_checked_whatever_is_delivered_meanwhile(
    zones: SparkSession, make_task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
):
    good = rows()
    deliver(zones, {table: frame(zones, table, good[table]) for table in good})
    ends = [row | {"visit_end_datetime": "1999-01-01 00:00:00"} if n < 12 else row for n, row in enumerate(good[STAYS])]
    deliver(zones, {STAYS: frame(zones, STAYS, ends)})
    record = check.record

    def slow(*args: Any, **named: Any) -> None:
        deliver(zones, {STAYS: frame(zones, STAYS, good[STAYS])})
        record(*args, **named)

    monkeypatch.setattr(check, "record", slow)
    with pytest.raises(TaskError, match=f"the rows at fault are in synthetic_omop_ra.rejected_{STAYS}"):
        check._check(make_task(synthetic_omop))
    apart = zones.table(f"synthetic_omop_ra.rejected_{STAYS}").collect()
    assert {row["visit_occurrence_id"] for row in apart} == {row["visit_occurrence_id"] for row in ends[:12]}
    said = zones.sql(f"DESCRIBE HISTORY synthetic_omop_ra.rejected_{STAYS}").first()
    assert said is not None
    assert f'"synthetic_omop.{STAYS}": 1' in said["userMetadata"]
