"""Curated tables to one fact table of the source's `_ra` zone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jobs.errors import TaskError
from jobs.featurize.withdrawal import TOMBSTONES, kept
from jobs.io.context import Task, run
from jobs.tasks.history import brought_up, note
from workflows.contracts.facts import PERSON_XREF
from workflows.declare import Featurization
from workflows.source import Source
from workflows.sources import named

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def facts() -> None:
    """Entry point."""
    run(_facts)


def share(task: Task, name: str) -> float:
    """The parameter as a share in (0, 1]."""
    text = task.parameter(name)
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise TaskError(f"facts: {name} = {text!r} is not valid; valid: a share above 0 and up to 1")
    return value


def _facts(task: Task) -> None:
    from jobs.featurize.columns import typed
    from jobs.featurize.knowledge import FROM

    source, table = named(task.declaration.source), task.parameter("table")
    if table not in source.made_from:
        valid = ", ".join(sorted(source.made_from))
        raise TaskError(f"facts: table = {table!r} is not valid for {source.name}; valid: {valid}")
    followed = table == "fact_person" and isinstance(task.declaration, Featurization) and task.declaration.history
    if followed and brought_up(task, source, share(task, "person_sample")):
        return
    used = source.made_from[table]
    names = {contract: f"{source.name}.{contract.table}" for contract in source.contracts if contract.table in used}
    inputs = task.tables.inputs(*names.values())
    tables = {contract.table: typed(task.tables.read(name, inputs[name]), contract) for contract, name in names.items()}
    withdrawn = f"{source.name}_ra.{TOMBSTONES}"
    if task.tables.exists(withdrawn):
        inputs |= task.tables.inputs(withdrawn)
        marks = task.tables.read(withdrawn, inputs[withdrawn])
        tables = {name: kept(frame, marks, source, name) for name, frame in tables.items()}
    frame = made(task, source, table, tables, {contract.table: inputs[name] for contract, name in names.items()})
    if FROM in frame.columns and (assumed := sorted(set(used) & set(source.assumed))):
        task.log(f"assumed: rows of {', '.join(assumed)} are known {source.lag} days after their event")
    if table == PERSON_XREF.table:
        unmistakable(source, frame)
    said = note(source, share(task, "person_sample"), inputs) if followed else None
    version = task.tables.replace(f"{source.name}_ra.{table}", frame, inputs, said)
    task.log(f"{source.name}_ra.{table} is at version {version}")


def unmistakable(source: Source, frame: DataFrame) -> None:
    """Raise if two persons of the source share an id: their facts would be one person's."""
    from jobs.featurize.contract import results

    broken = [str(result) for result in results(frame, PERSON_XREF) if result.stops]
    if broken:
        raise TaskError(f"facts: {source.name}: {'; '.join(broken)}; the ids of persons must tell them apart")


def made(
    task: Task, source: Source, table: str, tables: Mapping[str, DataFrame], versions: Mapping[str, int]
) -> DataFrame:
    """The rows of one fact table, from `versions` of the curated ones."""
    from jobs.featurize import facts as transforms

    if table == "fact_provider":
        assert source.providers is not None
        return transforms.fact_provider(tables[source.providers.table], source.providers)
    person_sample = share(task, "person_sample")
    if table == "fact_person":
        return transforms.fact_person(tables, source, person_sample=person_sample, versions=versions)
    if table == "fact_observation_period":
        assert source.observation is not None
        spans = tables[source.observation.table]
        return transforms.fact_observation_period(spans, source.observation, person_sample=person_sample)
    if table == "person_xref":
        persons = tables[source.persons.table]
        return transforms.person_xref(persons, source.persons, person_sample=person_sample)
    through = share(task, "outcomes_through")
    return transforms.fact_encounter_index(tables, source, person_sample=person_sample, outcomes_through=through)
