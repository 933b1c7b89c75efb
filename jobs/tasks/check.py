"""Holds every curated table of a source against its contract; nothing is written unless rows are at fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        frames = dict(
            zip(source.contracts, pool.map(lambda one: opened(task, source, one), source.contracts), strict=True)
        )
        readable = whole(frames)
        counted = list(pool.map(lambda one: found(task, source, one, frames[one], readable), source.contracts))
    pairs = zip(source.contracts, counted, strict=True)
    kept = [table for contract, results in pairs if (table := reject(task, source, contract, results, readable))]
    broken = [str(result) for results in counted for result in results if result.stops]
    if broken:
        where = f"; the rows at fault are in {', '.join(kept)}" if kept else ""
        raise TaskError(f"{source.name} breaks its contract: {'; '.join(broken)}{where}")


def opened(task: Task, source: Source, contract: Contract) -> DataFrame | None:
    """The curated table, with its schema asked for; None where there is none."""
    name = f"{source.name}.{contract.table}"
    if not task.tables.exists(name):
        return None
    frame = task.tables.read(name)
    _ = frame.schema
    return frame


def whole(frames: Mapping[Contract, DataFrame | None]) -> dict[str, DataFrame]:
    """The tables that rules of others may look at: those that can be read as their contracts describe them."""
    # Spark's functions are imported with the first table, not by whoever lists the entry points.
    from jobs.featurize.columns import typed
    from jobs.featurize.contract import FATAL, shape

    return {
        contract.table: typed(frame, contract)
        for contract, frame in frames.items()
        if frame is not None and not any(severity == FATAL for *_, severity in shape(frame.schema, contract))
    }


def found(
    task: Task, source: Source, contract: Contract, frame: DataFrame | None, readable: Mapping[str, DataFrame]
) -> list[Result]:
    """Every check of one table, with counts; what is below fatal is said in the log."""
    from jobs.featurize.contract import FATAL, Result, results

    if frame is None:
        what = "the table does not exist"
        return [Result(table=contract.table, check="table", what=what, severity=FATAL, state="error", rows=0, of=0)]
    made = results(frame, contract, readable)
    if not any(result.stops for result in made):
        task.log(f"{source.name}.{contract.table} keeps its contract")
    for result in made:
        if result.state in ("failed", "error") and not result.stops:
            task.log(f"{result.severity}: {result}")
    return made


def reject(
    task: Task, source: Source, contract: Contract, results: Sequence[Result], readable: Mapping[str, DataFrame]
) -> str | None:
    """Keep the rows at fault apart, in `<source>_ra.rejected_<table>`, and name it; None where there are none."""
    from pyspark.sql import functions as sf

    from jobs.featurize.contract import rejected

    if any(one.stops and one.state == "error" for one in results) or not any(one.stops and one.rows for one in results):
        return None
    name = f"{source.name}.{contract.table}"
    inputs = task.tables.inputs(name)
    frame = rejected(task.tables.read(name, inputs[name]), contract, readable)
    rows = frame.select(
        "*",
        sf.lit(task.job_run_id).alias("job_run_id"),
        sf.lit(datetime.now(UTC)).cast("timestamp").alias("checked_at"),
    )
    apart = f"{source.name}_ra.rejected_{contract.table}"
    task.tables.replace(apart, rows, inputs)
    return apart
