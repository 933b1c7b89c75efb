"""Ninety-five per cent intervals when persons, not encounters, are independent: whole persons are resampled.

The same resamples serve every metric and, in a comparison, both models. Scores are sorted once; a resample is a
weight for each row, so its AUROC is two cumulative sums.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from jobs.model.metrics import expit, logistic_fit, logit

RESAMPLES = 1000
LEVEL = (2.5, 97.5)
NORMAL = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """A metric with its 95 % interval; low and high are NaN where there is none."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


class Persons:
    """The persons behind n rows, and resamples of them. Rows may come in any order: the draws follow sorted ids."""

    def __init__(self, persons: pd.Series | np.ndarray, seed: int, resamples: int = RESAMPLES) -> None:
        codes, unique = pd.factorize(pd.Series(persons).astype(str), sort=True)
        self.codes, self.count = np.asarray(codes), len(unique)
        self._seed, self._resamples = seed, resamples

    def draws(self) -> np.ndarray:
        """How often each person is drawn in each resample, shape (resamples, persons)."""
        rng = np.random.default_rng(self._seed)
        counts = np.empty((self._resamples, self.count), dtype=np.uint16)
        for row in counts:
            row[:] = np.bincount(rng.integers(0, self.count, self.count), minlength=self.count)
        return counts

    def once(self) -> np.ndarray:
        """Everyone drawn once, shape (1, persons): what gives the point estimate."""
        return np.ones((1, self.count), dtype=np.uint16)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """The sum of a row quantity for each person, shape (persons,)."""
        return np.bincount(self.codes, weights=values, minlength=self.count)


