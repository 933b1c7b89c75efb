"""Curated tables to fact tables, by the expressions of a source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from jobs.featurize.knowledge import FROM, TO, fact_id, known_from, numbered
from workflows.source import Encounters, Events, Persons, Providers, Source

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

SAMPLE_SALT = "person_sample"
EVENT = (
    "struct<vocabulary_id: string, concept_code: string, value_as_number: double, value_as_string: string, "
    "unit_source_value: string, fact_id: bigint>"
)
EVENT_COLUMNS = (
    "person_id", "visit_occurrence_id", "event_start_datetime", "event_end_datetime", "vocabulary_id", "concept_code",
    "value_as_number", "value_as_string", "unit_source_value", "source_table", "fact_id",
)  # fmt: skip
OF_ANYBODY = tuple(name for name in EVENT_COLUMNS if name != "person_id")


def in_sample(person_id: Column, share: float) -> Column:
    """Whether a person belongs to the stage's sample: the same persons each time, a smaller share inside a larger."""
    if share >= 1:
        return sf.lit(True)
    # The first 32 bits of a hash that any other engine can compute; not the hash that decides train or test.
    digest = sf.sha2(sf.concat(sf.lit(f"{SAMPLE_SALT}|"), person_id.cast("string")), 256)
    return sf.conv(sf.substring(digest, 1, 8), 16, 10).cast("bigint") < int(share * 2**32)


def optional(expression: str | None, kind: str) -> Column:
    """The expression in its type, or nulls of that type."""
    return sf.lit(None).cast(kind) if expression is None else sf.expr(expression).cast(kind)


def person_columns(persons: Persons) -> list[Column]:
    """sex, birth_date, whether that is assumed (null where there is none), and age_band."""
    born = optional(persons.birth_date, "date")
    assumed = sf.coalesce(sf.expr(persons.birth_date_assumed or "false").cast("boolean"), sf.lit(False))
    return [
        sf.expr(persons.sex).cast("string").alias("sex"),
        born.alias("birth_date"),
        sf.when(born.isNotNull(), assumed).alias("birth_date_assumed"),
        optional(persons.age_band, "string").alias("age_band"),
    ]


def of_persons(tables: Mapping[str, DataFrame], persons: Persons) -> DataFrame:
    """person_id with the columns of a person."""
    return tables[persons.table].select(
        sf.expr(persons.person_id).cast("bigint").alias("person_id"), *person_columns(persons)
    )


def fact_encounter_index(
    tables: Mapping[str, DataFrame], source: Source, *, person_sample: float, outcomes_through: float
) -> DataFrame:
    """One row an encounter; `encounter_order` counts the whole source, so it is the same in every sample.

    outcomes_through: the share of the order whose recorded outcomes are known; later ones are null.
    """
    encounters, persons = source.encounters, source.persons
    same = persons.table == encounters.table
    described = tables[encounters.table].select(
        *encounter_columns(encounters, source.lag),
        *(person_columns(persons) if same else []),
        sf.expr(encounters.order).alias("_order"),
    )
    frame = ordered(described, outcomes_through).where(in_sample(sf.col("person_id"), person_sample))
    if not same:
        frame = frame.join(of_persons(tables, persons), "person_id", "left")
    return contracted(frame, encounters)


def ordered(frame: DataFrame, outcomes_through: float) -> DataFrame:
    """`frame` with `encounter_order`, 1..n by time and then by encounter, and whether the outcome is known by then."""
    # One partition holds every encounter: an order over the whole source has no smaller key. Written in SQL, as the
    # Python window warns of just that.
    place = sf.expr("row_number() OVER (ORDER BY _order, visit_occurrence_id)").cast("bigint")
    numbered = frame.select("*", place.alias("encounter_order"), sf.expr("count(*) OVER ()").alias("_encounters"))
    known = sf.col("encounter_order") <= sf.col("_encounters") * sf.lit(outcomes_through)
    return numbered.select("*", known.alias("outcome_known"))


