"""An index date sees what was known by then: at the bounds, on random histories, and when all later rows are deleted."""

from __future__ import annotations

import random
from dataclasses import replace as changed
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from curated import contract
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf

from jobs.featurize import engine
from jobs.featurize.columns import typed
from jobs.featurize.facts import fact_encounter_index, fact_person
from jobs.featurize.features import KEY, feature_table
from synthetic.generate import generate
from workflows.concept_sets import set_names
from workflows.covariates import code_rows, covariates
from workflows.declare import AnyOf, Codes, CountOf, DaysSince, LatestOf, MeanOf, StayDays, Visits, days, replace
from workflows.errors import DeclarationError
from workflows.models.readmission import readmission
from workflows.source import Events
from workflows.sources.omop import omop
from workflows.sources.synthetic_omop import synthetic_omop

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1", "P3")]

NOON = datetime(2021, 6, 30, 12)
SECOND = timedelta(seconds=1)
HEART = Codes("heart", (("ICD10CM", "I50"),))
EVENTS = (
    "person_id long, event_start_datetime timestamp, event_end_datetime timestamp, vocabulary_id string, "
    "concept_code string, value_as_number double, known_from timestamp, known_to timestamp"
)
FEATURES = covariates(
    [
        CountOf(HEART, days(-90, -1), label="count"), AnyOf(HEART, days(-30, -1), label="any"),
        DaysSince(HEART, days(-90, -1), label="since"), MeanOf(HEART, days(-90, -1), label="mean"),
        LatestOf(HEART, days(-90, -1), label="latest"), CountOf(HEART, days(-60, -1), rule="overlap", label="overlap"),
    ], {},
)  # fmt: skip


def table(spark: SparkSession, index: list[Any], events: list[Any]) -> dict[int, dict[str, Any]]:
    made = engine.wide(
        spark.createDataFrame(index, "person_id long, row_id long, index_datetime timestamp"),
        spark.createDataFrame(events, EVENTS),
        code_rows([one.feature for one in FEATURES], {}),
        FEATURES, key="row_id",
    )  # fmt: skip
    return {row["row_id"]: row.asDict() for row in made.collect()}


# known_from, known_to, whether an index at NOON sees the row: "known_from <= cutoff < known_to"
BOUNDS = [
    (None, None, True), (NOON, None, True), (NOON + SECOND, None, False), (NOON - SECOND, None, True),
    (None, NOON, False), (None, NOON + SECOND, True), (NOON, NOON, False), (NOON - SECOND, NOON - SECOND, False),
    (NOON, NOON + SECOND, True), (datetime(2021, 6, 30), None, True), (datetime(2021, 7, 1), None, False),
]  # fmt: skip


def test_a_row_counts_from_the_moment_it_is_known_and_no_longer_at_the_moment_it_is_closed(spark: SparkSession):
    index = [(n, n, NOON) for n in range(len(BOUNDS))]
    begun = datetime(2021, 6, 20)
    events = [(n, begun, None, "ICD10CM", "I50.9", 1.0, a, b) for n, (a, b, _) in enumerate(BOUNDS)]
    found = table(spark, index, events)
    assert [found[n]["f_count_heart_count"] == 1 for n in range(len(BOUNDS))] == [seen for *_, seen in BOUNDS]
    assert [found[n]["f_any_heart_any"] == 1 for n in range(len(BOUNDS))] == [seen for *_, seen in BOUNDS]


def histories(seed: int) -> tuple[list[Any], list[Any]]:
    """Index dates, and events of which many are entered late, corrected or deleted."""
    chance = random.Random(seed)
    index = [(p, p, NOON + timedelta(days=chance.randint(-20, 20))) for p in range(150)]
    events = []
    for person in range(150):
        for _ in range(chance.randint(0, 8)):
            begun = NOON - timedelta(days=chance.randint(0, 100))
            ended = begun + timedelta(days=chance.choice([0, 5, 50])) if chance.random() < 0.5 else None
            start = begun + timedelta(days=chance.choice([0, 0, 3, 30]))
            stop = start + timedelta(days=chance.choice([1, 10, 60])) if chance.random() < 0.4 else None
            code = chance.choice(["I50", "I50.9", "E11"])
            events.append((person, begun, ended, "ICD10CM", code, chance.choice([None, 1.0, 2.5]), start, stop))
    return index, events


