"""How persons enter a cohort: one row a stay, or one row a person and moment, each with its key and its person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as sf

from jobs.featurize.knowledge import FROM, on_their_day
from jobs.featurize.matching import belonging
from workflows.cohorts import Cohort, EventsOf, InpatientStays
from workflows.steps import Criterion

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from workflows.covariates import CodeRow

KEY = "visit_occurrence_id"
PERSON = ("sex", "birth_date", "age_band")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The fact tables that a cohort is made from.

    encounters, events, observation: `fact_encounter_index`, `fact_person`, `fact_observation_period`. codes: those of
    the concept sets in use.
    """

    encounters: DataFrame
    events: DataFrame | None = None
    codes: Sequence[CodeRow] | None = None
    observation: DataFrame | None = None


def candidates(facts: Facts, cohort: Cohort) -> DataFrame:
    """Everything that enters, before any step: person_id, the key, `index_datetime`, cohort_start, cohort_end."""
    entry = cohort.entry
    if isinstance(entry, InpatientStays):
        return stays(facts.encounters, entry)
    if isinstance(entry, EventsOf):
        assert facts.events is not None, "a cohort of events needs the events"
        assert facts.codes is not None, "a cohort of events needs its concept set"
        events = on_their_day(of_table(facts.events, entry.table))
        found = matching(events, facts.codes, entry.criterion).select(
            "person_id",
            sf.col("event_start_datetime").cast("timestamp").alias("index_datetime"),
            sf.to_date(sf.coalesce("event_end_datetime", "event_start_datetime")).alias("_until"),
        )
    else:
        assert facts.observation is not None, "a cohort of observation periods needs them"
        found = facts.observation.select(
            "person_id",
            sf.col("observation_period_start_date").cast("timestamp").alias("index_datetime"),
            sf.col("observation_period_end_date").alias("_until"),
        )
    return entered(found, facts)


def index_datetime(entry: InpatientStays) -> Column:
    """The prediction point of a stay; null where the source's time is only an order."""
    return sf.col("visit_end_datetime" if entry.index == "discharge" else "visit_start_datetime")


def stays(encounters: DataFrame, entry: InpatientStays) -> DataFrame:
    """Every encounter, with all that is known of it."""
    return encounters.select(
        "*",
        index_datetime(entry).alias("index_datetime"),
        sf.to_date(index_datetime(entry)).alias("cohort_start"),
        sf.to_date("visit_end_datetime").alias("cohort_end"),
    )


def other_encounters(index: DataFrame, encounters: DataFrame) -> DataFrame:
    """`index` (person_id, key, index_datetime) beside each other encounter of its person.

    `_day`: when that starts, from the index date; `_inpatient`, `_stay` (days), `_end`, `_known` (None: always).
    """
    known = sf.col(FROM) if FROM in encounters.columns else sf.lit(None).cast("timestamp")
    others = encounters.select(
        sf.col("person_id").alias("_person"),
        sf.col(KEY).alias("_visit"),
        sf.col("is_inpatient_visit").alias("_inpatient"),
        sf.col("length_of_stay").alias("_stay"),
        sf.to_date("visit_start_datetime").alias("_begun"),
        sf.to_date("visit_end_datetime").alias("_end"),
        known.alias("_known"),
    )
    other = (index["person_id"] == others["_person"]) & (index[KEY] != others["_visit"])
    return index.join(others, other).withColumn("_day", sf.datediff("_begun", sf.to_date("index_datetime")))


def entered(found: DataFrame, facts: Facts) -> DataFrame:
    """One row a person and moment; of several the latest end counts. What has no moment cannot enter."""
    # A stay's key is never negative, so that a row of a cohort of events is nobody's stay.
    place = sf.shiftrightunsigned(sf.xxhash64("person_id", sf.unix_micros("index_datetime")), 1)
    once = (
        found.where(sf.col("index_datetime").isNotNull())
        .groupBy("person_id", "index_datetime")
        .agg(sf.max("_until").alias("_until"))
    )
    return with_persons(once, facts).select(
        "person_id",
        (-1 - place).alias(KEY),
        sf.unix_micros("index_datetime").alias("encounter_order"),
        "index_datetime",
        sf.to_date("index_datetime").alias("cohort_start"),
        sf.greatest(sf.col("_until"), sf.to_date("index_datetime")).alias("cohort_end"),
        *PERSON,
        sf.lit(True).alias("outcome_known"),
    )


def with_persons(index: DataFrame, facts: Facts) -> DataFrame:
    """`index` (person_id, index_datetime) with who each person is.

    As the observation periods say, and where they say nothing, as the last encounter until the index date does, or
    the first one after it: births that are made of ages differ from one encounter to the next.
    """
    found = as_of(index, facts.encounters)
    if facts.observation is None:
        return found
    own = facts.observation.groupBy("person_id").agg(*(sf.max(name).alias(f"_{name}") for name in PERSON))
    others = [name for name in found.columns if name not in PERSON]
    return found.join(own, "person_id", "left").select(
        *others, *(sf.coalesce(f"_{name}", name).alias(name) for name in PERSON)
    )


def as_of(index: DataFrame, encounters: DataFrame) -> DataFrame:
    """`index` with what the person's encounters say of them by then."""
    seen = encounters.select(
        "person_id", sf.to_date("visit_start_datetime").alias("_day"), sf.col("encounter_order").alias("_order"),
        sf.col(KEY).alias("_visit"), *(sf.col(name).alias(f"_{name}") for name in PERSON),
    )  # fmt: skip
    rows = index.withColumn("_day", sf.to_date("index_datetime")).withColumn("_asks", sf.lit(1))
    both = rows.unionByName(seen.withColumn("_asks", sf.lit(0)), allowMissingColumns=True)
    # An encounter comes before the index dates of its day.
    in_order = Window.partitionBy("person_id").orderBy("_day", "_asks", "_order", "_visit")
    until, after = (
        in_order.rowsBetween(Window.unboundedPreceding, 0),
        in_order.rowsBetween(0, Window.unboundedFollowing),
    )
    who = [
        sf.coalesce(
            sf.last(f"_{name}", ignorenulls=True).over(until), sf.first(f"_{name}", ignorenulls=True).over(after)
        ).alias(name)
        for name in PERSON
    ]
    return both.select(*index.columns, *who, "_asks").where("_asks = 1").drop("_asks")


def of_table(events: DataFrame, table: str) -> DataFrame:
    """The events that came from one curated table, or all of them."""
    return events.where(sf.col("source_table") == table) if table else events


def matching(events: DataFrame, codes: Iterable[CodeRow], criterion: Criterion) -> DataFrame:
    """The events of one concept set."""
    dated = events.withColumn("_start", sf.to_date("event_start_datetime"))
    return belonging(dated, codes, [(criterion.collection, criterion.set_name)]).select(*events.columns)