def encounter_columns(encounters: Encounters, lag: int) -> list[Column]:
    """What the source says of an encounter, named as the fact table names it."""
    return [
        sf.expr(encounters.person_id).cast("bigint").alias("person_id"),
        sf.expr(encounters.visit_occurrence_id).cast("bigint").alias("visit_occurrence_id"),
        optional(encounters.start, "timestamp").alias("visit_start_datetime"),
        optional(encounters.end, "timestamp").alias("visit_end_datetime"),
        known_from(encounters.known_from, optional(encounters.start, "timestamp"), lag).alias(FROM),
        optional(encounters.provider_id, "bigint").alias("provider_id"),
        sf.coalesce(sf.expr(encounters.inpatient), sf.lit(False)).alias("is_inpatient_visit"),
        (~sf.coalesce(sf.expr(encounters.not_at_risk), sf.lit(False))).alias("is_at_risk"),
        *(sf.expr(expression).alias(f"attr_{name}") for name, expression in encounters.attributes),
        *(sf.expr(expression).alias(f"outcome_{name}") for name, expression in encounters.outcomes),
    ]


def contracted(frame: DataFrame, encounters: Encounters) -> DataFrame:
    """The contract of `fact_encounter_index`."""
    names = [name for name, _ in encounters.attributes]
    stay = (
        sf.col("attr_length_of_stay")
        if "length_of_stay" in names
        else sf.datediff("visit_end_datetime", "visit_start_datetime")
    )
    return frame.select(
        "person_id",
        "visit_occurrence_id",
        "encounter_order",
        "visit_start_datetime",
        "visit_end_datetime",
        stay.cast("bigint").alias("length_of_stay"),
        "is_inpatient_visit",
        "is_at_risk",
        "sex",
        "birth_date",
        "birth_date_assumed",
        "age_band",
        "provider_id",
        FROM,
        "outcome_known",
        *(f"attr_{name}" for name in names),
        *(sf.when(sf.col("outcome_known"), sf.col(f"outcome_{name}")).alias(f"outcome_{name}")
          for name, _ in encounters.outcomes),
    )  # fmt: skip


def fact_person(
    tables: Mapping[str, DataFrame], source: Source, *, person_sample: float, versions: Mapping[str, int] | None = None
) -> DataFrame:
    """One row an event; rows of a curated table that hold many kinds of events are read once for all of them.

    A row is nobody's where its person stands in another table, which does not have it: `of_nobody` are those.
    versions: of each curated table, the version that is read; unknown where it is not said.
    """
    frame = events(tables, source, source.events)
    return frame.where(in_sample(sf.col("person_id"), person_sample)).select(
        *EVENT_COLUMNS, version_of(versions or {}), FROM, sf.lit(None).cast("timestamp").alias(TO)
    )


def of_nobody(tables: Mapping[str, DataFrame], source: Source, *, versions: Mapping[str, int]) -> DataFrame:
    """The events that `fact_person` leaves out in every sample, as no row beside theirs tells whose they are."""
    kinds = [kind for kind in source.events if told_beside(kind)]
    return events(tables, source, kinds, nobody=True).select(
        *OF_ANYBODY, version_of(versions), sf.lit("no person").alias("reason")
    )


def version_of(versions: Mapping[str, int]) -> Column:
    """The version of the curated table that an event was read from; empty where it is not said."""
    version = sf.lit(None).cast("bigint")
    for table, number in versions.items():
        version = sf.when(sf.col("source_table") == table, sf.lit(number).cast("bigint")).otherwise(version)
    return version.alias("source_version")


def events(
    tables: Mapping[str, DataFrame], source: Source, kinds: Iterable[Events], *, nobody: bool = False
) -> DataFrame:
    """The events of some kinds. nobody: as in `events_of`."""
    some = list(kinds)
    rows = {kind.table: numbered(tables[kind.table], source.contract(kind.table)) for kind in some}
    frames = [events_of(beside({**tables, **rows}, same[0]), same, source, nobody=nobody) for same in together(some)]
    return reduce(lambda one, other: one.unionByName(other), frames)


def told_beside(kind: Events) -> bool:
    """Whether another table tells whose a row is: an encounter that is not there is nobody's."""
    return any(re.search(rf"\b{join.table}\.", kind.person_id) for join in kind.joins)


def together(events: Iterable[Events]) -> list[list[Events]]:
    """The kinds of events that share rows, person, visit and times."""
    kinds: dict[tuple[object, ...], list[Events]] = {}
    for kind in events:
        same = (kind.table, kind.joins, kind.person_id, kind.visit_occurrence_id, kind.start, kind.end, kind.known_from)
        kinds.setdefault(same, []).append(kind)
    return list(kinds.values())


