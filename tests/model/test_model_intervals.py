"""Person-clustered intervals: they cover, they are wider where persons repeat, and no order of rows matters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model_truth import clustered_cohort

from jobs.model.intervals import Persons, clustered, difference, observed_over_expected, recalibration
from jobs.model.metrics import expit


def width(found: object) -> float:
    return found.high - found.low  # type: ignore[attr-defined]


def test_an_interval_contains_its_estimate() -> None:
    outcome, score, persons = clustered_cohort(600, 3)
    for found in clustered(outcome, score, Persons(persons, 1)).values():
        assert found.low < found.value < found.high


def test_resampling_persons_is_wider_than_resampling_rows_where_persons_repeat() -> None:
    outcome, score, persons = clustered_cohort(400, 8)
    by_person = observed_over_expected(outcome, score, Persons(persons, 1))
    by_row = observed_over_expected(outcome, score, Persons(np.arange(len(outcome)), 1))
    # Eight encounters of a person with one shared risk: the design effect is clearly above one.
    assert width(by_person) > 1.3 * width(by_row)


def test_resampling_persons_equals_resampling_rows_where_nobody_repeats() -> None:
    outcome, score, persons = clustered_cohort(3000, 1)
    by_person = clustered(outcome, score, Persons(persons, 1))["auroc"]
    by_row = clustered(outcome, score, Persons(np.arange(len(outcome)), 2))["auroc"]
    assert width(by_person) == pytest.approx(width(by_row), rel=0.1)


def test_the_interval_of_observed_over_expected_covers_the_truth_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(200):
        outcome, score, persons = clustered_cohort(250, 4, seed=seed, known_risk=True)
        found = observed_over_expected(outcome, score, Persons(persons, seed, resamples=300))
        covered += found.low <= 1.0 <= found.high
    # 95 % of 200 is 190, SD 3.1.
    assert 178 <= covered <= 199


def test_the_clustered_interval_of_the_slope_covers_the_truth_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(200):
        outcome, score, persons = clustered_cohort(250, 4, seed=seed, known_risk=True)
        found = recalibration(outcome, score, Persons(persons, seed))["calibration_slope"]
        covered += found.low <= 1.0 <= found.high
    assert 178 <= covered <= 199


@pytest.mark.clause("P3")
@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_permuting_the_rows_changes_no_estimate_and_no_interval(seed: int) -> None:
    outcome, score, persons = clustered_cohort(80, 3)
    order = np.random.default_rng(seed).permutation(len(outcome))
    straight = clustered(outcome, score, Persons(persons, 7, resamples=50))
    shuffled = clustered(outcome[order], score[order], Persons(pd.Series(persons)[order], 7, resamples=50))
    for name, found in straight.items():
        assert vars(shuffled[name]) == pytest.approx(vars(found), rel=1e-9)


def test_another_seed_gives_another_interval_and_the_same_estimate() -> None:
    outcome, score, persons = clustered_cohort(200, 3)
    one, other = (clustered(outcome, score, Persons(persons, seed))["auroc"] for seed in (1, 2))
    assert one.value == other.value
    assert one.low != other.low


def test_a_paired_difference_is_narrower_than_the_two_intervals_apart() -> None:
    outcome, score, persons = clustered_cohort(800, 3)
    close = expit(np.log(score / (1 - score)) + np.random.default_rng(1).normal(0, 0.1, len(score)))
    people = Persons(persons, 1)
    paired = difference(outcome, score, close, "auroc", people)
    assert width(paired) < 0.5 * width(clustered(outcome, score, people)["auroc"])
    assert paired.low < paired.value < paired.high


def test_a_model_compared_with_itself_differs_by_exactly_nothing() -> None:
    outcome, score, persons = clustered_cohort(100, 3)
    found = difference(outcome, score, score, "auroc", Persons(persons, 1))
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_one_outcome_only_has_no_auroc_and_no_interval() -> None:
    found = clustered(np.zeros(50, dtype=int), np.linspace(0.1, 0.9, 50), Persons(np.arange(50), 1))["auroc"]
    assert np.isnan([found.value, found.low, found.high]).all()
