"""Metrics against scikit-learn, brute force and truths known by construction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from jobs.model import metrics
from jobs.model.intervals import Persons, Ranked, clustered, observed_over_expected, recalibration

SCORES = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.5, 0.75, 0.9, 1.0])), min_size=4, max_size=60
)


def simulated(n: int = 60_000, seed: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """(outcome, probability) of a perfectly calibrated model."""
    draw = np.random.default_rng(seed)
    probability = metrics.expit(draw.normal(-1.5, 1.0, n))
    return (draw.random(n) < probability).astype(np.int64), probability


def alone(rows: int) -> Persons:
    """Each row is somebody else's; intervals are not looked at."""
    return Persons(np.arange(rows), seed=1, resamples=2)


def scaled_brier(outcome: np.ndarray, probability: np.ndarray) -> float:
    return clustered(outcome, probability, alone(len(outcome)))["scaled_brier"].value


def slope_and_intercept(outcome: np.ndarray, probability: np.ndarray) -> tuple[float, float]:
    found = recalibration(outcome, probability, alone(len(outcome)))
    return found["calibration_slope"].value, found["calibration_intercept"].value


@settings(max_examples=150)
@given(rows=SCORES, draws=st.lists(st.integers(0, 3), min_size=60, max_size=60))
def test_auroc_and_average_precision_of_a_resample_equal_those_of_the_repeated_rows(
    rows: list[tuple[bool, float]], draws: list[int]
) -> None:
    outcome = np.array([int(event) for event, _ in rows])
    score = np.array([value for _, value in rows])
    persons = Persons(np.arange(len(rows)), seed=1)
    weight = np.empty(len(rows), dtype=np.uint16)
    weight[persons.codes] = draws[: len(rows)]
    repeats = weight[persons.codes]
    auroc, precision = Ranked(outcome, score, persons).both(weight)
    many, scores = np.repeat(outcome, repeats), np.repeat(score, repeats)
    if len(set(many)) < 2:
        assert np.isnan(auroc)
        return
    assert auroc == pytest.approx(roc_auc_score(many, scores), abs=1e-12)
    assert precision == pytest.approx(average_precision_score(many, scores), abs=1e-12)


def test_auroc_with_ties_counts_a_tie_as_one_half() -> None:
    outcome, score = np.array([1, 0, 1, 0, 0]), np.array([0.7, 0.7, 0.4, 0.4, 0.1])
    pairs = [(a, b) for a in score[outcome == 1] for b in score[outcome == 0]]
    by_hand = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs) / len(pairs)
    assert Ranked(outcome, score, Persons(np.arange(5), 1)).both(np.ones(5, dtype=np.uint16))[0] == by_hand


def test_scaled_brier_is_one_minus_the_ratio_to_the_event_rate() -> None:
    outcome, probability = simulated(5000)
    reference = brier_score_loss(outcome, np.full(len(outcome), outcome.mean()))
    expected = 1 - brier_score_loss(outcome, probability) / reference
    assert scaled_brier(outcome, probability) == pytest.approx(expected, abs=1e-12)


def test_scaled_brier_is_one_for_the_truth_and_zero_for_the_event_rate() -> None:
    outcome = np.array([0, 1, 1, 0, 0])
    assert scaled_brier(outcome, outcome.astype(float)) == pytest.approx(1.0)
    assert scaled_brier(outcome, np.full(5, 0.4)) == pytest.approx(0.0)


def test_observed_over_expected_is_a_ratio_of_sums() -> None:
    found = observed_over_expected(np.array([1, 1, 0]), np.array([0.5, 0.3, 0.2]), alone(3))
    assert found.value == pytest.approx(2.0)


def test_a_calibrated_model_has_slope_one_and_intercept_zero() -> None:
    outcome, probability = simulated()
    slope, intercept = slope_and_intercept(outcome, probability)
    assert slope == pytest.approx(1.0, abs=0.03)
    assert intercept == pytest.approx(0.0, abs=0.03)


@pytest.mark.parametrize(("slope", "shift"), [(0.5, 0.0), (2.0, 0.0), (1.0, 0.7)])
def test_a_distorted_model_shows_its_distortion(slope: float, shift: float) -> None:
    outcome, probability = simulated()
    distorted = metrics.expit(slope * metrics.logit(probability) + shift)
    found, intercept = slope_and_intercept(outcome, distorted)
    assert found == pytest.approx(1 / slope, rel=0.03)
    if slope == 1.0:
        assert intercept == pytest.approx(-shift, abs=0.03)


def test_the_small_logistic_fit_equals_an_unpenalised_one_of_scikit_learn() -> None:
    outcome, probability = simulated(4000)
    x = metrics.logit(probability)[:, None]
    reference = LogisticRegression(penalty=None, tol=1e-10, max_iter=1000).fit(x, outcome)
    found = metrics.logistic_fit(np.column_stack([np.ones(len(x)), x]), outcome)
    assert found is not None
    assert found == pytest.approx([reference.intercept_[0], reference.coef_[0, 0]], abs=1e-5)


def test_separated_outcomes_have_no_slope() -> None:
    outcome, probability = np.array([0, 0, 0, 1, 1, 1]), np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    assert np.isnan(slope_and_intercept(outcome, probability)[0])


def test_ici_of_a_calibrated_model_is_nearly_zero() -> None:
    outcome, probability = simulated()
    assert metrics.integrated_calibration_index(outcome, probability) < 0.005


@pytest.mark.parametrize("shift", [-0.8, 0.5])
def test_ici_is_the_mean_distance_to_the_true_risk(shift: float) -> None:
    outcome, truth = simulated()
    distorted = metrics.expit(1.4 * metrics.logit(truth) + shift)
    expected = float(np.mean(np.abs(distorted - truth)))
    assert metrics.integrated_calibration_index(outcome, distorted) == pytest.approx(expected, abs=0.004)


def test_ici_sees_a_curve_that_slope_and_intercept_do_not() -> None:
    draw = np.random.default_rng(8)
    x = draw.normal(0, 1.2, 60_000)
    truth = metrics.expit(-1.0 + 0.6 * x**2)
    outcome = (draw.random(len(x)) < truth).astype(np.int64)
    straight = metrics.logistic_fit(np.column_stack([np.ones(len(x)), x]), outcome)
    assert straight is not None
    probability = metrics.expit(straight[0] + max(straight[1], 0.05) * x)
    expected = float(np.mean(np.abs(probability - truth)))
    assert metrics.integrated_calibration_index(outcome, probability) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("outcome", [[], [0, 0, 0], [1]])
def test_of_no_rows_or_of_one_class_there_is_no_smooth_curve_and_no_index(outcome: list[int]):
    # Such is a split in time of a register: nobody in its last quarter is new.
    probability = np.linspace(0.1, 0.9, len(outcome))
    assert metrics.smoothed(np.array(outcome, dtype="int64"), probability) is None
    assert np.isnan(metrics.integrated_calibration_index(np.array(outcome, dtype="int64"), probability))
