"""Features of events after a few facts have changed: computed again where a change can be seen, kept elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from jobs.featurize import engine
from jobs.featurize.knowledge import FROM, TO
from workflows.covariates import Covariate

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def reached(index: DataFrame, changed: DataFrame, some: Sequence[Covariate], key: str) -> DataFrame:
    """The keys of the index rows that may see a changed fact: in a window's reach, and known or closed by then."""
    start = sf.to_date("event_start_datetime")
    # A fact that was only closed looks the same to whoever looked before.
    moment = sf.when(sf.col("_change_type") == "update_postimage", sf.col(TO)).otherwise(sf.col(FROM))
    facts = changed.where("_change_type IN ('insert', 'update_postimage')").select(
        sf.col("person_id").alias("_person"), start.alias("_start"),
        sf.coalesce(sf.to_date("event_end_datetime"), start).alias("_end"), moment.alias("_moment"),
    )  # fmt: skip
    on = (index["person_id"] == facts["_person"]) & sf.coalesce(
        facts["_moment"] <= index["index_datetime"], sf.lit(True)
    )
    if (within := engine.reach(some)) is not None:
        first, last = within
        day = sf.to_date(index["index_datetime"])
        on = on & (sf.datediff(facts["_start"], day) <= last) & (sf.datediff(facts["_end"], day) >= first)
    return index.join(sf.broadcast(facts), on, "left_semi").select(key)


def wide(
    index: DataFrame,
    events: DataFrame,
    concepts: DataFrame,
    some: Sequence[Covariate],
    *,
    key: str,
    previous: DataFrame,
    changed: DataFrame,
    observation: DataFrame | None = None,
) -> DataFrame:
    """What `engine.wide` makes, of which the rows that no change can reach are taken from `previous`.

    previous: the features of the same covariates, codes and observation periods, with `key` and `index_datetime`.
    changed: the change feed of `fact_person` since then.
    """
    names = [f"f_{one.column}" for one in some]
    old = previous.select(key, sf.col("index_datetime").alias("_then"), *names)
    again = reached(index, changed, some, key).withColumn("_again", sf.lit(True))
    beside = index.select("person_id", key, "index_datetime").join(old, key, "left").join(again, key, "left")
    kept = sf.col("_again").isNull() & sf.coalesce(sf.col("_then") == sf.col("index_datetime"), sf.lit(False))
    anew = beside.where(~kept).select("person_id", key, "index_datetime")
    few = events.join(sf.broadcast(anew.select("person_id").distinct()), "person_id", "left_semi")
    made = engine.wide(anew, few, concepts, some, key=key, observation=observation)
    return made.unionByName(beside.where(kept).select(key, *names)).select(key, *names)
