"""Curated notes to one table of notes in the source's `_ra` zone; what cannot go on is kept apart, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.errors import TaskError
from jobs.io.context import Task, run
from jobs.release import Sum, release
from workflows.contracts.notes import NOTES
from workflows.source import Contract, Notes, Source
from workflows.sources import named

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def notes() -> None:
    """Entry point."""
    run(_notes)


def described(task: Task) -> tuple[Source, Notes]:
    """The source, and how its notes are declared."""
    source = named(task.declaration.source)
    if source.notes is None:
        raise TaskError(f"{task.name}: {source.name} declares no notes; valid: a source with notes=Notes(...)")
    return source, source.notes


def curated(task: Task, source: Source, table: str) -> tuple[DataFrame, dict[str, int]]:
    """A curated table in the types of its contract, and the version that was read."""
    from jobs.featurize.columns import typed

    name = f"{source.name}.{table}"
    contract = next(one for one in source.contracts if one.table == table)
    inputs = task.tables.inputs(name)
    return typed(task.tables.read(name, inputs[name]), contract), inputs


def hold(frame: DataFrame, contract: Contract) -> None:
    """Raise, with counts, unless the written rows keep their contract; a note_id that two notes share is found here."""
    from jobs.featurize.contract import results

    if faults := [one for one in results(frame, contract) if one.stops and one.check != "rows"]:
        raise TaskError(f"{contract.table} breaks its contract: {'; '.join(map(str, faults))}")


def put(task: Task, name: str, frame: DataFrame, inputs: dict[str, int]) -> int:
    """Write a table, and say so."""
    version = task.tables.replace(name, frame, inputs)
    task.log(f"{name} is at version {version}")
    return version


def put_rejected(task: Task, name: str, frame: DataFrame, inputs: dict[str, int], whole: int) -> None:
    """Write the rows that cannot go on, and log how many of `whole` there are for which reason."""
    version = task.tables.replace(name, frame, inputs)
    rows = task.tables.read(name, version).groupBy("reason").count().orderBy("reason").collect()
    for reason, count in counted({row["reason"]: row["count"] for row in rows}, whole).items():
        task.log(f"{name}: {reason}: {'notes, how many is not shown' if count is None else f'{count:,} notes'}")


def counted(rejected: dict[str, int], whole: int) -> dict[str, int | None]:
    """Notes by reason as they may be shown beside all notes and those that go on, which other reports show."""
    cells = rejected | {"all": whole, "kept": whole - sum(rejected.values())}
    found = release(cells, [Sum("all", (*rejected, "kept"))], elsewhere=["all", "kept"])
    return {reason: found[reason] for reason in rejected}


def _notes(task: Task) -> None:
    from jobs.notes import tables

    source, declared = described(task)
    table, zone = task.parameter("table"), f"{source.name}_ra"
    if table not in NOTES:
        raise TaskError(f"notes: table = {table!r} is not valid; valid: {', '.join(NOTES)}")
    if table == "note":
        delivered, inputs = curated(task, source, declared.table)
        frame = tables.note(delivered, source.name, declared)
        # Before anything is written: the previous version stays if two notes would share an id.
        hold(frame, NOTES[table])
        put(task, f"{zone}.note", frame, inputs)
        rejected = tables.note_rejected(delivered, source.name, declared)
        put_rejected(task, f"{zone}.note_rejected", rejected, inputs, delivered.count())
        return
    before = f"{zone}.{'note' if table == 'note_clean' else 'note_clean'}"
    inputs = task.tables.inputs(before)
    read = task.tables.read(before, inputs[before])
    if table == "note_sentences":
        put(task, f"{zone}.note_sentences", tables.note_sentences(read), inputs)
        return
    version = put(task, f"{zone}.note_clean", tables.note_clean(read), inputs)
    clean = task.tables.read(f"{zone}.note_clean", version)
    put_rejected(task, f"{zone}.note_clean_rejected", tables.note_clean_rejected(read, clean), inputs, read.count())
