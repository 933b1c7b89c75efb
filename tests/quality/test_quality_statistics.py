"""Statistics of covariates by group: what they are, by pandas, and what an attacker makes of those that are shown."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql.connect.client import SparkConnectClient
from scipy.optimize import linprog

from jobs.quality.published import published as told_together
from jobs.quality.result import Behind, Result
from jobs.quality.statistics import NUMBERS, SCHEMA, Covariate, Group, groups, matches, published, shown_before

pytestmark = pytest.mark.clause("F5", "F8", "P8")
SMALL = range(1, 11)
COLUMNS = [part.split()[0] for part in SCHEMA.split(", ")][4:]
CLASSES = ("missing", "zero", "nonzero")


def world(sexes: list[tuple[int, int, int]], bands: list[int]) -> list[Group]:
    """Groups of one covariate of 0 and 1: by sex (without a value, 0, 1), and by age bands that share all persons."""
    found = []
    totals = [sum(one[place] for one in sexes) for place in range(3)]
    rest, split = list(totals), []
    for size in bands:
        part = []
        for place in range(3):
            part.append(min(rest[place], size))
            rest[place] -= part[-1]
        split.append(part)
    split.append(rest)
    for dimension, some in (("all", [totals]), ("sex", sexes), ("age band", split)):
        for place, (missing, zero, one) in enumerate(some):
            if missing + zero + one:
                level = "all" if dimension == "all" else f"{dimension}{place}"
                value = Covariate(
                    value=zero + one, nonzero=one, other=0, mean=one / max(zero + one, 1), quantiles=(), ever=True
                )
                size = missing + zero + one
                found.append(
                    Group(dimension=dimension, level=level, persons=size, rows=size, covariates={"f_x": value})
                )
    return found


def bounds(found: list[Group], rows: list[tuple]) -> dict[tuple[str, str, str], tuple[float, float]]:
    """What a reader knows of each small count: all of a dimension's groups make up the whole."""
    shown = {(row[0], row[1]): dict(zip(COLUMNS, row, strict=True)) for row in rows}
    keys = [(one.dimension, one.level) for one in found]
    at = {(*key, name): place for place, (key, name) in enumerate((key, name) for key in keys for name in CLASSES)}
    equal, right, limits = [], [], [(0, 10_000)] * len(at)
    for key in keys:
        if key in shown:
            row = shown[key]
            known = {"missing": row["persons"] - row["with_value"], "nonzero": row["ones"]}
            known["zero"] = row["with_value"] - row["ones"]
            for name in CLASSES:
                limits[at[*key, name]] = (known[name], known[name])
    for dimension in {key[0] for key in keys} - {"all"}:
        for name in CLASSES:
            line = np.zeros(len(at))
            line[at["all", "all", name]] = -1
            for key in keys:
                if key[0] == dimension:
                    line[at[*key, name]] = 1
            equal.append(line)
            right.append(0)
    answer = {}
    for key, one in zip(keys, found, strict=True):
        for name, count in one.covariates["f_x"].classes(one.persons, binary=True).items():
            if count in SMALL:
                goal = np.eye(len(at))[at[*key, name]]
                low, high = (
                    linprog(sign * goal, A_eq=np.array(equal), b_eq=right, bounds=limits, method="highs")
                    for sign in (1, -1)
                )
                answer[*key, name] = (low.fun, -high.fun)
    return answer


def told(found: list[Group], rows: list[tuple]) -> list[tuple[str, str, str]]:
    return [key for key, (low, high) in bounds(found, rows).items() if low > 1 - 1e-6 and high < 11 - 1e-6]


count = st.one_of(st.integers(0, 14), st.integers(0, 200))
worlds = st.builds(
    world, st.lists(st.tuples(count, count, count), min_size=2, max_size=4),
    st.lists(st.integers(0, 60), min_size=1, max_size=4),
)  # fmt: skip


@settings(max_examples=60)
@given(worlds)
def test_no_linear_program_over_all_groups_tells_of_one_to_ten_persons(found: list[Group]):
    rows = published(found)
    assert told(found, rows) == []
    for row in rows:
        line = dict(zip(COLUMNS, row, strict=True))
        counts = (line["persons"], line["with_value"], line["ones"])
        assert not [one for one in (*counts, line["persons"] - counts[1], counts[1] - counts[2]) if one in SMALL]


