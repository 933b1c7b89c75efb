"""Who withdraws while a task of a model is at work: the withdrawal saw the tables before the task wrote them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from model_workspace import KNOWN, ROWS, Workspace, promoted
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.featurize.withdrawal import TOMBSTONES, digest_sql

pytestmark = [pytest.mark.spark, pytest.mark.clause("P3")]
WAITS = int(ROWS["person_id"].iloc[-1])


@pytest.fixture(scope="module")
def stage(quiet_mlflow: None, tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Iterator[Workspace]:
    with promoted(tmp_path_factory.mktemp("withdrawn"), spark) as made:
        yield made


def withdraw(stage: Workspace, person: int) -> None:
    """The tombstone, and nothing else: what the withdrawal took out is read again by a task that began before."""
    mark = stage.spark.sql(f"SELECT {digest_sql('synthetic_omop', str(person))} AS person_digest")
    mark.write.format("delta").mode("append").saveAsTable(f"synthetic_omop_ra.{TOMBSTONES}")


def test_no_prediction_stays_of_who_withdrew_while_others_were_scored(stage: Workspace):
    withdraw(stage, WAITS)
    stage.run("score", "30", "sp-serve")
    waiting = ROWS.iloc[KNOWN:]
    made = stage.table("predictions")
    assert set(made["visit_occurrence_id"]) == set(waiting.loc[waiting["person_id"] != WAITS, "visit_occurrence_id"])
    assert len(made) < len(waiting)


def test_neither_a_side_nor_a_row_to_train_on_stays_of_who_withdrew_while_the_data_were_prepared(stage: Workspace):
    trained = stage.table("side").query("side == 'train'")["person_id"]
    other = int(trained[trained != WAITS].iloc[0])
    before = len(stage.table("dataset"))
    data = stage.run("prepare", "40")
    withdraw(stage, other)
    again = stage.run("prepare", "41")
    assert int(again["dataset_version"]) > int(data["dataset_version"])
    for table in ("side", "dataset"):
        assert not set(stage.table(table)["person_id"]) & {WAITS, other}, table
    read = stage.task("0", "sp-train").tables.read(stage.names.table("dataset"), int(again["dataset_version"]))
    assert read.where(f"person_id = {other}").isEmpty()
    assert len(stage.table("dataset")) == before - ROWS.iloc[:KNOWN]["person_id"].isin([WAITS, other]).sum()


def test_a_model_that_somebody_withdrew_from_while_it_was_trained_is_not_registered(stage: Workspace):
    data = stage.run("prepare", "50")
    trained = stage.table("dataset").query("side == 'train'")["person_id"]
    tuned = stage.run("tune", "50", experiment="/cdh/readmission", **data)
    tracked = {
        "parent_run_id": tuned["run_id"], "parameters": tuned["parameters"], "experiment": "/cdh/readmission",
    }  # fmt: skip
    run = stage.run("train", "50", **data, **tracked)
    stage.run("evaluate", "50", **data, **run)
    withdraw(stage, int(trained.iloc[-1]))
    with pytest.raises(
        TaskError, match=r"readmission.dataset version \d+ has withdrawn since; run the train job again"
    ):
        stage.run("register", "50", **run)
    assert [str(one.version) for one in stage.registry().versions()] == ["1"]
    assert stage.trained("51") == "2", "made anew without them it is"
