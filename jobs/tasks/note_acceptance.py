"""Fails unless the sentences of a source's notes are what they must be. The log has counts and ids of checks only."""

from __future__ import annotations

from jobs.errors import TaskError
from jobs.featurize.withdrawal import TOMBSTONES
from jobs.io.context import Task, run
from jobs.tasks.curated import curated
from jobs.tasks.notes import described

SCHEMA = "job_run_id string, check_id string, meaning string, state string, checked long, failed long"


def note_acceptance() -> None:
    """Entry point."""
    run(_note_acceptance)


def _note_acceptance(task: Task) -> None:
    from pyspark.sql import functions as sf

    from jobs.notes.acceptance import CHECKS, Accepted, of_expected, of_offsets
    from jobs.notes.tables import note_id

    source, declared = described(task)
    zone = f"{source.name}_ra"
    inputs = task.tables.inputs(f"{zone}.note_clean", f"{zone}.note_sentences")
    clean, sentences = (task.tables.read(name, version) for name, version in inputs.items())
    results = of_offsets(clean, sentences)
    if declared.expected is None:
        results.append(Accepted("N5", 0, 0, (0, 0, 0)))
    else:
        frames, read = curated(task, source, [declared.table, declared.expected])
        inputs |= read
        keyed = frames[declared.expected].select(
            note_id(source.name, sf.trim("note_source_value")).alias("note_id"), "note_sent", "expected_text"
        )
        if f"{zone}.{TOMBSTONES}" in read:
            # Somebody withdrew: what is expected does not say of whom, and their notes are gone.
            key = sf.trim(sf.expr(declared.key).cast("string"))
            there = frames[declared.table].select(note_id(source.name, key).alias("note_id"))
            keyed = keyed.join(there, "note_id", "left_semi")
        results.append(of_expected(keyed, sentences))
    rows = [(task.job_run_id, one.check_id, CHECKS[one.check_id], one.state, *one.told) for one in results]
    task.tables.append(f"{zone}.note_acceptance", task.spark.createDataFrame(rows, SCHEMA), inputs)
    for one in results:
        task.log(f"{one.check_id} {one.state}: {CHECKS[one.check_id]}: {one}")
    if failed := [one for one in results if one.state == "failed"]:
        said = "; ".join(f"{one.check_id}: {one}" for one in failed)
        raise TaskError(f"the notes of {source.name} are not accepted: {said}")
