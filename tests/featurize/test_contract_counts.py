"""What the counts of a contract's checks make of it: thresholds, empty tables, duplicates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from curated import contract, deliver, frame, rows
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.featurize.columns import typed
from jobs.featurize.contract import counted, rejected, results
from jobs.featurize.counts import Check
from jobs.io.context import Task
from jobs.tasks.check import _check
from workflows.contract import Column, Contract
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


LABORATORY = Contract(
    table="lab", meaning="one row a value", key=("id", "day"), once=True,
    columns=(
        Column(name="id", type="long", nullable=False, meaning="person"),
        Column(name="day", type="date", meaning="day"),
        Column(name="value", type="double", meaning="value"),
    ),
)  # fmt: skip
SCHEMA = "id string, day string, value string"


@pytest.mark.parametrize("person", [None, "id"])
def test_a_row_in_two_spellings_is_a_duplicate_and_breaks_no_key(person: str | None, spark: SparkSession):
    given = [("5", "2021-03-04", "1"), ("05", "2021-03-04", "1.0"), ("5", "2021-03-04", "1"), ("6", "2021-03-04", None),
             ("6", "2021-03-04", " "), ("6", "2021-03-05", "1"), ("7", "2021-03-04", "x")]  # fmt: skip
    table = spark.createDataFrame(given, SCHEMA)
    found = {one.check: one for one in results(table, LABORATORY, person=person)}
    assert found["duplicates"].rows == len(given) - typed(table, LABORATORY).count() == 3
    assert (found["key"].state, found["key"].rows) == ("passed", 0)
    behind = found["duplicates"].behind
    assert behind is None if person is None else behind is not None and behind.broken == 2
    # Blank text is empty (docs/sources.md), and so no number that cannot be read.
    assert [row["reason"] for row in rejected(table, LABORATORY).collect()] == ["value is not a number"]


def test_rows_that_share_a_key_and_differ_are_at_fault_each_spelling_of_them(spark: SparkSession):
    given = [("5", "2021-03-04", "1"), ("5", "2021-03-04", "1.0"), ("5", "2021-03-04", None), ("6", "2021-03-04", "1")]
    table = spark.createDataFrame(given, SCHEMA)
    found = {one.check: one.rows for one in results(table, LABORATORY)}
    assert (found["duplicates"], found["key"]) == (1, 1)
    assert sorted(row["id"] for row in rejected(table, LABORATORY).collect()) == ["5"] * 3
