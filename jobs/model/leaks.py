"""Each feature alone against the outcome: one that tells it nearly by itself is likelier a leak than a finding."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jobs.model.gates import FEWEST
from jobs.model.matrix import columns_of, design, folds

SALT = "leaks"


def alone(rows: pd.DataFrame) -> dict[str, float]:
    """The AUROC of each feature column by itself, best first; 0.5 for one that tells nothing.

    A number counts by its order, in the better direction, and by whether it is there at all. A category counts by its
    levels' outcome rates, taken from the other half of the persons, so that levels of few rows tell nothing by chance.
    """
    outcome = rows["outcome"].to_numpy().astype("int64")
    columns = columns_of(rows)
    matrix = design(rows, columns)
    half = folds(rows["person_id"], SALT, 2)
    found = {}
    for name in columns.numbers:
        found[name] = max(max(one, 1 - one) for one in of_number(matrix[name].to_numpy(), outcome))
    for name in columns.categories:
        found[name] = auroc(outcome, rates(matrix[name], outcome, half))
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def of_number(value: np.ndarray, outcome: np.ndarray) -> list[float]:
    """Its AUROC with those without a value first and last, that of having one, and that among those who do if many."""
    there = ~np.isnan(value)
    if there.all():
        return [auroc(outcome, value)]
    found = [auroc(outcome, np.where(there, value, end)) for end in (-np.inf, np.inf)]
    found.append(auroc(outcome, there.astype("float64")))
    events = int(outcome[there].sum())
    if min(events, int(there.sum()) - events) >= FEWEST:
        found.append(auroc(outcome[there], value[there]))
    return found


def rates(levels: pd.Series, outcome: np.ndarray, half: np.ndarray) -> np.ndarray:
    """The outcome rate of each row's level among the other half of the persons; the overall rate where none has it."""
    overall = float(outcome.mean()) if len(outcome) else 0.0
    rate = np.full(len(levels), overall)
    for one in (0, 1):
        here = half == one
        of_level = pd.Series(outcome[~here]).groupby(levels.to_numpy()[~here]).mean()
        found = levels.to_numpy()[here]
        rate[here] = pd.Series(found).map(of_level).fillna(overall).to_numpy()
    return rate


def auroc(outcome: np.ndarray, score: np.ndarray) -> float:
    """The area under the ROC curve by ranks, ties counted half; 0.5 where there is one outcome only."""
    events = int(outcome.sum())
    others = len(outcome) - events
    if not events or not others:
        return 0.5
    ranks = pd.Series(score).rank().to_numpy()
    return float((ranks[outcome == 1].sum() - events * (events + 1) / 2) / (events * others))
