"""Candidate against champion, on persons that neither of them was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from jobs.disclosure import shown
from jobs.errors import TaskError
from jobs.model.intervals import Estimate, Persons, difference
from workflows.gates import Gate, NonInferior


def refuse_leaks(test: Iterable[object], trained: Mapping[str, Iterable[object]]) -> None:
    """Raise TaskError if a test person was in the training set of a model; `trained` is persons by model."""
    persons = set(test)
    for model, known in trained.items():
        leaked = persons & set(known)
        if leaked:
            raise TaskError(
                f"comparison refused: {shown(len(leaked))} of {shown(len(persons))} test persons were in the "
                f"training set of {model}; a comparison needs test persons that neither model was trained on"
            )


def shared(test: pd.DataFrame, other: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
    """The encounters that two datasets both hold: a mask over `test`, and the rows of `other` in the same order."""
    known = test["visit_occurrence_id"].isin(set(other["visit_occurrence_id"])).to_numpy()
    visits = test.loc[known, "visit_occurrence_id"]
    return known, other.set_index("visit_occurrence_id").loc[visits].reset_index()


def compare(
    gates: Iterable[Gate], test: pd.DataFrame, candidate: np.ndarray, champion: np.ndarray,
    trained: Mapping[str, Iterable[object]], seed: int,
) -> dict[str, Estimate]:  # fmt: skip
    """Candidate minus champion for the metric of each NonInferior gate, with paired person-clustered intervals.

    test: rows of the test side with person_id and outcome; candidate, champion: their probabilities, shape (n,).
    Raises TaskError if a test person was in either training set.
    """
    refuse_leaks(test["person_id"], trained)
    persons = Persons(test["person_id"], seed)
    outcome = test["outcome"].to_numpy().astype("int64")
    metrics = dict.fromkeys(gate.metric for gate in gates if isinstance(gate, NonInferior))
    return {metric: difference(outcome, candidate, champion, metric, persons) for metric in metrics}
