"""Evaluation in time: the same parameters, refitted on what came first, judged on what came last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from jobs.model.matrix import fit, ordered, probabilities
from jobs.model.side import TEST, TRAIN
from workflows.methods import Method

EARLY = 0.75


@dataclass(frozen=True)
class Later:
    """The last quarter of the encounters in time, scored by a model that saw only earlier ones.

    rows: dataset rows, shape (n, ...); probability: (n,); new: whether the person has no earlier row, (n,); held_out:
    whether the person is on the test side, (n,): no row of theirs, early or late, was fitted.
    """

    rows: pd.DataFrame
    probability: np.ndarray
    new: np.ndarray
    held_out: np.ndarray


def split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(first 75 %, last 25 %) of the rows by encounter order."""
    rows = ordered(frame)
    cut = int(len(rows) * EARLY)
    return rows.iloc[:cut], rows.iloc[cut:].reset_index(drop=True)


def later(method: Method, parameters: Mapping[str, Any], frame: pd.DataFrame) -> Later:
    """Refit on the train side's rows of the first 75 %; predict every row of the last 25 %.

    The refit is thrown away. It keeps to the train side, so the test side enters no fit here either.
    """
    early, late = split(frame)
    refitted = fit(method, parameters, early[early["side"] == TRAIN])
    new = ~late["person_id"].isin(set(early["person_id"]))
    return Later(late, probabilities(refitted, late), new.to_numpy(), (late["side"] == TEST).to_numpy())