def test_without_the_second_group_the_attacker_wins():
    found = world([(0, 100, 5), (0, 100, 50), (0, 200, 80)], [])
    rows = published(found)
    shown = {row[1] for row in rows if row[0] == "sex"}
    assert shown == {"sex2"}, "sex0 has five with a 1; sex1 is kept back so that it cannot be subtracted"
    naive = [*rows, ("sex", "sex1", 150, "f_x", 150, 50, 0.0, 1 / 3, *[None] * 5)]
    assert ("sex", "sex0", "nonzero") in told(found, naive)


@settings(max_examples=60)
@given(worlds, st.integers(1, 10))
def test_a_later_version_with_a_few_more_persons_shows_no_count_that_differs_by_a_few(found, more):
    first = published(found)
    grown = [
        Group(
            dimension=one.dimension, level=one.level, persons=one.persons + more, rows=one.rows + more,
            covariates={"f_x": Covariate(value=x.value + more, nonzero=x.nonzero + more, other=0, mean=0.5, quantiles=(), ever=True)},
        )
        if one.level in ("all", "sex0", "age band0") else one
        for one in found
        for x in (one.covariates["f_x"],)
    ]  # fmt: skip
    before = shown_before(dict(zip(COLUMNS, row, strict=True)) for row in first)
    second = published(grown, before)
    old = {(row[0], row[1]): row for row in first}
    for row in second:
        for column in (2, 4, 5):
            if (earlier := old.get((row[0], row[1]))) is not None:
                assert abs(row[column] - earlier[column]) not in SMALL
    assert first == [] or second == [], "the whole grew by a few"


def counted(other: int, mean: float) -> list[Group]:
    """500 persons, of whom 300 have another value than 0, and `other` another than 0 and 1."""
    visits = Covariate(value=500, nonzero=300, other=other, mean=mean, quantiles=(0.0,) * 5, ever=True)
    return [Group(dimension="all", level="all", persons=500, rows=500, covariates={"f_visits": visits})]


def test_the_mean_of_a_number_that_is_another_than_0_and_1_for_few_is_not_shown():
    assert published(counted(other=3, mean=307 / 500)) == []
    assert [row[7] for row in published(counted(other=11, mean=323 / 500))] == [323 / 500]


@pytest.mark.parametrize(("more", "hidden"), [(0, False), (1, True), (10, True), (-10, True), (11, False)])
def test_a_mean_that_tells_a_sum_of_one_to_ten_beside_an_earlier_one_is_not_shown(more: int, hidden: bool):
    first = published(counted(other=40, mean=360 / 500))
    before = shown_before(dict(zip(COLUMNS, row, strict=True)) for row in first)
    second = published(counted(other=40, mean=(360 + more) / 500), before)
    assert (second == []) == hidden, "as many persons have a value and as many have none"
    digits = published(counted(other=40, mean=360 / 500 + 1e-15), before)
    assert digits, "the order of adding up tells of nobody"


def test_a_covariate_that_nobody_has_is_a_failed_check_and_one_that_somebody_has_is_not():
    some, nobody, unknown = (
        Covariate(value=value, nonzero=nonzero, other=0, mean=None, quantiles=(), ever=nonzero > 0)
        for value, nonzero in ((300, 3), (300, 0), (0, 0))
    )
    covariates = {"f_some": some, "f_nobody": nobody, "f_unknown": unknown}
    found = matches([Group(dimension="all", level="all", persons=300, rows=450, covariates=covariates)], "feature_m")
    assert {one.check: one.state for one in found} == {
        "f_some_matches": "passed", "f_nobody_matches": "failed", "f_unknown_matches": "failed",
    }  # fmt: skip
    assert str(found[1]) == "feature_m: nobody has f_nobody: what it is made of matches nothing: 450 rows"
    assert not found[1].stops
    assert matches([], "feature_m") == []


def test_a_covariate_that_nobody_has_fails_in_all_rows_of_the_table_beside_the_checks_of_its_contract():
    rest = Behind(broken=0, kept=300, apart=0)
    whole = Result(
        table="feature_m", check="key", what="key", severity="fatal", state="passed", rows=0, of=450, all_rows=450,
        behind=rest,
    )  # fmt: skip
    nobody = Covariate(value=300, nonzero=0, other=0, mean=0.0, quantiles=(), ever=False)
    found = matches(
        [Group(dimension="all", level="all", persons=300, rows=450, covariates={"f_x": nobody})], "feature_m"
    )
    _, shown = told_together([whole, *found], of_persons=True)
    assert (shown.rows, shown.of, shown.all_rows, shown.share) == (450, 450, 450, 1.0)


