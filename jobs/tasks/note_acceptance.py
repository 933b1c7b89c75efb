"""Fails unless the sentences of a source's notes are what they must be; what was accepted before is put back then.

The log has counts and ids of checks only.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from jobs.errors import TaskError
from jobs.featurize.withdrawal import TOMBSTONES
from jobs.io.context import Task, run
from jobs.quality.record import HELD
from jobs.tasks.curated import curated, refuse_unchecked
from jobs.tasks.notes import ACCEPTANCE, TOGETHER, described, give_way_together
from workflows.source import Notes, Source

if TYPE_CHECKING:
    from jobs.notes.acceptance import Accepted

SCHEMA = "job_run_id string, check_id string, meaning string, state string, checked long, failed long"


def note_acceptance() -> None:
    """Entry point."""
    run(_note_acceptance)


def _note_acceptance(task: Task) -> None:
    source, declared = described(task)
    inputs = task.tables.inputs(*(f"{source.name}_ra.{table}" for table in TOGETHER))
    try:
        # A task that is tried again after it failed finds what was put back, which says nothing of the new notes.
        refuse_unchecked(task, source, inputs)
        failed = judged(task, source, declared, inputs)
    except Exception:
        # A second failure must not hide the first.
        with suppress(Exception):
            task.log(f"the notes of {source.name} could not be judged; {give_way_together(task, source)}")
        raise
    if failed:
        said = "; ".join(f"{one.check_id}: {one}" for one in failed)
        stays = give_way_together(task, source)
        raise TaskError(f"the notes of {source.name} are not accepted: {said}; {stays}")


def judged(task: Task, source: Source, declared: Notes, versions: Mapping[str, int]) -> list[Accepted]:
    """The checks that failed of these versions of clean texts and sentences; all of them are in the report then."""
    from pyspark.sql import functions as sf

    from jobs.notes.acceptance import CHECKS, Accepted, of_expected, of_offsets
    from jobs.notes.tables import note_id

    zone, inputs = f"{source.name}_ra", dict(versions)
    clean, sentences = (task.tables.read(f"{zone}.{table}", versions[f"{zone}.{table}"]) for table in TOGETHER)
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
    failed = [one for one in results if one.state == "failed"]
    rows = [(task.job_run_id, one.check_id, CHECKS[one.check_id], one.state, *one.told) for one in results]
    note = {} if failed else {f"{HELD}{name}": version for name, version in versions.items()}
    task.tables.append(f"{zone}.{ACCEPTANCE}", task.spark.createDataFrame(rows, SCHEMA), inputs, note)
    for one in results:
        task.log(f"{one.check_id} {one.state}: {CHECKS[one.check_id]}: {one}")
    return failed
