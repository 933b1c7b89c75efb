"""observe: predictions against matured outcomes, covariates against held-out persons, and whether to retrain."""

from __future__ import annotations

from datetime import UTC, datetime

from jobs.disclosure import shown
from jobs.errors import TaskError
from jobs.io import frames
from jobs.io.context import Task, run
from jobs.io.registry import Registry
from jobs.model import monitoring
from jobs.model.matrix import columns_of, ordered
from jobs.model.names import Names, declared_model
from jobs.model.retraining import Made, retraining
from jobs.model.side import TEST
from jobs.tasks.said import said

MONITORING = {
    "job_run_id": "string", "observed_at": "timestamp", "model_version": "long", "block": "long", "measure": "string",
    "name": "string", "value": "double", "low": "double", "high": "double", "encounters": "long", "events": "long",
    "state": "string", "signal": "string",
}  # fmt: skip


def _observe(task: Task) -> None:
    from pyspark.sql import functions as F

    model = declared_model(task.declaration)
    names = Names.of(model)
    registry = Registry(task, names)
    champion = registry.crowned()
    predictions = names.table("predictions")
    if not task.tables.exists(predictions):
        raise TaskError(f"{predictions} does not exist; run the score job first")
    inputs = task.tables.inputs(names.features, predictions)
    made = task.tables.read(predictions, inputs[predictions]).where(f"model_version = {int(champion.version)}")
    features = task.tables.read(names.features, inputs[names.features])
    rows = ordered(features.join(made.select("visit_occurrence_id", "score"), "visit_occurrence_id").toPandas())
    if rows.empty:
        raise TaskError(
            f"{predictions} has no prediction of champion version {champion.version}; run the score job first"
        )
    held_in = frames.dataset_version(champion.tags.get("dataset_version", ""))
    held = frames.read(task, names.table("dataset"), held_in, f"side = '{TEST}'")

    matured = rows[rows["outcome_known"].astype(bool)]
    found = monitoring.calibration(matured, model.monitor, model.method.seed)
    for covariates in (monitoring.covariates, monitoring.newest_covariates):
        found += covariates(rows, held, columns_of(held), model.monitor)
    signal = monitoring.decision(found)
    every = features.agg(
        F.count("*").alias("rows"), F.count_if("outcome_known").alias("known"),
        F.count_if(F.expr("outcome_known AND outcome = 1")).alias("events"),
    ).collect()[0]  # fmt: skip
    rest = monitoring.apart(every.asDict(), rows)
    found = monitoring.beside(found, said(task, names, int(champion.version)), rest)
    newest = registry.newest()
    learned = task.tables.read(names.table("dataset"), frames.dataset_version(newest.tags.get("dataset_version", "")))
    new = features.where("outcome_known AND outcome = 1").join(
        learned.where("outcome = 1").select("visit_occurrence_id"), "visit_occurrence_id", "left_anti"
    )
    made_last = Made(
        version=int(newest.version), champion=str(newest.version) == str(champion.version),
        passed=newest.tags.get("gates_passed") == "true",
    )  # fmt: skip
    retrain, why = retraining(signal, made_last, new.count() if signal else 0, model.monitor.minimum_events)
    facts = {"job_run_id": task.job_run_id, "observed_at": datetime.now(UTC), "model_version": int(champion.version)}
    table = monitoring.table(found, facts).astype({"encounters": "Int64", "events": "Int64"})
    written_from = inputs | {names.table("dataset"): held_in}
    task.tables.append(names.table("monitoring"), frames.frame(task, table, MONITORING), written_from)
    size = next((row for row in found if row["block"] == monitoring.WHOLE and row["measure"] == monitoring.RATIO), None)
    told = "few, or all but few, have a known outcome or an event, or few more or less than before"
    if size is not None and size["encounters"] is not None:
        told = f"{size['encounters']:,} with a known outcome, {size['events']:,} events"
    scored = monitoring.counted(found).get("scored")
    task.log(
        f"{'few, or few more or less than before,' if scored is None else shown(scored)} scored encounters; {told}"
    )
    for row in found:
        if row["state"] == monitoring.SIGNAL or row["measure"] == monitoring.RATIO:
            parts = (row["measure"], row["name"], row["value"], row["state"], row["signal"])
            task.log(" ".join([f"block {row['block']}", *(str(part) for part in parts if part)]))
    task.log(f"signal: {signal or 'none'}; retrain: {str(retrain).lower()}, {why}")
    task.values.set("retrain", str(retrain).lower())
    task.values.set("signal", signal)


def observe() -> None:
    """Entry point."""
    run(_observe)
