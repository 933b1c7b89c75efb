"""Invented cohorts with a known truth: persons with several encounters, a risk that depends on the features."""

from __future__ import annotations

import numpy as np
import pandas as pd


def cohort(
    persons: int = 800, encounters: int = 3000, seed: int = 1, strength: float = 1.0, rate: float = -1.2
) -> pd.DataFrame:
    """Dataset rows: keys, two numbers, a flag, a category, an outcome whose log odds are `rate` + `strength` * x."""
    draw = np.random.default_rng(seed)
    person = draw.integers(0, persons, encounters)
    own = draw.normal(size=persons)[person]
    x = 0.6 * own + draw.normal(size=encounters)
    ward = draw.choice(["medical", "surgical", "other"], encounters)
    odds = rate + strength * x + 0.5 * (ward == "surgical")
    return pd.DataFrame(
        {
            "person_id": person + 70_000,
            "visit_occurrence_id": np.arange(encounters) + 900_000,
            "encounter_order": np.arange(encounters) + 1,
            "f_x": x,
            "f_noise": np.where(draw.random(encounters) < 0.1, np.nan, draw.normal(size=encounters)),
            "f_flag": (draw.random(encounters) < 0.2).astype(float),
            "f_ward": ward,
            "f_sex": draw.choice(["F", "M"], encounters),
            "f_age": draw.integers(18, 95, encounters).astype(float),
            "outcome": (draw.random(encounters) < 1 / (1 + np.exp(-odds))).astype(int),
            "outcome_known": True,
        }
    )


def sided(frame: pd.DataFrame, share: float = 0.25, salt: str = "cohort") -> pd.DataFrame:
    """The frame with each row's side."""
    from jobs.model.side import side_of

    return frame.assign(side=[side_of(person, salt, share) for person in frame["person_id"]])
