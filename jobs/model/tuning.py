"""Choosing parameters: every combination of the declared search space, by cross-validation over persons."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from jobs.errors import TaskError
from jobs.model.intervals import Persons, Ranked
from jobs.model.matrix import check_outcome, design, folds, learnable, ordered, pipeline
from workflows.methods import Method

FOLDS = 3


@dataclass(frozen=True)
class Trial:
    """One combination: its parameters, and the mean over the folds of log loss (lower is better) and AUROC."""

    parameters: dict[str, Any]
    log_loss: float
    auroc: float


def combinations(method: Method) -> list[dict[str, Any]]:
    """Every full set of parameters that the declaration allows, in the declared order."""
    space = method.search_space
    chosen = itertools.product(*space.values())
    return [method.parameters | dict(zip(space, values, strict=True)) for values in chosen]


def log_loss(outcome: np.ndarray, probability: np.ndarray) -> float:
    """Mean negative log likelihood."""
    p = np.clip(probability, 1e-12, 1 - 1e-12)
    return float(-np.mean(outcome * np.log(p) + (1 - outcome) * np.log(1 - p)))


def tune(method: Method, train: pd.DataFrame, salt: str) -> list[Trial]:
    """A trial for each combination on the train side's rows.

    A person is in one fold only. The design matrix of a fold is made once for all combinations. One thread.
    """
    from threadpoolctl import threadpool_limits

    rows = ordered(train)
    columns = learnable(rows)
    matrix, outcome = design(rows, columns), rows["outcome"].to_numpy().astype("int64")
    fold = folds(rows["person_id"], salt, FOLDS)
    candidates = combinations(method)
    found: list[list[tuple[float, float]]] = [[] for _ in candidates]
    with threadpool_limits(1):
        for held in range(FOLDS):
            fit, rest = fold != held, fold == held
            if not rest.any():
                raise TaskError(f"tuning needs persons in each of {FOLDS} folds; the train side has too few persons")
            check_outcome(outcome[fit])
            shape = pipeline(method, candidates[0], columns)
            ready = shape[:-1].fit_transform(matrix[fit])
            unseen = shape[:-1].transform(matrix[rest])
            ranking = Persons(rows["person_id"][rest], seed=method.seed)
            for scores, parameters in zip(found, candidates, strict=True):
                learner = pipeline(method, parameters, columns)[-1].fit(ready, outcome[fit])
                probability = learner.predict_proba(unseen)[:, 1]
                auroc, _ = Ranked(outcome[rest], probability, ranking).both(ranking.once()[0])
                scores.append((log_loss(outcome[rest], probability), auroc))
    return [
        Trial(parameters, *(float(mean) for mean in np.mean(scores, axis=0)))
        for parameters, scores in zip(candidates, found, strict=True)
    ]


def best(trials: list[Trial]) -> Trial:
    """The trial with the lowest log loss, a proper score: it rewards calibration too. The first one of equals."""
    return min(trials, key=lambda trial: trial.log_loss)
