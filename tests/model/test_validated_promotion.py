"""Promotion asks for the validation record of another stage: none, one that went stale, one that nobody can read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pandas as pd
import pytest
from model_workspace import KNOWN, ROWS, Workspace, opened
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.io import frames
from jobs.tasks.observe import MONITORING
from jobs.tasks.record import _record
from jobs.tasks.register import _register

pytestmark = [
    pytest.mark.slow,
    pytest.mark.spark,
    pytest.mark.clause("V3", "V4"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
]
# The catalog of this server stands for the one of the other stage, under the name that Spark has for it.
CATALOG = "spark_catalog"


@pytest.fixture(scope="module")
def stage(quiet_mlflow: None, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A stage with features of 8,000 encounters and a version 1 that passed its gates."""
    with opened(tmp_path_factory.mktemp("stage"), spark) as made:
        made.features(ROWS, KNOWN, {"cohort": "c1", "outcome": "o1", "features": {}})
        assert made.trained("10") == "1"
        yield made


def validated(stage: Workspace, job_run_id: str) -> None:
    """A validation of what version 1 was trained on."""
    tags = stage.registry().version("1").tags
    stage.run("record", job_run_id, dataset_version=tags["dataset_version"], run_id=tags["mlflow_run_id"])


def test_a_version_whose_method_was_never_validated_is_refused(stage: Workspace) -> None:
    with pytest.raises(TaskError, match=r"spark_catalog.ml.validation_record cannot be read.*TABLE_OR_VIEW_NOT_FOUND"):
        stage.promoted("11", "1", CATALOG)
    validated(stage, "12")
    stage.spark.sql("UPDATE ml.validation_record SET model = 'another'").collect()
    with pytest.raises(TaskError, match="readmission was never validated: run readmission_validate in the validation"):
        stage.promoted("13", "1", CATALOG)


def test_a_validation_is_stale_when_the_stage_of_its_record_has_read_a_newer_delivery(stage: Workspace) -> None:
    validated(stage, "20")
    tables = stage.task("21", "sp-featurize").tables
    tables.note("synthetic_omop_ra.fact_person", 1, {"synthetic_omop.person": 4})
    tables.flush()
    with pytest.raises(TaskError, match=r"stale.* new data: synthetic_omop.person version 4 \(validated: 3\)"):
        stage.promoted("22", "1", CATALOG)
    stage.spark.sql("DELETE FROM ml.lineage WHERE job_run_id = '21'").collect()


def test_a_validation_is_stale_when_drift_was_found_since(stage: Workspace) -> None:
    validated(stage, "30")
    row = {"job_run_id": "31", "observed_at": datetime.now(UTC), "model_version": 1, "block": 0, "signal": "",
           "measure": "observed_over_expected", "name": "", "value": 1.4, "low": 1.2, "high": 1.6, "encounters": 900,
           "events": 90, "state": "signal"}  # fmt: skip
    task = stage.task("31", "sp-serve")
    found = pd.DataFrame([row | {"signal": "calibration drift"}])
    task.tables.append("readmission.monitoring", frames.frame(task, found, MONITORING))
    with pytest.raises(TaskError, match="stale, since then: calibration drift was found: run readmission_validate"):
        stage.promoted("32", "1", CATALOG)
    # What was trained before is no answer to it, however late it is recorded.
    validated(stage, "33")
    with pytest.raises(TaskError, match="calibration drift was found"):
        stage.promoted("34", "1", CATALOG)
    stage.spark.sql("DELETE FROM readmission.monitoring").collect()


def test_what_was_trained_from_another_declaration_is_neither_recorded_nor_registered(stage: Workspace) -> None:
    tags = stage.registry().version("1").tags
    task = stage.task("35", "sp-train", dataset_version=tags["dataset_version"], run_id=tags["mlflow_run_id"])
    # A job that is repaired runs as it is deployed now; what succeeded keeps its values.
    task.declaration_hash = "e" * 64
    for main in (_record, _register):
        with pytest.raises(TaskError, match="was trained from another declaration of readmission than is deployed now"):
            main(task)


def test_what_is_validated_is_promoted_and_says_by_which_validation(stage: Workspace) -> None:
    with pytest.raises(TaskError, match=r"cdh_other.ml.validation_record cannot be read.*deploy the validation stage"):
        stage.promoted("40", "1", "cdh_other")
    assert stage.registry().champion() is None
    validated(stage, "41")
    stage.spark.sql("UPDATE ml.validation_record SET passed = false").collect()
    stage.promoted("42", "1", CATALOG)
    assert any("its gates did not all pass there, which is for the analyst to judge" in line for line in stage.shown)
    tags = stage.registry().version("1").tags
    assert (tags["validation_run_id"], tags["validation_catalog"]) == (tags["mlflow_run_id"], CATALOG)
    assert tags["validation_gates_passed"] == "false"
    champion = stage.registry().champion()
    assert champion is not None
    assert str(champion.version) == "1"
