"""Whether a prediction leads back to all that it came from; the page and the demo's summary count alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fabricated
import pytest

from cli.summary import Zone, predictions
from report.lineage import complete, of_predictions, versions
from report.stores import Stage, Tables

pytestmark = pytest.mark.clause("O7")
FEATURES = "s_ra.feature_m"
ROW = {
    "model_name": "m", "model_version": 1, "mlflow_run_id": "r", "commit": "c", "requirements_hash": "q",
    "declaration_hash": "d", "feature_table": FEATURES, "feature_table_version": 3,
    "source_versions": '{"s.person": 0, "s.visit": [1, 2]}', "scored_at": fabricated.NOW, "job_run_id": "13",
}  # fmt: skip
RECORD = {"object": FEATURES, "version": "3", "inputs": '{"s_ra.fact_person": 1}'}


def test_a_prediction_that_names_all_it_came_from_is_complete_whether_lineage_is_at_hand_or_not() -> None:
    assert complete([ROW], None) == complete([ROW], [RECORD]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"commit": None}, {"commit": ""}, {"source_versions": "{}"}, {"source_versions": "[]"},
        {"source_versions": '{"s.person": null}'}, {"source_versions": "no JSON"}, {"source_versions": "7"},
    ],
)  # fmt: skip
def test_a_field_or_a_sources_version_that_is_not_there_is_a_gap(change: dict[str, Any]) -> None:
    assert complete([ROW | change, ROW], None) == 1


@pytest.mark.parametrize("records", [[], [RECORD | {"version": "2"}], [RECORD | {"inputs": "{}"}]])
def test_features_that_lineage_does_not_lead_on_from_are_a_gap(records: list[dict[str, Any]]) -> None:
    assert complete([ROW], records) == 0


def test_text_that_names_no_versions_gives_none() -> None:
    assert versions("no JSON") == versions("7") == versions(None) == {}


def test_the_page_and_the_summary_of_a_demo_count_the_same_rows(tmp_path: Path) -> None:
    fabricated.predictions(tmp_path)
    found = of_predictions(Stage("prod", Tables(tmp_path), (), None, {}), "readmission", synthetic=False)
    assert found is not None
    counted = predictions(Zone(tmp_path / "readmission"), "1")
    assert counted == {"rows": found.rows, "rows_with_complete_lineage": found.complete}
    assert (found.rows, found.complete) == (50, 49)
