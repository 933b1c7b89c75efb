"""score: the champion's predictions for the encounters whose outcome is not known yet, each with its lineage."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from jobs.disclosure import shown
from jobs.errors import TaskError
from jobs.io import frames
from jobs.io.context import Task, run
from jobs.io.registry import Registry
from jobs.model.matrix import ordered, probabilities
from jobs.model.names import CHAMPION, Names, declared_model
from jobs.model.scoring import LINEAGE_COLUMNS, Lineage, predictions

KEYS = ("person_id", "visit_occurrence_id")


def _score(task: Task) -> None:
    names = Names.of(declared_model(task.declaration))
    registry = Registry(task, names)
    champion = registry.champion()
    if champion is None:
        raise TaskError(f"{registry.name} has no {CHAMPION}; run the promote job first")
    table, inputs = names.table("predictions"), task.tables.inputs(names.features)
    version = inputs[names.features]
    waiting = task.tables.read(names.features, version).where("NOT outcome_known")
    if task.tables.exists(table):
        # One prediction an encounter and model version: what was said before the outcome is never said anew.
        made = task.tables.read(table).where(f"model_version = {int(champion.version)}").select("visit_occurrence_id")
        waiting = waiting.join(made, "visit_occurrence_id", "left_anti")
    rows = ordered(waiting.toPandas())
    if rows.empty:
        task.log(
            f"nothing to score: no encounter of {names.features} version {version} waits for version {champion.version}"
        )
        task.values.set("rows", "0")
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
    scored = predictions(rows, probabilities(registry.load(champion.tags["model_id"]), rows), lineage)
    kinds = frames.types(task, names.features, KEYS, version) | {"score": "double"} | LINEAGE_COLUMNS
    task.tables.merge(table, frames.frame(task, scored, kinds), ["visit_occurrence_id", "model_version"], inputs)
    task.log(f"{shown(len(scored))} encounters scored by version {champion.version}")
    # A number for machines, without a thousands separator; of a few, the words.
    task.values.set("rows", shown(len(scored)).replace(",", ""))


def score() -> None:
    """Entry point."""
    run(_score)
