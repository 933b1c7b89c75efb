"""Casting delivered columns to the types of their contract, and what cannot be cast."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from pyspark.sql import functions as sf
from pyspark.sql import types

from workflows.contract import Contract
from workflows.expressions import BLANKS, NUMBER

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

SQL_TYPES = {
    "string": "string", "long": "bigint", "double": "double", "date": "date", "timestamp": "timestamp",
    "boolean": "boolean",
}  # fmt: skip
WHOLE = (types.ByteType, types.ShortType, types.IntegerType, types.LongType)
MOMENTS = (types.DateType, types.TimestampType, types.TimestampNTZType)
# Physical types that a contract type accepts besides text, which is read value by value.
ACCEPTED: dict[str, tuple[type[types.DataType], ...]] = {
    "string": (),
    "long": WHOLE,
    "double": (*WHOLE, types.FloatType, types.DoubleType, types.DecimalType),
    "date": MOMENTS,
    "timestamp": MOMENTS,
    "boolean": (types.BooleanType,),
}
# Spark reads the text 2021 as the first day of that year; a date in a delivery is written out. It reads the types of
# programs as well, 250D and 0x1p3, which are a code or a mistake in a delivery.
PATTERNS = {
    "double": NUMBER,
    "date": r"^\d{4}-\d{2}-\d{2}$",
    "timestamp": r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?Z?)?$",
}
WORDS = {
    "string": "text", "long": "a whole number", "double": "a number", "date": "a date (YYYY-MM-DD)",
    "timestamp": "a time (YYYY-MM-DD hh:mm:ss)", "boolean": "true or false",
}  # fmt: skip


def quoted(name: str) -> str:
    """A column name as Spark SQL takes any name."""
    return "`" + name.replace("`", "``") + "`"


def acceptable(physical: types.DataType, wanted: str) -> bool:
    """Whether a delivered column of this type can hold values of the contract's type."""
    return isinstance(physical, (types.StringType, *ACCEPTED[wanted]))


def cast(name: str, wanted: str) -> Column:
    """The column in the contract's type; null where it cannot be read, or is blank: parquet keeps an empty text."""
    column = sf.col(quoted(name))
    value = column.try_cast(SQL_TYPES[wanted])
    if wanted in PATTERNS:
        # A moment that was delivered as one is held against the pattern of what it becomes, not of what it was.
        other = sf.lit(True) if wanted == "double" else value.cast("string").rlike(PATTERNS[wanted])
        is_text = sf.typeof(column) == "string"
        value = sf.when(sf.when(is_text, column.cast("string").rlike(PATTERNS[wanted])).otherwise(other), value)
    if wanted == "double":
        # NaN is larger than any number.
        value = sf.when(sf.abs(value) < float("inf"), value)
    if wanted == "string":
        value = sf.when(sf.trim(value, sf.lit(BLANKS)) != "", value)
    if wanted == "date":
        # A date may be delivered as its midnight, as pandas writes it; any other time of day is no date.
        value = sf.when(column.try_cast("timestamp") == value.cast("timestamp"), value)
    return value


def delivered(names: Collection[str], contract: Contract) -> dict[str, str | None]:
    """The delivered name of each of the contract's columns; None where none of its names is there."""
    return {
        column.name: next((name for name in (column.name, *column.also) if name in names), None)
        for column in contract.columns
    }


def typed_columns(names: Collection[str], contract: Contract) -> list[Column]:
    """The contract's columns in its order and types, from a table that has columns `names`."""
    found = delivered(names, contract)
    return [
        (sf.lit(None).cast(SQL_TYPES[column.type]) if (name := found[column.name]) is None else cast(name, column.type))
        .alias(column.name)
        for column in contract.columns
    ]  # fmt: skip


def documented(frame: DataFrame, contract: Contract) -> DataFrame:
    """A table that is about to be written, each column with what its contract says of it as its comment."""
    said = {
        column.name: f"{column.meaning}, in {column.unit}" if column.unit else column.meaning
        for column in contract.columns
    }
    return frame.select(
        *(
            sf.col(quoted(name)).alias(name, metadata={"comment": said[name]}) if name in said else quoted(name)
            for name in frame.columns
        )
    )


def typed(frame: DataFrame, contract: Contract) -> DataFrame:
    """A delivered table as its contract describes it; exact duplicates once where it says so."""
    table = frame.select(*typed_columns(frame.columns, contract))
    return table.distinct() if contract.once else table