class Ranked:
    """Rows sorted once by falling score, equal scores as one group: AUROC and average precision of any resample.

    Only groups with an event matter to either metric, so a resample costs one cumulative sum over the rows.
    """

    def __init__(self, outcome: np.ndarray, score: np.ndarray, persons: Persons) -> None:
        order = np.argsort(-score, kind="stable")
        ranked, event = score[order], outcome[order] > 0
        first = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        group = np.cumsum(np.r_[True, ranked[1:] != ranked[:-1]]) - 1
        self._codes = persons.codes[order]
        self._event_codes = self._codes[event]
        eventful, self._event_starts = np.unique(group[event], return_index=True)
        self._before = first[eventful]
        self._end = np.r_[first[1:], len(ranked)][eventful]

    def both(self, draw: np.ndarray) -> tuple[float, float]:
        """(AUROC, average precision) when person i is drawn `draw[i]` times, draw of shape (persons,)."""
        rows = np.concatenate([[0], np.cumsum(draw[self._codes], dtype=np.int64)])
        if not len(self._event_codes):
            return float("nan"), float("nan")
        events = np.add.reduceat(draw[self._event_codes], self._event_starts, dtype=np.int64)
        found = np.cumsum(events)
        before, end, total = rows[self._before], rows[self._end], found[-1]
        others = rows[-1] - total
        if total == 0 or others == 0:
            return float("nan"), float("nan")
        passed = before - (found - events)  # non-events with a higher score
        tied = end - before - events
        # An event beats the non-events ranked below it, and half-beats those with the same score.
        auroc = float(events @ (others - passed - 0.5 * tied)) / (float(total) * float(others))
        precision = float(np.sum(events * (found / np.maximum(end, 1)))) / float(total)
        return auroc, precision


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Elementwise quotient, NaN where the denominator is not positive."""
    return np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=denominator > 0)


def drawn(draws: np.ndarray, sums: list[np.ndarray]) -> np.ndarray:
    """The total of each per-person sum in each resample, shape (len(sums), resamples)."""
    columns = np.column_stack(sums)
    # In slices: as float64 all draws at once would take eight bytes for every person and resample.
    return np.concatenate([draws[i : i + 100].astype(np.float64) @ columns for i in range(0, len(draws), 100)]).T


def sampled(outcome: np.ndarray, score: np.ndarray, persons: Persons, draws: np.ndarray) -> dict[str, np.ndarray]:
    """AUROC, average precision, observed over expected and scaled Brier of each resample, shape (resamples,) each."""
    outcome = outcome.astype(np.float64)
    ranked = Ranked(outcome, score, persons)
    ranks = np.array([ranked.both(draw) for draw in draws]).reshape(len(draws), 2)
    parts = (outcome, score, (outcome - score) ** 2, np.ones(len(outcome)))
    events, expected, squares, rows = drawn(draws, [persons.sums(part) for part in parts])
    rate = ratio(events, rows)
    return {
        "auroc": ranks[:, 0],
        "average_precision": ranks[:, 1],
        "observed_over_expected": ratio(events, expected),
        "scaled_brier": 1 - ratio(ratio(squares, rows), rate * (1 - rate)),
    }


def percentiles(values: np.ndarray) -> tuple[float, float]:
    """The 2.5th and 97.5th percentile; NaN where more than a tenth of the resamples has no value."""
    known = values[np.isfinite(values)]
    if len(known) < 0.9 * len(values):
        return float("nan"), float("nan")
    low, high = np.percentile(known, LEVEL)
    return float(low), float(high)


def clustered(outcome: np.ndarray, score: np.ndarray, persons: Persons) -> dict[str, Estimate]:
    """The four metrics of `sampled` with their person-clustered percentile intervals."""
    point = sampled(outcome, score, persons, persons.once())
    spread = sampled(outcome, score, persons, persons.draws())
    return {name: Estimate(float(point[name][0]), *percentiles(spread[name])) for name in point}


def difference(outcome: np.ndarray, score: np.ndarray, other: np.ndarray, metric: str, persons: Persons) -> Estimate:
    """`metric` of `score` minus that of `other` on the same rows, with its paired person-clustered interval."""
    one = persons.once()
    point = sampled(outcome, score, persons, one)[metric] - sampled(outcome, other, persons, one)[metric]
    draws = persons.draws()
    spread = sampled(outcome, score, persons, draws)[metric] - sampled(outcome, other, persons, draws)[metric]
    return Estimate(float(point[0]), *percentiles(spread))


def observed_over_expected(outcome: np.ndarray, score: np.ndarray, persons: Persons) -> Estimate:
    """Observed over expected alone: sums over persons are enough, nothing is sorted."""
    events, expected = persons.sums(outcome.astype(np.float64)), persons.sums(score)
    point = ratio(np.array([events.sum()]), np.array([expected.sum()]))
    return Estimate(float(point[0]), *percentiles(ratio(*drawn(persons.draws(), [events, expected]))))


def recalibration(outcome: np.ndarray, score: np.ndarray, persons: Persons) -> dict[str, Estimate]:
    """Calibration slope and intercept with cluster-robust (sandwich) intervals (Liang and Zeger 1986)."""
    x = logit(score)
    ones = np.ones(len(x))
    fits: dict[str, tuple[np.ndarray, np.ndarray, Callable[[np.ndarray], float]]] = {
        "calibration_slope": (np.column_stack([ones, x]), np.zeros(len(x)), lambda values: float(values[1])),
        "calibration_intercept": (ones[:, None], x, lambda values: float(values[0])),
    }
    found = {}
    for name, (matrix, offset, pick) in fits.items():
        beta = logistic_fit(matrix, outcome, offset)
        if beta is None:
            found[name] = Estimate(float("nan"))
            continue
        mean = expit(matrix @ beta + offset)
        bread = np.linalg.inv((matrix * (mean * (1 - mean))[:, None]).T @ matrix)
        scores = np.column_stack([persons.sums(column * (outcome - mean)) for column in matrix.T])
        spread = NORMAL * pick(np.sqrt(np.diag(bread @ (scores.T @ scores) @ bread)))
        found[name] = Estimate(pick(beta), pick(beta) - spread, pick(beta) + spread)
    return found
