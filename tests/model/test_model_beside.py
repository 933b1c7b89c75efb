"""What is published of a model now beside what was before: no difference of two versions tells of 1 to 10 persons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_workspace import MODEL, ROWS, opened
from pyspark.sql import SparkSession

from jobs.model.beside import KINDS, beside, earlier
from jobs.model.monitoring import DIFFERENCE, RATIO, counted
from jobs.model.monitoring import beside as observed_beside
from jobs.model.side import TEST, TRAIN, Size, told

FEW = range(1, 11)
SEXES, AGES = ("F", "M"), ("0-17", "18-64", "65 and over")
CELLS = [(sex, age) for sex in SEXES for age in AGES]
GROUPS = {"sex": SEXES, "age": AGES}
# How many more a cell has than in the version before.
STEPS = st.sampled_from([0, 0, 1, 3, 10, 11, 12, 40])


def evaluation(others: Sequence[int], events: Sequence[int]) -> pd.DataFrame:
    """One split by sex and age, from encounters without and with the event in each of CELLS; all of other persons."""
    masks = {"all": CELLS} | {f"sex={sex}": [one for one in CELLS if one[0] == sex] for sex in SEXES}
    masks |= {f"age={age}": [one for one in CELLS if one[1] == age] for age in AGES}
    rows = []
    for name, some in masks.items():
        kept, lost = (sum(counts[CELLS.index(one)] for one in some) for counts in (others, events))
        rows += [("person", name, metric, 0.7, 0.6, 0.8, kept + lost, kept + lost, lost) for metric in ("auroc", "ici")]
    return pd.DataFrame(rows, columns=["split", "subgroup", "metric", "value", "low", "high", *KINDS])


def known(table: pd.DataFrame) -> dict[tuple[str, str], int]:
    """What a reader knows of each group: what is shown, what follows from it, and what is left of the whole."""
    cells = {
        (row["subgroup"], kind): int(row[kind])
        for row in table.drop_duplicates("subgroup").to_dict("records")
        for kind in KINDS
        if not pd.isna(row[kind])
    }
    for name in table["subgroup"].unique():
        if {(name, "encounters"), (name, "events")} <= set(cells):
            cells[name, "others"] = cells[name, "encounters"] - cells[name, "events"]
    for dimension, levels in GROUPS.items():
        for kind in (*KINDS, "others"):
            line = {("all", kind): -1} | {(f"{dimension}={level}", kind): 1 for level in levels}
            open_ = [cell for cell in line if cell not in cells]
            if len(open_) == 1:
                rest = sum(sign * cells[cell] for cell, sign in line.items() if cell in cells)
                cells[open_[0]] = -rest * line[open_[0]]
    return cells


@pytest.mark.clause("P8")
@given(
    st.lists(st.integers(100, 130), min_size=12, max_size=12),
    st.lists(st.lists(STEPS, min_size=12, max_size=12), min_size=1, max_size=4),
)
def test_whoever_has_every_evaluation_knows_of_no_difference_of_1_to_10(start: list[int], steps: list[list[int]]):
    counts, published = start, list[pd.DataFrame]()
    ledger: dict[tuple[str, str], set[int]] = {}
    for step in [[0] * 12, *steps]:
        counts = [count + more for count, more in zip(counts, step, strict=True)]
        before = earlier(row for table in published for row in table.to_dict("records"))
        published.append(beside(evaluation(counts[:6], counts[6:]), before))
        for cell, count in known(published[-1]).items():
            assert not {abs(count - one) for one in ledger.get(cell, ())} & set(FEW), cell
            ledger.setdefault(cell, set()).add(count)


def test_without_a_small_difference_everything_is_shown_and_what_was_measured_always_is() -> None:
    others, events = [100, 110, 120, 130, 140, 150], [40, 41, 42, 43, 44, 45]
    first = evaluation(others, events)
    pd.testing.assert_frame_equal(beside(first, {}), first, check_dtype=False)
    before = earlier(first.to_dict("records"))
    pd.testing.assert_frame_equal(beside(first, before), first, check_dtype=False)
    # Of women few more, of men and of each age many: women would tell of few, and so would the whole less the men.
    again = beside(evaluation([104, 110, 120, 150, 160, 170], events), before)
    assert again["value"].notna().all()
    assert set(again[again["encounters"].isna()]["subgroup"]) == {"sex=F", "sex=M"}
    everything = beside(evaluation([104, 110, 120, 130, 140, 150], events), before)
    assert everything[list(KINDS)].isna().all(axis=None)
    assert everything["value"].notna().all()


def test_a_count_is_kept_back_where_few_more_return_than_before() -> None:
    first = evaluation([300] * 6, [60] * 6).assign(persons=lambda table: table["encounters"] - 50)
    later = evaluation([340] * 6, [60] * 6).assign(persons=lambda table: table["encounters"] - 50)
    assert beside(later, earlier(first.to_dict("records"))).equals(beside(later, {}))
    # Forty more encounters and thirty-four more persons in each group: six more encounters of who was there already.
    later = later.assign(persons=lambda table: table["persons"] - 6)
    assert beside(later, earlier(first.to_dict("records")))[list(KINDS)].isna().all(axis=None)


def observation(scored: int | None, matured: int | None, events: int | None) -> list[dict[str, Any]]:
    """The rows of an observation: the whole slice, one block of it, and a covariate."""
    return [
        {"measure": RATIO, "block": 0, "value": 1.0, "encounters": matured, "events": events},
        {"measure": RATIO, "block": 1, "value": 1.0, "encounters": 30, "events": 12},
        {"measure": DIFFERENCE, "block": 0, "value": 0.1, "encounters": scored, "events": None},
    ]


@pytest.mark.parametrize(
    ("now", "shown"),
    [
        ((1000, 600, 100), True),  # as before
        ((1100, 700, 150), True),
        ((1004, 700, 150), False),  # four more scored
        ((1100, 604, 150), False),  # four more matured
        ((1100, 700, 103), False),  # three more events
        ((1100, 620, 118), False),  # two more without the event
        ((1103, 700, 120), False),  # three more wait
        ((1100, 611, 111), True),  # eleven more of all, and none without the event
    ],
)
def test_an_observation_shows_its_counts_only_where_none_differs_by_few(now: tuple[int, int, int], shown: bool) -> None:
    before = [observation(1000, 600, 100), observation(None, None, None)]
    found = observed_beside(observation(*now), [counted(one) for one in before], {})
    assert [row["value"] for row in found] == [1.0, 1.0, 0.1]
    expected = observation(*now) if shown else [{**row, "encounters": None, "events": None} for row in found]
    assert found == expected


def size(encounters: int, persons: int, events: int) -> Size:
    return Size(encounters=encounters, persons=persons, events=events)


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        ([], True),
        ([{TEST: size(200, 100, 40).counts}], True),
        ([{TEST: size(189, 89, 29).counts}], True),
        ([{TEST: size(196, 80, 20).counts}], False),
        ([{TRAIN: size(600, 297, 200).counts}], False),
        ([{TEST: size(150, 80, 20).counts}, {}, {TEST: size(200, 100, 41).counts}], False),
        ([{TEST: size(185, 80, 20).counts}], False),  # 15 more, 20 of them with the event: 5 fewer without
        ([{TEST: {"encounters": 170, "events": 25, "others": 145}}], True),  # said without their persons
    ],
)
def test_the_sizes_of_both_sides_are_said_only_where_none_differs_by_few(
    before: Sequence[Mapping[str, Mapping[str, int]]], shown: bool
) -> None:
    sizes = {TEST: size(200, 100, 40), TRAIN: size(600, 300, 120)}
    assert told(sizes, before) == (sizes if shown else dict.fromkeys(sizes))


@pytest.mark.parametrize(
    ("sizes", "before", "of_persons"),
    [
        ({TEST: size(200, 150, 40), TRAIN: size(600, 500, 120)}, [], True),
        ({TEST: size(200, 200, 40), TRAIN: size(600, 600, 120)}, [], True),
        ({TEST: size(200, 196, 40), TRAIN: size(600, 500, 120)}, [], False),
        ({TEST: size(200, 150, 40), TRAIN: size(600, 590, 120)}, [], False),
        # Eighty more encounters of seventy-five more persons.
        ({TEST: size(200, 150, 40), TRAIN: size(600, 500, 120)}, [{TRAIN: size(520, 425, 90).counts}], False),
        # Thirty wait, of whom twenty-six have no other encounter.
        ({TEST: size(200, 150, 40), TRAIN: replace(size(600, 500, 120), waiting=30, never=26)}, [], False),
        ({TEST: size(200, 150, 40), TRAIN: replace(size(600, 500, 120), waiting=60, never=26)}, [], True),
    ],
)
def test_the_persons_of_no_side_are_said_where_they_tell_of_few_who_return(
    sizes: Mapping[str, Size], before: Sequence[Mapping[str, Mapping[str, int]]], of_persons: bool
) -> None:
    said = told(sizes, before)
    assert said == (sizes if of_persons else {side: replace(one, persons=None) for side, one in sizes.items()})
    assert TEST in said


def test_the_training_side_is_not_said_where_the_attrition_does_not_say_how_many_there_are() -> None:
    sizes = {TEST: size(200, 100, 40), TRAIN: size(600, 300, 120)}
    assert told(sizes, cohort=False) == {TEST: sizes[TEST], TRAIN: None}


@pytest.mark.slow
@pytest.mark.spark
@pytest.mark.clause("P8")
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_a_second_training_on_few_more_encounters_keeps_its_counts_back_and_shows_its_auroc(
    quiet_mlflow: None, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with opened(tmp_path_factory.mktemp("beside"), spark, replace(MODEL, name="beside")) as stage:
        stage.features(ROWS, 7000)
        stage.trained("1")
        first = len(stage.shown)
        stage.features(ROWS, 7004)
        stage.trained("2")
        table = stage.table("evaluation")
        whole = table[(table["split"] == "person") & (table["subgroup"] == "all") & (table["metric"] == "auroc")]
        runs = whole.set_index("job_run_id")
        assert runs.loc["1", "encounters"] > 1000
        assert pd.isna(runs.loc["2", "encounters"])
        assert runs["value"].notna().all()
        said = [line for line in stage.shown[first:] if line.startswith(("train:", "test:", "AUROC"))]
        assert len(said) == 3
        assert all("few" in line for line in said)
        assert not any(character.isdigit() for line in said[:2] for character in line)
