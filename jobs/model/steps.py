"""Numbers as a model may be fitted to them: in steps, each of at least 11 persons, so that no value of few is learned.

The thresholds of trees lie halfway between values that occur, and means and deviations follow their extremes: the
fitted model would tell the largest and the smallest value, and any that one person alone has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from jobs.disclosure import SMALLEST

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

MOST = 255  # steps, as many as a tree's learner tells apart

# Where steps begin and end, and what a number there becomes.
Steps = tuple[np.ndarray, np.ndarray]


def ends(persons: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """The 11th smallest of the persons' smallest values, and the 11th largest of their largest."""
    by_person = pd.Series(values).groupby(persons).agg(["min", "max"])
    return float(np.sort(by_person["min"])[SMALLEST - 1]), float(np.sort(by_person["max"])[-SMALLEST])


def levels(persons: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The largest value of each step, in order.

    Numbers beyond the `ends` are these. From below, a step takes values until it has 11 persons and its share of the
    rows; what is left over joins the last one. Fewer than 11 persons, or ends that cross: one step, 0.
    """
    if len(np.unique(persons)) < SMALLEST:
        return np.zeros(1)
    low, high = ends(persons, values)
    if low > high:
        return np.zeros(1)
    order = np.argsort(values, kind="stable")
    values, persons = np.clip(values[order], low, high), persons[order]
    found, start, least = [], 0, max(SMALLEST, -(-len(values) // MOST))
    while start < len(values):
        stop = start + least
        while True:
            end = int(np.searchsorted(values, values[min(stop, len(values)) - 1], side="right"))
            if end == len(values) or len(np.unique(persons[start:end])) >= SMALLEST:
                break
            stop = end + SMALLEST
        found.append(float(values[end - 1]))
        if end == len(values) and len(found) > 1 and len(np.unique(persons[start:])) < SMALLEST:
            del found[-2]
        start = end
    return np.array(found)


def steps(persons: pd.Series, matrix: pd.DataFrame, names: tuple[str, ...]) -> dict[str, Steps]:
    """The steps of each number of a design matrix, as points between which `numpy.interp` is flat."""
    made = {}
    for name in names:
        values = matrix[name].to_numpy()
        there = np.isfinite(values)
        tops = levels(persons.to_numpy()[there], values[there])
        # Just above a step's largest value the next one begins.
        begins = np.nextafter(tops[:-1], np.inf)
        made[name] = (np.sort(np.concatenate([tops, begins])), np.repeat(tops, 2)[1:])
    return made


def stepped(found: Mapping[str, Steps]) -> Any:
    """A transformer of these columns. Its function is numpy's, so that the model loads without this package."""
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import FunctionTransformer

    return ColumnTransformer(
        [
            (name, FunctionTransformer(np.interp, kw_args={"xp": xp, "fp": fp}), [name])
            for name, (xp, fp) in found.items()
        ]
    )


def uncounted(fitted: Pipeline) -> Pipeline:
    """A fitted pipeline without the numbers of rows that scikit-learn keeps in it and needs for no prediction.

    The root of a tree counts all rows of the train side. The trees begin with the outcome's log odds: of all its digits
    the counts could be found again.
    """
    learner = fitted[-1]
    for trees in getattr(learner, "_predictors", ()):
        for tree in trees:
            tree.nodes["count"] = 0
    if hasattr(learner, "_baseline_prediction"):
        learner._baseline_prediction = np.round(learner._baseline_prediction, 4)
    numbers = fitted.named_steps["design"].named_transformers_.get("numbers")
    scale = getattr(numbers, "named_steps", {}).get("scale")
    if scale is not None:
        scale.n_samples_seen_ = 0
    return fitted
