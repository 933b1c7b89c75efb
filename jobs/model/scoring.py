"""Predictions with their lineage: every row says which model, code, requirements, features and sources made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import numpy as np
import pandas as pd

from jobs.disclosure import few, tells
from jobs.errors import TaskError

# Counts of a version's encounters: those that it ever scored, and the others of the feature table.
SCORED, APART = "scored", "apart"
LINEAGE_COLUMNS = {
    "model_name": "string", "model_version": "long", "mlflow_run_id": "string", "commit": "string",
    "requirements_hash": "string", "declaration_hash": "string", "feature_table": "string",
    "feature_table_version": "long", "source_versions": "string", "scored_at": "timestamp", "job_run_id": "string",
}  # fmt: skip


@dataclass(frozen=True)
class Lineage:
    """Where a prediction comes from; the same for all rows of one scoring run.

    commit, requirements_hash, declaration_hash: of the code that scored. source_versions: JSON text, table -> version.
    """

    model_name: str
    model_version: int
    mlflow_run_id: str
    commit: str
    requirements_hash: str
    declaration_hash: str
    feature_table: str
    feature_table_version: int
    source_versions: str
    scored_at: datetime
    job_run_id: str

    def __post_init__(self) -> None:
        empty = [f.name for f in fields(self) if getattr(self, f.name) in (None, "", "{}")]
        if empty:
            raise TaskError(
                f"lineage of {self.model_name} is incomplete: {', '.join(empty)} is empty; nothing was scored. "
                "Run the features job and train again, so that both record where they come from"
            )


def predictions(rows: pd.DataFrame, probability: np.ndarray, lineage: Lineage) -> pd.DataFrame:
    """One prediction an encounter: its keys, the score, the lineage; raises TaskError on a score outside 0 to 1."""
    if not np.all((probability >= 0) & (probability <= 1)):
        raise TaskError(
            f"{lineage.model_name} version {lineage.model_version} gave scores outside 0 to 1; nothing was written"
        )
    frame = pd.DataFrame(
        {
            "person_id": rows["person_id"].to_numpy(),
            "visit_occurrence_id": rows["visit_occurrence_id"].to_numpy(),
            "score": probability,
        }
    )
    return frame.assign(**{f.name: getattr(lineage, f.name) for f in fields(lineage)})


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How far a version's scoring went, this run included; counts of encounters, and of persons.

    scored: that it ever scored, of `persons`. whole: of the feature table. waiting: without a known outcome, which are
    all scored now. new: of those the ones that this run scored.
    """

    scored: int
    persons: int
    whole: int
    waiting: int
    new: int

    @property
    def counts(self) -> dict[str, int]:
        """What is said, and who was not scored, as attrition tells the whole."""
        return {SCORED: self.scored, APART: self.whole - self.scored}

    def told(self, before: Sequence[Mapping[str, int]]) -> dict[str, int]:
        """`counts`, or nothing where they tell of few beside what was said of the version before.

        Always of all that it scored: what one run adds may be a few, and would follow from two sums of which one was
        kept back. Attrition less `prepare` tells who waits: so who matured, and who waits since before this run.
        """
        follows = {"matured": self.scored - self.waiting, "since before": self.waiting - self.new}
        return {} if few(self.persons) or tells(self.counts | follows, before) else self.counts
