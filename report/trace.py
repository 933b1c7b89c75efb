"""The way back from one row of a table: versions, commits, contracts and runs; nothing that it says of a person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from report.stores import Row, Tables

# What names a row of a table, or the rows of one note, by the table's name; "": any other table's.
KEYS = {
    "fact_person": "fact_id", "fact_provider": "provider_id", "person_xref": "person_id", "note": "note_id",
    "note_clean": "note_id", "note_sentences": "note_id", "": "visit_occurrence_id",
}  # fmt: skip
# Of a prediction, what says how it was made.
MADE_BY = ("model_name", "model_version", "mlflow_run_id", "feature_table", "feature_table_version")

# What both a lineage record and a commit say of who wrote; the contract's hash is the commit's alone.
RECORDED = ("commit", "declaration_hash", "requirements_hash", "job_run_id", "task_run_id")


class UntraceableError(Exception):
    """What cannot be traced; one line that says what can."""


@dataclass(frozen=True)
class Made:
    """One version of a table and what made it; empty where a delivery did, of which the platform knows the version."""

    name: str
    version: int
    inputs: Mapping[str, int]
    commit: str = ""
    contract_hash: str = ""
    declaration_hash: str = ""
    requirements_hash: str = ""
    job_run_id: str = ""
    task_run_id: str = ""


@dataclass(frozen=True)
class Trace:
    """several: whether more rows than one have the key; how many may be a count of few persons.

    versions: the table's first, then what each was made from. models: of predictions, every model version and run that
    made one of the rows.
    """

    table: str
    several: bool
    versions: tuple[Made, ...]
    models: tuple[Mapping[str, Any], ...]


def key_of(table: str, text: str) -> tuple[str, str]:
    """`name=value` or a value of the table's own key, as column and value."""
    name, equals, value = text.rpartition("=")
    column = name if equals else KEYS.get(table.partition(".")[2], KEYS[""])
    if not value or (equals and not name.isidentifier()):
        raise UntraceableError(f"key = {text!r} is not valid; valid: a value of {column}, or column=value")
    return column, value


def value_of(text: str, column: str, kind: str) -> int | str:
    """A key as its column holds it."""
    if kind == "string":
        return text
    if kind not in ("long", "integer"):
        raise UntraceableError(f"{column} is a {kind}; valid: a column of whole numbers or text")
    if not text.removeprefix("-").isdecimal():
        raise UntraceableError(f"key = {text!r} is not valid; valid: a whole number, as {column} is")
    return int(text)


def trace(tables: Tables, table: str, key: str) -> Trace:
    """Where the rows of `table` that have the key come from."""
    if not tables.there(table):
        raise UntraceableError(f"table = {table!r} is not there; valid: schema.table of a table that was written")
    column, value = key_of(table, key)
    columns = tables.columns(table)
    if column not in columns:
        raise UntraceableError(f"{table} has no column {column!r}; valid: {', '.join(columns)}")
    sought = value_of(value, column, columns[column])
    wanted = [column, *(one for one in (*MADE_BY, "source_table", "source_version") if one in columns)]
    version = tables.version(table)
    assert version is not None
    # Upkeep may have removed the files of the version that made the rows; the newest has the same.
    rows = tables.rows(table, columns=list(dict.fromkeys(wanted)), where=[(column, "=", sought)], version=version) or []
    if not rows:
        raise UntraceableError(f"no row of {table} version {version} has this {column}")
    starts = [(table, version), *of_rows(table, rows)]
    return Trace(table=table, several=len(rows) > 1, versions=upstream(tables, starts), models=made_by(rows))


def made_by(rows: list[Row]) -> tuple[Row, ...]:
    """How each of the predictions was made, oldest model version first; once, however many were made so."""
    each = {tuple((name, row[name]) for name in MADE_BY if name in row) for row in rows}
    return tuple(
        sorted((dict(pairs) for pairs in each if pairs), key=lambda one: (int(one["model_version"]), str(one)))
    )


def of_rows(table: str, rows: list[Row]) -> list[tuple[str, int]]:
    """The versions that the rows themselves name: of the features of a prediction, of the source of a fact."""
    found: list[tuple[str, int]] = []
    source = table.partition(".")[0].removesuffix("_ra")
    for row in rows:
        if row.get("feature_table") and row.get("feature_table_version") is not None:
            found.append((str(row["feature_table"]), int(row["feature_table_version"])))
            found.append((str(row["model_name"]), int(row["model_version"])))
        if row.get("source_table") and row.get("source_version") is not None:
            found.append((f"{source}.{row['source_table']}", int(row["source_version"])))
    return list(dict.fromkeys(found))


def upstream(tables: Tables, starts: list[tuple[str, int]]) -> tuple[Made, ...]:
    """The given versions and all that they were made from, each once, nearest first."""
    columns = ("object", "version", "inputs", *RECORDED)
    recorded = {(one["object"], int(one["version"])): one for one in tables.rows("ml.lineage", columns) or []}
    found: dict[tuple[str, int], Made] = {}
    waiting = list(starts)
    while waiting:
        name, version = waiting.pop(0)
        version = tables.made(name, version)
        if (name, version) in found:
            continue
        row = recorded.get((name, version), {})
        said = {**row, "inputs": json.loads(row.get("inputs") or "{}"), **tables.said(name, version)}
        inputs = {one: tables.made(one, int(number)) for one, number in said["inputs"].items()}
        who = {one: str(said.get(one) or "") for one in (*RECORDED, "contract_hash")}
        found[name, version] = Made(name=name, version=version, inputs=inputs, **who)
        waiting += sorted(inputs.items())
    return tuple(found.values())
