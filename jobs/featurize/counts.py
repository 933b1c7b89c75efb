"""How many rows break each check, and the persons behind them: aggregates of one row, taken together in one query."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from jobs.quality.result import version_of

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

PERSONS = ("broken", "kept", "apart")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that may be wrong with a row: of which rows it speaks (None: of all), and whether one breaks it.

    decides: what is declared of it, which makes its version. about: the columns it looks at.
    """

    id: str
    what: str
    severity: str
    applies: Column | None
    broken: Column
    threshold: float = 0.0
    decides: object = None
    about: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """See `version_of`."""
        return version_of(self.decides or (self.id, self.what, self.severity))


def totals(table: DataFrame, every: Iterable[Check], person: str | None) -> DataFrame:
    """One row: how many rows there are, and of each check how many break it and of how many it speaks.

    Where rows have a person they are counted a person first: the persons behind each count are then known as well,
    without a distinct count, which would copy every row once a check.
    """
    parts, sums = [sf.count(sf.lit(1)).alias("rows")], [total("rows")]
    for place, check in enumerate(every):
        speaks = sf.lit(1) if check.applies is None else check.applies
        parts.append(sf.count_if(check.broken).alias(f"b{place}"))
        parts.append((sf.count(speaks) if check.applies is None else sf.count_if(speaks)).alias(f"a{place}"))
        broken, applies = sf.col(f"b{place}"), sf.col(f"a{place}")
        sums += [total(f"b{place}"), total(f"a{place}")]
        for name, count in zip(PERSONS, (broken, applies - broken, sf.col("rows") - applies), strict=True):
            sums.append(persons(count).alias(f"{name}{place}"))
    if person is None:
        return table.agg(*parts)
    return table.groupBy(sf.expr(person).alias("_whose")).agg(*parts).agg(*sums)


def total(name: str) -> Column:
    """The sum of a count over all persons."""
    return sf.coalesce(sf.sum(name), sf.lit(0)).alias(name)


def persons(rows: Column) -> Column:
    """How many persons have such rows; a row without a person may be of any, so each is one more."""
    mine = sf.when(sf.col("_whose").isNull(), rows).otherwise((rows > 0).cast("bigint"))
    return sf.coalesce(sf.sum(mine), sf.lit(0))


def whose(person: str | None) -> Column:
    """The person of a group of rows that are alike."""
    return sf.min(sf.lit(None).cast("bigint") if person is None else sf.expr(person)).alias("_whose")


def beyond_first() -> Column:
    """How many rows of a group come after its first."""
    return (sf.count(sf.lit(1)) - 1).alias("_beyond")


def repeated(name: str) -> list[Column]:
    """The sum of `beyond_first` over all groups, and the persons behind it."""
    again = sf.col("_beyond") > 0
    unknown = sf.sum(sf.when(again & sf.col("_whose").isNull(), sf.col("_beyond")))
    known = sf.count_distinct(sf.when(again, sf.col("_whose")))
    return [
        sf.coalesce(sf.sum("_beyond"), sf.lit(0)).alias(name),
        (known + sf.coalesce(unknown, sf.lit(0))).alias(f"persons_{name}"),
    ]
