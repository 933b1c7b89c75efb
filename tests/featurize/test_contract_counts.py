"""What the counts of a contract's checks make of it: thresholds, empty tables, duplicates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from curated import contract, deliver, frame, rows
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.featurize.contract import counted, results
from jobs.featurize.counts import Check
from jobs.io.context import Task
from jobs.tasks.check import _check
from workflows.featurizations.synthetic_omop import synthetic_omop

pytestmark = pytest.mark.spark
STAYS = "visit_occurrence"


@pytest.mark.parametrize(
    ("threshold", "rows_at_fault", "state"), [(0.29, 29, "passed"), (0.29, 30, "failed"), (0.07, 7, "passed")]
)
def test_a_threshold_allows_just_the_share_that_it_says(
    threshold: float, rows_at_fault: int, state: str, spark: SparkSession
):
    from pyspark.sql import functions as sf

    check = Check(id="x", what="x", severity="fatal", applies=None, broken=sf.lit(False), threshold=threshold)
    assert counted(contract(STAYS), check, rows_at_fault, 100, 100, None).state == state


def test_an_empty_table_is_told_as_empty_by_a_check_that_has_a_version(spark: SparkSession):
    stays = contract(STAYS)
    for empty, state in ((False, "failed"), (True, "not applicable")):
        made = results(frame(spark, STAYS, []), replace(stays, empty=empty))
        (one,) = (result for result in made if result.check == "rows")
        assert (one.state, one.reason) == (state, "the table has no rows")
        assert all(result.version for result in made)


def test_a_table_that_is_not_there_is_reported_by_a_check_that_has_a_version(
    zones: SparkSession, make_task: Callable[..., Task]
):
    given = rows()
    deliver(zones, {table: frame(zones, table, given[table]) for table in given if table != "person"})
    with pytest.raises(TaskError, match="person: the table does not exist"):
        _check(make_task(synthetic_omop))
    report = zones.table("synthetic_omop_ra.quality").where("check_id = 'table'").collect()
    assert [(row["table"], bool(row["check_version"])) for row in report] == [("synthetic_omop.person", True)]