def test_deleting_every_row_known_after_each_persons_cutoff_changes_no_feature(spark: SparkSession):
    index, events = histories(1)
    cutoff = {person: moment for person, _, moment in index}
    # The source as it stood at each person's cutoff: later rows are not there, and later closings have not happened.
    then = [
        (*one[:7], None if one[7] is None or one[7] > cutoff[one[0]] else one[7])
        for one in events if one[6] <= cutoff[one[0]]
    ]  # fmt: skip
    assert len(then) < len(events)
    found = table(spark, index, events)
    assert table(spark, index, then) == found
    blind = table(spark, index, [(*one[:6], None, None) for one in events])
    assert blind != found, "without the rule the later rows would have been seen"
    for person, row, moment in index:
        seen = [
            e for e in events if e[0] == person and e[4] != "E11" and e[6] <= moment and (not e[7] or moment < e[7])
        ]
        days_to = [(e[1].date() - moment.date()).days for e in seen]
        assert found[row]["f_count_heart_count"] == sum(-90 <= day <= -1 for day in days_to)


@pytest.fixture(scope="module")
def hospital(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, DataFrame]:
    folder: Path = tmp_path_factory.mktemp("hospital")
    generate(folder, persons=500, seed=7)
    return {
        one.table: typed(spark.read.csv(f"{folder}/{one.table}.csv", header=True), one).cache()
        for one in synthetic_omop.contracts
    }


MODEL = replace(
    readmission,
    features=[
        AnyOf("chronic_conditions", window=days(-365, -1)), CountOf("inpatient_admission", window=days(-365, -1)),
        Visits(days(-365, -1)), StayDays(days(-365, -1)),
    ],
)  # fmt: skip


@pytest.mark.parametrize("lag", [0, 45])
def test_deleting_source_rows_known_after_the_cutoff_changes_no_feature_row(
    spark: SparkSession, hospital: dict[str, DataFrame], lag: int
):
    source = changed(synthetic_omop, lag=lag)
    sets = code_rows([], dict.fromkeys(source.collections, ()))

    def features(tables: dict[str, DataFrame]) -> DataFrame:
        index = fact_encounter_index(tables, source, person_sample=1.0, outcomes_through=1.0)
        names = {name: set_names(name) for name in source.collections}
        return feature_table(index, fact_person(tables, source, person_sample=1.0), sets, MODEL, source, names)

    # A person's cutoff: a stay in the middle of the record, so that there is much before and after it.
    stays = hospital["visit_occurrence"].where("visit_concept_id = 9201")
    order = sf.expr("row_number() OVER (PARTITION BY person_id ORDER BY visit_end_datetime, visit_occurrence_id)")
    chosen = stays.select(
        "person_id", sf.col(KEY).alias("_chosen"), sf.col("visit_end_datetime").alias("_cutoff"), order.alias("_place")
    ).where("_place = 2")
    kept = {}
    for name, moment in (
        ("visit_occurrence", "visit_start_datetime"),
        ("condition_occurrence", "condition_start_datetime"),
    ):
        late = sf.date_add(sf.to_date(moment), lag).cast("timestamp") > sf.col("_cutoff")
        # The index stay is whom the row is about, however late it was delivered.
        own = sf.lit(False) if name == "condition_occurrence" else sf.col(KEY) == sf.col("_chosen")
        rows = hospital[name].join(chosen, "person_id")
        kept[name] = rows.where(own | ~late).select(*hospital[name].columns)
    assert kept["condition_occurrence"].count() < hospital["condition_occurrence"].join(chosen, "person_id").count()
    whole, less = features(hospital), features(hospital | kept)
    columns = [KEY, *(name for name in whole.columns if name.startswith("f_"))]
    on = chosen.select(sf.col("_chosen").alias(KEY))
    before = sorted(map(tuple, whole.join(on, KEY).select(*columns).collect()))
    after = sorted(map(tuple, less.join(on, KEY).select(*columns).collect()))
    assert before == after
    assert len(before) > 50
    assert any(row[-2] > 0 for row in before), "there are earlier visits to be counted"


