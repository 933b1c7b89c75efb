"""Changes of a curated table to changes of `fact_person`: one transform for a batch of commits and for a stream.

A commit of the source closes the facts that its rows no longer say and opens those that they say now. A fact is closed
and opened at the time of that commit; one that comes with a new row is known as its mapping says. A row that is taken
out and put back as it was, as by a delivery that overwrites the table, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyspark.sql import Window, types
from pyspark.sql import functions as sf

from jobs.featurize.columns import delivered, typed_columns
from jobs.featurize.facts import EVENT_COLUMNS, OF_ANYBODY, beside, events_of, in_sample, together
from jobs.featurize.knowledge import FROM, TO
from workflows.contract import Contract
from workflows.source import Source

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

CLOSES = "closes"
REPEATED = "a key is repeated in one version of"
OTHER = "a row that goes or changes is not what its open fact says"


def signed(feed: DataFrame, contract: Contract) -> DataFrame:
    """The change feed of a table in the types of its contract, each row with its commit and whether it came or went."""
    kind = sf.col("_change_type")
    return feed.select(
        *typed_columns(feed.columns, contract),
        kind.isin("insert", "update_postimage").alias("_came"),
        (kind == "update_postimage").alias("_mended"),
        sf.col("_commit_version").alias("_version"),
        sf.col("_commit_timestamp").alias("_at"),
    )


def changes(
    feed: DataFrame, tables: Mapping[str, DataFrame], source: Source, table: str, *, person_sample: float,
    closed: DataFrame,
) -> DataFrame:  # fmt: skip
    """What the commits in `feed`, a `signed` one of `table`, change: facts to open, and those to close (`closes`).

    tables: those that are joined. closed: the fact_ids that were closed before. A fact to open has its `known_to` where
    a later commit in the feed closes it; one to close has the content that was open, and the version that closes it.
    """
    kinds = together(kind for kind in source.events if kind.table == table)
    frame = None
    for some in kinds:
        rows = events_of(beside({**tables, table: feed}, some[0]), some, source, "_came", "_mended", "_version", "_at")
        frame = rows if frame is None else frame.unionByName(rows)
    assert frame is not None, f"no events come from {table}"
    content, came = sf.struct(*EVENT_COLUMNS, FROM), sf.col("_came")
    said = frame.where(in_sample(sf.col("person_id"), person_sample)).groupBy("fact_id", "_version", "_at")
    commits = said.agg(
        sf.max(sf.when(~came, content)).alias("_before"),
        sf.max(sf.when(came, content)).alias("_after"),
        sf.max("_mended").alias("_mended"),
        sf.greatest(sf.count_if(came), sf.count_if(~came)).alias("_times"),
    )
    broken = sf.raise_error(sf.lit(f"{REPEATED} {source.name}.{table}")).cast("boolean")
    differs = ~sf.col("_before").eqNullSafe(sf.col("_after"))
    order = Window.partitionBy("fact_id").orderBy("_version")
    chain = commits.where(sf.when(sf.col("_times") > 1, broken).otherwise(differs)).select(
        "*", sf.lead("_at").over(order).alias("_until"), sf.row_number().over(order).alias("_place"),
        sf.lag("_after").over(order).alias("_said"),
    )  # fmt: skip
    # What a commit takes back is what the one before it said, or the key was there twice between them.
    twice = (sf.col("_place") > 1) & ~sf.col("_said").eqNullSafe(sf.col("_before"))
    chain = chain.where(sf.when(twice, broken).otherwise(sf.lit(True)))
    seen = closed.select("fact_id").distinct().withColumn("_closed", sf.lit(True))
    chain = chain.join(seen, "fact_id", "left")
    # A fact that is said again or otherwise than before was not known so before this commit; that it is another
    # person's is no news of the event: two persons are one, or it was booked to the wrong one.
    again = sf.col("_mended") | sf.col("_before").isNotNull() | (sf.col("_place") > 1) | sf.col("_closed").isNotNull()
    came = (sf.col("_place") == 1) & sf.col("_before").isNull() & ~sf.col("_mended")
    chain = chain.withColumn("_otherwise", sf.max(~(came | moved("_before", "_after"))).over(order))
    again &= sf.col("_otherwise") | sf.col("_closed").isNotNull()
    start = sf.when(again, sf.greatest(f"_after.{FROM}", "_at")).otherwise(sf.col(f"_after.{FROM}"))
    opened = fact("_after", start, sf.col("_until"), closes=False)
    ended = fact("_before", sf.col(f"_before.{FROM}"), sf.col("_at"), closes=True)
    # Of nobody, and corrected since: it never was a fact.
    stands = sf.col("_after.person_id").isNotNull() | sf.col("_until").isNull()
    # Both of one look: the feed is read, and sorted, once.
    both = sf.array(
        sf.when(sf.col("_after").isNotNull() & stands, opened),
        sf.when((sf.col("_place") == 1) & sf.col("_before").isNotNull(), ended),
    )
    return chain.select(sf.inline(both)).where(sf.col(CLOSES).isNotNull())


def moved(before: str, after: str) -> Column:
    """Whether two contents of a fact differ in the person alone; false where one of them has none."""
    both = sf.col(f"{before}.person_id").isNotNull() & sf.col(f"{after}.person_id").isNotNull()
    was, says = (sf.struct(*(f"{one}.{name}" for name in (*OF_ANYBODY, FROM))) for one in (before, after))
    return both & was.eqNullSafe(says)


def fact(content: str, start: Column, end: Column, *, closes: bool) -> Column:
    """What a commit says of a fact: its columns, taken from `content`, and whether it is to be closed."""
    return sf.struct(
        *(sf.col(f"{content}.{name}").alias(name) for name in EVENT_COLUMNS),
        sf.col("_version").alias("source_version"), start.alias(FROM), end.alias(TO), sf.lit(closes).alias(CLOSES),
    )  # fmt: skip


def refused(before: types.StructType, after: types.StructType, contract: Contract) -> list[str]:
    """What of a table's new schema its history cannot take: a dropped column, another type, a column not allowed."""
    old, new = ({field.name: field.dataType.simpleString() for field in schema.fields} for schema in (before, after))
    found = []
    for column, name in delivered(old, contract).items():
        now = delivered(new, contract)[column]
        if name is not None and now is None:
            found.append(f"column {name} was {old[name]} and is gone")
        elif name is not None and now is not None and old[name] != new[now]:
            found.append(f"column {name} was {old[name]} and is {new[now]}")
    if contract.new_columns == "refuse":
        found += [f"column {name} is new, {new[name]}" for name in sorted(set(new) - set(old))]
    return found
