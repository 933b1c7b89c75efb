"""A model's feature table: declared features and target outcome, one row a row of the cohort.

Days are counted from the index date; a window's ends are both inside; an event counts where it starts. The index
encounter is no event of its own past: `CountOf("inpatient_admission", ...)` counts the other stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as sf

from jobs.featurize import engine, refresh
from jobs.featurize.cohort import Selection, completed_years, last_known, matured, of_model, selection
from jobs.featurize.engine import Dates
from jobs.featurize.entries import KEY, Facts, other_encounters
from jobs.featurize.knowledge import known_at, said_now
from jobs.featurize.refresh import Kept
from workflows.charlson import SEVERE, WEIGHTS
from workflows.covariates import CodeRow, Covariate, counts_encounters, covariates, derived_in_order
from workflows.declare import Event, Model
from workflows.features import (
    AtIndex,
    Charlson,
    CountOf,
    Demographics,
    Derived,
    Feature,
    OfConcepts,
    StayDays,
    Visits,
    in_observation,
    reach,
)
from workflows.source import Source
from workflows.time import Window

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def inside(window: Window, day: Column) -> Column:
    """Whether a day relative to the index date lies in the window."""
    return day.between(window.start, window.end)


def feature_table(
    encounters: DataFrame,
    events: DataFrame,
    codes: Sequence[CodeRow],
    model: Model,
    source: Source,
    sets: Mapping[str, Sequence[str]],
    observation: DataFrame | None = None,
) -> DataFrame:
    """The feature table of `model`.

    encounters, events, observation: `fact_encounter_index`, `fact_person` and `fact_observation_period`. codes: those
    of the concept sets. sets: the set names of each collection, which fix the columns even where nobody has an event.
    """
    facts = Facts(encounters=encounters, events=events, codes=codes, observation=observation)
    return features_of(selection(of_model(model), facts), facts, model, source, sets)


def features_of(
    chosen: Selection,
    facts: Facts,
    model: Model,
    source: Source,
    sets: Mapping[str, Sequence[str]],
    kept: Kept | None = None,
    written: DataFrame | None = None,
) -> DataFrame:
    """The feature table of the members of a cohort.

    kept: what stays of features of events that were made before. written: the cohort's index table, where it is stored
    already: the steps are not computed again for each kind of feature, and its dates cost little to know.
    """
    frame, encounters = chosen.members, facts.encounters
    index = (frame if written is None else written).select("person_id", KEY, "index_datetime")
    joined = frame
    outcome = model.outcome if isinstance(model.outcome, Event) else None
    if outcome is not None:
        joined = joined.crossJoin(sf.broadcast(last_known(encounters)))
    of_events = covariates(model.features, sets)
    coded = outcome if outcome is not None and not outcome.criterion.named else None
    dates = engine.dates_of(written) if written is not None and (of_events or coded) else None
    if of_events:
        joined = joined.join(of_concepts(index, facts, of_events, kept, dates), KEY)
    counts = [feature for feature in model.features if counts_encounters(feature, sets)]
    if coded is not None:
        joined, outcome = joined.join(occurrence(index, facts, coded, dates), KEY), None
    if counts or outcome is not None:
        # Where the source does not say when it had an encounter, its end too is known only after the lag.
        lag = source.lag if source.encounters.known_from is None else 0
        if any(in_observation(feature) for feature in counts):
            assert facts.observation is not None, "features in observation need the observation periods"
            index = engine.observed(index.withColumn("_index", sf.to_date("index_datetime")), facts.observation, KEY)
            joined = joined.join(index.select(KEY, sf.datediff("_from", "_index").alias("_observed_since")), KEY)
        joined = joined.join(stays(index, encounters, counts, outcome, lag), KEY, "left")
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


def of_concepts(
    index: DataFrame, facts: Facts, some: Sequence[Covariate], kept: Kept | None = None, dates: Dates | None = None
) -> DataFrame:
    """The key and the features of events."""
    assert facts.events is not None, "features of events need the events"
    assert facts.codes is not None, "features of events need their concept sets"
    observation = facts.observation
    if kept is not None:
        return refresh.wide(kept, facts.events, facts.codes, some, key=KEY, observation=observation, dates=dates)
    return engine.wide(index, facts.events, facts.codes, some, key=KEY, observation=observation, dates=dates)


def occurrence(index: DataFrame, facts: Facts, outcome: Event, dates: Dates | None = None) -> DataFrame:
    """The key and `_event`, 1 where an event of the outcome's concept set starts in the time at risk."""
    assert facts.events is not None, "an outcome of events needs the events"
    assert facts.codes is not None, "an outcome of events needs its concept set"
    one = Covariate(column="outcome", feature=outcome.criterion, set_name=outcome.criterion.set_name)
    # It is looked up later: what was corrected by then is said as it is said now.
    counted = engine.wide(index, said_now(facts.events), facts.codes, [one], key=KEY, dates=dates)
    return counted.select(KEY, (sf.col("f_outcome") > 0).cast("int").alias("_event"))


