"""judge: the gates of a version once more, and its comparison with the champion on persons unseen by both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from jobs.errors import TaskError
from jobs.io import frames
from jobs.io.context import Task, run
from jobs.io.registry import Registry
from jobs.model import evaluation, gates
from jobs.model.comparison import compare, shared
from jobs.model.definition import anew, of_tags
from jobs.model.intervals import Estimate
from jobs.model.leaks import alone
from jobs.model.matrix import fitted_columns, ordered, probabilities
from jobs.model.names import Names, declared_model
from jobs.model.side import TEST, TRAIN
from jobs.tasks.evaluate import GATE, gate_rows, looks, told
from workflows.declare import Model

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion


def dataset(
    task: Task, names: Names, version: ModelVersion, side: str, columns: tuple[str, ...] = ("*",)
) -> pd.DataFrame:
    """The rows of one side of the dataset that a version was trained from."""
    number = frames.dataset_version(version.tags.get("dataset_version", ""))
    return frames.read(task, names.table("dataset"), number, f"side = '{side}'", columns)


def declared_anew(task: Task, candidate: ModelVersion, champion: ModelVersion, absent: set[str]) -> list[str]:
    """The champion's features that mean something else to the candidate, or else its columns that are `absent` there.

    Of another cohort or outcome with the same features, the candidate's rows are good for both.
    """
    trained, present = of_tags(champion.tags), of_tags(candidate.tags)
    if trained is None or present is None:
        whose = champion if trained is None else candidate
        task.log(f"version {whose.version} keeps no definition: columns of one name are taken to mean the same")
        return sorted(absent)
    return anew(trained, present) or sorted(absent)


def against(
    task: Task, registry: Registry, model: Model, candidate: ModelVersion, champion: ModelVersion,
    test: pd.DataFrame, probability: np.ndarray,
) -> dict[str, Estimate] | str:  # fmt: skip
    """The paired differences to the champion, or the reason why there are none."""
    if champion.version == candidate.version:
        return f"version {candidate.version} is the champion itself"
    names = Names.of(model)
    trained = {
        f"version {one.version}": dataset(task, names, one, TRAIN, ("person_id",))["person_id"].unique()
        for one in (candidate, champion)
    }
    fitted = registry.load(champion.tags["model_id"])
    rows, other = test, test
    if changed := declared_anew(task, candidate, champion, set(fitted_columns(fitted).names) - set(test.columns)):
        # Each model gets its own, on the encounters that both know.
        task.log(f"declared anew since champion version {champion.version} was trained: {', '.join(changed)}")
        known, other = shared(test, dataset(task, names, champion, TEST))
        rows, probability = test[known], probability[known]
    task.log(f"compared with champion version {champion.version}")
    return compare(model.gates, rows, probability, probabilities(fitted, other), trained, model.method.seed)


def _judge(task: Task) -> None:
    model = declared_model(task.declaration)
    names = Names.of(model)
    registry = Registry(task, names)
    number = task.parameters.get("model_version", "")
    requested_by = task.parameters.get("requested_by", "")
    candidate = registry.requested(requested_by) if requested_by and not number else registry.version(number)
    champion = registry.champion()
    test = ordered(dataset(task, names, candidate, TEST))
    if test.empty:
        raise TaskError(f"version {candidate.version}: its dataset has no test persons; run the train job again")
    probability = probabilities(registry.load(candidate.tags["model_id"]), test)
    outcome = test["outcome"].to_numpy().astype("int64")
    difference: dict[str, Estimate] | str = gates.NO_CHAMPION
    if champion is not None:
        difference = against(task, registry, model, candidate, champion, test, probability)
    found = evaluation.estimates(test, probability, model.method.seed)
    results = gates.assess(model.gates, found, outcome, difference, alone(test))
    passed = gates.all_passed(results, None if champion is None else str(champion.version))
    seen = looks(task, names)
    told(results, task)

    rows = gate_rows(task, results, candidate.tags["mlflow_run_id"], str(candidate.version), "judge")
    inputs = {names.table("dataset"): int(candidate.tags["dataset_version"])}
    task.tables.append(names.table("gate"), frames.frame(task, rows, GATE), inputs)
    registry.tag(
        str(candidate.version),
        {
            "gates": gates.written(results), "gates_checked": "judge", "gates_passed": str(passed).lower(),
            "gates_champion": "" if champion is None else str(champion.version), "gates_job_run_id": task.job_run_id,
            "test_side_looks": str(seen),
        },
    )  # fmt: skip
    task.log(f"version {candidate.version}: passed = {str(passed).lower()}; looks at the test side so far: {seen}")
    task.values.set("passed", str(passed).lower())
    task.values.set("model_version", str(candidate.version))


def judge() -> None:
    """Entry point."""
    run(_judge)
