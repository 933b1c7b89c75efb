"""Who withdraws while a task is at work: the task read them before, and the withdrawal saw the tables before it wrote.

The tombstone comes first (docs/adr/0022): who looks for it after a commit, or a withdrawal that looks after it, finds
every row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.errors import TaskError
from jobs.featurize.withdrawal import PERSON, TOMBSTONES, digest_sql
from jobs.io.context import Task
from jobs.model.side import TRAIN

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def leave_out(task: Task, source: str, table: str, at: int | None = None) -> int | None:
    """Take who has withdrawn, by now or by a version of the tombstones, out of a table (`schema.table`); its version
    without them, None where it has nobody of them."""
    gone = tombstones(task, source, at)
    return None if gone is None else task.tables.remove(table, gone, digest_sql(source, PERSON))


def refuse_trained(task: Task, source: str, dataset: str, version: int) -> None:
    """Raise TaskError where somebody withdrew of whom a version of a dataset has rows to train on."""
    if (gone := tombstones(task, source)) is None:
        return
    trained = task.tables.read(dataset, version).where(f"side = '{TRAIN}'")
    if not trained.selectExpr(f"{digest_sql(source, PERSON)} AS key").join(gone, "key").isEmpty():
        raise TaskError(f"somebody of {dataset} version {version} has withdrawn since; run the train job again")


def tombstones(task: Task, source: str, at: int | None = None) -> DataFrame | None:
    """The digests of who withdrew, by now or by a version of them, in the column `key`; None where nobody ever did."""
    name = f"{source}_ra.{TOMBSTONES}"
    return task.tables.read(name, at).selectExpr("person_digest AS key") if task.tables.exists(name) else None
