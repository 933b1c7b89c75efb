"""Holds every curated table of a source against its contract; what is found goes into the quality report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from jobs.errors import TaskError
from jobs.io.context import Task, run
from jobs.quality.published import Cell, Published, published, shown_before
from jobs.quality.result import FATAL, Result
from jobs.quality.table import QUALITY, SCHEMA, of_persons, rows, whose
from workflows.source import Contract, Source
from workflows.sources import named

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Opened(NamedTuple):
    """A version of a curated table."""

    frame: DataFrame
    version: int


def check() -> None:
    """Entry point."""
    run(_check)


def _check(task: Task) -> None:
    source = named(task.declaration.source)
    # One session, made before several threads ask for it; their queries wait for the cluster side by side.
    _ = task.spark
    with ThreadPoolExecutor(len(source.contracts)) as pool:
        tables = dict(
            zip(source.contracts, pool.map(lambda one: opened(task, source, one), source.contracts), strict=True)
        )
        readable = whole(tables)
        earlier = pool.submit(before, task, source)
        counted = list(pool.map(lambda one: found(source, one, tables[one], readable), source.contracts))
    shown = [
        published(
            results, of_persons=of_persons(contract), before=earlier.result().get(f"{source.name}.{contract.table}")
        )
        for contract, results in zip(source.contracts, counted, strict=True)
    ]
    for contract, some in zip(source.contracts, shown, strict=True):
        tell(task, source, contract, some)
    report(task, source, tables, shown)
    pairs = zip(source.contracts, counted, strict=True)
    kept = [table for contract, results in pairs if (table := reject(task, source, contract, results, readable))]
    broken = [str(one) for some in shown for one in some if one.result.stops]
    if broken:
        where = f"; the rows at fault are in {', '.join(kept)}" if kept else ""
        raise TaskError(f"{source.name} breaks its contract: {'; '.join(broken)}{where}")


def opened(task: Task, source: Source, contract: Contract) -> Opened | None:
    """The newest version of the curated table, with its schema asked for; None where there is none."""
    name = f"{source.name}.{contract.table}"
    version = task.tables.version(name)
    if version is None:
        return None
    frame = task.tables.read(name, version)
    _ = frame.schema
    return Opened(frame, version)


def before(task: Task, source: Source) -> dict[str, dict[Cell, set[int]]]:
    """Every count that earlier reports of the source showed."""
    table = f"{source.name}_ra.{QUALITY}"
    if not task.tables.exists(table):
        return {}
    columns = ("table", "check_id", "table_rows", "rows_checked", "rows_at_fault")
    return shown_before(row.asDict() for row in task.tables.read(table).select(*columns).distinct().collect())


def whole(tables: Mapping[Contract, Opened | None]) -> dict[str, DataFrame]:
    """The tables that rules of others may look at: those that can be read as their contracts describe them."""
    # Spark's functions are imported with the first table, not by whoever lists the entry points.
    from jobs.featurize.columns import typed
    from jobs.featurize.contract import shape

    return {
        contract.table: typed(one.frame, contract)
        for contract, one in tables.items()
        if one is not None and not any(severity == FATAL for *_, severity in shape(one.frame.schema, contract))
    }


def found(source: Source, contract: Contract, table: Opened | None, readable: Mapping[str, DataFrame]) -> list[Result]:
    """Every check of one table, with counts."""
    from jobs.featurize.contract import results

    if table is None:
        what = "the table does not exist"
        return [Result(table=contract.table, check="table", what=what, severity=FATAL, state="error", rows=0, of=0)]
    return results(table.frame, contract, readable, person=whose(source, contract))


def tell(task: Task, source: Source, contract: Contract, shown: Sequence[Published]) -> None:
    """Log that a table keeps its contract, and what is below fatal."""
    if not any(one.result.stops for one in shown):
        task.log(f"{source.name}.{contract.table} keeps its contract")
    for one in shown:
        if one.result.state in ("failed", "error") and not one.result.stops:
            task.log(f"{one.result.severity}: {one}")


def report(
    task: Task, source: Source, tables: Mapping[Contract, Opened | None], shown: Sequence[Sequence[Published]]
) -> None:
    """Add what was found to the quality report, passed or not."""
    now, made = datetime.now(UTC), []
    for (_, table), some in zip(tables.items(), shown, strict=True):
        version = None if table is None else table.version
        made += rows(some, job_run_id=task.job_run_id, checked_at=now, schema=source.name, version=version)
    read = {f"{source.name}.{contract.table}": table.version for contract, table in tables.items() if table}
    task.tables.append(f"{source.name}_ra.{QUALITY}", task.spark.createDataFrame(made, SCHEMA), read)


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
