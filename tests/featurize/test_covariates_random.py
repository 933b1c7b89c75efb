"""The engine against a few lines of plain Python and against DuckDB, on random persons, features and observation."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from unittest.mock import patch

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from random_features import ASKED, KINDS, PERIODS, UNITS, features

from jobs.featurize import accumulate, engine
from jobs.featurize.covariate_values import batches
from workflows.codes import Codes
from workflows.covariates import Covariate, code_rows, covariates
from workflows.features import OfConcepts
from workflows.time import days
from workflows.values import OfValues, TrendOf

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1")]

START = date(2021, 1, 1)
SETS = [
    Codes("heart", (("ICD10CM", "I50"), ("ICD10CM", "I11.0"))),
    Codes("circulation", (("ICD10CM", "I50.9"), ("ICD10CM", "I11"))),
    Codes("sugar", (("LOINC", "2345-7"), ("ICD10CM", "E11"))),
]
CODES = [("ICD10CM", "I50.9"), ("ICD10CM", "I50"), ("ICD10CM", "I11.0"), ("ICD10CM", "I11.9"), ("ICD9CM", "I50"),
         ("LOINC", "2345-7"), ("ICD10CM", "E11.65"), ("ICD10CM", "I509")]  # fmt: skip
EVENTS = (
    "person_id long, event_start_datetime timestamp, event_end_datetime timestamp, vocabulary_id string, "
    "concept_code string, value_as_number double, unit_source_value string"
)


def world(seed: int) -> tuple[list[Any], list[Any], list[Any]]:
    """Index rows, events and observation periods of sixty persons, with ties, open ends and missing values."""
    chance = random.Random(seed)
    index, events, periods = [], [], []
    for person in range(60):
        for _ in range(chance.randint(1, 2)):
            index.append((person, len(index), chance.randint(80, 200)))
        for _ in range(chance.randint(0, 14)):
            begun = chance.randint(0, 210)
            last = begun + chance.choice([0, 3, 40]) if chance.random() < 0.6 else None
            number = chance.choice([None, 1.0, 2.5, -3.25, 0.1, 7.123456])
            events.append(
                (person, begun, chance.choice([8, 8, 20]), last, *chance.choice(CODES), number, chance.choice(UNITS))
            )
        opened = chance.randint(0, 120)
        for _ in range(chance.randint(0, 2)):
            closed = opened + chance.randint(0, 120)
            periods.append((person, opened, closed))
            opened = closed + chance.choice([0, 1, 2, 20])
    return index, events, periods


def moment(day: int, hour: int, shift: int) -> datetime:
    return datetime.combine(START, datetime.min.time()) + timedelta(days=day + shift, hours=hour)


def computed(
    spark: SparkSession, some: tuple[Covariate, ...], rows: tuple[list[Any], list[Any], list[Any]], *,
    shift: int = 0, partitions: int = 1,
) -> dict[int, dict[str, Any]]:  # fmt: skip
    """The wide table, by row."""
    index, events, periods = rows
    facts = [(p, moment(a, h, shift), b if b is None else moment(b, 0, shift), *rest) for p, a, h, b, *rest in events]
    spans = [(p, moment(a, 0, shift).date(), moment(b, 0, shift).date()) for p, a, b in periods]
    dates = [(p, row, moment(day, 12, shift)) for p, row, day in index]
    at = spark.createDataFrame(dates, "person_id long, row_id long, index_datetime timestamp")
    table: DataFrame = engine.wide(
        at,
        spark.createDataFrame(facts, EVENTS).repartition(partitions),
        code_rows([one.feature for one in some], {}),
        some, key="row_id", observation=spark.createDataFrame(spans, PERIODS),
        dates=engine.dates_of(at),
    )  # fmt: skip
    return {row["row_id"]: row.asDict() for row in table.collect()}


def inside(codes: Codes, vocabulary: str, code: str) -> bool:
    return any(vocabulary == v and (code == c or code.startswith(c + ".")) for v, c in codes.codes)


def accepted(one: OfConcepts) -> set[str]:
    """The units of `UNITS` that count for a feature, as its declaration reads."""
    asked = {unit.lower().strip() for unit in getattr(one, "unit", ())}
    return {unit or "" for unit in UNITS if not asked or (unit or "").lower().strip() in asked}


def plain(one: OfConcepts, person: int, index: int, events: list[Any], periods: list[Any]) -> float | None:
    """What the declaration of a feature says of one index date, in plain Python."""
    assert one.window is not None
    assert isinstance(one.concepts, Codes)
    seen_days: set[int] = set()
    for owner, opened, closed in periods:
        if owner == person:
            seen_days |= set(range(opened, closed + 1))
    observed = set()
    for step in (1, -1):
        day = index
        while day in seen_days:
            observed.add(day)
            day += step
    found = []
    for owner, begun, hour, last, vocabulary, code, number, unit in events:
        day, end = begun - index, (begun if last is None else last) - index
        if one.rule == "start":
            hit = one.window.start <= day <= one.window.end
        else:
            hit = day <= one.window.end and end >= one.window.start
        hit = hit and (begun in observed or not one.in_observation) and (unit or "") in accepted(one)
        if owner == person and hit and inside(one.concepts, vocabulary, code):
            found.append((day, hour, number))
    measured = sorted((d, h, n) for d, h, n in found if n is not None)
    values, when = [n for *_, n in measured], [d for d, *_ in measured]
    whole = not one.in_observation or index + one.window.start in observed
    kind = one.aggregation
    if kind == "any":
        return 1.0 if found else 0.0 if whole else None
    if kind in ("days_since", "last"):
        return max(d for d, *_ in found) * (-1.0 if kind == "days_since" else 1.0) if found else None
    if kind == "latest":
        return values[-1] if values else None
    if not whole:
        return None
    if kind == "count":
        return float(len(found))
    if kind == "first":
        return float(min(d for d, *_ in found)) if found else None
    if not values:
        return None
    if kind == "trend":
        mean = sum(when) / len(when)
        spread = sum((d - mean) ** 2 for d in when)
        return sum((d - mean) * v for d, v in zip(when, values, strict=True)) / spread if len(set(when)) > 1 else None
    return {"min": min(values), "max": max(values), "mean": sum(values) / len(values)}[kind]


DUCK = {
    "any": "CASE WHEN count(h) > 0 THEN 1 WHEN whole THEN 0 END",
    "count": "CASE WHEN whole THEN count(h) END",
    "days_since": "-max(day) FILTER (h)", "last": "max(day) FILTER (h)",
    "latest": "arg_max(value, (day, hour, value)) FILTER (h AND value IS NOT NULL)",
    "first": "CASE WHEN whole THEN min(day) FILTER (h) END",
    "min": "CASE WHEN whole THEN min(value) FILTER (h) END",
    "max": "CASE WHEN whole THEN max(value) FILTER (h) END",
    "mean": "CASE WHEN whole THEN avg(value) FILTER (h) END",
    "trend": "CASE WHEN whole AND count(DISTINCT day) FILTER (h AND value IS NOT NULL) > 1 "
             "THEN regr_slope(value, day) FILTER (h) END",
}  # fmt: skip


def duck(one: OfConcepts, index: list[Any], events: list[Any], periods: list[Any]) -> dict[int, float | None]:
    """The same by one SQL query a feature."""
    assert one.window is not None
    assert isinstance(one.concepts, Codes)
    i = pd.DataFrame(index, columns=["person", "nr", "dated"])
    e = pd.DataFrame(events, columns=["person", "begun", "hour", "ended", "vocabulary", "code", "value", "unit"])
    e = e.astype({"ended": "Int64", "value": "Float64"})
    p = pd.DataFrame([(a, d) for a, b, c in periods for d in range(b, c + 1)], columns=["person", "day"]).astype(
        "int64"
    )
    window = one.window
    reach = (f"day BETWEEN {window.start} AND {window.end}" if one.rule == "start"
             else f"day <= {window.end} AND until >= {window.start}")  # fmt: skip
    codes = " OR ".join(f"(vocabulary = '{v}' AND (code = '{c}' OR code LIKE '{c}.%'))" for v, c in one.concepts.codes)
    spelled = ", ".join(f"'{unit.lower().strip()}'" for unit in getattr(one, "unit", ()))
    codes = f"({codes}) AND lower(trim(unit, chr(9) || ' ')) IN ({spelled})" if spelled else codes
    watched = "AND begun BETWEEN first_day AND last_day" if one.in_observation else ""
    whole = f"coalesce(first_day <= dated + {window.start}, false)" if one.in_observation else "true"
    query = f"""
        WITH islands AS (SELECT person, day, day - row_number() OVER (PARTITION BY person ORDER BY day) AS island
                         FROM (SELECT DISTINCT * FROM p)),
        spans AS (SELECT person, min(day) AS first_day, max(day) AS last_day FROM islands GROUP BY person, island),
        idx AS (SELECT i.*, first_day, last_day FROM i LEFT JOIN spans s ON i.person = s.person AND dated BETWEEN first_day AND last_day),
        met AS (SELECT nr, {whole} AS whole, begun - dated AS day, hour, value, coalesce(ended, begun) - dated AS until,
                       first_day, last_day, begun, vocabulary, code, unit FROM idx LEFT JOIN e ON idx.person = e.person)
        SELECT nr, {DUCK[one.aggregation]} FROM
          (SELECT *, CASE WHEN {reach} AND ({codes}) {watched} THEN true END AS h FROM met) GROUP BY nr, whole"""
    connection = duckdb.connect()
    for name, frame in {"i": i, "e": e, "p": p}.items():
        connection.register(name, frame)
    return {row: None if number is None else float(number) for row, number in connection.execute(query).fetchall()}


@settings(max_examples=4, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(declared=features(SETS, (0, 1, 5, 30, 90), 16, apart=False), seed=st.integers(0, 2**32))
def test_plain_python_and_duckdb_find_the_same_features(spark: SparkSession, declared: list[OfConcepts], seed: int):
    rows = world(seed)
    index, events, periods = rows
    some = covariates(declared, {})
    found = computed(spark, some, rows)
    assert sorted(found) == [row for _, row, _ in index]
    for one in some:
        by_duck = duck(one.feature, index, events, periods)
        for person, row, day in index:
            ours = found[row][f"f_{one.column}"]
            assert ours == pytest.approx(plain(one.feature, person, day, events, periods), abs=1e-9), (one.title, row)
            assert ours == pytest.approx(by_duck[row], abs=1e-9), (one.title, row)


@settings(max_examples=2, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(declared=features(SETS, (0, 1, 5, 30, 90), 16, apart=False), seed=st.integers(0, 2**32))
def test_order_partitions_and_a_shift_of_all_dates_change_no_bit(
    spark: SparkSession, declared: list[OfConcepts], seed: int
):
    index, events, periods = world(seed)
    every = [(kind(SETS[0], days(-90, -1), label="all")) for kind in KINDS]
    in_unit = [kind(SETS[0], days(-90, -1), label="u", unit=ASKED[1]) for kind in KINDS if issubclass(kind, OfValues)]
    some = covariates([*declared, *every, *in_unit], {})
    mixed = random.Random(seed).sample(events, len(events))
    first = computed(spark, some, (index, events, periods))
    other = computed(spark, some, (index[::-1], mixed, periods[::-1]), shift=1_000, partitions=5)
    assert other == first


def trended(points: list[tuple[int, int]], at_once: int) -> float | None:
    """The slope as a worker finds it, from (day, value in millionths) in batches of so many."""
    day, value = (np.array(part, dtype=np.int64) for part in zip(*points, strict=True))
    one = np.ones(len(points), dtype=np.int64)
    whole = pa.RecordBatch.from_pydict({"row_id": one, "_day": day, "_set0": one, "_value": value})
    given = [whole.slice(begin, at_once) for begin in range(0, len(points), at_once)]
    some = covariates([TrendOf(SETS[0], days(-3_650, -1), label="trend")], {})
    with patch.object(accumulate, "TOGETHER", 1):
        (found,) = batches(given, some, "row_id")
    number = found.column(1)[0].as_py()
    return None if number is None else float(number)


LARGE = 4_999_999_999_999_999_999
POINTS = st.lists(
    st.tuples(st.integers(-3_650, -1), st.one_of(st.integers(-LARGE, LARGE), st.integers(-(10**8), 10**8))),
    min_size=1, max_size=40,
)  # fmt: skip


@settings(max_examples=100, derandomize=True, deadline=None)
@given(points=POINTS, times=st.sampled_from([1, 1, 50]), at_once=st.integers(1, 500), seed=st.integers(0, 2**32))
@example(points=[(-3_650, 4_900_000 * 10**12), (-3_649, 4_900_000 * 10**12)], times=300, at_once=500, seed=1)
@example(points=[(-365, 1_234_567_890_100_000), (-364, 1_234_567_890_100_000)], times=1, at_once=2, seed=1)
def test_a_slope_of_values_of_any_size_is_that_of_fractions(
    points: list[tuple[int, int]], times: int, at_once: int, seed: int
):
    mean = Fraction(sum(day for day, _ in points), len(points))
    spread = sum((day - mean) ** 2 for day, _ in points)
    wanted = float(sum((day - mean) * value for day, value in points) / spread / 10**6) if spread else None
    mixed = points * times
    random.Random(seed).shuffle(mixed)
    found = trended(mixed, at_once)
    assert found == (None if wanted is None else pytest.approx(wanted, rel=1e-15, abs=0))
    assert trended(points, len(points)) == found, "in another order, in other parts and however often each stands there"
