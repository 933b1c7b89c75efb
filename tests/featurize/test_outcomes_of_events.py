"""Outcomes of concept sets: where they count, and which version of a fact they see."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as sf
from stays import MODEL, Record, Stay, at, encounters, events, made

from workflows.declare import (
    Codes,
    Cohort,
    Event,
    InpatientStays,
    NoPriorOutcome,
    days,
    replace,
)

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1", "7", "11")]


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("concepts", ["chronic_conditions.heart_failure", Codes("hf", (("ICD10CM", "I50"),))])
def test_an_outcome_of_a_concept_set_is_an_event_of_it_in_the_time_at_risk(
    spark: SparkSession, concepts: str | Codes, stored: bool
):
    records = {1: (0, "I50.9"), 2: (1, "I50.9"), 3: (30, "I50"), 4: (31, "I50.9"), 5: (9, "E11.9"), 6: (-9, "I50.9")}
    facts = events(spark, [Record(person, 50 + day, code) for person, (day, code) in records.items()])
    # Another stay in the time at risk is not this outcome.
    stays = [Stay(person, 50, 0) for person in records] + [Stay(5, 55, 1), Stay(9, 300, 0)]
    model = replace(MODEL, outcome=Event(concepts, days(1, 30)))
    rows = made(spark, encounters(spark, stays, len(stays)), facts, model, stored=stored)
    found = {
        row["person_id"]: (row["outcome"], row["outcome_known"])
        for row in rows.collect()
        if row["visit_occurrence_id"] < 6
    }
    assert found == {1: (0, True), 2: (1, True), 3: (1, True), 4: (0, True), 5: (0, True), 6: (0, True)}


def test_an_outcome_is_looked_up_as_it_is_said_now_and_features_as_they_were_known(spark: SparkSession):
    facts = events(
        spark, [Record(1, 60, "I50.9"), Record(2, 60, "I50.9"), Record(1, 49, "E11.9"), Record(2, 49, "E11.9")]
    )
    later = facts.selectExpr("*", f"timestamp'{at(70, 0)}' AS known_from", "CAST(NULL AS timestamp) AS known_to")
    # Of person 2 the failure was taken back.
    taken_back = later.withColumn(
        "known_to", sf.expr(f"IF(person_id = 2 AND concept_code = 'I50.9', timestamp'{at(80, 0)}', NULL)")
    )
    stays = [Stay(1, 50, 0), Stay(2, 50, 0), Stay(9, 300, 0)]
    model = replace(MODEL, outcome=Event("chronic_conditions.heart_failure", days(1, 30)))
    rows = (
        made(spark, encounters(spark, stays, 3), taken_back, model)
        .where("person_id < 9")
        .orderBy("person_id")
        .collect()
    )
    assert [row["outcome"] for row in rows] == [1, 0]
    assert [row["f_any_chronic_conditions_diabetes"] for row in rows] == [0.0, 0.0]


def test_no_prior_outcome_is_of_the_outcomes_concept_set(spark: SparkSession):
    model = replace(
        MODEL, outcome=Event("chronic_conditions.heart_failure", days(1, 30)),
        cohort=Cohort(entry=InpatientStays(), steps=[NoPriorOutcome()]),
    )  # fmt: skip
    facts = events(spark, [Record(1, 49, "I50.9"), Record(2, 51, "I50.9"), Record(3, 49, "E11.9")])
    table = made(
        spark, encounters(spark, [Stay(1, 50, 0), Stay(2, 50, 0), Stay(3, 50, 0), Stay(9, 300, 0)], 4), facts, model
    )
    assert {row["person_id"]: row["outcome"] for row in table.collect()} == {2: 1, 3: 0, 9: None}
