"""Curated notes to one table of notes in the source's `_ra` zone; what cannot go on is kept apart, and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.disclosure import suppressed
from jobs.errors import TaskError
from jobs.io.context import Task, run
from jobs.quality.record import held
from jobs.release import Sum, release
from jobs.tasks.curated import curated
from jobs.tasks.hold import gives_way, hold
from workflows.contracts.notes import NOTES
from workflows.source import Notes, Source
from workflows.sources import named

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# The table that says which versions were accepted, and of what: sentences are places in the clean texts.
ACCEPTANCE = "note_acceptance"
TOGETHER = ("note_clean", "note_sentences")


def notes() -> None:
    """Entry point."""
    run(_notes)


def described(task: Task) -> tuple[Source, Notes]:
    """The source, and how its notes are declared."""
    source = named(task.declaration.source)
    if source.notes is None:
        raise TaskError(f"{task.name}: {source.name} declares no notes; valid: a source with notes=Notes(...)")
    return source, source.notes


def give_way_together(task: Task, source: Source, *_: object) -> str:
    """Put the clean texts and sentences that were accepted last in the place of those that are there; what is now."""
    said = []
    for name in (f"{source.name}_ra.{table}" for table in TOGETHER):
        version = task.tables.version(name)
        if version is not None and not held(task, name, version, ACCEPTANCE):
            said.append(f"{name}: {gives_way(task, source, name, version, ACCEPTANCE)}")
        elif version is not None:
            said.append(f"{name} stays at version {version}, which was accepted")
    return "; ".join(said)


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
    from jobs.featurize.columns import documented
    from jobs.notes import tables

    source, declared = described(task)
    table, zone = task.parameter("table"), f"{source.name}_ra"
    if table not in NOTES:
        raise TaskError(f"notes: table = {table!r} is not valid; valid: {', '.join(NOTES)}")
    if table == "note":
        before = f"{source.name}.{declared.table}"
        frames, inputs = curated(task, source, [declared.table])
        read = frames[declared.table]
        made = tables.note(read, source.name, declared)
    else:
        before = f"{zone}.{'note' if table == 'note_clean' else 'note_clean'}"
        inputs = task.tables.inputs(before)
        read = task.tables.read(before, inputs[before])
        made = tables.note_clean(read) if table == "note_clean" else tables.note_sentences(read)
    name, contract = f"{zone}.{table}", NOTES[table]
    version = task.tables.replace(name, documented(made, contract), inputs)
    # A sentence is no note; of what is made by dropping notes, the rows are a part of those before.
    inside = None if table == "note_sentences" else before
    hold(task, source, contract, version, inside=inside, back=give_way_together if table in TOGETHER else None)
    task.log(f"{name} is at version {version}")
    if table == "note_sentences":
        return
    kept = task.tables.read(name, version)
    if table == "note":
        put_rejected(task, f"{name}_rejected", tables.note_rejected(read, source.name, declared), inputs, kept)
    else:
        put_rejected(task, f"{name}_rejected", tables.note_clean_rejected(read, kept), inputs, kept)
