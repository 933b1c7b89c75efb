"""check, then every table of a featurization, in one task: a job that runs without end may have only one."""

from __future__ import annotations

from jobs.io.context import Task, run
from jobs.tasks.check import _check
from jobs.tasks.facts import _facts
from jobs.tasks.note_acceptance import _note_acceptance
from jobs.tasks.notes import _notes
from workflows.contracts.notes import NOTES


def featurize() -> None:
    """Entry point."""
    run(_featurize)


def _featurize(task: Task) -> None:
    _check(task)
    tables = task.parameter("tables").split(",")
    for table in tables:
        one = task.also(table=table)
        (_notes if table in NOTES else _facts)(one)
    if "note_sentences" in tables:
        _note_acceptance(task)
