"""What a source says now beside the facts that are there, for rows that no key follows from version to version.

A row is what it says: one that is gone closes its fact, one that is new opens one. Of equal rows each has a number, or
they count once, as its contract says (`once`); then the fact stays as long as any of them does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as sf

from jobs.featurize.changes import REPEATED
from jobs.featurize.facts import EVENT_COLUMNS, OF_ANYBODY
from jobs.featurize.knowledge import FROM, TO

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def compared(said: DataFrame, facts: DataFrame, moments: Mapping[str, int], without_key: Collection[str]) -> DataFrame:
    """`said`, the facts of some curated tables now, each known from when it is to be known if it is opened now.

    facts: `fact_person` as it is. moments: of each of the tables, the microsecond of the commit that is followed.
    without_key: those of them in which a corrected row looks like one that goes and another that comes: what comes with
    a commit that takes rows of its person may be a correction, and nobody knew it before.
    """
    table = sf.col("source_table")
    there = facts.where(table.isin(*moments)).withColumn("_said", sf.lit(False))
    both = said.withColumn("_said", sf.lit(True)).unionByName(there)
    now, open_then = sf.col("_said"), ~sf.col("_said") & sf.col(TO).isNull()
    of_fact, same = Window.partitionBy("fact_id"), Window.partitionBy(*EVENT_COLUMNS)
    of_anybody = Window.partitionBy(*OF_ANYBODY)
    placed = both.select(
        "*",
        sf.max(~now).over(of_fact).alias("_seen"),
        sf.count_if(now).over(same).alias("_times"),
        (open_then & (sf.count_if(now).over(same) == 0)).alias("_goes"),
    )
    lost = sf.max("_goes").over(Window.partitionBy("person_id", "source_table"))
    again = sf.col("_seen") | (lost & table.isin(*without_key))
    at = reduce(
        lambda other, one: sf.when(table == one[0], sf.timestamp_micros(sf.lit(one[1]))).otherwise(other),
        moments.items(), sf.lit(None).cast("timestamp"),
    )  # fmt: skip
    # A row that is another person's now says the same of the event as it did.
    moved, since = (sf.max(one).over(of_anybody) for one in ("_goes", sf.when(sf.col("_goes"), sf.col(FROM))))
    start = sf.when(moved, since).when(again, sf.greatest(FROM, at)).otherwise(sf.col(FROM))
    broken = sf.raise_error(sf.concat(sf.lit(f"{REPEATED} "), table)).cast("boolean")
    return (
        placed.withColumn("_start", start)
        .where(sf.when(now & (sf.col("_times") > 1), broken).otherwise(now))
        .select(*EVENT_COLUMNS, "source_version", sf.col("_start").alias(FROM), TO)
    )
