"""Features that a change cannot reach are kept, all others are made again: the same table as making all anew."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf

from jobs.featurize import engine, refresh
from workflows.covariates import CodeRow, Covariate, code_rows, covariates
from workflows.declare import Codes, CountOf, LatestOf, days

pytestmark = [pytest.mark.spark, pytest.mark.clause("O3")]

NOON = datetime(2021, 6, 30, 12)
HEART = Codes("heart", (("ICD10CM", "I50"),))
EVENTS = (
    "person_id long, visit_occurrence_id long, event_start_datetime timestamp, event_end_datetime timestamp, "
    "vocabulary_id string, concept_code string, value_as_number double, known_from timestamp, known_to timestamp"
)
SOME = covariates(
    [
        CountOf(HEART, days(-90, -1), label="count"),
        CountOf(HEART, days(-60, -1), rule="overlap", label="overlap"),
        LatestOf(HEART, days(-90, -1), label="latest"),
    ],
    {},
)
KEY = "visit_occurrence_id"


def facts(chance: random.Random, persons: range) -> list[tuple[Any, ...]]:
    found = []
    for person in persons:
        for _ in range(chance.randint(0, 5)):
            begun = NOON - timedelta(days=chance.randint(0, 200))
            ended = begun + timedelta(days=chance.choice([0, 40])) if chance.random() < 0.5 else None
            known = begun + timedelta(days=chance.choice([0, 0, 60]))
            found.append((person, person, begun, ended, "ICD10CM", chance.choice(["I50", "E11"]), 1.5, known, None))
    return found


def refreshed(
    dates: DataFrame, events: DataFrame, codes: list[CodeRow], previous: DataFrame, feed: DataFrame
) -> DataFrame:
    anew = refresh.again(dates, previous, feed, SOME, key=KEY)
    return refresh.wide(refresh.Kept(previous=previous, anew=anew), events, codes, SOME, key=KEY)


def test_a_refreshed_table_is_the_one_that_is_made_anew_and_little_of_it_is_made(spark: SparkSession):
    chance = random.Random(5)
    index = [(p, p, NOON + timedelta(days=chance.randint(-60, 60))) for p in range(200)]
    before = facts(chance, range(200))
    # Corrected and deleted, entered late, and long before any window reaches.
    closing = NOON + timedelta(days=10)
    closed = [(*row[:8], closing) for row in before[:40]]
    opened = [(*row[:5], "I50", 9.5, closing, None) for row in before[:20]] + facts(chance, range(180, 200))
    far = [(p, p, NOON - timedelta(days=900), None, "ICD10CM", "I50", 2.0, NOON, None) for p in range(50, 80)]
    after = [*closed, *before[40:], *opened, *far]
    changed = [("update_postimage", *row) for row in closed] + [("insert", *row) for row in (*opened, *far)]
    changed += [("update_preimage", *row) for row in before[:40]]

    dates = spark.createDataFrame(index, f"person_id long, {KEY} long, index_datetime timestamp").cache()
    codes = code_rows([one.feature for one in SOME], {})

    def anew(rows: list[Any], of: DataFrame, some: tuple[Covariate, ...] = SOME) -> DataFrame:
        return engine.wide(of, spark.createDataFrame(rows, EVENTS), codes, some, key=KEY)

    feed = spark.createDataFrame(changed, f"_change_type string, {EVENTS}")
    previous = anew(before, dates).join(dates, KEY)
    # Three index rows are new, have moved or have changed hands since, of persons whose facts did not change.
    previous = previous.where(f"{KEY} != 120").withColumn("person_id", sf.expr(f"person_id - int({KEY} = 122)"))
    previous = previous.withColumn(
        "index_datetime",
        sf.when(sf.col(KEY) == 121, sf.lit(NOON - timedelta(days=99))).otherwise(sf.col("index_datetime")),
    )
    made = refreshed(dates, spark.createDataFrame(after, EVENTS), codes, previous, feed)
    found = sorted(map(tuple, made.collect()), key=lambda row: row[0])
    assert found == sorted(map(tuple, anew(after, dates).select(*made.columns).collect()), key=lambda row: row[0])
    rows = [row[KEY] for row in refresh.again(dates, previous, feed, SOME, key=KEY).collect()]
    assert {120, 121, 122} <= set(rows)
    assert len(rows) == len(set(rows)) < 70
    assert found != sorted(map(tuple, anew(before, dates).select(*made.columns).collect()), key=lambda row: row[0])
    reached = {row[KEY] for row in refresh.reached(dates, feed, SOME).collect()}
    assert not reached & set(range(50, 180)) - {row[0] for row in closed}, "what no window reaches is kept"
    assert 0 < len(reached) < 60


def test_an_unreached_row_is_kept_as_it_was_even_where_it_was_wrong(spark: SparkSession):
    """Breaking it on purpose: a kept row comes from the previous table, and a reached one does not."""
    dates = spark.createDataFrame([(1, 1, NOON), (2, 2, NOON)], f"person_id long, {KEY} long, index_datetime timestamp")
    codes = code_rows([one.feature for one in SOME], {})
    event = (1, 1, NOON - timedelta(days=5), None, "ICD10CM", "I50", 1.0, NOON - timedelta(days=5), None)
    events = spark.createDataFrame([event], EVENTS)
    names = [f"f_{one.column}" for one in SOME]
    previous = dates.select("*", *(sf.lit(77.0).alias(name) for name in names))
    feed = spark.createDataFrame([("insert", *event)], f"_change_type string, {EVENTS}")
    made = refreshed(dates, events, codes, previous, feed).orderBy(KEY).collect()
    assert [tuple(row)[1:] for row in made] == [(1.0, 1.0, 1.0), (77.0, 77.0, 77.0)]


def test_a_fact_that_is_gone_is_seen_by_those_who_saw_it(spark: SparkSession):
    """As where rows were taken out, or the table was made again: the change feed says `delete`."""
    dates = spark.createDataFrame([(1, 1, NOON), (2, 2, NOON)], f"person_id long, {KEY} long, index_datetime timestamp")
    gone = [(p, p, NOON - timedelta(days=n), None, "ICD10CM", "I50", 1.0, None, None) for p, n in ((1, 5), (2, 200))]
    feed = spark.createDataFrame([("delete", *row) for row in gone], f"_change_type string, {EVENTS}")
    assert [row[KEY] for row in refresh.reached(dates, feed, SOME).collect()] == [1]


def test_an_event_that_ends_before_it_starts_counts_where_it_starts_whatever_stands_beside_it(spark: SparkSession):
    dates = spark.createDataFrame([(1, 1, NOON)], f"person_id long, {KEY} long, index_datetime timestamp")
    start, end = NOON - timedelta(days=5), NOON - timedelta(days=400)
    event = (1, 1, start, end, "ICD10CM", "I50", 1.0, start, None)
    codes = code_rows([one.feature for one in SOME], {})
    made = engine.wide(dates, spark.createDataFrame([event], EVENTS), codes, SOME, key=KEY).collect()
    assert made[0][f"f_{SOME[0].column}"] == 1.0
    assert made[0][f"f_{SOME[2].column}"] == 1.0
    feed = spark.createDataFrame([("insert", *event)], f"_change_type string, {EVENTS}")
    assert [row[KEY] for row in refresh.reached(dates, feed, SOME[:1]).collect()] == [1]


def test_index_dates_that_python_has_no_name_for_are_known_as_its_first_and_last(spark: SparkSession):
    index = spark.sql("SELECT timestamp'0000-01-01 10:00:00' AS index_datetime")
    assert engine.dates_of(index) == (date.min, date.min)
