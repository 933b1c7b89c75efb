"""The quality report of a source: what earlier runs showed, and what this one adds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from jobs.io.commits import said_of
from jobs.io.context import Task
from jobs.quality.cohort import Shown
from jobs.quality.kinds import Family
from jobs.quality.published import Cell, Published, shown_before
from jobs.quality.result import Result
from jobs.quality.table import QUALITY, SCHEMA, STATISTICS, rows

# Begins the key under which a commit of the report says which version of a table kept its contract.
HELD = "held "


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A version of a table (`schema.table`; None where there is no table) with what may be shown of its checks."""

    table: str
    version: int | None
    shown: Sequence[Published]

    @property
    def broken(self) -> list[str]:
        """What stops the job."""
        return [str(one) for one in self.shown if one.result.stops]


def before(task: Task, source: str) -> dict[str, dict[Cell, set[int]]]:
    """By table: every count that earlier reports of the source showed."""
    table = f"{source}_ra.{QUALITY}"
    if not task.tables.exists(table):
        return {}
    columns = ("table", "check_id", "table_rows", "rows_checked", "rows_at_fault")
    # What is there twice costs less to bring than a shuffle does to leave out.
    return shown_before(row.asDict() for row in task.tables.read(table).select(*columns).collect())


def record(
    task: Task,
    source: str,
    checked: Iterable[Checked],
    note: Mapping[str, str] | None = None,
    reference: Mapping[str, int] | None = None,
) -> None:
    """Log what was found and add it to the report, passed or not.

    note: what the commit says besides its inputs, and besides which versions kept their contracts (`held`).
    reference: the versions of the tables of reference data that something was held against.
    """
    now, made, kept = datetime.now(UTC), [], {}
    read = dict(reference or {})
    for one in checked:
        if not one.broken:
            task.log(f"{one.table} keeps its contract")
            kept[f"{HELD}{one.table}"] = one.version
        for said in one.shown:
            if said.result.state in ("failed", "error") and not said.result.stops:
                task.log(f"{said.result.severity}: {said}")
        made += rows(one.shown, job_run_id=task.job_run_id, checked_at=now, table=one.table, version=one.version)
        if one.version is not None:
            read[one.table] = one.version
    report = task.spark.createDataFrame(made, SCHEMA)
    task.tables.append(f"{source}_ra.{QUALITY}", report, read, {**kept, **(note or {})})


def held(task: Task, table: str, version: int, report: str = QUALITY) -> bool:
    """Whether the report says of a version of a table that it kept its contract: its task may have died before.

    report: the table of the same zone in which that is said.
    """
    told, key = f"{table.partition('.')[0]}.{report}", f"{HELD}{table}"
    return task.tables.exists(told) and task.tables.commits.noted(told, key).get(key) == version


def held_versions(task: Task, source: str, tables: Iterable[str]) -> dict[str, int | None]:
    """By table (`schema.table`): the version that its newest check found to keep its contract, None where that broke
    it; nothing of tables that were never checked."""
    quality, found, left = f"{source}_ra.{QUALITY}", dict[str, int | None](), set(tables)
    if not task.tables.exists(quality):
        return found
    for _, text, _ in task.tables.commits.told(quality):
        said = said_of(text)
        spoken = {name for name in left if name in said.get("inputs", {})}
        found |= {name: said.get(f"{HELD}{name}") for name in spoken}
        left -= spoken
        if not left:
            break
    return found


def stood(task: Task, table: str, version: int, report: str = QUALITY) -> int | None:
    """The newest version before `version` of which the report says that it kept its contract; None where there is none.

    The one just before it where nobody can tell any more: what old commits of the report say is forgotten in time.
    report: as of `held`.
    """
    quality, key = f"{table.partition('.')[0]}.{report}", f"{HELD}{table}"
    before = version - 1 if version else None
    if not task.tables.exists(quality):
        return before
    said, at = task.tables.commits.noting(quality, key)
    if not said:
        told = task.tables.commits.told_at(quality, 0) is not None
        return None if told else before
    known = said[key]
    # Of a table that was dropped and made again the report tells what is not there any more.
    there = known < version and task.tables.commits.told_at(table, known) is not None
    return known if there and not task.tables.commits.another(table, known, at) else before


def describe(
    task: Task, table: str, version: int, families: Sequence[Family] = (), members: Shown | None = None
) -> list[Result]:
    """Add the statistics of a feature table's covariates to those of its zone; the check that none of them is empty.

    families: the covariates that say something of each other. members: what was shown of its rows and persons.
    """
    from jobs.quality import statistics

    name = f"{table.partition('.')[0]}.{STATISTICS}"
    earlier: statistics.Earlier = {}
    if task.tables.exists(name):
        columns = ("dimension", "level", "covariate", "persons", "with_value", "ones", "mean")
        rows_before = task.tables.read(name).where(f"table = '{table}'").select(*columns).collect()
        earlier = statistics.shown_before(row.asDict() for row in rows_before)
    found = statistics.groups(task.tables.read(table, version))
    figures = statistics.published(found, earlier, families, members)
    if figures:
        now = datetime.now(UTC)
        made = [(task.job_run_id, now, table, version, *row) for row in figures]
        task.tables.append(name, task.spark.createDataFrame(made, statistics.SCHEMA), {table: version})
    task.log(f"{name} has {len(figures):,} new rows about {table}")
    return statistics.matches(found, table.partition(".")[2])
