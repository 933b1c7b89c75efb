"""Holds every curated table of a source against its contract; nothing is written unless rows are at fault."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jobs.errors import TaskError
from jobs.io.context import Task, run
from workflows.source import Contract, Source
from workflows.sources import named

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from jobs.featurize.contract import Result


def check() -> None:
    """Entry point."""
    run(_check)


def _check(task: Task) -> None:
    source = named(task.declaration.source)
    # One session, made before several threads ask for it; their queries wait for the cluster side by side.
    _ = task.spark
    with ThreadPoolExecutor(len(source.contracts)) as pool:
        counted = list(pool.map(lambda contract: found(task, source, contract), source.contracts))
    pairs = zip(source.contracts, counted, strict=True)
    kept = [table for contract, results in pairs if (table := reject(task, source, contract, results))]
    broken = [str(result) for results in counted for result in results if result.stops]
    if broken:
        where = f"; the rows at fault are in {', '.join(kept)}" if kept else ""
        raise TaskError(f"{source.name} breaks its contract: {'; '.join(broken)}{where}")


def found(task: Task, source: Source, contract: Contract) -> list[Result]:
    """Every check of one table, with counts."""
    # Spark's functions are imported with the first table, not by whoever lists the entry points.
    from jobs.featurize.contract import Result, results

    name = f"{source.name}.{contract.table}"
    if not task.tables.exists(name):
        return [
            Result(
                table=contract.table, check="table", what="the table does not exist", severity="fatal", state="error",
                rows=0, of=0,
            )
        ]  # fmt: skip
    made = results(task.tables.read(name), contract, beside(task, source, contract))
    if not any(result.stops for result in made):
        task.log(f"{name} keeps its contract")
    for result in made:
        if result.state in ("failed", "error") and not result.stops:
            task.log(f"{result.severity}: {result}")
    return made


def beside(task: Task, source: Source, contract: Contract) -> dict[str, DataFrame]:
    """The other tables that the contract's rules look at, as their contracts describe them, if they can be read."""
    from jobs.featurize.columns import typed
    from jobs.featurize.contract import besides, shape

    wanted, frames = {one.table for one in besides(contract)}, {}
    for one in source.contracts:
        name = f"{source.name}.{one.table}"
        if one.table in wanted and task.tables.exists(name):
            frame = task.tables.read(name)
            if not any(severity == "fatal" for _, _, severity in shape(frame.schema, one)):
                frames[one.table] = typed(frame, one)
    return frames


def reject(task: Task, source: Source, contract: Contract, results: Sequence[Result]) -> str | None:
    """Keep the rows at fault apart, in `<source>_ra.rejected_<table>`, and name it; None where there are none."""
    from pyspark.sql import functions as sf

    from jobs.featurize.contract import rejected

    if any(result.state == "error" for result in results) or not any(one.stops and one.rows for one in results):
        return None
    name = f"{source.name}.{contract.table}"
    inputs = task.tables.inputs(name)
    frame = rejected(task.tables.read(name, inputs[name]), contract, beside(task, source, contract))
    rows = frame.select(
        "*",
        sf.lit(task.job_run_id).alias("job_run_id"),
        sf.lit(datetime.now(UTC)).cast("timestamp").alias("checked_at"),
    )
    apart = f"{source.name}_ra.rejected_{contract.table}"
    task.tables.replace(apart, rows, inputs)
    return apart
