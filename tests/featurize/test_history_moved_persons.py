"""An event that is another person's now, as two persons are merged or it was booked to the wrong one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from curated import request
from history_world import CONDITIONS, DECLARED, NAME, moments
from pyspark.sql import SparkSession

from jobs.featurize.compared import compared
from jobs.featurize.facts import EVENT_COLUMNS
from jobs.featurize.knowledge import on_their_day
from jobs.io.context import Task
from jobs.tasks.withdraw import _withdraw

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1", "O3", "P4")]

EVENT = datetime(2021, 3, 5)


def said(spark: SparkSession, key: int) -> list[tuple[Any, ...]]:
    """(person, code, known_from, known_to) of the facts of a condition, in the order in which they were known."""
    rows = spark.table(NAME).where("source_table = 'condition_occurrence'").join(
        spark.table(CONDITIONS).where(f"condition_occurrence_id = '{key}'")
        .selectExpr("timestamp(condition_start_datetime) AS event_start_datetime"), "event_start_datetime",
    )  # fmt: skip
    found = [(r["person_id"], r["concept_code"], r["known_from"], r["known_to"]) for r in rows.collect()]
    return sorted(found, key=lambda one: one[3] or datetime.max)


def update(spark: SparkSession, what: str) -> None:
    spark.sql(f"UPDATE {CONDITIONS} SET {what} WHERE condition_occurrence_id = '505'").collect()


@pytest.fixture
def booked_to_another(recorded: SparkSession, facts: Callable[..., Task]) -> SparkSession:
    """Facts in which the event of 5 March was person 5's and is person 6's."""
    facts()
    update(recorded, "person_id = '6'")
    facts()
    return recorded


def test_who_an_event_is_of_is_no_news_of_it_and_what_it_says_is(recorded: SparkSession, facts: Callable[..., Task]):
    facts()
    update(recorded, "person_id = '6'")
    facts()
    moved = moments(recorded)[1]
    assert said(recorded, 505) == [(5, "I50.9", EVENT, moved), (6, "I50.9", EVENT, None)]

    update(recorded, "condition_source_value = 'I11.0'")
    facts()
    mended = moments(recorded)[2]
    assert said(recorded, 505)[1:] == [(6, "I50.9", EVENT, mended), (6, "I11.0", mended, None)]

    # It says since a correction what it says: nobody's index date before that sees it, whosever it is.
    update(recorded, "person_id = '7'")
    facts()
    again = moments(recorded)[3]
    assert said(recorded, 505)[2:] == [(6, "I11.0", mended, again), (7, "I11.0", again, None)]


def test_what_comes_and_moves_between_two_runs_is_known_as_it_would_be_after_each(
    recorded: SparkSession, facts: Callable[..., Task]
):
    facts()
    values = {"condition_occurrence_id": 700, "person_id": 5, "condition_start_datetime": "2020-01-02 00:00:00",
              "visit_occurrence_id": 105, "condition_source_value": "E11.9"}  # fmt: skip
    given = ", ".join(repr(str(one)) for one in values.values())
    recorded.sql(f"INSERT INTO {CONDITIONS} ({', '.join(values)}) VALUES ({given})").collect()
    recorded.sql(f"UPDATE {CONDITIONS} SET person_id = '6' WHERE condition_occurrence_id = '700'").collect()
    recorded.sql(f"UPDATE {CONDITIONS} SET person_id = '7' WHERE condition_occurrence_id = '700'").collect()
    facts()
    event, (first, second) = datetime(2020, 1, 2), moments(recorded)[2:]
    assert said(recorded, 700) == [
        (5, "E11.9", event, first), (6, "E11.9", event, second), (7, "E11.9", event, None)
    ]  # fmt: skip


def test_an_index_date_is_of_whom_its_event_is_of_now(booked_to_another: SparkSession):
    entries = on_their_day(booked_to_another.table(NAME)).where("date(event_start_datetime) = '2021-03-05'").collect()
    assert [row["person_id"] for row in entries if row["source_table"] == "condition_occurrence"] == [6]


def test_a_withdrawal_takes_out_what_was_another_persons_before(
    booked_to_another: SparkSession, make_task: Callable[..., Task], tmp_path: Path
):
    others = booked_to_another.table(NAME).where("person_id NOT IN (5, 6)").count()
    _withdraw(make_task(DECLARED, request=request(tmp_path, "6\n")))
    left = booked_to_another.table(NAME)
    assert left.where("date(event_start_datetime) = '2021-03-05' AND source_table = 'condition_occurrence'").isEmpty()
    assert left.where("person_id = 6").isEmpty()
    assert left.where("person_id NOT IN (5, 6)").count() == others


def test_the_withdrawal_of_whom_an_event_was_booked_to_by_mistake_leaves_it_to_the_other(
    booked_to_another: SparkSession, make_task: Callable[..., Task], tmp_path: Path
):
    _withdraw(make_task(DECLARED, request=request(tmp_path, "5\n")))
    assert [(person, until) for person, _, _, until in said(booked_to_another, 505)] == [(6, None)]


def test_an_index_date_of_an_event_that_is_gone_is_of_whom_it_was_of_last(
    booked_to_another: SparkSession, facts: Callable[..., Task]
):
    booked_to_another.sql(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id = '505'").collect()
    facts()
    entries = on_their_day(booked_to_another.table(NAME)).where("date(event_start_datetime) = '2021-03-05'").collect()
    assert [row["person_id"] for row in entries if row["source_table"] == "condition_occurrence"] == [6]


def test_a_row_whose_person_is_told_by_another_table_is_known_as_it_was(spark: SparkSession):
    schema = (
        "person_id long, visit_occurrence_id long, event_start_datetime timestamp, event_end_datetime timestamp, "
        "vocabulary_id string, concept_code string, value_as_number double, value_as_string string, "
        "unit_source_value string, source_table string, fact_id long, source_version long, known_from timestamp, "
        "known_to timestamp"
    )

    def row(person: int, fact: int, code: str, known: datetime | None) -> tuple[Any, ...]:
        return (person, 7, EVENT, None, "ICD10CM", code, None, None, None, "charges", fact, 1, known, None)

    late, now = datetime(2022, 1, 1), datetime(2026, 1, 1)
    there = [row(1, 10, "A", EVENT), row(1, 11, "B", late), row(1, 12, "C", None), row(1, 13, "D", EVENT)]
    # The fourth says something else besides; the fifth is new.
    says = [row(2, 10, "A", EVENT), row(2, 11, "B", EVENT), row(2, 12, "C", EVENT), row(2, 13, "E", EVENT),
            row(2, 14, "F", EVENT)]  # fmt: skip
    given, facts = (spark.createDataFrame(some, schema) for some in (says, there))
    micros = int(now.timestamp()) * 1_000_000
    found = compared(given, facts, {"charges": micros}, ["charges"]).collect()
    assert set(EVENT_COLUMNS) < set(found[0].asDict())
    assert {r["fact_id"]: r["known_from"] for r in found} == {10: EVENT, 11: late, 12: None, 13: now, 14: EVENT}
