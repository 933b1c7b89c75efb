"""A person's withdrawal: which column of a table tells whose a row is, and how the withdrawn are kept out.

A tombstone is a digest, in the `_ra` zone of the source: who may read it may read the persons, so that it gives away
nothing to who guesses keys; and it says nothing of a key to who sees the table by mistake.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from workflows.source import Source

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PERSON, VISIT = "person_id", "visit_occurrence_id"
TOMBSTONES = "withdrawn"


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
    curated = {part.table: part.person_id for part in source.events}
    curated |= {source.encounters.table: source.encounters.person_id, source.persons.table: source.persons.person_id}
    schema, _, name = table.partition(".")
    if schema == source.name and name in curated:
        return curated[name]
    return PERSON if PERSON in columns else None


def visit_sql(columns: Iterable[str]) -> str | None:
    """The column of the encounter, which tells whose a row without a person is."""
    return VISIT if VISIT in columns else None


def kept(frame: DataFrame, tombstones: DataFrame, source: Source, table: str) -> DataFrame:
    """The rows of a curated table that are not of a withdrawn person."""
    from pyspark.sql import functions as sf

    person = person_sql(source, f"{source.name}.{table}", frame.columns)
    if person is None:
        return frame
    marked = frame.withColumn("_digest", sf.expr(digest_sql(source.name, person)))
    gone = tombstones.select(sf.col("person_digest").alias("_digest")).distinct()
    return marked.join(gone, "_digest", "left_anti").select(*frame.columns)