def beside(tables: Mapping[str, DataFrame], kind: Events) -> DataFrame:
    """The rows of a kind's table with those of the tables it joins, each named by its table or as the join says."""
    frame = tables[kind.table].alias(kind.table)
    for join in kind.joins:
        frame = frame.join(tables[join.table].alias(join.name or join.table), sf.expr(join.on), "left")
    return frame


def events_of(
    table: DataFrame, kinds: list[Events], source: Source, *more: str, nobody: bool = False
) -> DataFrame:  # fmt: skip
    """The events of kinds that share rows, person, visit and time: an array of those each row holds, exploded.

    more: columns of the rows that each of their events keeps. nobody: those whose person the table beside theirs does
    not know, in place of those whose it does.
    """
    first, none = kinds[0], sf.expr(f"cast(array() AS array<{EVENT}>)")
    person = sf.expr(first.person_id).cast("bigint")
    if told_beside(first):
        table = table.where(person.isNull() if nobody else person.isNotNull())
    start = optional(first.start, "timestamp")
    # Arrays of one or none put together: dropping nulls from one array takes a lambda, which Spark interprets.
    held = [sf.when(sf.expr(kind.where), sf.array(event(kind, source))).otherwise(none) for kind in kinds]
    return table.select(
        person.alias("person_id"),
        sf.expr(first.visit_occurrence_id).cast("bigint").alias("visit_occurrence_id"),
        start.alias("event_start_datetime"),
        optional(first.end, "timestamp").alias("event_end_datetime"),
        sf.lit(first.table).alias("source_table"),
        known_from(first.known_from, start, source.lag).alias(FROM),
        *more,
        sf.inline(sf.concat(*held)),
    )


def event(kind: Events, source: Source) -> Column:
    """What tells one event from another of its row; codes are trimmed, as deliveries pad them."""
    return sf.struct(
        sf.expr(kind.vocabulary).cast("string").alias("vocabulary_id"),
        sf.trim(sf.expr(kind.code).cast("string")).alias("concept_code"),
        sf.expr(kind.value_as_number).cast("double").alias("value_as_number"),
        sf.expr(kind.value_as_string).cast("string").alias("value_as_string"),
        sf.expr(kind.unit).cast("string").alias("unit_source_value"),
        fact_id(kind, source.contract(kind.table), source.events).alias("fact_id"),
    )


def fact_observation_period(tables: Mapping[str, DataFrame], source: Source, *, person_sample: float) -> DataFrame:
    """One row a span of days, both inclusive, in which a person's care is recorded, and who the person is."""
    observation, persons = source.observation, source.persons
    assert observation is not None
    same = persons.table == observation.table
    frame = tables[observation.table].select(
        sf.expr(observation.person_id).cast("bigint").alias("person_id"),
        sf.expr(observation.start).cast("date").alias("observation_period_start_date"),
        sf.expr(observation.end).cast("date").alias("observation_period_end_date"),
        *(person_columns(persons) if same else []),
    )
    if not same:
        frame = frame.join(of_persons(tables, persons), "person_id", "left")
    return frame.where(in_sample(sf.col("person_id"), person_sample)).select(
        "person_id",
        "observation_period_start_date",
        "observation_period_end_date",
        "sex",
        "birth_date",
        "birth_date_assumed",
        "age_band",
    )


def fact_provider(table: DataFrame, providers: Providers) -> DataFrame:
    """One row a provider."""
    return table.select(
        sf.expr(providers.provider_id).cast("bigint").alias("provider_id"),
        sf.expr(providers.source_value).cast("string").alias("provider_source_value"),
        sf.expr(providers.specialty).cast("string").alias("specialty_source_value"),
    )


def person_xref(table: DataFrame, persons: Persons, *, person_sample: float) -> DataFrame:
    """One row a person: the id that the facts use and the value that the source uses."""
    frame = table.where(in_sample(sf.expr(persons.person_id).cast("bigint"), person_sample)).select(
        sf.expr(persons.person_id).cast("bigint").alias("person_id"),
        sf.expr(persons.source_value or "null").cast("string").alias("person_source_value"),
    )
    return frame.distinct()
