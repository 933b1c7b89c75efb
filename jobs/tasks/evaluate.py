"""evaluate: the held-out persons' verdict on a trained model, in time as well, and the declared gates."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from jobs.errors import TaskError
from jobs.io import frames
from jobs.io.context import Task, run
from jobs.io.registry import Registry
from jobs.model import evaluation, gates, plots
from jobs.model.beside import ALL, KINDS, beside, earlier, without
from jobs.model.intervals import Estimate
from jobs.model.leaks import alone
from jobs.model.matrix import ordered, probabilities
from jobs.model.names import Names, declared_model
from jobs.model.side import TEST, TRAIN
from jobs.model.temporal import later
from jobs.tasks.prepare import TOLD
from jobs.tasks.said import unsaid
from workflows.declare import Model

NUMBERS = dict.fromkeys(("value", "low", "high"), "double") | dict.fromkeys(("encounters", "persons", "events"), "long")
EVERYONE = "time"  # the split of the last quarter of all encounters
EVALUATION = {
    "mlflow_run_id": "string",
    "job_run_id": "string",
    "split": "string",
    "subgroup": "string",
    "metric": "string",
} | NUMBERS
CURVE = {"mlflow_run_id": "string", "curve": "string", "x": "double", "y": "double", "encounters": "long"}
GATE = {
    "mlflow_run_id": "string", "model_version": "long", "job_run_id": "string", "stage_of_check": "string",
    "gate": "string", "state": "string", "detail": "string", "checked_at": "timestamp",
}  # fmt: skip


def looks(task: Task, names: Names) -> int:
    """How often the test side has been looked at, this time included: evaluations and judgements so far, plus one."""
    from pyspark.sql import functions as F

    table = names.table("gate")
    if not task.tables.exists(table):
        return 1
    return 1 + int(task.tables.read(table).agg(F.count_distinct("job_run_id", "stage_of_check")).collect()[0][0])


def gate_rows(task: Task, results: list[gates.Result], run_id: str, version: str | None, stage: str) -> pd.DataFrame:
    """Results as rows of the gate table."""
    told = {
        "mlflow_run_id": run_id, "model_version": None if version is None else int(version),
        "job_run_id": task.job_run_id, "stage_of_check": stage, "checked_at": datetime.now(UTC),
    }  # fmt: skip
    rows = [told | {"gate": one.gate, "state": one.state, "detail": one.detail} for one in results]
    return pd.DataFrame(rows, columns=list(GATE)).astype({"model_version": "Int64"})


def splits(model: Model, parameters: dict[str, Any], dataset: pd.DataFrame, probability: np.ndarray) -> pd.DataFrame:
    """The evaluation of test persons (with subgroups), and of the last quarter in time: test persons, all, new ones."""
    seed = model.method.seed
    in_time = later(model.method, parameters, dataset)
    everyone = np.ones(len(in_time.rows), dtype=bool)
    late = {"time_held_out": in_time.held_out, EVERYONE: everyone, "time_new_persons": in_time.new}
    test, train = (dataset[dataset["side"] == side] for side in (TEST, TRAIN))
    tables = [evaluation.table("person", test, probability, seed, by_subgroup=True, rest=train)]
    for name, some in late.items():
        rows, scored = in_time.rows[some], in_time.probability[some]
        tables.append(evaluation.table(name, rows, scored, seed, by_subgroup=False, rest=in_time.rows[~some]))
    return pd.concat(tables, ignore_index=True)


def shown_before(task: Task, names: Names) -> list[dict[str, Any]]:
    """Every count that earlier evaluations of the model showed, and that `prepare` said of the test side."""
    table, whole = names.table("evaluation"), {"split": "person", "subgroup": ALL}
    rows = []
    if task.tables.exists(table):
        columns = task.tables.read(table).select("split", "subgroup", *KINDS).distinct()
        rows = [row.asDict() for row in columns.collect()]
    said = task.tables.commits.every(names.table("dataset"), TOLD)
    return rows + [whole | sides[TEST] for sides in said if TEST in sides]


def told(results: list[gates.Result], task: Task) -> None:
    """Log each gate."""
    for one in results:
        task.log(f"gate {one.gate}: {one.state} ({one.detail})")


def estimate(table: pd.DataFrame, metric: str) -> Estimate:
    """A metric of the person split, from the suppressed table."""
    row = table[(table["split"] == "person") & (table["subgroup"] == "all") & (table["metric"] == metric)].iloc[0]
    return Estimate(*(float("nan") if row[part] is None else float(row[part]) for part in ("value", "low", "high")))


def whole(table: pd.DataFrame) -> int | None:
    """How many test encounters there are, as the suppressed table says."""
    row = table[(table["split"] == "person") & (table["subgroup"] == "all")].iloc[0]
    return None if pd.isna(row["encounters"]) else int(row["encounters"])


def _evaluate(task: Task) -> None:
    model = declared_model(task.declaration)
    names, run_id = Names.of(model), task.parameter("run_id")
    version = frames.dataset_version(task.parameter("dataset_version"))
    registry = Registry(task, names)
    trained = registry.run(run_id)
    if trained.data.tags.get("dataset_version") != str(version):
        was = trained.data.tags.get("dataset_version")
        raise TaskError(
            f"dataset_version = {version} is not valid for run {run_id}; valid: {was}, which it was trained on"
        )
    dataset = ordered(frames.read(task, names.table("dataset"), version))
    test = dataset[dataset["side"] == TEST]
    probability = probabilities(registry.load(registry.model_id(trained)), test)
    parameters = json.loads(trained.data.tags["parameters"])
    table = beside(splits(model, parameters, dataset, probability), earlier(shown_before(task, names)))
    if kept := unsaid(task, names):
        # The last quarter of all times four is all, give or take three. Where the test side was kept back, monitoring
        # may tell both sides together, and this one would tell the other.
        table = without(table, set(table["split"]) if TEST in kept else {EVERYONE})
    outcome = test["outcome"].to_numpy().astype("int64")
    size = whole(table)
    points = evaluation.curves(outcome, probability)
    if size is None:
        # The steps of a curve tell how many rows it is of.
        points = points.head(0)
    champion = registry.champion()
    against = (
        gates.NO_CHAMPION if champion is None else f"compared with champion version {champion.version} {gates.LATER}"
    )
    found = evaluation.estimates(test, probability, model.method.seed)
    results = gates.assess(model.gates, found, outcome, against, alone(dataset[dataset["side"] == TRAIN]))

    seen = looks(task, names)
    told(results, task)
    ids = {"mlflow_run_id": run_id, "job_run_id": task.job_run_id}
    inputs = {names.table("dataset"): version}
    for name, rows, kinds in (
        ("evaluation", table.assign(**ids), EVALUATION),
        ("curve", points.assign(**ids), CURVE),
        ("gate", gate_rows(task, results, run_id, None, "evaluate"), GATE),
    ):
        task.tables.append(names.table(name), frames.frame(task, rows, kinds), inputs)
    publish(registry, trained, table, points, results, seen)
    auroc = estimate(table, "auroc")
    many = "few, or few more or less than before," if size is None else f"{size:,}"
    task.log(f"AUROC {gates.interval(auroc)} on {many} encounters; looks at the test side so far: {seen}")


def publish(
    registry: Registry,
    trained: Any,
    table: pd.DataFrame,
    points: pd.DataFrame,
    results: list[gates.Result],
    seen: int,
) -> None:
    """Metrics, pictures, the evaluation as JSON and the gates go to the run: aggregates only."""
    run_id = trained.info.run_id
    passed = gates.passed_so_far(results)
    registry.read(run_id, trained.data.tags["dataset"], int(trained.data.tags["dataset_version"]), "evaluation")
    registry.log(
        run_id,
        metrics=evaluation.metrics(table) | {"test_side_looks": float(seen)},
        tags={
            "gates": gates.written(results), "gates_checked": "evaluate", "gates_passed": str(passed).lower(),
            "test_side_looks": str(seen),
        },
        model_id=registry.model_id(trained),
    )  # fmt: skip
    registry.figure(run_id, plots.roc(points, estimate(table, "auroc")), "roc.png")
    ratio, slope = estimate(table, "observed_over_expected"), estimate(table, "calibration_slope")
    registry.figure(run_id, plots.calibration(points, ratio, slope), "calibration.png")
    lines = json.loads(table.to_json(orient="records"))
    registry.document(run_id, {"evaluation": lines, "gates": [vars(one) for one in results]}, "evaluation.json")


def evaluate() -> None:
    """Entry point."""
    run(_evaluate)
