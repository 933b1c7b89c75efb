"""The columns that a model's features become, in order: the name, what it means and which values it may take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workflows.covariates import Covariate, covariates, named_event
from workflows.declare import Model
from workflows.features import AtIndex, Charlson, Demographics, Derived, Feature, OfConcepts, StayDays, Visits
from workflows.source import Source
from workflows.values import OfValues

# What a column holds: text; an attribute, of which only the facts say what it is; 0 or 1; whole numbers from 0; days
# in a window; any number.
TEXT, ATTRIBUTE, FLAG, COUNT, DAY, NUMBER = "text", "attribute", "flag", "count", "day", "number"
KINDS = {"any": FLAG, "count": COUNT, "days_since": DAY, "first": DAY, "last": DAY}


@dataclass(frozen=True, kw_only=True)
class FeatureColumn:
    """One column, without the `f_` that its name begins with.

    span: the first and last day that a `DAY` may be, None where nothing bounds it.
    """

    name: str
    meaning: str
    holds: str
    unit: str = ""
    span: tuple[int | None, int | None] = (None, None)


def feature_columns(model: Model, source: Source, sets: Mapping[str, Sequence[str]]) -> tuple[FeatureColumn, ...]:
    """Every column of a model's features. sets: the set names of each collection."""
    return tuple(column for feature in model.features for column in columns_of(feature, source, sets))


def columns_of(feature: Feature, source: Source, sets: Mapping[str, Sequence[str]]) -> Iterator[FeatureColumn]:
    """The columns of one feature."""
    name = feature.name
    match feature:
        case Demographics():
            yield from demographics(source)
        case AtIndex(because=because):
            yield FeatureColumn(name=name, meaning=f"{name} of the index encounter: {because}", holds=ATTRIBUTE)
        case Visits(window=window):
            meaning = f"encounters that start in days {window} of the index date, but for the index encounter"
            yield FeatureColumn(name=name, meaning=meaning, holds=COUNT)
        case StayDays(window=window):
            meaning = f"days in hospital of the stays that start in days {window} of the index date"
            yield FeatureColumn(name=name, meaning=meaning, holds=COUNT, unit="days")
        case Derived(operation=operation, of=of, threshold=threshold):
            meaning = f"{operation} of {', '.join(of)}" + ("" if threshold is None else f": {threshold:g}")
            yield FeatureColumn(name=name, meaning=meaning, holds=FLAG if operation == "at_least" else NUMBER)
        case OfConcepts(window=window) if named_event(feature, sets):
            counted = f"how many of {feature.concepts} in days {window} of the index date, but for the index encounter"
            yield FeatureColumn(name=name, meaning=counted, holds=COUNT)
        case OfConcepts(window=window):
            yield from (of_concepts(one) for one in covariates([feature], sets))
            if isinstance(feature, Charlson):
                meaning = f"Charlson comorbidity index of days {window} of the index date"
                yield FeatureColumn(name=feature.index, meaning=meaning, holds=COUNT)


def demographics(source: Source) -> Iterator[FeatureColumn]:
    """Age, or the source's age band, and sex."""
    if source.persons.birth_date is None:
        yield FeatureColumn(name="age_band", meaning="the source's age band", holds=TEXT)
    else:
        meaning = "age in completed years at the index date"
        yield FeatureColumn(name="age", meaning=meaning, holds=NUMBER, unit="years")
    yield FeatureColumn(name="sex", meaning="sex", holds=TEXT)


def of_concepts(one: Covariate) -> FeatureColumn:
    """A column of events of a concept set."""
    aggregation, window = one.feature.aggregation, one.feature.window
    holds, span = KINDS.get(aggregation, NUMBER), FeatureColumn.span
    if holds == DAY and window is not None:
        # By overlap an event may have begun at any time before the window.
        start = None if one.feature.rule == "overlap" else window.start
        since = (-window.end, None if start is None else -start)
        span = since if aggregation == "days_since" else (start, window.end)
    named = one.feature.unit if isinstance(one.feature, OfValues) else ()
    unit = "days" if holds == DAY else next(iter(named), "")
    meaning = f"{one.title}; nothing seen means {one.missing}"
    return FeatureColumn(name=one.column, meaning=meaning, holds=holds, unit=unit, span=span)
