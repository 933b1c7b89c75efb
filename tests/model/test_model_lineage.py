"""Predictions lead back to everything they come from, or are not made."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime

import numpy as np
import pytest
from model_cohort import cohort

from jobs.errors import TaskError
from jobs.model.lineage import direct, upstream
from jobs.model.scoring import LINEAGE_COLUMNS, Lineage, predictions

LINEAGE = Lineage(
    model_name="cdh_prod.readmission.readmission", model_version=3, mlflow_run_id="run", commit="abc",
    requirements_hash="r", declaration_hash="d", feature_table="s_ra.feature_readmission", feature_table_version=7,
    source_versions='{"s.visit": 2}', scored_at=datetime(2026, 1, 1, tzinfo=UTC), job_run_id="5",
)  # fmt: skip


def record(table: str, version: int, **inputs: int) -> dict:
    return {
        "object": table,
        "version": version,
        "inputs": json.dumps({k.replace("__", "."): v for k, v in inputs.items()}),
    }


RECORDS = [
    record("s_ra.fact_person", 4, s__event=9),
    record("s_ra.fact_encounter_index", 5, s__visit=2, s__person=1),
    record("s_ra.fact_encounter_index", 6, s__visit=3, s__person=1),
    record("s_ra.feature_m", 1, s_ra__fact_person=4, s_ra__fact_encounter_index=5),
    record("s_ra.feature_m", 2, s_ra__fact_person=4, s_ra__fact_encounter_index=6, ml__concepts=1),
    record("m.side", 0, s_ra__feature_m=1),
    record("m.dataset", 1, s_ra__feature_m=2, m__side=0),
]


@pytest.mark.clause("P4")
def test_the_sources_of_a_feature_version_are_followed_to_the_curated_tables() -> None:
    assert upstream(RECORDS, "s_ra.feature_m", 1) == {
        "s.event": 9, "s.person": 1, "s.visit": 2, "s_ra.fact_encounter_index": 5, "s_ra.fact_person": 4,
    }  # fmt: skip


def test_another_version_has_other_sources_and_the_books_are_no_source() -> None:
    found = upstream(RECORDS, "s_ra.feature_m", 2)
    assert found["s.visit"] == 3
    assert not any(name.startswith("ml.") for name in found)


def test_a_table_that_was_read_in_two_versions_has_both() -> None:
    assert upstream(RECORDS, "m.dataset", 1)["s.visit"] == [2, 3]


def test_what_a_version_was_made_from_in_one_step() -> None:
    assert direct(RECORDS, "m.dataset", 1) == {"s_ra.feature_m": 2, "m.side": 0}
    assert direct(RECORDS, "m.dataset", 8) == {}


def test_a_cycle_of_records_ends() -> None:
    assert upstream([record("a.a", 1, b__b=1), record("b.b", 1, a__a=1)], "a.a", 1) == {"a.a": 1, "b.b": 1}


@pytest.mark.clause("O7")
def test_every_prediction_carries_its_complete_lineage() -> None:
    rows = cohort(encounters=50)
    found = predictions(rows, np.linspace(0, 1, 50), LINEAGE)
    assert list(found.columns) == ["person_id", "visit_occurrence_id", "score", *LINEAGE_COLUMNS]
    assert not found.isna().any().any()
    assert found["visit_occurrence_id"].is_unique
    assert set(LINEAGE_COLUMNS) == {one.name for one in fields(Lineage)}


@pytest.mark.parametrize("name", [one.name for one in fields(Lineage)])
def test_a_prediction_with_a_gap_in_its_lineage_is_not_made(name: str) -> None:
    with pytest.raises(TaskError, match=f"incomplete: {name} is empty"):
        replace(LINEAGE, **{name: None if name in ("scored_at", "model_version", "feature_table_version") else ""})


def test_sources_that_nobody_recorded_are_a_gap_too() -> None:
    with pytest.raises(TaskError, match="source_versions is empty"):
        replace(LINEAGE, source_versions="{}")


@pytest.mark.parametrize("wrong", [np.nan, 1.2, -0.1])
def test_a_score_that_is_no_probability_is_refused(wrong: float) -> None:
    with pytest.raises(TaskError, match="version 3 gave scores outside 0 to 1"):
        predictions(cohort(encounters=2), np.array([0.5, wrong]), LINEAGE)
