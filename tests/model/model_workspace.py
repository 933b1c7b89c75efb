"""A stage with tables and MLflow in which the tasks of one model are run, one after the other."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from model_cohort import cohort
from pyspark.sql import SparkSession

from jobs.io.context import Surroundings, Task
from jobs.io.registry import Registry
from jobs.model.definition import DEFINITION
from jobs.model.names import Names
from jobs.tasks.features import ATTRITION_SCHEMA
from workflows.declare import (
    AtLeast,
    Calibrated,
    Demographics,
    Event,
    Implausible,
    InpatientStays,
    Model,
    NonInferior,
    days,
)  # fmt: skip
from workflows.methods import Choice, LogisticRegression

MODEL = Model(
    name="readmission", question="Who comes back?", source="synthetic_omop", cohort=InpatientStays(),
    outcome=Event("inpatient_admission", time_at_risk=days(1, 30)), features=[Demographics()],
    method=LogisticRegression(C=Choice(0.01, 1.0)), cluster="ml_cpu",
    gates=[AtLeast("auroc", 0.6), Calibrated(), NonInferior("auroc", margin=0.02), Implausible("auroc", above=0.95)],
)  # fmt: skip
EXPERIMENT = "/cdh/readmission"
ROWS = cohort(persons=2500, encounters=8000)
KNOWN = 7000


@dataclass
class Workspace:
    """A stage with its tables and its MLflow; `run` runs a task of a job and gives the values it set."""

    folder: Path
    spark: SparkSession
    model: Model = MODEL
    runs: int = 0
    shown: list[str] = field(default_factory=list)

    @property
    def names(self) -> Names:
        """What the model's tables are called."""
        return Names.of(self.model)

    def task(self, job_run_id: str, principal: str, **parameters: str) -> Task:
        uri, values = f"sqlite:///{self.folder / 'mlflow.db'}", self.folder / f"values{self.runs}"
        self.runs += 1
        made = Task(
            name="test", catalog="cdh_test", declaration=self.model, declaration_hash="d" * 64, commit="c0ffee",
            requirements_hash="e" * 64, job_id="1", job_run_id=job_run_id, task_run_id=str(self.runs),
            parameters={"requirements": "/Volumes/cdh_test/ml/artifacts/requirements.txt"} | parameters,
            surroundings=Surroundings(
                volumes_root=self.folder / "volumes", values_file=values, tracking_uri=uri, registry_uri=uri,
                principal=principal,
            ),
        )  # fmt: skip
        vars(made)["spark"] = self.spark
        vars(made)["log"] = self.shown.append
        return made

    def run(self, name: str, job_run_id: str, principal: str = "sp-train", **parameters: str) -> dict[str, str]:
        task = self.task(job_run_id, principal, **parameters)
        main: Callable[[Task], None] = getattr(import_module(f"jobs.tasks.{name}"), f"_{name}")
        try:
            main(task)
        finally:
            task.tables.flush()
        file = task.surroundings.values_file
        assert file is not None
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return {one["key"]: one["value"] for one in map(json.loads, lines)}

    def features(self, rows: pd.DataFrame, known: int, means: Mapping[str, Any] | None = None) -> None:
        """A new version of the feature table, as the features task writes it. means: its definition, if it keeps one."""
        rows = rows.assign(outcome_known=rows["encounter_order"] <= known)
        rows["outcome"] = rows["outcome"].astype("Int32").where(rows["outcome_known"])
        rows["index_datetime"] = pd.Timestamp("2024-01-01", tz="UTC")
        tables = self.task("0", "sp-featurize").tables
        tables.note("synthetic_omop_ra.fact_person", 0, {"synthetic_omop.person": 3})
        frame = self.spark.createDataFrame(pa.Table.from_pandas(rows, preserve_index=False))
        tables.replace(self.names.features, frame, {"synthetic_omop_ra.fact_person": 0}, means and {DEFINITION: means})
        told = [("0", 0, "all encounters", len(rows), int(rows["person_id"].nunique()))]
        attrition = self.spark.createDataFrame(told, ATTRITION_SCHEMA)
        tables.merge(self.names.table("attrition"), attrition, ["job_run_id", "step"])
        tables.flush()

    def table(self, name: str) -> pd.DataFrame:
        return self.spark.table(self.names.table(name)).toPandas()

    def trained(self, job_run_id: str, requested_by: str = "") -> str:
        """The train job; the version it registers."""
        data = self.run("prepare", job_run_id)
        tuned = self.run("tune", job_run_id, experiment=EXPERIMENT, **data)
        tracked = {"parent_run_id": tuned["run_id"], "parameters": tuned["parameters"], "experiment": EXPERIMENT}
        run = self.run("train", job_run_id, **data, **tracked)
        self.run("evaluate", job_run_id, **data, **run)
        return self.run("register", job_run_id, requested_by=requested_by, **run)["model_version"]

    def promoted(self, job_run_id: str, version: str, validated_in: str = "") -> None:
        signed = {"approved_by": "engineer@example", "validated_by": "analyst@example", "validated_in": validated_in}
        assert self.run("judge", job_run_id, "sp-promote", model_version=version)["passed"] == "true"
        self.run("promote", job_run_id, "sp-promote", model_version=version, **signed)

    def registry(self) -> Registry:
        return Registry(self.task("0", "sp-train"), self.names)


@contextlib.contextmanager
def opened(base: Path, spark: SparkSession, model: Model = MODEL) -> Iterator[Workspace]:
    """A stage in which nothing has run; the process works in `base` meanwhile."""
    artifacts = base / "volumes" / "cdh_test" / "ml" / "artifacts"
    artifacts.mkdir(parents=True)
    (artifacts / "requirements.txt").write_text("scikit-learn==1.6.1\n", encoding="utf-8")
    zones = ("ml", model.name, "synthetic_omop_ra")
    for zone in zones:
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {zone}")
    with contextlib.chdir(base):
        made = Workspace(base, spark, model)
        client = made.task("0", "sp-deploy").mlflow.MlflowClient()
        client.create_experiment(EXPERIMENT, artifact_location=(base / "artifacts").as_uri())
        client.create_registered_model(made.names.registered("cdh_test"))
        yield made
    # All tests of a worker share one server: the next one's tables are to begin at version 0.
    for zone in zones:
        spark.sql(f"DROP SCHEMA IF EXISTS {zone} CASCADE")


@contextlib.contextmanager
def promoted(base: Path, spark: SparkSession) -> Iterator[Workspace]:
    """A stage with features of 8,000 encounters, the outcome of the last 1,000 not known, and a promoted version 1."""
    with opened(base, spark) as made:
        made.features(ROWS, KNOWN)
        assert made.trained("10") == "1"
        made.promoted("11", "1")
        yield made
