"""Curated notes to one table of notes in the source's `_ra` zone; what cannot go on is kept apart, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.disclosure import suppressed
from jobs.errors import TaskError
from jobs.io.context import Task, run
from jobs.quality.published import published
from jobs.release import Sum, release
from jobs.tasks.curated import curated
from workflows.contract import Contract
from workflows.contracts.notes import NOTES
from workflows.source import Notes, Source
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


def hold(frame: DataFrame, contract: Contract) -> None:
    """Raise, with counts, unless the written rows keep their contract; a note_id that two notes share is found here."""
    from jobs.featurize.contract import results

    found = published(results(frame, contract, person="person_id"), of_persons=True)
    if faults := [one for one in found if one.result.stops and one.result.check != "rows"]:
        raise TaskError(f"{contract.table} breaks its contract: {'; '.join(map(str, faults))}")


def put(task: Task, name: str, frame: DataFrame, inputs: dict[str, int]) -> int:
    """Write a table, and say so."""
    version = task.tables.replace(name, frame, inputs)
    task.log(f"{name} is at version {version}")
    return version


def put_rejected(task: Task, name: str, frame: DataFrame, inputs: dict[str, int], kept: DataFrame) -> None:
    """Write the rows that cannot go on, and log how many there are for which reason, beside those that go on."""
    from pyspark.sql import functions as sf

    version = task.tables.replace(name, frame, inputs)
    # Notes of nobody may be anybody's, and count as one person more.
    persons = sf.count_distinct("person_id") + sf.max(sf.col("person_id").isNull().cast("int"))
    sizes = sf.count(sf.lit(1)).alias("notes"), persons.alias("persons")
    rows = task.tables.read(name, version).groupBy("reason").agg(*sizes).orderBy("reason").collect()
    (rest,) = kept.agg(*sizes).collect()
    rejected = {row["reason"]: (row["notes"], row["persons"]) for row in rows}
    for reason, count in counted(rejected, (rest["notes"], rest["persons"] or 0)).items():
        task.log(f"{name}: {reason}: {'notes, how many is not shown' if count is None else f'{count:,} notes'}")


def counted(rejected: dict[str, tuple[int, int]], kept: tuple[int, int]) -> dict[str, int | None]:
    """Notes by reason as they may be shown beside all notes and those that go on, which other reports show.

    (notes, persons) of each reason and of what goes on: notes of few persons are few.
    """
    sizes = rejected | {"kept": kept}
    cells = {name: persons if suppressed(persons) is None else notes for name, (notes, persons) in sizes.items()}
    cells["all"] = sum(cells.values())
    found = release(cells, [Sum("all", tuple(sizes))], elsewhere=["all", "kept"])
    return {reason: found[reason] for reason in rejected}


def _notes(task: Task) -> None:
    from jobs.notes import tables

    source, declared = described(task)
    table, zone = task.parameter("table"), f"{source.name}_ra"
    if table not in NOTES:
        raise TaskError(f"notes: table = {table!r} is not valid; valid: {', '.join(NOTES)}")
    if table == "note":
        frames, inputs = curated(task, source, [declared.table])
        delivered = frames[declared.table]
        frame = tables.note(delivered, source.name, declared)
        # Before anything is written: the previous version stays if two notes would share an id.
        hold(frame, NOTES[table])
        version = put(task, f"{zone}.note", frame, inputs)
        rejected = tables.note_rejected(delivered, source.name, declared)
        put_rejected(task, f"{zone}.note_rejected", rejected, inputs, task.tables.read(f"{zone}.note", version))
        return
    before = f"{zone}.{'note' if table == 'note_clean' else 'note_clean'}"
    inputs = task.tables.inputs(before)
    read = task.tables.read(before, inputs[before])
    if table == "note_sentences":
        put(task, f"{zone}.note_sentences", tables.note_sentences(read), inputs)
        return
    version = put(task, f"{zone}.note_clean", tables.note_clean(read), inputs)
    clean = task.tables.read(f"{zone}.note_clean", version)
    put_rejected(task, f"{zone}.note_clean_rejected", tables.note_clean_rejected(read, clean), inputs, clean)
