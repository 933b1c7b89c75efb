"""Zones and tasks for the tests of featurization."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from curated import deliver, empty_zones, frame, rows
from history_world import DECLARED
from pyspark.sql import SparkSession

from jobs.io.context import Surroundings, Task
from jobs.tasks.facts import _facts
from workflows.canonical import canonical
from workflows.declare import Declaration


@pytest.fixture
def zones(spark: SparkSession) -> Iterator[SparkSession]:
    """Zones for one test."""
    with empty_zones(spark) as one:
        yield one


@pytest.fixture
def make_task(spark: SparkSession, spark_remote: str, tmp_path: Path) -> Callable[..., Task]:
    """A task of a deployed job: its declaration and requirements lie on a volume, its session is the tests' own."""

    def make(declaration: Declaration, **parameters: str) -> Task:
        volume = tmp_path / "volumes" / "cdh_test" / "ml" / "artifacts"
        volume.mkdir(parents=True, exist_ok=True)
        (volume / "declaration.json").write_text(canonical(declaration), encoding="utf-8")
        (volume / "requirements.txt").write_text("numpy==2\n", encoding="utf-8")
        here = "/Volumes/cdh_test/ml/artifacts"
        given = {
            "catalog": "cdh_test", "declaration": f"{here}/declaration.json", "requirements": f"{here}/requirements.txt",
            "job_id": "1", "job_run_id": "22", "task_run_id": "333",
        } | parameters  # fmt: skip
        surroundings = Surroundings(
            spark_remote=spark_remote, volumes_root=tmp_path / "volumes", values_file=tmp_path / "values.jsonl"
        )
        task = Task.of("test", [f"--{name}={value}" for name, value in given.items()], surroundings)
        vars(task)["spark"] = spark
        return task

    return make


@pytest.fixture
def recorded(zones: SparkSession) -> SparkSession:
    """The small delivery, whose tables record what changes."""
    zones.conf.set("spark.databricks.delta.properties.defaults.enableChangeDataFeed", "true")
    try:
        deliver(zones, {table: frame(zones, table, some) for table, some in rows().items()})
    finally:
        zones.conf.unset("spark.databricks.delta.properties.defaults.enableChangeDataFeed")
    return zones


@pytest.fixture
def facts(recorded: SparkSession, make_task: Callable[..., Task]) -> Callable[..., Task]:
    def run(declared: Declaration = DECLARED, **parameters: str) -> Task:
        task = make_task(declared, table="fact_person", person_sample="1.0", **parameters)
        _facts(task)
        return task

    return run
