"""The features task keeps the rows that no change of the facts reaches, and makes all anew where it cannot know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from curated import deliver, frame, rows
from history_world import CONDITIONS, DECLARED, NAME
from pyspark.sql import SparkSession

from jobs.featurize.features import feature_table
from jobs.io.context import Task
from jobs.tasks.facts import _facts
from jobs.tasks.features import _features
from jobs.tasks.unreached import other
from workflows.covariates import code_rows
from workflows.declare import Codes, CountOf, InpatientStays, LatestOf, Model, days, replace
from workflows.models.readmission import readmission
from workflows.sources.synthetic_omop import synthetic_omop

pytestmark = [pytest.mark.clause("O3", "F7")]

HEART = Codes("heart", (("ICD10CM", "I50"), ("ICD10CM", "E11")))
MODEL = replace(
    readmission, cohort=InpatientStays(index="discharge"), features=[CountOf(HEART, days(-90, -1))]
)  # fmt: skip
TABLE, VISITS = "synthetic_omop_ra.feature_readmission", "synthetic_omop.visit_occurrence"
PERSON, INDEX, PERIOD = (f"s_ra.{name}" for name in ("fact_person", "fact_encounter_index", "fact_observation_period"))
KEPT, ANEW = "keeps the rows that no change of synthetic_omop_ra.fact_person", "feature_readmission is made anew: "


def test_what_may_move_and_what_may_not():
    before = {PERSON: 4, INDEX: 2, PERIOD: 1}
    said = {"content": "same", "inputs": before}
    for moved in ({}, {INDEX: 3}):
        assert other(said, "same", before | {PERSON: 6} | moved) is None
    cases: list[tuple[Mapping[str, Any], str, dict[str, int], str]] = [
        (said, "another", {PERSON: 6}, "definition"),
        ({}, "same", {PERSON: 6}, "somebody changed its rows"),
        ({"content": "same", "inputs": {}}, "same", {PERSON: 6}, "no newer version"),
        (said, "same", {}, "fact_person has no newer version"),
        (said, "same", {PERSON: 3}, "fact_person has no newer version"),
        (said, "same", {PERSON: 6, PERIOD: 2}, "fact_observation_period changed"),
    ]
    for told, content, moved, why in cases:
        assert why in (other(told, content, before | moved) or "")


def stated(key: int, person: int, at: str, code: str) -> str:
    values = (key, person, f"{at} 08:00:00", 100 + person, code)
    columns = (
        "condition_occurrence_id, person_id, condition_start_datetime, visit_occurrence_id, condition_source_value"
    )
    return f"INSERT INTO {CONDITIONS} ({columns}) VALUES ({', '.join(repr(str(value)) for value in values)})"


# Entered late; corrected, where it is seen and out of everybody's sight; deleted.
CHANGES = [
    stated(600, 1, "2021-03-20", "E11.9"),
    f"UPDATE {CONDITIONS} SET condition_source_value = 'Z00.0' WHERE condition_occurrence_id IN ('502', '503')",
    f"UPDATE {CONDITIONS} SET condition_start_datetime = '2001-01-01 08:00:00' WHERE condition_occurrence_id = '504'",
    f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id = '505'",
]


@pytest.fixture
def run(recorded: SparkSession, make_task: Callable[..., Task], capsys: pytest.CaptureFixture[str]):
    """Brings up the facts and then the features of a model; what the features task logged."""

    def go(model: Model = MODEL, commit: str = "abc123", **parameters: str) -> str:
        for name in ("fact_person", "fact_encounter_index"):
            settings = {"table": name, "person_sample": "1.0", "outcomes_through": "1.0"} | parameters
            _facts(make_task(DECLARED, **settings))
        task = make_task(model)
        # What code that is not committed made is not gone on from.
        vars(task)["commit"] = commit
        capsys.readouterr()
        _features(task)
        task.tables.flush()
        return capsys.readouterr().out

    return go


def content(spark: SparkSession) -> list[tuple[Any, ...]]:
    return sorted(map(tuple, spark.table(TABLE).collect()), key=lambda row: row[1])


def anew(spark: SparkSession, model: Model = MODEL) -> list[tuple[Any, ...]]:
    """The feature table by its transform, of the facts as they are."""
    encounters, events = spark.table("synthetic_omop_ra.fact_encounter_index"), spark.table(NAME)
    codes = code_rows(model.of_events, {})
    made = feature_table(encounters, events, codes, model, synthetic_omop, {})
    return sorted(map(tuple, made.collect()), key=lambda row: row[1])


@pytest.mark.spark
@pytest.mark.slow
def test_a_table_that_is_brought_up_is_the_one_that_is_made_anew(recorded: SparkSession, run: Callable[..., str]):
    assert "feature_readmission is at version 0" in run()
    properties = {row["key"]: row["value"] for row in recorded.sql(f"SHOW TBLPROPERTIES {NAME}").collect()}
    assert properties["delta.enableChangeDataFeed"] == "true"
    before = content(recorded)

    # Seen from 2021 on: a correction counts from the moment of its commit, so that the dates have to be later.
    recorded.sql(f"UPDATE {VISITS} SET visit_end_datetime = '2090-01-01 10:00:00' WHERE visit_occurrence_id = '103'")
    for change in CHANGES:
        recorded.sql(change).collect()
    new = rows()
    extra = {**new["visit_occurrence"][0], "visit_occurrence_id": "990", "person_id": "6",
             "visit_end_datetime": "2021-06-01 10:00:00"}  # fmt: skip
    frame(recorded, "visit_occurrence", [extra]).write.format("delta").mode("append").saveAsTable(VISITS)
    said = run()
    assert KEPT in said
    assert ANEW not in said
    assert content(recorded) == anew(recorded) != before
    # 103 has become a stay of days to come, which no row is made of yet.
    assert {row[1] for row in content(recorded)} == {row[1] for row in before} - {103} | {990}

    # In nobody's sight: there is no row to be made again.
    recorded.sql(stated(602, 1, "2001-01-01", "E11.9")).collect()
    before = content(recorded)
    assert KEPT in run()
    assert content(recorded) == anew(recorded) == before

    # As if the task had died after the features were written and before they were described.
    recorded.sql("DROP TABLE synthetic_omop_ra.quality")
    assert "no newer version than it was made from" in run()
    assert content(recorded) == anew(recorded)


@pytest.mark.spark
@pytest.mark.nightly
def test_where_it_cannot_know_what_changed_all_is_made_anew_and_the_log_says_why(
    recorded: SparkSession, run: Callable[..., str]
):
    run()
    more = replace(MODEL, features=[*MODEL.features, LatestOf(HEART, days(-90, -1))])
    recorded.sql(CHANGES[0]).collect()
    assert f"{ANEW}its definition" in run(more)
    assert content(recorded) == anew(recorded, more)
    recorded.sql(CHANGES[3]).collect()
    assert f"{ANEW}synthetic_omop_ra.fact_person is not only changed since version" in run(more, rebuild="true")
    assert content(recorded) == anew(recorded, more)
    # What goes unrecorded for a while cannot be followed, also where it is recorded again.
    recorded.sql(f"ALTER TABLE {NAME} SET TBLPROPERTIES (delta.enableChangeDataFeed = false)")
    deliver(recorded, {"condition_occurrence": frame(recorded, "condition_occurrence", rows()["condition_occurrence"])})
    assert f"{ANEW}synthetic_omop_ra.fact_person is not only changed" in run(more)
    recorded.sql(stated(601, 2, "2021-03-20", "E11.9")).collect()
    assert f"{ANEW}synthetic_omop_ra.fact_person has no change feed since version" in run(more)
    assert content(recorded) == anew(recorded, more)


@pytest.mark.spark
@pytest.mark.nightly
def test_facts_that_were_dropped_and_made_again_are_no_change_of_those_before(
    recorded: SparkSession, run: Callable[..., str], make_task: Callable[..., Task]
):
    run()
    recorded.sql(f"UPDATE {CONDITIONS} SET condition_source_value = 'E11.9' WHERE condition_occurrence_id < '515'")
    recorded.sql(f"DROP TABLE {NAME}")
    _facts(make_task(DECLARED, table="fact_person", person_sample="1.0", outcomes_through="1.0"))
    # As many versions as if it had only been changed.
    recorded.sql(stated(610, 3, "2001-01-01", "E11.9")).collect()
    assert f"{ANEW}{NAME} is not only changed since version 0" in run()
    assert content(recorded) == anew(recorded)
