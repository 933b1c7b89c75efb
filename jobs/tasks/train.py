"""train: the final fit with tuned parameters, logged with its signature and everything it came from."""

from __future__ import annotations

import json
from typing import Any

from jobs.errors import TaskError
from jobs.io import frames
from jobs.io.context import Task, run
from jobs.io.registry import Registry
from jobs.model.matrix import design, example, fit, learnable
from jobs.model.names import Names, declared_model
from jobs.model.side import TRAIN
from jobs.model.tuning import combinations
from workflows.methods import Method


def decided(text: str, method: Method) -> dict[str, Any]:
    """The parameters in a task value; raises TaskError unless the declaration allows them."""
    allowed = combinations(method)
    try:
        parameters = json.loads(text)
    except json.JSONDecodeError:
        parameters = None
    if parameters not in allowed:
        raise TaskError(f"parameters = {text!r} is not valid; valid: the JSON that the tune task set, one of {allowed}")
    return dict(parameters)


def _train(task: Task) -> None:
    model = declared_model(task.declaration)
    names = Names.of(model)
    version = frames.dataset_version(task.parameter("dataset_version"))
    parameters = decided(task.parameter("parameters"), model.method)
    tags = frames.provenance(task, names, version)
    tags["contracts_hash"] = frames.contracts(task, names, json.loads(tags["source_versions"]))
    rows = frames.read(task, names.table("dataset"), version, f"side = '{TRAIN}'")
    columns = learnable(rows)
    fitted = fit(model.method, parameters, rows, columns)

    registry = Registry(task, names)
    told = {"parameters": json.dumps(parameters, sort_keys=True), "trained_by": task.principal}
    run_id = registry.start(
        task.parameter("experiment"), f"{model.name} train", tags | told, task.parameter("parent_run_id")
    )
    try:
        registry.read(run_id, names.table("dataset"), version, "training")
        settings = {"method": type(model.method).__name__, "seed": model.method.seed, "covariates": len(columns.names)}
        registry.log(run_id, settings | parameters)
        invented = example(design(rows, columns), columns, rows["person_id"])
        model_id = registry.log_model(run_id, fitted, invented, parameters)
        registry.log(run_id, tags={"model_id": model_id})
    except Exception:
        registry.end(run_id, failed=True)
        raise
    registry.end(run_id)
    task.log(f"fitted on {len(columns.names)} covariates; run {run_id}, model {model_id}")
    task.values.set("run_id", run_id)


def train() -> None:
    """Entry point."""
    run(_train)
