"""Holds a curated table against its contract: one aggregate counts every fault, rows at fault are kept apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Window, types
from pyspark.sql import functions as sf

from jobs.disclosure import shown
from jobs.featurize.columns import WORDS, acceptable, quoted, typed_columns
from workflows.source import Contract

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a table: what it is and how many rows have it (all of them where a column is missing)."""

    table: str
    what: str
    rows: int

    def __str__(self) -> str:
        return f"{self.table}: {self.what}: {shown(self.rows)} rows"


def shape_faults(schema: types.StructType, contract: Contract) -> list[str]:
    """Missing columns and columns of a type that cannot hold the contract's."""
    physical = {field.name: field.dataType for field in schema.fields}
    faults = []
    for column in contract.columns:
        if column.name not in physical:
            faults.append(f"column {column.name} is missing")
        elif not acceptable(physical[column.name], column.type):
            kind = physical[column.name].simpleString()
            faults.append(f"column {column.name} has type {kind}, not {column.type}")
    return faults


def read(frame: DataFrame, contract: Contract) -> DataFrame:
    """The contract's columns in its types, null where one cannot be read, and `_raw`: the delivered as text."""
    raw = [sf.col(quoted(column.name)).cast("string").alias(column.name) for column in contract.columns]
    return frame.select(sf.struct(*raw).alias("_raw"), *typed_columns(contract))


def faults_of(contract: Contract) -> dict[str, Column]:
    """What can be wrong with one row by itself, and the condition under which it is; over `read`, never null."""
    faults: dict[str, Column] = {}
    for column in contract.columns:
        raw, value = sf.col("_raw").getField(column.name), sf.col(quoted(column.name))
        if not column.nullable:
            faults[f"{column.name} is empty"] = raw.isNull()
        if column.type != "string":
            faults[f"{column.name} is not {WORDS[column.type]}"] = raw.isNotNull() & value.isNull()
        if column.allowed:
            outside = value.isNotNull() & ~value.cast("string").isin(*column.allowed)
            faults[f"{column.name} is none of {', '.join(column.allowed)}"] = outside
    for rule, meaning in contract.rules:
        # A rule that is null does not speak of the row.
        faults[f"not so: {meaning}"] = sf.coalesce(~sf.expr(rule), sf.lit(False))
    return faults


def count_faults(frame: DataFrame, contract: Contract) -> list[Fault]:
    """Every fault of the table with its rows, by one query; a fault of shape is reported instead of the rest."""
    shape = shape_faults(frame.schema, contract)
    if shape:
        rows = frame.count()
        return [Fault(contract.table, what, rows) for what in shape]
    faults, table = faults_of(contract), read(frame, contract)
    by_row = table.agg(
        sf.count(sf.lit(1)).alias("rows"),
        *(sf.count_if(condition).alias(f"_{n}") for n, condition in enumerate(faults.values())),
    )
    # On its own: a distinct count beside the others would carry all of them once a key.
    keys = table.where(keyed(contract)).groupBy(*map(quoted, contract.key)).agg(sf.count(sf.lit(1)).alias("_times"))
    by_key = keys.where("_times > 1").agg(sf.coalesce(sf.sum("_times"), sf.lit(0)).alias("repeated"))
    counts = by_row.crossJoin(by_key).first()
    assert counts is not None
    if counts["rows"] == 0:
        return [Fault(contract.table, "the table is empty", 0)]
    found = {what: counts[f"_{n}"] for n, what in enumerate(faults)} | {repeats(contract): counts["repeated"]}
    return [Fault(contract.table, what, rows) for what, rows in found.items() if rows]


def repeats(contract: Contract) -> str:
    """What is said of rows that share a key."""
    return f"key ({', '.join(contract.key)}) is not unique"


def keyed(contract: Contract) -> Column:
    """Whether every part of the row's key can be read."""
    complete = sf.lit(True)
    for name in contract.key:
        complete = complete & sf.col(quoted(name)).isNotNull()
    return complete


def rejected(frame: DataFrame, contract: Contract) -> DataFrame:
    """The rows at fault, every column as text, and `reason`; all rows of a repeated key are at fault."""
    window = Window.partitionBy(*map(quoted, contract.key))
    shared = keyed(contract) & (sf.count(sf.lit(1)).over(window) > 1)
    faults = faults_of(contract) | {repeats(contract): shared}
    reasons = sf.array_compact(sf.array(*(sf.when(condition, sf.lit(what)) for what, condition in faults.items())))
    return (
        read(frame, contract)
        .select("_raw", reasons.alias("_reasons"))
        .where(sf.size("_reasons") > 0)
        .select("_raw.*", sf.array_join("_reasons", "; ").alias("reason"))
    )
