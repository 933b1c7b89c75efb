"""tune: the best parameters of the declared search space, by cross-validation over train persons."""

from __future__ import annotations

import json

from jobs.disclosure import measured
from jobs.io import frames
from jobs.io.context import Task, run
from jobs.io.registry import Registry
from jobs.model.names import Names, declared_model
from jobs.model.side import TRAIN, salt_of
from jobs.model.tuning import FOLDS, Trial, best
from jobs.model.tuning import tune as trials_of


def figures(trial: Trial) -> dict[str, float]:
    """What MLflow gets of a trial."""
    return {"cv_log_loss": measured(trial.log_loss, 5), "cv_auroc": measured(trial.auroc)}


def _tune(task: Task) -> None:
    model = declared_model(task.declaration)
    names = Names.of(model)
    version = frames.dataset_version(task.parameter("dataset_version"))
    tags = frames.provenance(task, names, version)
    train = frames.read(task, names.table("dataset"), version, f"side = '{TRAIN}'")
    trials = trials_of(model.method, train, salt_of(model.name))
    chosen = best(trials)

    registry, experiment = Registry(task, names), task.parameter("experiment")
    parent = registry.start(experiment, f"{model.name} tune", tags)
    registry.read(parent, names.table("dataset"), version, "training")
    for number, trial in enumerate(trials, 1):
        child = registry.start(experiment, f"trial {number}", tags, parent)
        found = figures(trial)
        registry.log(child, trial.parameters, found)
        registry.end(child)
        task.log(f"trial {number}: {trial.parameters}, log loss {trial.log_loss:.5f}, AUROC {trial.auroc:.4f}")
    parameters = json.dumps(chosen.parameters, sort_keys=True)
    settings = {"method": type(model.method).__name__, "seed": model.method.seed, "folds": FOLDS, "trials": len(trials)}
    registry.log(parent, settings | chosen.parameters, figures(chosen), {"parameters": parameters})
    registry.end(parent)
    task.values.set("parameters", parameters)
    task.values.set("run_id", parent)


def tune() -> None:
    """Entry point."""
    run(_tune)
