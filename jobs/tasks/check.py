"""Holds every curated table of a source against its contract; nothing is written unless rows are at fault."""

from __future__ import annotations

from datetime import UTC, datetime

from jobs.errors import TaskError
from jobs.io.context import Task, run
from workflows.source import Contract
from workflows.sources import named


def check() -> None:
    """Entry point."""
    run(_check)


def _check(task: Task) -> None:
    source = named(task.declaration.source)
    faults = [fault for contract in source.contracts for fault in faults_of(task, source.name, contract)]
    if faults:
        raise TaskError(f"{source.name} breaks its contract: {'; '.join(faults)}")


def faults_of(task: Task, source: str, contract: Contract) -> list[str]:
    """What is wrong with one table, with counts; its rows at fault go to `<source>_ra.rejected_<table>`."""
    # Spark's functions are imported with the first table, not by whoever lists the entry points.
    from pyspark.sql import functions as sf

    from jobs.featurize.contract import count_faults, rejected, shape_faults

    name = f"{source}.{contract.table}"
    if not task.tables.exists(name):
        return [f"{contract.table}: the table does not exist"]
    frame = task.tables.read(name)
    faults = count_faults(frame, contract)
    if not faults:
        task.log(f"{name} keeps its contract")
        return []
    if any(fault.rows for fault in faults) and not shape_faults(frame.schema, contract):
        inputs = task.tables.inputs(name)
        rows = rejected(task.tables.read(name, inputs[name]), contract).select(
            "*",
            sf.lit(task.job_run_id).alias("job_run_id"),
            sf.lit(datetime.now(UTC)).cast("timestamp").alias("checked_at"),
        )
        task.tables.replace(f"{source}_ra.rejected_{contract.table}", rows, inputs)
    return [str(fault) for fault in faults]
