"""A key that names two rows of the source: no fact that still stands is lost, whatever brought the second row."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from curated import PERSONS, deliver, frame, rows
from history_world import CONDITIONS, NAME
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.io.context import Task

pytestmark = [pytest.mark.spark, pytest.mark.clause("O3", "C4")]
REFUSED = r"condition_occurrence: a row that goes .*key \(condition_occurrence_id\) is repeated.*rebuild=true"
SECOND = "condition_occurrence_id = '501' AND condition_source_value = 'E11.9'"


def stands(spark: SparkSession) -> list[str]:
    """The open codes of the person whose row has the key."""
    found = spark.table(NAME).where("person_id = 1 AND known_to IS NULL").select("concept_code").collect()
    return sorted(row["concept_code"] for row in found)


def twice_in_the_base(spark: SparkSession, facts: Callable[..., Task]) -> Task:
    given = rows()["condition_occurrence"]
    given.append({**given[0], "condition_source_value": "E11.9"})
    deliver(spark, {"condition_occurrence": frame(spark, "condition_occurrence", given)})
    return facts()


def twice_by_two_runs(spark: SparkSession, facts: Callable[..., Task]) -> Task:
    facts()
    columns = (
        "condition_occurrence_id, person_id, condition_start_datetime, visit_occurrence_id, condition_source_value"
    )
    spark.sql(f"INSERT INTO {CONDITIONS} ({columns}) VALUES ('501', '1', '2021-03-01 08:00:00', '101', 'E11.9')")
    return facts()


@pytest.mark.parametrize("repeated", [twice_in_the_base, twice_by_two_runs])
@pytest.mark.parametrize("change", [f"DELETE FROM {CONDITIONS} WHERE", f"UPDATE {CONDITIONS} SET person_id = 2 WHERE"])
def test_one_row_of_a_repeated_key_that_goes_or_changes_closes_no_fact_of_the_other(
    recorded: SparkSession, facts: Callable[..., Task], repeated: Callable[..., Task], change: str
):
    task = repeated(recorded, facts)
    assert stands(recorded) == ["E11.9", "I50.9"], "as a build from the source makes them"
    version = task.tables.version(NAME)
    recorded.sql(f"{change} {SECOND}")
    with pytest.raises(TaskError, match=REFUSED):
        facts()
    assert task.tables.version(NAME) == version, "the previous version is intact"
    facts(rebuild="true")
    assert stands(recorded) == ["I50.9"]
    assert recorded.table(NAME).where("known_to IS NULL").count() in (PERSONS, PERSONS + 1)


def test_other_rows_of_a_table_with_a_repeated_key_go_on(recorded: SparkSession, facts: Callable[..., Task]):
    twice_in_the_base(recorded, facts)
    recorded.sql(f"UPDATE {CONDITIONS} SET condition_source_value = 'I11.0' WHERE condition_occurrence_id = '502'")
    facts()
    found = recorded.table(NAME).where("person_id = 2").select("concept_code", "known_to").collect()
    assert {row["concept_code"]: row["known_to"] is None for row in found} == {"I50.9": False, "I11.0": True}
    assert stands(recorded) == ["E11.9", "I50.9"]
