"""Table 1 against pandas and numpy, and against an attacker who sees all of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from jobs.errors import TaskError
from jobs.model.table_one import COLUMNS, difference, table_one

pytestmark = pytest.mark.clause("F5")


def persons(seed: int, size: int, rare: float) -> pd.DataFrame:
    """Rows of invented persons, some with several; a number, a mostly empty one, flags and a category."""
    draw = np.random.default_rng(seed)
    rows = size * 2
    return pd.DataFrame({
        "person_id": draw.integers(0, size, rows), "visit_occurrence_id": np.arange(rows),
        "encounter_order": draw.permutation(rows),
        "outcome": pd.array(draw.choice([0, 0, 0, 1, None], rows), dtype="Int64"),
        "f_age": draw.normal(60, 15, rows), "f_lab": np.where(draw.random(rows) < 0.6, np.nan, draw.normal(5, 1, rows)),
        "f_rare": (draw.random(rows) < rare).astype(float), "f_any": (draw.random(rows) < 0.4).astype(float),
        "f_count": np.where(draw.random(rows) < rare, draw.integers(2, 5, rows), 0).astype(float),
        "f_sex": draw.choice(["F", "M"], rows), "f_ward": draw.choice(["a", "b", None], rows, p=[0.8, rare, 0.2 - rare]),
    })  # fmt: skip


def baseline(frame: pd.DataFrame) -> pd.DataFrame:
    known = frame[frame["outcome"].notna()]
    return known.loc[known.groupby("person_id")["encounter_order"].idxmin()]


def by_pandas(rows: pd.DataFrame, covariate: str, level: str, group: int) -> tuple[int, float, float]:
    """(persons, mean or share, standard deviation) of a line, by pandas."""
    column = rows.loc[rows["outcome"] == group, covariate]
    if level == "mean":
        return int(column.count()), column.mean(), column.std()
    wanted = {"yes": 1.0, "no": 0.0}.get(level, level)
    hits = column.isna() if level == "missing" else column == wanted
    return int(hits.sum()), hits.mean(), float("nan")


@settings(max_examples=12, derandomize=True)
@given(seed=st.integers(0, 1_000_000), size=st.integers(60, 600), rare=st.sampled_from([0.01, 0.03, 0.1]))
def test_every_shown_number_is_that_of_pandas_and_no_small_count_can_be_told(seed: int, size: int, rare: float):
    frame = persons(seed, size, rare)
    rows = baseline(frame)
    table = table_one(frame)
    assert list(table.columns) == list(COLUMNS)
    assert set(table["covariate"]) == {"persons"} | {name for name in frame if name.startswith("f_")}
    sizes = [int((rows["outcome"] == group).sum()) for group in (0, 1)]
    for line in table.iloc[1:].itertuples():
        values = [by_pandas(rows, line.covariate, line.level, group) for group in (0, 1)]
        for group, (count, value, sd) in enumerate(values):
            shown = getattr(line, f"persons_{group}")
            if pd.isna(shown):
                assert pd.isna(getattr(line, f"value_{group}"))
                assert pd.isna(getattr(line, f"sd_{group}"))
                assert pd.isna(line.smd)
            else:
                assert shown == count
                assert not 1 <= shown <= 10
                assert np.isclose(getattr(line, f"value_{group}"), value, equal_nan=True)
                assert np.isclose(getattr(line, f"sd_{group}"), sd, equal_nan=True)
        if not pd.isna(line.smd):
            spread = [sd**2 if line.level == "mean" else value * (1 - value) for _, value, sd in values]
            apart = values[1][1] - values[0][1]
            assert np.isclose(line.smd, apart / np.sqrt(np.mean(spread)) if apart else 0.0)
    attacked(table, rows, sizes)


def attacked(table: pd.DataFrame, rows: pd.DataFrame, sizes: list[int]) -> None:
    """The levels of a covariate add up to the group: no hidden count of 1 to 10 is bound within 1 to 10."""
    for group in (0, 1):
        whole = table[f"persons_{group}"].iloc[0]
        for covariate in set(table["covariate"]) - {"persons", "f_age", "f_lab", "f_count"}:
            part = table[table["covariate"] == covariate]
            hidden = part[part[f"persons_{group}"].isna()]
            if hidden.empty or pd.isna(whole):
                continue
            rest = int(whole) - int(part[f"persons_{group}"].sum())
            for place, level in enumerate(hidden["level"]):
                count, _, _ = by_pandas(rows, covariate, level, group)
                if 1 <= count <= 10:
                    goal = np.zeros(len(hidden))
                    goal[place] = -1
                    answer = linprog(goal, A_eq=np.ones((1, len(hidden))), b_eq=[rest], bounds=(1, None))
                    assert -answer.fun > 10, (covariate, level)


def test_a_number_that_is_zero_for_all_but_a_few_shows_no_mean():
    frame = persons(1, 300, 0.1)
    frame = frame.assign(f_count=np.where(frame["person_id"] < 12, 7.0, 0.0))
    rows = baseline(frame)
    few = rows[rows["f_count"] > 0].groupby("outcome").size()
    assert few.between(1, 10).all()
    assert len(few) == 2
    table = table_one(frame).set_index("covariate")
    line = table.loc["f_count"]
    assert line["level"] == "mean"
    assert line[["persons_0", "value_0", "sd_0", "persons_1", "value_1", "sd_1", "smd"]].isna().all()
    assert table.loc["f_age", "value_0"] > 0


def test_the_standardised_difference_is_the_published_one():
    # Austin 2009, section 3.1: a mean difference of a fifth of a standard deviation; shares of 10 % and 20 %.
    assert difference((10.0, 12.0), (100.0, 100.0)) == pytest.approx(0.2)
    assert difference((0.1, 0.2), (0.09, 0.16)) == pytest.approx(0.1 / np.sqrt(0.125))
    assert difference((3.0, 3.0), (0.0, 0.0)) == 0
    assert np.isnan(difference((3.0, 4.0), (0.0, 0.0)))


@pytest.mark.parametrize("value", [0.1, 37.2, 0.7, 1e16])
def test_a_number_that_is_the_same_for_all_does_not_differ(value: float):
    frame = persons(1, 300, 0.1).assign(f_count=value)
    line = table_one(frame).set_index("covariate").loc["f_count"]
    assert line[["value_0", "value_1", "sd_0", "sd_1", "smd"]].tolist() == [value, value, 0, 0, 0]


def test_the_order_of_rows_changes_nothing_and_one_group_is_no_table():
    frame = persons(2, 200, 0.03)
    pd.testing.assert_frame_equal(table_one(frame), table_one(frame.sample(frac=1, random_state=1)))
    with pytest.raises(TaskError, match=r"table 1: outcome has \[1\]; valid: persons in both groups, 0 and 1"):
        table_one(frame.assign(outcome=1))