def stays(
    index: DataFrame, encounters: DataFrame, features: Sequence[Feature], outcome: Event | None, lag: int = 0
) -> DataFrame:
    """One row an index encounter whose person has other encounters: the features, and `_event` where it occurs.

    outcome: one that encounters tell. lag: days after its end from which the length of a stay is known. index: with
    what `engine.observed` adds to it, where a feature is in observation.
    """
    if not any(isinstance(feature, Visits) for feature in features):
        encounters = encounters.where("is_inpatient_visit")
    others, day = other_encounters(index, encounters), sf.col("_day")
    # The outcome is looked up later; a feature sees what was known, and the length of a stay once it has ended.
    known = known_at(sf.col("index_datetime"), sf.col("_known"), sf.lit(None).cast("timestamp"))
    ended = sf.coalesce(sf.date_add("_end", lag) <= sf.to_date("index_datetime"), sf.lit(True))
    columns = []
    for feature in features:
        seen = sf.col("_begun").between(sf.col("_from"), sf.col("_to")) if in_observation(feature) else sf.lit(True)
        if isinstance(feature, Visits):
            column = sf.count_if(known & seen & inside(feature.window, day))
        elif isinstance(feature, StayDays):
            counted = known & seen & ended & sf.col("_inpatient") & inside(feature.window, day)
            column = sf.sum(sf.when(counted, sf.col("_stay")))
        elif isinstance(feature, CountOf) and feature.window is not None:
            column = sf.count_if(known & seen & sf.col("_inpatient") & inside(feature.window, day))
        else:
            raise TypeError(f"{feature.name} is no feature of encounters")
        columns.append(column.cast("double").alias(f"f_{feature.name}"))
    if outcome is not None:
        occurs = sf.col("_inpatient") & inside(outcome.time_at_risk, day)
        columns.append(sf.max(occurs.cast("int")).alias("_event"))
    return others.groupBy(KEY).agg(*columns)


def outcome_column(model: Model) -> Column:
    """1 where the outcome occurs, 0 where it does not."""
    if isinstance(model.outcome, Event):
        return sf.coalesce(sf.col("_event"), sf.lit(0))
    return (sf.col(f"outcome_{model.outcome.name}") == model.outcome.equals).cast("int")


def feature_columns(
    model: Model, source: Source, sets: Mapping[str, Sequence[str]], types: Mapping[str, str]
) -> list[Column]:
    """Every feature as its columns, in the declared order: numbers as double, categories as string."""
    found: dict[str, dict[str, Column]] = {}
    for feature in model.features:
        if isinstance(feature, Demographics):
            found[feature.name] = demographics(source)
        elif isinstance(feature, AtIndex):
            name = f"attr_{feature.attribute}"
            kind = "string" if types[name] == "string" else "double"
            found[feature.name] = {feature.name: sf.col(name).cast(kind)}
        elif counts_encounters(feature, sets):
            counted = sf.coalesce(sf.col(f"f_{feature.name}"), sf.lit(0.0))
            if in_observation(feature) and (window := reach(feature)) is not None:
                # What an unobserved part of the window held, nobody knows.
                counted = sf.when(sf.col("_observed_since") <= window.start, counted)
            found[feature.name] = {feature.name: counted}
        elif isinstance(feature, OfConcepts):
            names = {one.set_name: one.column for one in covariates([feature], sets)}
            found[feature.name] = {name: sf.col(f"f_{name}") for name in names.values()}
            if isinstance(feature, Charlson):
                index = charlson_index({condition: sf.col(f"f_{name}") for condition, name in names.items()})
                found[feature.name][feature.index] = index
    plain = {name: column for columns in found.values() for name, column in columns.items()}
    for derived in derived_in_order(model.name, model.features, plain):
        plain[derived.name] = from_others(derived, plain)
        found[derived.name] = {derived.name: plain[derived.name]}
    return [
        column.alias(f"f_{name}") for feature in model.features for name, column in found[feature.name].items()
    ]  # fmt: skip


def charlson_index(conditions: Mapping[str, Column]) -> Column:
    """The weighted sum of conditions, the milder form not beside the severe; empty where a condition is unknown."""
    one, total = sf.lit(1.0), sf.lit(0.0)
    for condition, weight in WEIGHTS.items():
        alone = one - conditions[SEVERE[condition]] if condition in SEVERE else one
        total = total + conditions[condition] * alone * weight
    return total


def from_others(derived: Derived, columns: Mapping[str, Column]) -> Column:
    """A derived column; empty where a part is."""
    parts = [columns[name].cast("double") for name in derived.of]
    if derived.operation == "ratio":
        return sf.when(parts[1] != 0, parts[0] / parts[1])
    if derived.operation == "at_least":
        return (parts[0] >= sf.lit(derived.threshold)).cast("double")
    if derived.operation == "difference":
        return parts[0] - parts[1]
    return reduce(lambda left, right: left + right, parts)


def demographics(source: Source) -> dict[str, Column]:
    """Sex, and age in completed years where the source has birth dates, its age band otherwise."""
    if source.persons.birth_date is None:
        return {"age_band": sf.col("age_band"), "sex": sf.col("sex")}
    age = completed_years(sf.col("birth_date"), sf.to_date("index_datetime")).cast("double")
    return {"age": age, "sex": sf.col("sex")}
