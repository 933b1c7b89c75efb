"""Delivered reference files to the tables of reference data: all of them are held against their contracts first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from jobs.errors import TaskError
from jobs.io.context import Task, run
from workflows.contracts.reference import CONTRACTS, NAMES
from workflows.declare import Reference

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame


def reference() -> None:
    """Entry point."""
    run(_reference)


def declared(task: Task) -> Reference:
    """The declaration of this task."""
    if not isinstance(task.declaration, Reference):
        raise TaskError(f"{task.name}: {task.declaration.name} is no Reference; valid: a Reference")
    return task.declaration


def _reference(task: Task) -> None:
    from jobs.codes.files import found, table
    from jobs.featurize.columns import documented, typed

    folder = task.volume(f"/Volumes/{task.catalog}/ml/landing/{declared(task).folder}")
    files = found(folder)
    # Every file is read and checked before the first table is written: the previous versions stay together.
    read = {name: table(name, file) for name, file in files.items()}
    if empty := [name for name, rows in read.items() if rows.num_rows == 0]:
        raise TaskError(f"reference data break their contracts: {', '.join(empty)}: no rows; nothing was written")
    frames = {name: task.spark.createDataFrame(rows) for name, rows in read.items()}
    with ThreadPoolExecutor(len(frames)) as pool:
        checked = pool.map(lambda name: faults_of(name, frames[name], read[name]), frames)
    if faults := [fault for some in checked for fault in some]:
        raise TaskError(f"reference data break their contracts: {'; '.join(faults)}; nothing was written")
    for name, frame in frames.items():
        version = task.tables.replace(NAMES[name], documented(typed(frame, CONTRACTS[name]), CONTRACTS[name]), {})
        task.log(f"{NAMES[name]} is at version {version}: {read[name].num_rows:,} rows of {files[name].name}")


def faults_of(name: str, frame: DataFrame, rows: pa.Table) -> list[str]:
    """What is wrong with one table, with counts; these count codes, not persons, and are shown as they are."""
    from jobs.codes.ancestry import in_cycles
    from jobs.featurize.contract import results

    found = [one for one in results(frame, CONTRACTS[name]) if one.stops]
    faults = [f"{fault.table}: {fault.what}: {fault.rows:,} rows" for fault in found]
    if name == "concept_ancestor" and not faults:
        edges = (rows[column].cast("int64").to_numpy() for column in ("ancestor_concept_id", "descendant_concept_id"))
        if (cyclic := in_cycles(*edges)) > 0:
            faults.append(f"{name}: the ancestry is cyclic: {cyclic:,} concepts are their own ancestors")
    return faults
