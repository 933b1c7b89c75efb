"""The tasks of a model's life, one after the other, on Spark, Delta and MLflow: what each leaves behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from model_workspace import EXPERIMENT, KNOWN, MODEL, ROWS, Workspace, promoted
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.model import scoring
from jobs.model.names import Names
from jobs.model.side import salt_of, side_of, side_sql
from jobs.tasks import score

pytestmark = [
    pytest.mark.slow,
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
]

NAMES = Names.of(MODEL)


@pytest.fixture(scope="module")
def stage(quiet_mlflow: None, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A stage with features of 8,000 encounters, the outcome of the last 1,000 not known, and a promoted version 1."""
    with promoted(tmp_path_factory.mktemp("stage"), spark) as made:
        yield made


@pytest.mark.clause("14", "19")
def test_every_person_has_one_side_and_it_is_the_one_of_their_hash(stage: Workspace) -> None:
    sides, dataset = stage.table("side"), stage.table("dataset")
    assert set(sides["person_id"]) == set(ROWS["person_id"])
    salt = salt_of("readmission")
    assert set(sides["salt"]) == {salt}
    assert list(sides["side"]) == [side_of(person, salt, MODEL.test_share) for person in sides["person_id"]]
    assert len(dataset) == KNOWN
    assert dataset.groupby("person_id")["side"].nunique().max() == 1


def test_spark_and_python_place_persons_alike(spark: SparkSession) -> None:
    people = [str(number) for number in range(500)] + ["a", "Zoë", "", "0001"]
    frame = spark.createDataFrame([(one,) for one in people], "person_id string")
    for share in (0.05, 0.25, 0.5):
        found = frame.selectExpr("person_id", f"{side_sql('person_id', repr('salt'), share)} AS side").collect()
        assert {row["person_id"]: row["side"] for row in found} == {one: side_of(one, "salt", share) for one in people}


@pytest.mark.clause("14")
def test_a_person_never_changes_sides_and_another_test_share_is_refused(stage: Workspace) -> None:
    before = stage.table("dataset")
    other = replace(stage, model=replace(MODEL, test_share=0.4))
    with pytest.raises(TaskError, match=r"readmission.side: \d+ persons would change sides with test_share = 0.4"):
        other.run("prepare", "20")
    assert len(stage.table("dataset")) == len(before)


@pytest.mark.clause("P7", "20")
def test_a_version_leads_to_its_dataset_features_sources_and_commit(stage: Workspace) -> None:
    version = stage.registry().version("1")
    expected = {
        "commit": "c0ffee", "requirements_hash": "e" * 64, "declaration_hash": "d" * 64, "job_run_id": "10",
        "feature_table": NAMES.features, "feature_table_version": "0", "dataset_version": "0",
        "created_by": "sp-train", "gates_checked": "judge", "gates_champion": "",
    }  # fmt: skip
    assert expected.items() <= version.tags.items()
    sources = json.loads(version.tags["source_versions"])
    assert sources == {"synthetic_omop.person": 3, "synthetic_omop_ra.fact_person": 0}
    assert json.loads(version.tags["parameters"])["C"] in (0.01, 1.0)


