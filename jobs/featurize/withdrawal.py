"""A person's withdrawal: which column of a table tells whose a row is, and how the withdrawn are kept out.

A tombstone is a digest, in the `_ra` zone of the source: who may read it may read the persons, so that it gives away
nothing to who guesses keys; and it says nothing of a key to who sees the table by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from workflows.source import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PERSON, VISIT = "person_id", "visit_occurrence_id"
TOMBSTONES, REJECTED = "withdrawn", "rejected_"


def key_sql(expression: str) -> str:
    """A key as text, the same whether a table has it as a number or as text."""
    return f"coalesce(cast(try_cast({expression} AS bigint) AS string), trim(cast({expression} AS string)))"


def digest_sql(source: str, expression: str) -> str:
    """The tombstone of a key."""
    return f"sha2(concat('withdrawn|{source}|', {key_sql(expression)}), 256)"


def parsed(text: str) -> tuple[str, ...]:
    """The keys of a request: one a line, each once; empty lines and lines that begin with # are skipped."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def person_sql(source: Source, table: str, columns: Iterable[str]) -> str | None:
    """The expression of the person in a table of a source, None where it has none of its own."""
    parts = (*source.events, source.observation, source.notes, source.encounters, source.persons)
    declared = {part.table: part.person_id for part in parts if part is not None}
    if (name := delivered(source, table)) in declared:
        return own(source, name, declared[name])
    return PERSON if PERSON in columns else None


def visit_sql(source: Source, table: str, columns: Iterable[str]) -> str | None:
    """The expression of the encounter, which tells whose a row without a person is; None where it has none."""
    name = delivered(source, table)
    for kind in source.events:
        if kind.table == name:
            return own(source, name, kind.visit_occurrence_id)
    return VISIT if VISIT in columns else None


def delivered(source: Source, table: str) -> str:
    """The curated table whose columns `table` has: itself, or the one whose rows at fault it keeps; "" of others."""
    schema, _, name = table.partition(".")
    if schema == source.name:
        return name
    return name.removeprefix(REJECTED) if schema == f"{source.name}_ra" and name.startswith(REJECTED) else ""


def own(source: Source, table: str, expression: str) -> str | None:
    """An expression of a mapping as the table alone resolves it; None where it names a table beside it."""
    joined = {join.table for kind in source.events if kind.table == table for join in kind.joins}
    if any(re.search(rf"\b{name}\.", expression) for name in joined):
        return None
    return re.sub(rf"\b{table}\.", "", expression)


def kept(
    frame: DataFrame, tombstones: DataFrame, source: Source, name: str, beside: Mapping[str, DataFrame]
) -> DataFrame:
    """The rows of a table (`schema.table`) of the source that are not of a withdrawn person.

    beside: the curated tables with it. Where the encounter alone tells whose a row is, the row stays if its encounter
    is there and of somebody who is not withdrawn: of a row of nobody, none can say that it is not theirs. So it is with
    a row whose person is empty, but it stays where it names no encounter either.
    """
    from pyspark.sql import functions as sf

    person, visit = (of(source, name, frame.columns) for of in (person_sql, visit_sql))
    stays = source.encounters
    if person is not None:
        marked = frame.withColumn("_digest", sf.expr(digest_sql(source.name, person)))
        gone = tombstones.select(sf.col("person_digest").alias("_digest")).distinct()
        named = marked.join(gone, "_digest", "left_anti").select(*frame.columns)
        itself = delivered(source, name) == stays.table
        if visit is None or itself or stays.table not in beside or not may_be_empty(source, name, person):
            return named
        nobodys = f"{person} IS NULL AND {visit} IS NOT NULL"
        of_visits = theirs(named.where(nobodys), tombstones, source, visit, beside)
        return named.where(f"NOT ({nobodys})").unionByName(of_visits)
    return frame if visit is None else theirs(frame, tombstones, source, visit, beside)


def may_be_empty(source: Source, table: str, person: str) -> bool:
    """Whether a row of a table may name no person: as its contract says, and rows at fault always."""
    name = delivered(source, table)
    if not name or table.partition(".")[2] != name:
        return True
    return any(one.nullable for one in source.contract(name).columns if re.search(rf"\b{one.name}\b", person))


def theirs(
    frame: DataFrame, tombstones: DataFrame, source: Source, visit: str, beside: Mapping[str, DataFrame]
) -> DataFrame:
    """The rows whose encounter is there, and of somebody who is not withdrawn."""
    from pyspark.sql import functions as sf

    stays = source.encounters
    left = kept(beside[stays.table], tombstones, source, f"{source.name}.{stays.table}", beside).where(
        f"{stays.person_id} IS NOT NULL"
    )
    visits = left.selectExpr(f"{key_sql(stays.visit_occurrence_id)} AS _visit").distinct()
    return (
        frame.withColumn("_visit", sf.expr(key_sql(visit))).join(visits, "_visit", "left_semi").select(*frame.columns)
    )
