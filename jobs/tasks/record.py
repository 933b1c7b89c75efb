"""record: the validation record of a method on a feature store, which goes stale when one of its hashes changes."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

from jobs.digest import digest
from jobs.errors import TaskError
from jobs.io import frames
from jobs.io.context import CODE, Task, of_wheel, run
from jobs.io.registry import Registry, refuse_untold, same_declaration
from jobs.model.definition import DEFINITION, meaning
from jobs.model.names import RECORDS, Names, declared_model
from jobs.model.validation import RECORD

FROM_RUN = ("declaration_hash", "contracts_hash", "feature_table_version", "source_versions", "gates_passed")


def _record(task: Task) -> None:
    model = declared_model(task.declaration)
    names = Names.of(model)
    version = frames.dataset_version(task.parameter("dataset_version"))
    trained = Registry(task, names).run(task.parameter("run_id"))
    tags = trained.data.tags
    if tags.get("gates_checked") != "evaluate":
        raise TaskError(f"run {trained.info.run_id} was not evaluated; run the evaluate task first")
    refuse_untold(trained, FROM_RUN)
    same_declaration(task, trained)
    row = {
        "model": model.name,
        "declaration_hash": tags["declaration_hash"],
        "method": type(model.method).__name__,
        "features_hash": digest(meaning(model.features)),
        "contracts_hash": tags["contracts_hash"],
        DEFINITION: tags.get(DEFINITION),
        "feature_table_version": int(tags["feature_table_version"]),
        "source_versions": tags["source_versions"],
        "code": of_wheel(CODE),
        "requirements_hash": task.requirements_hash,
        "mlflow_run_id": trained.info.run_id,
        "auroc": trained.data.metrics.get("auroc"),
        "passed": tags["gates_passed"] == "true",
        "job_run_id": task.job_run_id,
        "trained_at": datetime.fromtimestamp(trained.info.start_time / 1000, UTC),
        "recorded_at": datetime.now(UTC),
    }
    rows = frames.frame(task, pd.DataFrame([row]), RECORD)
    task.tables.append(RECORDS, rows, {names.table("dataset"): version}, grows=True)
    task.log(f"validation of {model.name} recorded: gates passed = {tags['gates_passed']}")


def record() -> None:
    """Entry point."""
    run(_record)
