"""Which row of the source an event comes from, and from when until when it was known.

An index date sees what was known by then: `known_from` <= index date < `known_to`. Empty ends are open: a row without
`known_from` was always known, one without `known_to` still is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as sf

from jobs.featurize.columns import quoted
from workflows.contract import Contract
from workflows.source import Events

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

FROM, TO = "known_from", "known_to"
PLACE = "_place_among_equals"
WITHOUT_SIGN = (1 << 63) - 1


def known_from(declared: str | None, start: Column, lag: int) -> Column:
    """When the platform could know a row: as its source says, otherwise `lag` days after the day of the event.

    From the midnight on, as index dates are days: what happens on the index day is known on it when there is no lag.
    """
    assumed = sf.date_add(sf.to_date(start), lag).cast("timestamp")
    return assumed if declared is None else sf.coalesce(sf.expr(declared).cast("timestamp"), assumed)


def known_at(cutoff: Column, known_from: Column, known_to: Column) -> Column:
    """Whether a row was known at a moment."""
    begun = sf.coalesce(known_from <= cutoff, sf.lit(True))
    return begun & sf.coalesce(cutoff < known_to, sf.lit(True))


def said_now(events: DataFrame) -> DataFrame:
    """The events as their source says them now, for what is looked up later and not on the index date."""
    return events if TO not in events.columns else events.where(sf.col(TO).isNull()).drop(FROM, TO)


def on_their_day(events: DataFrame) -> DataFrame:
    """Each fact once, for a moment that it makes an index date: as it was first known on its own day.

    It is of whom it is now. What nobody knew on its day, as it came late, is taken as its source says it now. So a fact
    that was corrected is one, one that was deleted by then is none, and what was corrected or deleted later is what it
    was.
    """
    if TO not in events.columns:
        return events
    moment = sf.col("event_start_datetime").cast("timestamp")
    then = events.where(sf.col(TO).isNotNull() & known_at(moment, sf.col(FROM), sf.col(TO)))
    place = sf.row_number().over(Window.partitionBy("fact_id").orderBy(moment, sf.desc(TO)))
    now = events.where(sf.col(TO).isNull())
    # Two persons that are one since, or an event that was booked to the wrong one.
    whose = now.select("fact_id", sf.col("person_id").alias("_whose"))
    first = then.withColumn("_place", place).where("_place = 1").join(whose, "fact_id", "left")
    of_now = first.withColumn("person_id", sf.coalesce("_whose", "person_id")).select(*events.columns)
    return now.join(then.select("fact_id"), "fact_id", "left_anti").unionByName(of_now)


def row_id(contract: Contract, prefix: str = "") -> tuple[Column, ...]:
    """What tells a row of a table from others: its key, or all of it where it has none.

    prefix: of its columns, where other tables stand beside it.
    """
    if contract.key:
        return tuple(sf.expr(prefix + quoted(name)) for name in contract.key)
    # A hash passes over what is empty: that it is empty is hashed too.
    columns = [sf.expr(prefix + quoted(column.name)) for column in contract.columns]
    return tuple(part for column in columns for part in (column, column.isNull()))


def counted(contract: Contract) -> bool:
    """Whether rows that are equal in all are several, and only their number tells them apart."""
    return not contract.key and not contract.once


def numbered(frame: DataFrame, contract: Contract) -> DataFrame:
    """The rows of a table; where equal ones are several, with the place of each among them."""
    if not counted(contract):
        return frame
    same = Window.partitionBy(*(quoted(column.name) for column in contract.columns)).orderBy(sf.lit(1))
    return frame.withColumn(PLACE, sf.row_number().over(same))


def fact_id(kind: Events, contract: Contract, kinds: Sequence[Events]) -> Column:
    """63 bits of a hash of table and key; of what is read from the row too, where it may be several events."""
    prefix = f"{kind.table}." if kind.joins else ""
    parts: list[Column] = [sf.lit(kind.table), *row_id(contract, prefix)]
    if counted(contract):
        # A hash passes over what is empty: the first of equal rows is named by what it says alone.
        parts.append(sf.expr(f"nullif({prefix}{PLACE}, 1)"))
    if sum(other.table == kind.table for other in kinds) > 1:
        read = (kind.vocabulary, kind.code, kind.where, kind.value_as_number, kind.value_as_string, kind.unit)
        parts.append(sf.lit("|".join(read)))
    return sf.xxhash64(*parts).bitwiseAND(sf.lit(WITHOUT_SIGN))