@pytest.mark.spark
def test_a_covariate_that_persons_had_on_earlier_rows_alone_matches_something(spark: SparkSession):
    rows = [
        (person, 10 * person + stay, stay, datetime(2021, stay, 1), float(stay == 1), 0.0)
        for person in range(20) for stay in (1, 2)
    ]  # fmt: skip
    columns = "person_id long, visit_occurrence_id long, encounter_order long, index_datetime timestamp, f_any_x double"
    found = matches(groups(spark.createDataFrame(rows, f"{columns}, f_any_y double")), "feature_m")
    assert {one.check: (one.state, one.rows) for one in found} == {
        "f_any_x_matches": ("passed", 0), "f_any_y_matches": ("failed", 40),
    }  # fmt: skip


@pytest.mark.spark
def test_who_has_no_age_or_one_before_birth_is_of_unknown_age(spark: SparkSession):
    ages = [None] * 40 + [-1.0] * 12 + [0.0] * 13 + [79.0] * 14 + [80.0] * 15 + [103.0] * 16
    rows = [(number, number, 1, datetime(2021, 1, 1), age) for number, age in enumerate(ages)]
    columns = "person_id long, visit_occurrence_id long, encounter_order long, index_datetime timestamp, f_age double"
    found = groups(spark.createDataFrame(rows, columns))
    bands = {one.level: one.persons for one in found if one.dimension == "age band"}
    assert bands == {"unknown": 52, "0-9": 13, "70-79": 14, "80+": 31}


@pytest.mark.spark
def test_the_figures_are_those_that_pandas_finds_and_all_groups_are_one_query(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
):
    draw = np.random.default_rng(7)
    rows = 900
    table = pd.DataFrame({
        "person_id": draw.integers(0, 400, rows), "visit_occurrence_id": np.arange(rows),
        "encounter_order": draw.permutation(rows) + 1,
        "index_datetime": [datetime(2021, int(month), 3, 9) for month in draw.integers(1, 4, rows)],
        "f_sex": draw.choice(["F", "M"], rows), "f_age": draw.integers(20, 95, rows).astype(float),
        "f_any_x": draw.integers(0, 2, rows).astype(float),
        "f_long": np.where(draw.random(rows) < 0.3, np.nan, draw.gamma(2.0, 3.0, rows)),
    })  # fmt: skip
    table["f_sex"] = table["person_id"].map(lambda one: "FM"[one % 2])
    frame = spark.createDataFrame(table).replace(float("nan"), None, ["f_long"])
    asked: list[str] = []
    fetch = SparkConnectClient._execute_and_fetch
    monkeypatch.setattr(
        SparkConnectClient,
        "_execute_and_fetch",
        lambda client, *args, **more: asked.append("query") or fetch(client, *args, **more),
    )
    found = groups(frame)
    assert asked == ["query"]
    assert {one.rows for one in found if one.dimension == "all"} == {rows}
    shown = {(row[0], row[1], row[3]): dict(zip(COLUMNS, row, strict=True)) for row in published(found)}
    table["month"] = table["index_datetime"].map(lambda day: f"{day:%Y-%m}")
    table["all"] = "all"
    for dimension, column in (("all", "all"), ("sex", "f_sex"), ("month", "month")):
        for level, some in table.groupby(column):
            last = some.sort_values(["index_datetime", "encounter_order"]).groupby("person_id").last(skipna=False)
            for name in ("f_any_x", "f_long"):
                row, values = shown[dimension, level, name], last[name].dropna()
                assert (row["persons"], row["with_value"]) == (len(last), len(values))
                assert row["mean"] == pytest.approx(values.mean())
                assert row["missing_share"] == pytest.approx(1 - len(values) / len(last))
                if name == "f_any_x":
                    assert row["ones"] == values.sum()
                    assert [row[one] for one in NUMBERS] == [None] * 5
                else:
                    wanted = [
                        values.quantile(share) if min(share, 1 - share) * len(values) >= 11 else None
                        for share in (0.1, 0.25, 0.5, 0.75, 0.9)
                    ]
                    assert [row[one] for one in NUMBERS] == pytest.approx(wanted)
    bands = {level for dimension, level, _ in shown if dimension == "age band"}
    assert bands <= {f"{low}-{low + 9}" for low in range(20, 80, 10)} | {"80+"}
    assert "80+" in bands
