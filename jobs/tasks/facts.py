"""Curated tables to one fact table of the source's `_ra` zone."""

from __future__ import annotations

from jobs.errors import TaskError
from jobs.featurize.withdrawal import TOMBSTONES, kept
from jobs.io.context import Task, run
from workflows.sources import named

TABLES = ("fact_encounter_index", "fact_person")


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
    from jobs.featurize.facts import fact_encounter_index, fact_person

    source, table = named(task.declaration.source), task.parameter("table")
    if table not in TABLES:
        raise TaskError(f"facts: table = {table!r} is not valid; valid: {', '.join(TABLES)}")
    person_sample = share(task, "person_sample")
    if table == "fact_person":
        used = {kind.table for kind in source.events}
    else:
        used = {source.encounters.table, source.persons.table}
    names = {contract: f"{source.name}.{contract.table}" for contract in source.contracts if contract.table in used}
    inputs = task.tables.inputs(*names.values())
    tables = {contract.table: typed(task.tables.read(name, inputs[name]), contract) for contract, name in names.items()}
    withdrawn = f"{source.name}_ra.{TOMBSTONES}"
    if task.tables.exists(withdrawn):
        inputs |= task.tables.inputs(withdrawn)
        marks = task.tables.read(withdrawn, inputs[withdrawn])
        tables = {name: kept(frame, marks, source, name) for name, frame in tables.items()}
    if table == "fact_person":
        frame = fact_person(tables, source, person_sample=person_sample)
    else:
        through = share(task, "outcomes_through")
        frame = fact_encounter_index(tables, source, person_sample=person_sample, outcomes_through=through)
    version = task.tables.replace(f"{source.name}_ra.{table}", frame, inputs)
    task.log(f"{source.name}_ra.{table} is at version {version}")
