"""A feature table has a contract made of what its model declares: it names, checks and documents every column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cohort_world import SETS, facts, world
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf
from random_features import features as random_features

from jobs.errors import TaskError
from jobs.featurize.cohort import of_model, selection
from jobs.featurize.contract import results, shape
from jobs.featurize.entries import Facts
from jobs.featurize.features import features_of
from jobs.featurize.withdrawal import TOMBSTONES, digest_sql
from jobs.io.context import Task
from jobs.tasks import features as task_features
from workflows.contract import Contract
from workflows.contracts.feature_table import feature_contract
from workflows.covariates import code_rows, sets_of
from workflows.declare import AnyOf, AtIndex, CountOf, DaysSince, Demographics, Derived, Model, StayDays, Visits, days
from workflows.features import Charlson
from workflows.models.readmission import readmission
from workflows.sources.synthetic_omop import synthetic_omop

pytestmark = [pytest.mark.spark, pytest.mark.clause("F5", "F7", "4")]
TABLE = "synthetic_omop_ra.feature_readmission"
YEAR = days(-365, -1)
MODEL = replace(
    readmission,
    features=[
        Demographics(), AtIndex("length_of_stay", because="known at discharge"), Visits(YEAR), StayDays(YEAR),
        CountOf("inpatient_admission", YEAR), AnyOf(SETS[0], YEAR), DaysSince(SETS[1], YEAR), Charlson(YEAR),
        Derived("often", "at_least", ("visits_365_1",), threshold=2),
        Derived("share", "ratio", ("count_inpatient_admission_365_1", "visits_365_1")),
    ],
)  # fmt: skip
MADE = world(5, persons=150)
# A rule -> a value that breaks it, and where.
BROKEN = {
    "numbers": ("f_share", "double('NaN')"),
    "flags": ("f_any_heart", "2.0"),
    "counts": ("f_visits_365_1", "-1.0"),
    "days": ("f_days_since_sugar_365_1", "366.0"),
    "ages": ("f_age", "131.0"),
    "outcome_where_known": ("outcome_known", "NOT outcome_known"),
    "outcome_allowed": ("outcome", "2"),
    "person_id_not_null": ("person_id", "NULL"),
}


def contract_of(model: Model) -> Contract:
    return feature_contract(model, synthetic_omop, sets_of(model.of_events, synthetic_omop.collections))


def world_of(spark: SparkSession, model: Model) -> Facts:
    there, sets = facts(spark, MADE, []), sets_of(model.of_events, synthetic_omop.collections)
    codes = code_rows(model.of_events, sets)
    encounters = there.encounters.withColumn("attr_length_of_stay", sf.col("length_of_stay"))
    events = there.events.withColumn("value_as_number", sf.expr("pmod(xxhash64(*), 40) / 4"))
    events = events.withColumn("unit_source_value", sf.expr("if(value_as_number > 5, 'mg/dL', 'mmol/L')"))
    return replace(there, encounters=encounters, events=events, codes=codes)


def table_of(spark: SparkSession, model: Model) -> DataFrame:
    there, sets = world_of(spark, model), sets_of(model.of_events, synthetic_omop.collections)
    return features_of(selection(of_model(model), there), there, model, synthetic_omop, sets)


@pytest.fixture(scope="module")
def table(spark: SparkSession) -> list[Any]:
    made = table_of(spark, MODEL)
    return [made.schema, made.collect()]


def test_the_columns_of_the_contract_are_those_that_the_engine_makes_in_its_order_and_types(spark: SparkSession):
    made, contract = table_of(spark, MODEL), contract_of(MODEL)
    assert [column.name for column in contract.columns] == made.columns
    assert shape(made.schema, contract) == []


@settings(max_examples=10)
@given(some=random_features(SETS, [400, 365, 30, 1], 14, apart=False), data=st.data())
def test_so_they_are_for_features_of_events_at_random(spark: SparkSession, some, data):
    people = data.draw(st.sampled_from([[], [Demographics()], [Visits(YEAR), StayDays(YEAR)]]))
    model = replace(readmission, features=[*people, *some])
    made, contract = table_of(spark, model), contract_of(model)
    assert [column.name for column in contract.columns] == made.columns
    assert shape(made.schema, contract) == []
    assert [str(one) for one in results(made, contract, person="person_id") if one.state in ("failed", "error")] == []


def test_a_day_by_overlap_may_lie_before_its_window_and_no_other_and_none_after_it():
    some = [DaysSince(SETS[0], YEAR, rule=rule, label=rule) for rule in ("start", "overlap")]
    (days_rule,) = (one for one in contract_of(replace(readmission, features=some)).rules if one.id == "days")
    said = [part.removeprefix("coalesce(f_").removesuffix(", true)") for part in days_rule.condition.split(" AND ")]
    start, overlap = (f"days_since_heart_{name}" for name in ("start", "overlap"))
    assert said == [f"{start} >= 1", f"{start} <= 365", f"{overlap} >= 1"]


def test_a_table_that_the_engine_makes_keeps_its_contract(spark: SparkSession, table):
    made = spark.createDataFrame(table[1], table[0])
    assert len(table[1]) > 50
    found = results(made, contract_of(MODEL), person="person_id")
    assert {one.check for one in found} >= {*BROKEN, "key"}
    assert [str(one) for one in found if one.state != "passed"] == []


@pytest.mark.parametrize("rule", BROKEN)
def test_exactly_the_rows_that_break_a_rule_are_counted(spark: SparkSession, table, rule: str):
    column, value = BROKEN[rule]
    keys = sorted(row["visit_occurrence_id"] for row in table[1])[:13]
    # What is not a day or an outcome yet gets one first, so that the rule is broken by the value alone.
    made = spark.createDataFrame(table[1], table[0]).withColumn("outcome", sf.expr("coalesce(outcome, 0)"))
    made = made.withColumn("outcome_known", sf.lit(True))
    spoiled = made.withColumn(
        column, sf.when(sf.col("visit_occurrence_id").isin(keys), sf.expr(value)).otherwise(sf.col(column))
    )
    found = {one.check: one for one in results(spoiled, contract_of(MODEL), person="person_id")}
    assert (found[rule].state, found[rule].rows) == ("failed", 13)
    assert found[rule].stops == (rule != "ages"), "what a source says of births stops nothing"
    assert [one.check for one in found.values() if one.rows and one.check != rule] == []


def facts_written(zones: SparkSession) -> None:
    """The fact tables of the model's world, where its task reads them."""
    tables = world_of(zones, MODEL)
    for name, frame in {
        "fact_encounter_index": tables.encounters, "fact_person": tables.events,
        "fact_observation_period": tables.observation,
    }.items():  # fmt: skip
        frame.coalesce(1).write.format("delta").saveAsTable(f"synthetic_omop_ra.{name}")


