"""score: the champion's predictions for the encounters whose outcome is not known yet, each with its lineage."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jobs.errors import TaskError
from jobs.io import frames
from jobs.io.context import Task, run
from jobs.io.registry import Registry
from jobs.model.definition import differs, of_table, of_tags
from jobs.model.matrix import ordered, probabilities
from jobs.model.names import Names, declared_model
from jobs.model.scoring import APART, LINEAGE_COLUMNS, SCORED, Lineage, Reach, predictions
from jobs.tasks.prepare import TOLD
from jobs.tasks.said import said, unsaid
from jobs.tasks.withdrawn import leave_out

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

KEYS = ("person_id", "visit_occurrence_id")


def refuse_declared_anew(task: Task, champion: ModelVersion, table: str, version: int) -> None:
    """Raise TaskError if a version of the feature table does not mean what the champion was trained on.

    A champion or a table from before they kept what they mean is taken as it is, and the log says so.
    """
    trained, present = of_tags(champion.tags), of_table(task.tables.commits, table, version)
    if trained is None or present is None:
        whose = f"version {champion.version}" if trained is None else f"{table} version {version}"
        task.log(f"{whose} keeps no definition: whether the features mean what it was trained on is not known")
    elif differ := differs(trained, present):
        raise TaskError(
            f"{table} version {version}: {', '.join(differ)} declared anew since champion version {champion.version} "
            "was trained; train and promote a version on these features"
        )


def _score(task: Task) -> None:
    from pyspark.sql import functions as F

    names = Names.of(declared_model(task.declaration))
    registry = Registry(task, names)
    champion = registry.crowned()
    table, inputs = names.table("predictions"), task.tables.inputs(names.features)
    version = inputs[names.features]
    refuse_declared_anew(task, champion, names.features, version)
    features = task.tables.read(names.features, version)
    waiting = features.where("NOT outcome_known")
    scored = waiting.select(*KEYS)
    if known := task.tables.exists(table):
        # One prediction an encounter and model version: what was said before the outcome is never said anew.
        made = task.tables.read(table).where(f"model_version = {int(champion.version)}").select(*KEYS)
        # As monitoring counts them: by subtraction the two would tell how many left the cohort since.
        made = made.join(features.select("visit_occurrence_id"), "visit_occurrence_id", "left_semi").select(*KEYS)
        waiting = waiting.join(made, "visit_occurrence_id", "left_anti")
        scored = waiting.select(*KEYS).union(made)
    rows = ordered(waiting.toPandas())
    if rows.empty:
        if known:
            task.tables.recall(table)
        task.log(
            f"nothing to score: no encounter of {names.features} version {version} waits for version {champion.version}"
        )
        return
    lineage = Lineage(
        model_name=registry.name,
        model_version=int(champion.version),
        mlflow_run_id=champion.tags.get("mlflow_run_id", ""),
        commit=task.commit,
        requirements_hash=task.requirements_hash,
        declaration_hash=task.declaration_hash,
        feature_table=names.features,
        feature_table_version=version,
        source_versions=json.dumps(frames.sources_of(task, names, version), sort_keys=True),
        scored_at=datetime.now(UTC),
        job_run_id=task.job_run_id,
    )
    made_now = predictions(rows, probabilities(registry.load(champion.tags["model_id"]), rows), lineage)
    ever = scored.agg(F.count("*").alias("rows"), F.count_distinct("person_id").alias("persons")).collect()[0]
    every = features.agg(
        F.count("*").alias("rows"), F.count_if(F.expr("NOT outcome_known")).alias("waiting")
    ).collect()[0]
    reach = Reach(
        scored=int(ever["rows"]), persons=int(ever["persons"]), whole=int(every["rows"]),
        waiting=int(every["waiting"]), new=len(rows),
    )  # fmt: skip
    # Where `prepare` kept back who has a known outcome, all less those that were scored would say it.
    counts = {} if unsaid(task, names) else reach.told(said(task, names, int(champion.version)))
    note = {TOLD: {"version": int(champion.version), APART: reach.counts[APART]} | counts}
    kinds = frames.types(task, names.features, KEYS, version) | {"score": "double"} | LINEAGE_COLUMNS
    scores = frames.frame(task, made_now, kinds)
    task.tables.merge(table, scores, ["visit_occurrence_id", "model_version"], inputs, note, first_stays=True)
    leave_out(task, names.source, table)
    hidden = "few, few more or less than before, or as many as would tell what prepare keeps back"
    many = f"{counts[SCORED]:,}" if counts else hidden
    task.log(f"encounters scored so far by version {champion.version}: {many}")


def score() -> None:
    """Entry point."""
    run(_score)
