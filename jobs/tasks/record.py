"""record: the validation record of a method on a feature store, which goes stale when one of its hashes changes."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from jobs.errors import TaskError
from jobs.io import frames
from jobs.io.context import Task, run
from jobs.io.registry import Registry, wheel_code
from jobs.model.names import RECORDS, Names, declared_model
from workflows.canonical import encoded
from workflows.sources import named

RECORD = {
    "declaration_hash": "string", "method": "string", "features_hash": "string", "contracts_hash": "string",
    "code": "string", "requirements_hash": "string", "mlflow_run_id": "string", "auroc": "double", "passed": "boolean",
    "job_run_id": "string", "recorded_at": "timestamp",
}  # fmt: skip


def digest(value: Any) -> str:
    """SHA-256 over the canonical text of a part of a declaration, 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(encoded(value), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _record(task: Task) -> None:
    model = declared_model(task.declaration)
    names = Names.of(model)
    version = frames.dataset_version(task.parameter("dataset_version"))
    trained = Registry(task, names).run(task.parameter("run_id"))
    if trained.data.tags.get("gates_checked") != "evaluate":
        raise TaskError(f"run {trained.info.run_id} was not evaluated; run the evaluate task first")
    row = {
        "declaration_hash": task.declaration_hash,
        "method": type(model.method).__name__,
        "features_hash": digest(model.features),
        "contracts_hash": digest(named(model.source).contracts),
        "code": wheel_code(),
        "requirements_hash": task.requirements_hash,
        "mlflow_run_id": trained.info.run_id,
        "auroc": trained.data.metrics.get("auroc"),
        "passed": trained.data.tags["gates_passed"] == "true",
        "job_run_id": task.job_run_id,
        "recorded_at": datetime.now(UTC),
    }
    rows = frames.frame(task, pd.DataFrame([row]), RECORD)
    task.tables.append(RECORDS, rows, {names.table("dataset"): version})
    task.log(f"validation of {model.name} recorded: gates passed = {trained.data.tags['gates_passed']}")


def record() -> None:
    """Entry point."""
    run(_record)
