"""Holds every curated table of a source against its contract; nothing is written unless rows are at fault."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jobs.errors import TaskError
from jobs.io.context import Task, run
from workflows.source import Contract
from workflows.sources import named

if TYPE_CHECKING:
    from jobs.featurize.contract import Fault


def check() -> None:
    """Entry point."""
    run(_check)


def _check(task: Task) -> None:
    source = named(task.declaration.source)
    # One session, made before several threads ask for it; their queries wait for the cluster side by side.
    _ = task.spark
    with ThreadPoolExecutor(len(source.contracts)) as pool:
        counted = list(pool.map(lambda contract: counts(task, source.name, contract), source.contracts))
    pairs = zip(source.contracts, counted, strict=True)
    kept = [table for contract, faults in pairs if (table := reject(task, source.name, contract, faults))]
    found = [str(fault) for faults in counted for fault in faults]
    if found:
        where = f"; the rows at fault are in {', '.join(kept)}" if kept else ""
        raise TaskError(f"{source.name} breaks its contract: {'; '.join(found)}{where}")


def counts(task: Task, source: str, contract: Contract) -> list[Fault]:
    """What is wrong with one table, with counts."""
    # Spark's functions are imported with the first table, not by whoever lists the entry points.
    from jobs.featurize.contract import Fault, count_faults

    name = f"{source}.{contract.table}"
    if not task.tables.exists(name):
        return [Fault(contract.table, "the table does not exist", 0)]
    return count_faults(task.tables.read(name), contract)


def reject(task: Task, source: str, contract: Contract, faults: Sequence[Fault]) -> str | None:
    """Keep the rows at fault apart, in `<source>_ra.rejected_<table>`, and name it; None where there are none."""
    from pyspark.sql import functions as sf

    from jobs.featurize.contract import rejected, shape_faults

    name = f"{source}.{contract.table}"
    if not faults:
        task.log(f"{name} keeps its contract")
    if not any(fault.rows for fault in faults) or shape_faults(task.tables.read(name).schema, contract):
        return None
    inputs = task.tables.inputs(name)
    rows = rejected(task.tables.read(name, inputs[name]), contract).select(
        "*",
        sf.lit(task.job_run_id).alias("job_run_id"),
        sf.lit(datetime.now(UTC)).cast("timestamp").alias("checked_at"),
    )
    apart = f"{source}_ra.rejected_{contract.table}"
    task.tables.replace(apart, rows, inputs)
    return apart
