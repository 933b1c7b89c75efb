"""Curated tables as their contracts describe them, without the persons who withdrew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from jobs.errors import TaskError
from jobs.featurize.withdrawal import TOMBSTONES, kept
from jobs.io.context import Task
from jobs.quality.record import held_versions
from workflows.source import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from jobs.io.tables import Tables

# What a repair of one task does not do.
FROM_CHECK = "from its task `check` on"


def curated(
    task: Task, source: Source, tables: Iterable[str], newest: Mapping[str, int] | None = None
) -> tuple[dict[str, DataFrame], dict[str, int]]:
    """The tables without withdrawn persons, and the versions that were read.

    newest: the versions to read, where somebody decided on them already; otherwise those that are newest now, which
    have to be those that were checked.
    """
    from jobs.featurize.columns import typed

    names = {table: f"{source.name}.{table}" for table in tables}
    read = newest or task.tables.inputs(*names.values())
    if newest is None:
        refuse_unchecked(task, source, read)
    inputs = {name: read[name] for name in names.values()}
    frames = {
        table: typed(task.tables.read(name, inputs[name]), source.contract(table)) for table, name in names.items()
    }
    withdrawn = f"{source.name}_ra.{TOMBSTONES}"
    if task.tables.exists(withdrawn):
        inputs |= task.tables.inputs(withdrawn)
        marks = task.tables.read(withdrawn, inputs[withdrawn])
        beside, stays = with_stays(task, source, frames, newest)
        inputs |= stays
        frames = {table: kept(frame, marks, source, names[table], beside) for table, frame in frames.items()}
    return frames, inputs


def with_stays(
    task: Task, source: Source, frames: Mapping[str, DataFrame], newest: Mapping[str, int] | None
) -> tuple[dict[str, DataFrame], dict[str, int]]:
    """Curated tables with the one that tells whose an encounter is, for rows whose person is empty, and its version.

    newest: as in `curated`.
    """
    from jobs.featurize.columns import typed

    stays = source.encounters.table
    name = f"{source.name}.{stays}"
    if stays in frames or not task.tables.exists(name):
        return dict(frames), {}
    read = {name: newest[name]} if newest and name in newest else task.tables.inputs(name)
    if newest is None:
        refuse_unchecked(task, source, read)
    return {**frames, stays: typed(task.tables.read(name, read[name]), source.contract(stays))}, read


def refuse_unchecked(task: Task, source: Source, versions: Mapping[str, int]) -> None:
    """Raise where a version is not the one that was found to keep its contract: it was delivered or put back since.

    Every job has its check first: of a table of which the report says nothing there is none to wait for.
    """
    found = held_versions(task, source.name, versions)
    other = [
        f"{name} is at version {versions[name]}, and {'no version' if kept is None else f'version {kept}'} of it is "
        "what was found to keep its contract"
        for name, kept in sorted(found.items())
        if kept != versions[name]
    ]
    if other:
        raise TaskError(f"{'; '.join(other)}: run the featurize job of {source.name} again, {FROM_CHECK}")


def without_withdrawn(
    tables: Tables, frame: DataFrame, source: Source, name: str, beside: Mapping[str, DataFrame]
) -> DataFrame:
    """The rows of a table (`schema.table`) without those of who has withdrawn by now; beside: as `kept` asks for."""
    withdrawn = f"{source.name}_ra.{TOMBSTONES}"
    return kept(frame, tables.read(withdrawn), source, name, beside) if tables.exists(withdrawn) else frame