@pytest.mark.clause("15", "16")
def test_the_model_is_fitted_with_the_parameters_of_the_best_of_all_trials(stage: Workspace) -> None:
    client = stage.task("0", "sp-train").mlflow.MlflowClient()
    version = stage.registry().version("1")
    fitted = client.get_run(version.tags["mlflow_run_id"])
    parent = fitted.data.tags["mlflow.parentRunId"]
    children = client.search_runs([fitted.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent}'")
    trials = [run for run in children if "cv_log_loss" in run.data.metrics]
    assert sorted(float(run.data.params["C"]) for run in trials) == [0.01, 1.0]
    assert fitted.data.params["C"] == min(trials, key=lambda run: run.data.metrics["cv_log_loss"]).data.params["C"]


@pytest.mark.clause("18")
def test_training_data_are_the_feature_version_that_the_model_names(stage: Workspace) -> None:
    version = stage.registry().version("1").tags
    pulled = stage.spark.sql(f"SELECT * FROM {NAMES.table('dataset')} VERSION AS OF {version['dataset_version']}")
    features = stage.spark.sql(f"SELECT * FROM {NAMES.features} VERSION AS OF {version['feature_table_version']}")
    shared = [name for name in features.columns if name in pulled.columns]
    assert {"visit_occurrence_id", "outcome", "f_x"} <= set(shared)
    known = features.where("outcome_known").select(*shared)
    assert pulled.count() == known.count() == KNOWN
    assert pulled.select(*shared).exceptAll(known).isEmpty()


@pytest.mark.clause("21")
def test_evaluation_reports_held_out_persons_and_time_side_by_side_and_no_small_count(stage: Workspace) -> None:
    table = stage.table("evaluation")
    assert set(table["split"]) == {"person", "time_held_out", "time", "time_new_persons"}
    for name in ("encounters", "persons", "events"):
        assert not table[name].dropna().between(1, 10).any()
    whole = table[(table["split"] == "person") & (table["subgroup"] == "all")].set_index("metric")
    dataset = stage.table("dataset")
    assert whole.loc["auroc", "encounters"] == (dataset["side"] == "test").sum()
    late = dataset.sort_values("encounter_order").iloc[int(len(dataset) * 0.75) :]
    newest = table[(table["split"] == "time_held_out") & (table["metric"] == "auroc")].iloc[0]
    assert newest["encounters"] == (late["side"] == "test").sum()
    assert newest["persons"] == late[late["side"] == "test"]["person_id"].nunique()
    assert whole.loc["auroc", "low"] < whole.loc["auroc", "value"] < whole.loc["auroc", "high"]
    gates = stage.table("gate")
    first = gates[gates["job_run_id"] == "10"]
    assert first["model_version"].isna().all()
    assert (
        dict(zip(first["gate"], first["state"], strict=True))["auroc less than 0.02 below the champion's"]
        == "not assessable"
    )


def test_looks_at_the_test_side_are_counted(stage: Workspace) -> None:
    gates = stage.table("gate").groupby(["job_run_id", "stage_of_check"]).size()
    before = int(stage.registry().version("1").tags["test_side_looks"])
    assert before >= 2
    stage.run("judge", "21", "sp-promote", model_version="1")
    assert int(stage.registry().version("1").tags["test_side_looks"]) == len(gates) + 1
    assert stage.registry().version("1").tags["gates_passed"] == "false"  # the champion is not compared with itself


@pytest.mark.clause("25", "O7")
def test_the_waiting_encounters_are_scored_once_and_with_complete_lineage(stage: Workspace) -> None:
    assert stage.run("score", "30", "sp-serve") == {}
    assert "encounters scored so far by version 1: 1,000" in stage.shown
    made = stage.table("predictions")
    assert set(made["visit_occurrence_id"]) == set(ROWS["visit_occurrence_id"][KNOWN:])
    assert not made.isna().any().any()
    assert set(made["source_versions"]) == {
        json.dumps({"synthetic_omop.person": 3, "synthetic_omop_ra.fact_person": 0})
    }
    assert stage.run("score", "31", "sp-serve") == {}
    assert any("nothing to score" in line for line in stage.shown)
    assert len(stage.table("predictions")) == 1000


def test_of_two_runs_that_score_at_once_the_first_prediction_stays(
    stage: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = int(ROWS["visit_occurrence_id"].iloc[-1])
    stage.spark.sql(f"DELETE FROM {NAMES.table('predictions')} WHERE visit_occurrence_id = {visit}").collect()
    predictions = scoring.predictions

    def beaten(*of: Any) -> pd.DataFrame:
        monkeypatch.setattr(score, "predictions", predictions)
        stage.run("score", "33", "sp-serve")
        return predictions(*of)

    monkeypatch.setattr(score, "predictions", beaten)
    stage.run("score", "32", "sp-serve")
    made = stage.table("predictions")
    assert len(made) == 1000
    assert made.set_index("visit_occurrence_id").loc[visit, "job_run_id"] == "33"


@pytest.mark.clause("P4", "O7")
def test_the_lineage_of_predictions_whose_task_died_before_it_wrote_it_is_written_by_the_next_run(
    stage: Workspace,
) -> None:
    visit, table = int(ROWS["visit_occurrence_id"].iloc[-1]), NAMES.table("predictions")
    stage.spark.sql(f"DELETE FROM {table} WHERE visit_occurrence_id = {visit}").collect()
    score._score(died := stage.task("34", "sp-serve"))
    for again in ("35", "36"):
        stage.run("score", again, "sp-serve")
        assert "nothing to score" in stage.shown[-1]
        told = stage.spark.table("ml.lineage").where(f"object = '{table}' AND job_run_id >= '34'").collect()
        assert [(row["job_run_id"], row["task_run_id"]) for row in told] == [("34", died.task_run_id)]


def test_a_run_that_promoted_a_version_and_is_tried_again_finds_it_done(stage: Workspace) -> None:
    # Its process may die after the alias was set: the version serves, and the run is no failure.
    stage.run("promote", "11", "sp-promote", model_version="1")
    assert stage.shown[-1].endswith("version 1 is champion: this run has promoted it already")
    with pytest.raises(TaskError, match="version 1 is the champion already"):
        stage.run("promote", "12", "sp-promote", model_version="1", validated_in="")


@pytest.mark.clause("26", "28", "P6", "O9")
def test_labels_mature_a_change_is_seen_and_the_new_version_is_judged_against_the_champion(stage: Workspace) -> None:
    stage.run("score", "40", "sp-serve")
    late = ROWS["encounter_order"] > KNOWN
    more = np.random.default_rng(1).random(len(ROWS)) < 0.35
    changed = ROWS.assign(outcome=np.where(late & more, 1, ROWS["outcome"]))

    stage.features(ROWS, len(ROWS))
    assert stage.run("observe", "41", "sp-serve") == {"retrain": "false", "signal": ""}
    stage.features(changed, len(ROWS))
    assert stage.run("observe", "42", "sp-serve") == {"retrain": "true", "signal": "calibration drift"}
    seen = stage.table("monitoring")
    assert set(seen[seen["job_run_id"] == "42"]["block"]) == {0, 1, 2, 3, 4}

    sides = stage.table("side")
    version = stage.trained("43", requested_by="42")
    pd.testing.assert_frame_equal(stage.table("side"), sides)
    assert stage.registry().version(version).aliases == []
    # What the judge has still to say beside the champion is no gate that failed.
    assert stage.registry().version(version).tags["gates_passed"] == "true"
    assert stage.run("judge", "44", requested_by="42", model_version="") == {"passed": "true", "model_version": version}
    # The next day, with the same rows.
    assert stage.run("observe", "44b", "sp-serve") == {"retrain": "false", "signal": "calibration drift"}
    assert any(f"retrained already: version {version} waits for promotion" in line for line in stage.shown)
    compared = [line for line in stage.shown if "compared with champion version 1" in line]
    assert compared
    stage.promoted("45", version)
    champion = stage.registry().champion()
    assert champion is not None
    assert str(champion.version) == version


@pytest.mark.clause("21")
def test_a_comparison_with_a_champion_that_was_trained_on_test_persons_is_refused(stage: Workspace) -> None:
    registry = stage.registry()
    champion = registry.champion()
    assert champion is not None
    candidate = stage.trained("50")
    dataset = NAMES.table("dataset")
    tables = stage.task("51", "sp-train").tables
    tables.replace(dataset, tables.read(dataset).selectExpr("* EXCEPT (side)", "'train' AS side"), {})
    leaked = tables.version(dataset)
    registry.tag(str(champion.version), {"dataset_version": str(leaked)})
    with pytest.raises(TaskError, match=rf"comparison refused: .* in the training set of version {champion.version}"):
        stage.run("judge", "52", "sp-promote", model_version=candidate)
    assert registry.version(candidate).tags["gates_checked"] == "evaluate"


def test_a_run_on_another_dataset_is_not_evaluated(stage: Workspace) -> None:
    run = stage.registry().version("1").tags["mlflow_run_id"]
    with pytest.raises(TaskError, match="dataset_version = 77 is not valid for run"):
        stage.run("evaluate", "60", dataset_version="77", run_id=run)


def test_parameters_that_were_not_declared_are_refused(stage: Workspace) -> None:
    with pytest.raises(TaskError, match=r"parameters = .* is not valid"):
        stage.run("train", "61", dataset_version="0", parameters='{"C": 5}', parent_run_id="", experiment=EXPERIMENT)


@pytest.mark.clause("V1")
def test_a_validation_is_recorded_with_every_hash_it_depends_on(stage: Workspace) -> None:
    run = stage.registry().version("1").tags["mlflow_run_id"]
    stage.run("record", "62", dataset_version="0", run_id=run)
    (record,) = stage.spark.table("ml.validation_record").collect()
    assert record["declaration_hash"] == "d" * 64
    assert (len(record["features_hash"]), len(record["contracts_hash"])) == (64, 64)
    assert (record["model"], record["method"]) == ("readmission", "LogisticRegression")
    assert json.loads(record["source_versions"]) == {"synthetic_omop.person": 3, "synthetic_omop_ra.fact_person": 0}
    assert record["passed"] is True


def test_a_table_of_records_from_before_they_named_their_model_is_added_to(stage: Workspace) -> None:
    run = stage.registry().version("1").tags["mlflow_run_id"]
    older = stage.spark.table("ml.validation_record").drop("model", "definition", "source_versions")
    older.write.format("delta").mode("overwrite").option("overwriteSchema", "true").saveAsTable("ml.validation_record")
    stage.run("record", "63", dataset_version="0", run_id=run)
    rows = stage.spark.table("ml.validation_record").collect()
    assert sorted((row["job_run_id"], row["model"]) for row in rows) == [("62", None), ("63", "readmission")]
