"""Features of events after a few facts have changed: computed again where a change can be seen, kept elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from jobs.featurize import engine
from jobs.featurize.engine import Dates
from jobs.featurize.knowledge import FROM, TO
from workflows.covariates import CodeRow, Covariate

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True, kw_only=True)
class Kept:
    """previous: the features of the same covariates, codes and observation periods. anew: the rows that `again` says,
    best at hand, since they are read several times.
    """

    previous: DataFrame
    anew: DataFrame


def again(
    index: DataFrame, previous: DataFrame, changed: DataFrame, some: Sequence[Covariate], *, key: str
) -> DataFrame:
    """The index rows to be made again: person_id, `key`, index_datetime, each once.

    index: as in `engine.wide`. previous: the rows that were made. changed: the change feed of `fact_person` since then.
    """
    columns = ["person_id", key, "index_datetime"]
    # A stay that was corrected is another row: of another person, or of another moment.
    new = index.select(*columns).join(previous.select(*columns), columns, "left_anti")
    return new.unionByName(reached(index, changed, some).select(*columns)).dropDuplicates([key])


def reached(index: DataFrame, changed: DataFrame, some: Sequence[Covariate]) -> DataFrame:
    """The index rows that may see a changed fact: in a window's reach, and known or closed by then."""
    start = sf.to_date("event_start_datetime")
    # A fact that was only closed looks the same to whoever looked before; one that is gone is gone for all who saw it.
    moment = sf.when(sf.col("_change_type") == "update_postimage", sf.col(TO)).otherwise(sf.col(FROM))
    facts = changed.where("_change_type != 'update_preimage'").select(
        sf.col("person_id").alias("_person"), start.alias("_start"),
        # One that ends before it starts counts where it starts.
        sf.greatest(sf.to_date("event_end_datetime"), start).alias("_end"), moment.alias("_moment"),
    )  # fmt: skip
    on = (index["person_id"] == facts["_person"]) & sf.coalesce(
        facts["_moment"] <= index["index_datetime"], sf.lit(True)
    )
    if (within := engine.reach(some)) is not None:
        first, last = within
        day = sf.to_date(index["index_datetime"])
        on = on & (sf.datediff(facts["_start"], day) <= last) & (sf.datediff(facts["_end"], day) >= first)
    return index.join(sf.broadcast(facts), on, "left_semi")


def wide(
    kept: Kept,
    events: DataFrame,
    codes: Iterable[CodeRow],
    some: Sequence[Covariate],
    *,
    key: str,
    observation: DataFrame | None = None,
    dates: Dates | None = None,
) -> DataFrame:
    """What `engine.wide` makes of the rows to be made again, and what was made of all others.

    What `kept.previous` has of rows that the index has no more stays in it.
    """
    names = [f"f_{one.column}" for one in some]
    few = events.join(sf.broadcast(kept.anew.select("person_id").distinct()), "person_id", "left_semi")
    made = engine.wide(kept.anew, few, codes, some, key=key, observation=observation, dates=dates)
    stays = kept.previous.join(sf.broadcast(kept.anew.select(key)), key, "left_anti")
    return made.unionByName(stays.select(key, *names)).select(key, *names)