def test_a_lag_is_added_to_what_the_source_does_not_say_and_to_nothing_else(spark: SparkSession):
    columns = "condition_occurrence_id long, person_id long, visit_occurrence_id long, condition_start_datetime timestamp, condition_source_value string"
    begun, told = datetime(2021, 3, 1, 8), datetime(2021, 3, 4, 17)
    rows = [(1, 7, None, begun, "I50"), (2, 7, None, begun, None)]
    given = {"condition_occurrence": spark.createDataFrame(rows, columns)}
    said = changed(
        synthetic_omop.events[0],
        known_from=f"CASE WHEN condition_source_value IS NOT NULL THEN timestamp'{told}' END",
    )
    for events, lag, wanted in (
        (synthetic_omop.events, 0, {datetime(2021, 3, 1)}),
        (synthetic_omop.events, 30, {datetime(2021, 3, 31)}),
        ((said,), 30, {told, datetime(2021, 3, 31)}),
    ):
        source = changed(synthetic_omop, events=events, lag=lag)
        made = fact_person(given, source, person_sample=1.0, versions={"condition_occurrence": 4}).collect()
        assert {row["known_from"] for row in made} == wanted
        assert {(row["known_to"], row["source_version"]) for row in made} == {(None, 4)}
    assert changed(synthetic_omop, events=(said,)).assumed == ("visit_occurrence",)


def test_a_fact_is_named_by_table_and_key_whatever_else_its_row_says(spark: SparkSession):
    columns = "condition_occurrence_id long, person_id long, visit_occurrence_id long, condition_start_datetime timestamp, condition_source_value string"

    def ids(*rows: Any) -> list[int]:
        given = {"condition_occurrence": spark.createDataFrame(list(rows), columns)}
        made = fact_person(given, synthetic_omop, person_sample=1.0)
        return [row["fact_id"] for row in made.orderBy("event_start_datetime").collect()]

    later = NOON + SECOND
    first = ids((1, 7, None, NOON, "I50"), (2, 7, None, later, "I50"))
    assert (
        first
        == ids((1, 8, 4, NOON, "E11"), (2, 7, None, later, None))
        == ids((2, 7, None, NOON, "I50"), (1, 7, 3, later, "I50"))[::-1]
    )
    assert len(set(first)) == 2


def test_events_of_one_row_have_ids_of_their_own_and_equal_rows_without_a_key_share_theirs_if_they_count_once(
    spark: SparkSession,
):
    code, status = Events(
        table="condition_occurrence", person_id="person_id", visit_occurrence_id="visit_occurrence_id",
        vocabulary="'ICD10CM'", code="condition_source_value", start="condition_start_datetime",
    ), Events(
        table="condition_occurrence", person_id="person_id", visit_occurrence_id="visit_occurrence_id",
        vocabulary="'Status'", code="'recorded'", start="condition_start_datetime",
    )  # fmt: skip
    columns = ", ".join(
        f"{one.name} {'bigint' if one.type == 'long' else one.type}" for one in contract("condition_occurrence").columns
    )
    rows = [(1, 7, NOON, 5, "I50"), (1, 7, NOON, 5, "I50"), (1, 7, NOON, None, "I50")]
    named = [one.name for one in contract("condition_occurrence").columns]
    order = [
        "condition_occurrence_id",
        "person_id",
        "condition_start_datetime",
        "visit_occurrence_id",
        "condition_source_value",
    ]
    given = spark.createDataFrame(
        [tuple(dict(zip(order, row, strict=True)).get(n) for n in named) for row in rows], columns
    )

    def ids(key: tuple[str, ...], *, once: bool = False) -> list[int]:
        contracts = tuple(
            changed(one, key=key, once=once) if one.table == "condition_occurrence" else one
            for one in synthetic_omop.contracts
        )
        source = changed(synthetic_omop, events=(code, status), contracts=contracts)
        made = fact_person({"condition_occurrence": given}, source, person_sample=1.0).collect()
        return [row["fact_id"] for row in made]

    assert len(ids(("condition_occurrence_id",))) == 6
    assert len(set(ids(("condition_occurrence_id",)))) == 2
    assert len(set(ids((), once=True))) == 4
    assert len(set(ids(()))) == 6, "equal rows that are several are told apart by their number"


@pytest.mark.parametrize("lag", [-1, 1.5, True, "7", 4000])
def test_a_lag_is_a_whole_number_of_days(lag: Any):
    with pytest.raises(DeclarationError, match=r"lag.*whole days from 0 to 3650"):
        changed(omop, lag=lag)
