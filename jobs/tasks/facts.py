"""Curated tables to one fact table of the source's `_ra` zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from jobs.digest import digest
from jobs.errors import TaskError
from jobs.io.context import Task, run
from jobs.quality.record import held
from jobs.tasks.curated import curated
from jobs.tasks.history import brought_up, note
from jobs.tasks.hold import hold
from workflows.contracts.facts import fact_contracts
from workflows.declare import Featurization
from workflows.source import Source
from workflows.sources import named
from workflows.values import has_units

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from jobs.quality.result import Result


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
    from jobs.featurize.columns import documented
    from jobs.featurize.knowledge import FROM

    source, table = named(task.declaration.source), task.parameter("table")
    if table not in source.made_from:
        valid = ", ".join(sorted(source.made_from))
        raise TaskError(f"facts: table = {table!r} is not valid for {source.name}; valid: {valid}")
    full, contract = f"{source.name}_ra.{table}", fact_contracts(source)[table]
    if table == "fact_person":
        set_apart(task, source)
    followed = table == "fact_person" and isinstance(task.declaration, Featurization) and task.declaration.history
    if followed and brought_up(task, source, share(task, "person_sample")):
        version = task.tables.version(full)
        # Also where nothing is new: the task that wrote the version may have died before it was held.
        if version is not None and not held(task, full, version):
            hold(task, source, contract, version, partial(beside, task, source, table, version))
        return
    tables, inputs = curated(task, source, source.made_from[table])
    content = "" if followed else definition(task, source, table)
    version = task.tables.made(full, content, inputs) if content else None
    if version is not None and held(task, full, version):
        task.log(f"{full} stays at version {version}: the same mapping of the same inputs")
        return
    frame = made(task, source, table, tables, {one: inputs[f"{source.name}.{one}"] for one in tables})
    if FROM in frame.columns and (assumed := sorted(set(tables) & set(source.assumed))):
        task.log(f"assumed: rows of {', '.join(assumed)} are known {source.lag} days after their event")
    said = note(source, share(task, "person_sample"), inputs) if followed else {"content": content}
    version = task.tables.replace(full, documented(frame, contract), inputs, said, recorded=followed)
    if table == "fact_person" and somebodys(task, source, inputs):
        contract = replace(contract, empty=False)
    hold(task, source, contract, version, partial(beside, task, source, table, version))
    task.log(f"{full} is at version {version}")


def somebodys(task: Task, source: Source, inputs: Mapping[str, int]) -> bool:
    """Whether events were delivered, of which some must be somebody's; of a sample's persons there may be none."""
    names = sorted({f"{source.name}.{kind.table}" for kind in source.events})
    return share(task, "person_sample") == 1 and any(not task.tables.read(one, inputs[one]).isEmpty() for one in names)


def set_apart(task: Task, source: Source) -> None:
    """Keep the events of nobody in a table of their own: what is dropped unseen in one stage would fail in another.

    How many there are is in the quality report, which knows what may be shown of it beside what was shown before.
    """
    from jobs.featurize.facts import of_nobody, told_beside

    if not any(told_beside(kind) for kind in source.events):
        return
    tables, inputs = curated(task, source, source.made_from["fact_person"])
    apart, content = f"{source.name}_ra.fact_person_rejected", digest(task.commit, source)
    if task.tables.made(apart, content, inputs) is not None:
        return
    frame = of_nobody(tables, source, versions={one: inputs[f"{source.name}.{one}"] for one in tables})
    version = task.tables.replace(apart, frame, inputs, {"content": content})
    if not task.tables.read(apart, version).isEmpty():
        task.log(
            f"{apart}: no person: events of encounters that are not there; the report of `check` counts their rows"
        )


def beside(task: Task, source: Source, table: str, version: int) -> list[Result]:
    """What is told of a version of a fact table beside its contract: whether the values of a code have one unit."""
    if table != "fact_person" or not has_units(source):
        return []
    from jobs.quality.units import one_unit

    return [one_unit(task.tables.read(f"{source.name}_ra.{table}", version), table)]


def definition(task: Task, source: Source, table: str) -> str:
    """A hash of all that decides a fact table but its inputs: mapping, contract, parameters and code."""
    names = ["person_sample", *(["outcomes_through"] if table == "fact_encounter_index" else [])]
    settings = [task.parameters.get(name) for name in names]
    return digest(task.commit, source, table, settings)


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
        return transforms.fact_observation_period(tables, source, person_sample=person_sample)
    if table == "person_xref":
        persons = tables[source.persons.table]
        return transforms.person_xref(persons, source.persons, person_sample=person_sample)
    through = share(task, "outcomes_through")
    return transforms.fact_encounter_index(tables, source, person_sample=person_sample, outcomes_through=through)
