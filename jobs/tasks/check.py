"""Holds every curated table of a source against its contract; what is found goes into the quality report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from jobs.digest import digest
from jobs.errors import TaskError
from jobs.featurize.withdrawal import REJECTED
from jobs.io.context import Task, run
from jobs.quality.published import published
from jobs.quality.record import Checked, before, record
from jobs.quality.result import Result, version_of
from jobs.quality.table import QUALITY, of_persons, whose
from jobs.tasks.codes import loaded, of_codes
from jobs.tasks.curated import without_withdrawn
from workflows.contract import Contract
from workflows.rules import FATAL
from workflows.source import Source
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
        inputs = {f"{source.name}.{one.table}": table.version for one, table in tables.items() if table is not None}
        content, reference = digest(task.commit, source), loaded(task)
        if task.tables.commits.done(f"{source.name}_ra.{QUALITY}", "checked", content, inputs | reference):
            task.log(f"{source.name} keeps its contract: the same tables were checked before, and their report stands")
            return
        readable = whole(tables)
        earlier = pool.submit(before, task, source.name)
        counted = list(pool.map(lambda one: found(source, one, tables[one], readable), source.contracts))
    sizes = {
        contract.table: max((one.all_rows for one in results), default=0)
        for contract, results in zip(source.contracts, counted, strict=True)
    }
    coded = of_codes(task, source, readable, sizes, reference)
    counted = [
        [*results, *coded.get(contract.table, ())] for contract, results in zip(source.contracts, counted, strict=True)
    ]
    checked = [
        Checked(
            table=name, version=None if table is None else table.version,
            shown=published(results, of_persons=of_persons(contract), before=earlier.result().get(name)),
        )
        for (contract, table), results in zip(tables.items(), counted, strict=True)
        for name in (f"{source.name}.{contract.table}",)
    ]  # fmt: skip
    # Said where it holds alone: what broke its contract is checked again.
    holds = len(inputs) == len(tables) and not any(one.broken for one in checked)
    record(task, source.name, checked, {"checked": content} if holds else None, reference)
    pairs = zip(source.contracts, counted, strict=True)
    kept = [
        apart for contract, results in pairs
        if (apart := reject(task, source, contract, tables[contract], results, readable))
    ]  # fmt: skip
    if broken := [said for one in checked for said in one.broken]:
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
        version = version_of("table", what, FATAL)
        return [
            Result(table=contract.table, check="table", what=what, severity=FATAL, state="error", rows=0, of=0,
                   version=version)
        ]  # fmt: skip
    return results(table.frame, contract, readable, person=whose(source, contract))


def reject(
    task: Task, source: Source, contract: Contract, table: Opened | None, results: Sequence[Result],
    readable: Mapping[str, DataFrame],
) -> str | None:  # fmt: skip
    """Keep the rows at fault of the version that was checked apart, in `<source>_ra.rejected_<table>`, and name it;
    None where there are none."""
    from pyspark.sql import functions as sf

    from jobs.featurize.contract import rejected

    stopping = [one for one in results if one.stops]
    if table is None or any(one.state == "error" for one in stopping) or not any(one.rows for one in stopping):
        return None
    name = f"{source.name}.{contract.table}"
    errors = {one.check for one in results if one.state == "error"}
    contract = replace(contract, rules=tuple(rule for rule in contract.rules if rule.id not in errors))
    frame = rejected(table.frame, contract, readable)
    apart = f"{source.name}_ra.{REJECTED}{contract.table}"
    rows = without_withdrawn(task.tables, frame, source, apart, readable).select(
        "*",
        sf.lit(task.job_run_id).alias("job_run_id"),
        sf.lit(datetime.now(UTC)).cast("timestamp").alias("checked_at"),
    )
    task.tables.replace(apart, rows, {name: table.version})
    return apart
