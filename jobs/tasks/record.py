"""record: the validation record of a method on a feature store, which goes stale when one of its hashes changes."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

from jobs.errors import TaskError
from jobs.io import frames
from jobs.io.context import Task, contract_hash, run
from jobs.io.registry import Registry, wheel_code
from jobs.model.definition import DEFINITION
from jobs.model.names import RECORDS, Names, declared_model
from jobs.model.validation import RECORD, hashes


def _record(task: Task) -> None:
    model = declared_model(task.declaration)
    names = Names.of(model)
    version = frames.dataset_version(task.parameter("dataset_version"))
    trained = Registry(task, names).run(task.parameter("run_id"))
    tags = trained.data.tags
    if tags.get("gates_checked") != "evaluate":
        raise TaskError(f"run {trained.info.run_id} was not evaluated; run the evaluate task first")
    row = {
        "model": model.name,
        **hashes(model, task.declaration_hash, contract_hash(model)),
        DEFINITION: tags.get(DEFINITION),
        "feature_table_version": int(tags["feature_table_version"]),
        "source_versions": tags["source_versions"],
        "code": wheel_code(),
        "requirements_hash": task.requirements_hash,
        "mlflow_run_id": trained.info.run_id,
        "auroc": trained.data.metrics.get("auroc"),
        "passed": tags["gates_passed"] == "true",
        "job_run_id": task.job_run_id,
        "recorded_at": datetime.now(UTC),
    }
    rows = frames.frame(task, pd.DataFrame([row]), RECORD)
    task.tables.append(RECORDS, rows, {names.table("dataset"): version}, grows=True)
    task.log(f"validation of {model.name} recorded: gates passed = {tags['gates_passed']}")


def record() -> None:
    """Entry point."""
    run(_record)