def test_the_task_writes_the_meaning_of_every_column_and_a_version_that_breaks_its_contract_gives_way(
    zones: SparkSession, make_task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
):
    facts_written(zones)
    task_features._features(make_task(MODEL))
    said = {column.name: column.description for column in zones.catalog.listColumns(TABLE)}
    assert said["f_stay_days_365_1"] == (
        "days in hospital of the stays that start in days -365..-1 of the index date, but for the index encounter; "
        "nothing seen means zero, in days"
    )
    assert said["f_any_heart"] == "any heart in days -365..-1 of the index date; nothing seen means zero"
    assert all(said.values())
    before = sorted(map(str, zones.table(TABLE).collect()))
    described = zones.table("synthetic_omop_ra.statistics").count()
    reference = zones.table("synthetic_omop_ra.covariates_readmission").orderBy("column_name").collect()
    assert {row["column_name"] for row in reference} == {name for name in said if name.startswith("f_")}

    from jobs.featurize import features as engine

    real = engine.features_of
    monkeypatch.setattr(engine, "features_of", lambda *given: real(*given).withColumn("f_visits_365_1", sf.lit(-1.0)))
    other = replace(MODEL, features=[*MODEL.features[:3], *MODEL.features[5:-1]])
    with pytest.raises(
        TaskError, match="feature_readmission breaks its contract: feature_readmission: not so: counts are"
    ):
        task_features._features(make_task(other))
    assert sorted(map(str, zones.table(TABLE).collect())) == before
    assert zones.table("synthetic_omop_ra.statistics").count() == described, "nothing is told of what gave way"
    still = zones.table("synthetic_omop_ra.covariates_readmission").orderBy("column_name").collect()
    assert still == reference, "the reference is of the table that stands"
    report = (
        zones.table("synthetic_omop_ra.quality")
        .where(f"table = '{TABLE}' AND state = 'failed' AND severity = 'fatal'")
        .collect()
    )
    assert [(row["check_id"], row["table_version"]) for row in report] == [("counts", 1)]


@pytest.mark.clause("P3")
def test_neither_member_nor_features_stay_of_who_withdrew_while_they_were_made(
    zones: SparkSession, make_task: Callable[..., Task]
):
    facts_written(zones)
    task_features._features(make_task(MODEL))
    made = (TABLE, "synthetic_omop_ra.cohort_readmission")
    before = {table: {row["person_id"] for row in zones.table(table).collect()} for table in made}
    gone = min(before[TABLE])
    # The facts still have them: this task read what it read before the withdrawal took them out.
    mark = zones.sql(f"SELECT {digest_sql('synthetic_omop', str(gone))} AS person_digest")
    mark.write.format("delta").saveAsTable(f"synthetic_omop_ra.{TOMBSTONES}")
    task_features._features(make_task(MODEL))
    for table in made:
        assert {row["person_id"] for row in zones.table(table).collect()} == before[table] - {gone}
