"""A model's feature table: declared features and target outcome, one row an encounter of the cohort.

Days are counted from the index date; a window's ends are both inside; an event counts where it starts. The index
encounter is no event of its own past: `CountOf("inpatient_admission", ...)` counts the other stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from jobs.featurize.cohort import cohort, completed_years, last_known, matured
from workflows.declare import Event, Model, Recorded
from workflows.features import AnyOf, AtIndex, CountOf, Demographics
from workflows.source import Source
from workflows.time import Window

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

KEY = "visit_occurrence_id"


def any_column(feature: AnyOf, set_name: str) -> str:
    """The name of the yes/no column of one concept set."""
    return f"f_{feature.name}_{set_name}"


def count_column(feature: CountOf) -> str:
    """The name of a count's column."""
    return f"f_{feature.name}"


def inside(window: Window, day: Column) -> Column:
    """Whether a day relative to the index date lies in the window."""
    return day.between(window.start, window.end)


def feature_table(
    encounters: DataFrame,
    events: DataFrame,
    concepts: DataFrame,
    model: Model,
    source: Source,
    sets: Mapping[str, Sequence[str]],
) -> DataFrame:
    """The feature table of `model`.

    encounters, events: `fact_encounter_index` and `fact_person`. concepts: collection, concept_set_name, vocabulary_id,
    code. sets: the set names of each collection, which fix the columns even where nobody has an event.
    """
    frame = cohort(encounters, model)
    index = frame.select("person_id", KEY, "index_datetime")
    joined = frame
    if isinstance(model.outcome, Event):
        joined = joined.crossJoin(sf.broadcast(last_known(encounters)))
    anys = [feature for feature in model.features if isinstance(feature, AnyOf)]
    if anys:
        joined = joined.join(any_of(index, events, concepts, anys), KEY, "left")
    counts = [feature for feature in model.features if isinstance(feature, CountOf)]
    if counts or isinstance(model.outcome, Event):
        joined = joined.join(stays(index, encounters, counts, model.outcome), KEY, "left")
    known = matured(model)
    return joined.select(
        "person_id",
        KEY,
        "encounter_order",
        "index_datetime",
        *feature_columns(model, source, sets, dict(encounters.dtypes)),
        sf.when(known, outcome_column(model)).cast("int").alias("outcome"),
        known.alias("outcome_known"),
    )


def any_of(index: DataFrame, events: DataFrame, concepts: DataFrame, features: Sequence[AnyOf]) -> DataFrame:
    """One row an index encounter with any matching event: for each feature, the array of its sets; one scan."""
    code = sf.col("concept_code")
    # A set's code stands for itself and what is below it, and the dot is where below begins: two keys, a hash join.
    keys = sf.array_distinct(sf.array(code, sf.substring_index(code, ".", 1)))
    coded = events.select(
        sf.col("person_id").alias("_person"),
        sf.col(KEY).alias("_visit"),
        sf.to_date("event_start_datetime").alias("_day"),
        "vocabulary_id",
        sf.explode(keys).alias("code"),
    )
    matched = coded.join(sf.broadcast(concepts), ["vocabulary_id", "code"]).select(
        "_person", "_visit", "_day", "collection", "concept_set_name"
    )
    on = index["person_id"] == matched["_person"]
    if all(feature.window is None for feature in features):
        # Nothing but the index encounter's own events is asked for: do not pair them with the person's other stays.
        on = on & (index[KEY] == matched["_visit"])
    day = sf.datediff(sf.col("_day"), sf.to_date("index_datetime"))
    columns = []
    for feature in features:
        when = sf.col("_visit") == sf.col(KEY) if feature.window is None else inside(feature.window, day)
        hit = (sf.col("collection") == feature.collection) & when
        columns.append(sf.collect_set(sf.when(hit, sf.col("concept_set_name"))).alias(f"_{feature.name}"))
    return index.join(matched, on).groupBy(KEY).agg(*columns)


def stays(index: DataFrame, encounters: DataFrame, features: Sequence[CountOf], outcome: Event | Recorded) -> DataFrame:
    """One row an index encounter whose person has other stays: the counts, and `_event` 1 where the outcome occurs."""
    others = encounters.where("is_inpatient_visit").select(
        sf.col("person_id").alias("_person"),
        sf.col(KEY).alias("_visit"),
        sf.to_date("visit_start_datetime").alias("_day"),
    )
    same = (index["person_id"] == others["_person"]) & (index[KEY] != others["_visit"])
    day = sf.datediff(sf.col("_day"), sf.to_date("index_datetime"))
    columns = [
        sf.count_if(inside(feature.window, day)).cast("double").alias(count_column(feature)) for feature in features
    ]
    if isinstance(outcome, Event):
        columns.append(sf.max(inside(outcome.time_at_risk, day).cast("int")).alias("_event"))
    return index.join(others, same).groupBy(KEY).agg(*columns)


def outcome_column(model: Model) -> Column:
    """1 where the outcome occurs, 0 where it does not."""
    if isinstance(model.outcome, Event):
        return sf.coalesce(sf.col("_event"), sf.lit(0))
    return (sf.col(f"outcome_{model.outcome.name}") == model.outcome.equals).cast("int")


def feature_columns(
    model: Model, source: Source, sets: Mapping[str, Sequence[str]], types: Mapping[str, str]
) -> list[Column]:
    """Every feature as its columns, in the declared order: numbers as double, categories as string."""
    columns = []
    for feature in model.features:
        if isinstance(feature, Demographics):
            columns += demographics(source)
        elif isinstance(feature, AtIndex):
            name = f"attr_{feature.attribute}"
            kind = "string" if types[name] == "string" else "double"
            columns.append(sf.col(name).cast(kind).alias(f"f_{feature.name}"))
        elif isinstance(feature, AnyOf):
            for name in sets[feature.collection]:
                hit = sf.coalesce(sf.array_contains(f"_{feature.name}", name), sf.lit(False))
                columns.append(hit.cast("double").alias(any_column(feature, name)))
        elif isinstance(feature, CountOf):
            name = count_column(feature)
            columns.append(sf.coalesce(sf.col(name), sf.lit(0.0)).alias(name))
    return columns


def demographics(source: Source) -> list[Column]:
    """Sex, and age in completed years where the source has birth dates, its age band otherwise."""
    if source.persons.birth_date is not None:
        age = completed_years(sf.col("birth_date"), sf.to_date("index_datetime")).cast("double").alias("f_age")
    else:
        age = sf.col("age_band").alias("f_age_band")
    return [age, sf.col("sex").alias("f_sex")]
