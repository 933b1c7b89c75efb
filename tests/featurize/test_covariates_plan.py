"""What the engine costs and says: one scan whatever is asked, a long form that loses nothing, a reference, derived columns."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

from jobs.featurize import engine
from jobs.featurize.features import from_others
from workflows.covariates import code_rows, covariates
from workflows.declare import AnyOf, Codes, CountOf, DaysSince, Derived, LatestOf, MeanOf, days
from workflows.feature_columns import of_concepts
from workflows.feature_reference import reference
from workflows.features import OfConcepts

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1")]

INDEX = "person_id long, row_id long, index_datetime timestamp"


def declared(sets: int) -> list[OfConcepts]:
    """Five features in two windows of each of so many sets."""
    return [
        kind(Codes(f"s{n}", (("ICD10CM", f"A{n:02}"),)), days(*window), label=f"s{n}_{window[0] + 99}")
        for n in range(sets)
        for window in ((-90, -1), (-30, -1))
        for kind in (AnyOf, CountOf, DaysSince, LatestOf, MeanOf)
    ]


def plan(spark: SparkSession, facts: str, features: list[OfConcepts]) -> str:
    """The physical plan of a wide table."""
    some = covariates(features, {})
    index = spark.createDataFrame([(1, 1, datetime(2021, 1, 1))], INDEX)
    codes = code_rows(features, {})
    table: Any = engine.wide(index, spark.read.parquet(facts), codes, some, key="row_id")
    return str(table._explain_string(mode="simple"))


def test_the_facts_are_scanned_once_and_no_step_is_added_however_many_features(spark: SparkSession, tmp_path: Path):
    facts = str(tmp_path / "facts.parquet")
    duckdb.sql(
        "SELECT 1::BIGINT person_id, TIMESTAMP '2020-12-01' event_start_datetime, 'ICD10CM' vocabulary_id, "
        "'A00' concept_code, 1.5::DOUBLE value_as_number"
    ).write_parquet(facts)
    few, many = plan(spark, facts, declared(1)), plan(spark, facts, declared(25))
    assert few.count("FileScan parquet") == many.count("FileScan parquet") == 1
    assert few.count("Exchange") == many.count("Exchange")
    assert few.count("Aggregate") == many.count("Aggregate")
    for range_join in ("NestedLoopJoin", "CartesianProduct"):
        assert range_join not in many


NOON = datetime(2021, 6, 30, 12)
# (days from the index date to start and end, whether features of events that start, or overlap, in -30..-1 reach it)
REACHED = [
    ((-31, None), False, False), ((-31, -31), False, False), ((-31, -30), False, True), ((-900, 900), False, True),
    ((-30, None), True, True), ((-1, None), True, True), ((-1, 50), True, True), ((0, None), False, False),
    ((0, 9), False, False), ((None, None), False, False), ((None, -5), False, False),
    # One that ends before it starts counts where it starts.
    ((-5, -400), True, True), ((-31, -400), False, False),
]  # fmt: skip


@pytest.mark.parametrize("rule", ["start", "overlap"])
def test_events_that_no_window_reaches_are_left_in_their_files_and_change_nothing(
    spark: SparkSession, tmp_path: Path, rule: str
):
    some = covariates([CountOf(Codes("a", (("ICD10CM", "A00"),)), days(-30, -1), rule=rule)], {})
    # Early and late on their days; a row without an index date sees nothing.
    index = spark.createDataFrame([(1, 1, NOON), (2, 2, None)], INDEX)
    moments = [NOON.replace(hour=0), NOON.replace(hour=23, minute=59, second=59)]
    rows = [
        (who, *(None if day is None else moment + timedelta(days=day) for day in ends), "ICD10CM", "A00")
        for who in (1, 2) for moment in moments for ends, *_ in REACHED
    ]  # fmt: skip
    facts = str(tmp_path / "facts")
    schema = (
        "person_id long, event_start_datetime timestamp, event_end_datetime timestamp, vocabulary_id string, "
        "concept_code string"
    )
    spark.createDataFrame(rows, schema).write.parquet(facts)
    events, codes = spark.read.parquet(facts), code_rows([one.feature for one in some], {})
    dates = engine.dates_of(index)
    assert dates == (NOON.date(), NOON.date())
    near: Any = engine.near(events, some, dates)
    expected = sum(start or overlap if rule == "overlap" else start for _, start, overlap in REACHED)
    assert near.where("person_id = 1").count() == 2 * expected
    assert "LessThan(event_start_datetime" in near._explain_string(mode="formatted")
    found = engine.wide(index, events, codes, some, key="row_id", dates=dates).collect()
    assert sorted(map(tuple, found)) == [(1, 2.0 * expected), (2, 0.0)]
    assert sorted(map(tuple, engine.wide(index, events, codes, some, key="row_id").collect())) == sorted(
        map(tuple, found)
    )
    assert engine.dates_of(index.where("row_id = 2")) is None


def test_the_furthest_days_there_are_can_be_asked_for():
    assert engine.shifted(date(1, 1, 2), -400) == date.min
    assert engine.shifted(date(9999, 12, 30), 400) == date.max
    assert engine.shifted(date(2021, 3, 1), -1) == date(2021, 2, 28)


def test_the_long_form_holds_what_absence_does_not_say_already(spark: SparkSession):
    sets = Codes("cold", (("ICD10CM", "J00"),))
    features: list[OfConcepts] = [
        AnyOf(sets, days(-10, -1), label="plain"),
        AnyOf(sets, days(-10, -1), in_observation=True, label="observed"),
        LatestOf(sets, days(-10, -1)),
    ]
    some = covariates(features, {})
    index = spark.createDataFrame([(p, p * 10, datetime(2021, 1, 11)) for p in (1, 2, 3)], INDEX)
    events = spark.createDataFrame(
        [(1, datetime(2021, 1, 10, 8), "ICD10CM", "J00", 4.25), (1, datetime(2021, 1, 10, 9), "ICD10CM", "J00", None)],
        "person_id long, event_start_datetime timestamp, vocabulary_id string, concept_code string, "
        "value_as_number double",
    )
    periods = spark.createDataFrame(
        [(1, "2021-01-09", "2021-02-01"), (2, "2021-01-01", "2021-01-11"), (3, "2021-01-02", "2021-02-01")],
        "person_id long, observation_period_start_date string, observation_period_end_date string",
    )
    codes = code_rows(features, {})
    table = engine.wide(index, events, codes, some, key="row_id", observation=periods)
    names = {one.covariate_id: one.feature.name for one in some}
    found = {(row["row_id"], names[row["covariate_id"]]): row["value"]
             for row in engine.long(table, some, key="row_id").collect()}  # fmt: skip
    assert found == {
        (10, "any_cold_plain"): 1.0, (10, "any_cold_observed"): 1.0, (10, "latest_cold_10_1"): 4.25,
        (20, "any_cold_observed"): 0.0,
    }  # fmt: skip
    described = reference([of_concepts(one) for one in some], code_rows(features, {}))
    assert [(row.column_name, row.source_codes, row.missing_means) for row in described] == [
        ("f_any_cold_plain", ["ICD10CM:J00"], "zero"), ("f_any_cold_observed", ["ICD10CM:J00"], "unknown"),
        ("f_latest_cold_10_1", ["ICD10CM:J00"], "never measured"),
    ]  # fmt: skip


def test_derived_columns_are_missing_where_a_part_is(spark: SparkSession):
    frame = spark.createDataFrame([(6.0, 4.0), (6.0, 0.0), (None, 4.0)], "a double, b double")
    columns = {name: frame[name] for name in ("a", "b")}
    every = [
        Derived("r", "ratio", ("a", "b")), Derived("s", "sum", ("a", "b")), Derived("d", "difference", ("a", "b")),
        Derived("t", "at_least", ("a",), threshold=6),
    ]  # fmt: skip
    rows = frame.select(*(from_others(one, columns).alias(one.name) for one in every)).collect()
    assert [tuple(row) for row in rows] == [(1.5, 10.0, 2.0, 1.0), (None, 6.0, 6.0, 1.0), (None,) * 4]
