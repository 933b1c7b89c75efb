"""Synthetic hospital stays with leaks planted beside their clean twins, as a source might deliver them at two times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from synthetic.generate import generate

SEED, PERSONS, PROVIDERS = 7, 3000, 1000
# leak -> its clean twin
TWINS = {
    "outcome_code": "outcome_code_before",  # the outcome, copied into a code
    "stays_ever": "stays_before",  # a count over all time
    "provider_rate": "provider",  # a target encoding over all data
    "next_length_of_stay": "length_of_stay",  # a column of a later encounter
}


def stays(folder: Path) -> pd.DataFrame:
    """Every inpatient stay of the generator, in order of discharge."""
    generate(folder, persons=PERSONS, seed=SEED)
    when = ["visit_start_datetime", "visit_end_datetime"]
    visits = pd.read_csv(folder / "visit_occurrence.csv", parse_dates=when)
    persons = pd.read_csv(folder / "person.csv")[["person_id", "year_of_birth"]]
    rows = visits[visits["visit_concept_id"] == 9201].merge(persons, on="person_id").sort_values(when[1])
    rows["start"], rows["end"] = (rows[one].dt.normalize() for one in when)
    rows["encounter_order"] = range(len(rows))
    rows["provider"] = np.random.default_rng(SEED).integers(0, PROVIDERS, len(rows)).astype(str)
    return rows.reset_index(drop=True)


def delivered(rows: pd.DataFrame, share: float = 1.0) -> pd.DataFrame:
    """The first stays as a source would deliver them then, with what it makes of all that it has by that time."""
    held = rows.iloc[: int(len(rows) * share)].sort_values(["person_id", "start"]).copy()
    mine = held.groupby("person_id")
    gap = (mine["start"].shift(-1) - held["end"]).dt.days
    held["outcome"] = gap.between(1, 30).astype(int)
    held["length_of_stay"] = (held["end"] - held["start"]).dt.days.astype(float)
    held["age"] = (held["end"].dt.year - held["year_of_birth"]).astype(float)
    held["outcome_code"] = held["outcome"].astype(float)
    held["outcome_code_before"] = mine["outcome"].shift(1).fillna(0).astype(float)
    held["stays_ever"] = mine["start"].transform("size").astype(float)
    held["stays_before"] = mine.cumcount().astype(float)
    held["provider_rate"] = held.groupby("provider")["outcome"].transform("mean")
    held["next_length_of_stay"] = mine["length_of_stay"].shift(-1)
    return held.sort_values("encounter_order").reset_index(drop=True)
