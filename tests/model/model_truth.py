"""Outcomes that cluster in persons, with their true risk."""

from __future__ import annotations

import numpy as np

from jobs.model.metrics import expit


def clustered_cohort(
    persons: int, each: int, seed: int = 3, known_risk: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(outcome, score, person), `each` encounters a person who shares one score.

    known_risk: the score is the true marginal risk, while a person's encounters still fall together: with
    probability one half all of them repeat the first outcome, which leaves each one's own risk as it is.
    """
    draw = np.random.default_rng(seed)
    score = np.repeat(expit(draw.normal(-1.0, 0.8, persons)), each)
    person = np.repeat(np.arange(persons), each)
    together = np.repeat(draw.random(persons) < 0.5, each)
    place = np.where(together, np.repeat(draw.random(persons), each), draw.random(persons * each))
    risk = (
        score if known_risk else expit(np.log(score / (1 - score)) + 0.3 * np.repeat(draw.normal(size=persons), each))
    )
    return (place < risk).astype(np.int64), score, person
