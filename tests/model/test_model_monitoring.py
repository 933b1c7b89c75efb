"""Monitoring with and without a change: what raises which signal, and what stays quiet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from model_cohort import cohort, sided

from jobs.model import monitoring
from jobs.model.matrix import columns_of, fit, probabilities
from jobs.model.monitoring import CALIBRATION, COVARIATE, NOT_ASSESSABLE, QUIET, SIGNAL
from workflows.declare import Monitor
from workflows.methods import LogisticRegression

METHOD = LogisticRegression(C=1.0)


@pytest.fixture(scope="module")
def parts() -> tuple[pd.DataFrame, pd.DataFrame]:
    """(scored slice with known outcomes, held-out test persons) around one fitted model."""
    rows = sided(cohort(persons=6000, encounters=16_000))
    early, late = rows.iloc[:12_000], rows.iloc[12_000:]
    fitted = fit(METHOD, METHOD.parameters, early[early["side"] == "train"])
    return late.assign(score=probabilities(fitted, late)), early[early["side"] == "test"]


def observed(scored: pd.DataFrame, held: pd.DataFrame, monitor: Monitor) -> list[dict]:
    columns = columns_of(held)
    found = monitoring.calibration(scored, monitor, 1) + monitoring.covariates(scored, held, columns, monitor)
    return found + monitoring.newest_covariates(scored, held, columns, monitor)


@pytest.mark.clause("26")
def test_without_a_change_no_retraining_starts(parts: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    found = observed(*parts, Monitor())
    assert monitoring.decision(found) == ""
    assert {row["state"] for row in found if row["block"] == 0} == {QUIET}
    assert {row["state"] for row in found if row["measure"] == monitoring.DIFFERENCE} == {QUIET}


@pytest.mark.clause("O9", "P8")
def test_more_events_than_expected_are_calibration_drift(parts: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    scored, held = parts
    more = (np.random.default_rng(1).random(len(scored)) < 0.15).astype(int)
    found = observed(scored.assign(outcome=np.maximum(scored["outcome"], more)), held, Monitor())
    assert monitoring.decision(found) == CALIBRATION
    whole = found[0]
    assert (whole["block"], whole["state"], whole["signal"]) == (0, SIGNAL, CALIBRATION)
    assert whole["low"] > 1.1


@pytest.mark.clause("O9", "P8")
def test_other_persons_are_covariate_drift(parts: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    scored, held = parts
    moved = scored.assign(f_x=scored["f_x"] + 1, f_age=scored["f_age"] + 20, f_ward="surgical")
    found = monitoring.covariates(moved, held, columns_of(held), Monitor())
    assert monitoring.decision(found) == COVARIATE
    assert {row["name"] for row in found if row["signal"]} == {"f_x", "f_age", "f_ward"}


def one(mean: float, size: int, first: int) -> pd.DataFrame:
    """Encounters of one laboratory value, each of another person, in order."""
    number = np.arange(size) + first
    return pd.DataFrame({
        "person_id": number, "visit_occurrence_id": number, "encounter_order": number,
        "f_lab": np.random.default_rng(first).normal(mean, 1, size),
    })  # fmt: skip


@pytest.mark.clause("O9", "P8")
@pytest.mark.parametrize("months", [0, 3, 9])
def test_a_month_of_other_persons_speaks_however_many_quiet_months_the_version_has_served(months: int) -> None:
    held, quiet, moved = one(0, 4000, 10**6), one(0, 1000 * months, 1), one(0.9, 1000, 50_000)
    scored = pd.concat([moved, quiet])  # the order of the rows is not that of time
    (whole,) = monitoring.covariates(scored, held, columns_of(held), Monitor())
    (newest,) = monitoring.newest_covariates(scored, held, columns_of(held), Monitor())
    assert (newest["block"], newest["state"], newest["signal"]) == (monitoring.BLOCKS, SIGNAL, COVARIATE)
    assert monitoring.decision([whole, newest]) == COVARIATE
    assert (whole["state"] == SIGNAL) == (months == 0)


def test_a_change_that_is_over_does_not_speak_through_the_newest_block() -> None:
    held, scored = one(0, 4000, 10**6), pd.concat([one(0.9, 1000, 1), one(0, 3000, 50_000)])
    found = monitoring.newest_covariates(scored, held, columns_of(held), Monitor())
    assert [row["state"] for row in found] == [QUIET]


@pytest.mark.parametrize(("persons", "state"), [(99, NOT_ASSESSABLE), (100, SIGNAL)])
def test_the_newest_block_is_assessed_from_as_many_persons_as_calibration_asks_events(persons: int, state: str) -> None:
    held, scored = one(0, 4000, 10**6), pd.concat([one(0, 1200, 1), one(0.9, 400, 50_000)])
    number = scored["person_id"]
    scored["person_id"] = number.where(number < 50_000, number % persons + 5000)
    (found,) = monitoring.newest_covariates(scored, held, columns_of(held), Monitor())
    assert (found["state"], found["value"] is None) == (state, state == NOT_ASSESSABLE)


def test_what_few_persons_have_in_the_newest_block_or_in_the_older_ones_is_not_shown_of_it() -> None:
    held, scored = one(0, 4000, 10**6), one(0, 4000, 1)
    order, early, late = scored["encounter_order"], np.arange(5), np.arange(3500, 3505)
    flags = {
        "f_late": np.isin(order, late), "f_early": np.isin(order, early) | (order > 3900),
        "f_most_early": ~np.isin(order, early), "f_many": (order < 1000) | (order > 3900),
    }  # fmt: skip
    scored, held = (
        scored.assign(**{name: flag.astype(float) for name, flag in flags.items()}),
        held.assign(**{name: (np.arange(4000) % 2).astype(float) for name in flags}),
    )
    whole = monitoring.covariates(scored, held, columns_of(held), Monitor())
    newest = monitoring.newest_covariates(scored, held, columns_of(held), Monitor())
    assert {row["name"] for row in newest if row["value"] is not None} == {"f_lab", "f_many"}
    assert {(row["state"], row["signal"]) for row in newest if row["value"] is None} == {(NOT_ASSESSABLE, "")}
    assert "f_early" in {row["name"] for row in whole if row["value"] is not None}, "the whole less the block is four"
    assert {(row["encounters"], row["events"]) for row in newest} == {(None, None)}


@pytest.mark.parametrize("size", [0, 1, 10, 43, 396])
def test_of_a_slice_of_few_the_newest_block_has_its_rows_and_tells_nothing(size: int) -> None:
    held = one(0, 4000, 10**6)
    (row,) = monitoring.newest_covariates(one(0.9, size, 1), held, columns_of(held), Monitor())
    assert (row["block"], row["value"], row["state"]) == (monitoring.BLOCKS, None, NOT_ASSESSABLE)
    assert monitoring.counted([row | {"encounters": 500}]) == {}, "a block is not the whole"


def test_one_drifted_covariate_below_the_declared_share_is_shown_and_signals_nothing(
    parts: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    scored, held = parts
    found = monitoring.covariates(
        scored.assign(f_x=scored["f_x"] + 1), held, columns_of(held), Monitor(drifted_share=0.3)
    )
    assert [row["name"] for row in found if row["state"] == SIGNAL] == ["f_x"]
    assert monitoring.decision(found) == ""


def test_the_difference_of_what_few_persons_have_on_either_side_is_not_shown(
    parts: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    scored, held = parts
    few, many = (scored["person_id"].isin(scored["person_id"].unique()[:count]) for count in (10, 11))
    assert few.sum() > 10, "more than ten rows of ten persons"
    other = held["person_id"].isin(held["person_id"].unique()[:3])
    told = scored.assign(
        f_few=few.astype(float), f_many=many.astype(float), f_unknown=np.where(few, np.nan, 1.0), f_held=1.0,
        f_level=np.where(few, "rare", "common"), f_all_but=1.0 - few,
    )  # fmt: skip
    beside = held.assign(
        f_few=0.0, f_many=0.0, f_unknown=1.0, f_held=1.0 - other, f_level="common", f_all_but=1.0
    )  # fmt: skip
    rows = {row["name"]: row for row in monitoring.covariates(told, beside, columns_of(beside), Monitor())}
    hidden = {name for name, row in rows.items() if row["value"] is None}
    assert hidden == {"f_few", "f_unknown", "f_held", "f_level", "f_all_but"}
    assert {(rows[name]["state"], rows[name]["signal"]) for name in hidden} == {(NOT_ASSESSABLE, "")}
    assert all(row["value"] == round(row["value"], 3) for row in rows.values() if row["value"] is not None)


def test_fewer_events_than_the_declared_minimum_are_not_assessable(parts: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    few = parts[0].assign(outcome=0)
    few.iloc[:50, few.columns.get_loc("outcome")] = 1
    found = monitoring.calibration(few, Monitor(), 1)
    assert {row["state"] for row in found} == {NOT_ASSESSABLE}
    assert monitoring.decision(found) == ""


def test_few_events_of_a_block_are_not_shown(parts: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    few = parts[0].assign(outcome=0)
    few.iloc[:4, few.columns.get_loc("outcome")] = 1
    whole = monitoring.calibration(few, Monitor(), 1)[0]
    assert (whole["value"], whole["events"]) == (None, None)


def test_a_block_that_is_kept_back_is_not_the_whole_less_the_others() -> None:
    events = [20, 20, 15, 5]
    outcome = np.concatenate([np.arange(100) < count for count in events]).astype(int)
    rows = pd.DataFrame({
        "person_id": np.arange(400), "visit_occurrence_id": np.arange(400), "encounter_order": np.arange(400),
        "outcome": outcome, "score": 0.15,
    })  # fmt: skip
    whole, *blocks = monitoring.calibration(rows, Monitor(), 1)
    assert (whole["events"], whole["encounters"]) == (60, 400)
    assert [row["events"] for row in blocks] == [None, 20, 15, None], "5 alone would be 60 less 55"
    assert [row["value"] is None for row in blocks] == [True, False, False, True]
    # Encounters without the outcome may be as few.
    whole, *blocks = monitoring.calibration(rows.assign(outcome=1 - outcome), Monitor(), 1)
    assert [row["events"] for row in blocks] == [None, 80, 85, None]


def test_blocks_follow_the_encounter_order_and_cover_every_row(parts: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    scored = parts[0]
    late = scored["encounter_order"] > scored["encounter_order"].quantile(0.75)
    changed = scored.assign(outcome=np.where(late, 1, scored["outcome"])).sample(frac=1.0, random_state=1)
    rows = monitoring.calibration(changed, Monitor(), 1)
    assert [row["block"] for row in rows] == [0, 1, 2, 3, 4]
    assert sum(row["encounters"] for row in rows[1:]) == rows[0]["encounters"] == len(scored)
    assert rows[4]["state"] == SIGNAL
    assert rows[4]["value"] > 2 > rows[3]["value"]


@pytest.mark.clause("O9")
def test_an_older_block_alone_is_history_and_the_newest_one_speaks() -> None:
    quiet = {"measure": monitoring.RATIO, "signal": ""}
    loud = {"measure": monitoring.RATIO, "signal": CALIBRATION}
    numbered = [{"block": 0, **quiet}, {"block": 1, **loud}, {"block": 2, **quiet}]
    assert monitoring.decision(numbered) == ""
    assert monitoring.decision([*numbered[:2], {"block": 2, **loud}]) == CALIBRATION


def test_a_standardised_difference_is_the_difference_in_standard_deviations() -> None:
    draw = np.random.default_rng(2)
    held, new = draw.normal(10, 2, 50_000), draw.normal(11, 2, 50_000)
    assert monitoring.number_difference(new, held) == pytest.approx(0.5, abs=0.02)


def test_the_difference_of_two_levels_equals_that_of_their_indicator() -> None:
    draw = np.random.default_rng(2)
    new, held = draw.random(4000) < 0.4, draw.random(4000) < 0.25
    as_text = monitoring.category_difference(np.where(new, "a", "b"), np.where(held, "a", "b"))
    as_number = monitoring.number_difference(new.astype(float), held.astype(float))
    assert as_text == pytest.approx(abs(as_number), rel=1e-9)


def test_a_covariate_that_goes_missing_is_drift_even_if_the_rest_looks_the_same() -> None:
    held = np.random.default_rng(2).normal(size=1000)
    new = np.where(np.arange(1000) % 2 == 0, np.nan, held)
    assert monitoring.covariate_difference(new, held, is_number=True) > 1
    assert monitoring.covariate_difference(np.full(1000, np.nan), held, is_number=True) == np.inf


def test_a_new_level_and_a_constant_are_handled() -> None:
    assert monitoring.category_difference(np.array(["new"] * 50), np.array(["old"] * 50)) > 1
    assert monitoring.category_difference(np.array(["a"] * 5), np.array(["a"] * 5)) == 0.0
    assert monitoring.number_difference(np.ones(5), np.ones(5)) == 0.0
    assert monitoring.number_difference(np.full(5, 2.0), np.ones(5)) == np.inf


def test_a_signal_is_never_called_drift_alone() -> None:
    assert {CALIBRATION, COVARIATE} == {"calibration drift", "covariate drift"}
    both = [
        {"measure": monitoring.DIFFERENCE, "block": 0, "signal": COVARIATE},
        {"measure": monitoring.RATIO, "block": 0, "signal": CALIBRATION},
    ]
    assert monitoring.decision(both) == "calibration drift and covariate drift"
