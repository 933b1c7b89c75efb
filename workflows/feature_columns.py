"""The columns that a model's features become, in order: the name, what it means and which values it may take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from workflows.covariates import UNKNOWN, ZERO, Covariate, counts_encounters, covariates
from workflows.declare import Model
from workflows.features import (
    AtIndex,
    Charlson,
    CountOf,
    Demographics,
    Derived,
    Feature,
    OfConcepts,
    OfEncounters,
    StayDays,
)
from workflows.source import Source
from workflows.values import OfValues

# What a column holds: text; an attribute, of which only the facts say what it is; 0 or 1; whole numbers from 0; days
# in a window; any number.
TEXT, ATTRIBUTE, FLAG, COUNT, DAY, NUMBER = "text", "attribute", "flag", "count", "day", "number"
KINDS = {"any": FLAG, "count": COUNT, "days_since": DAY, "first": DAY, "last": DAY}
# Where a row has no value, though nothing is asked of what was seen.
NOT_TOLD, OF_A_PART = "the source does not tell", "a part is empty"


@dataclass(frozen=True, kw_only=True)
class FeatureColumn:
    """One column, without the `f_` that its name begins with.

    span: the first and last day that a `DAY` may be, None where nothing bounds it. says: all that decides its value,
    but for codes and `parts`, the columns that it is made of. keys: collection and name of its concept sets.
    """

    name: str
    title: str
    holds: str
    says: Mapping[str, object]
    missing: str
    unit: str = ""
    units: tuple[str, ...] = ()
    span: tuple[int | None, int | None] = (None, None)
    keys: tuple[tuple[str, str], ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def meaning(self) -> str:
        """What it is, and what it means that nothing is there."""
        seen = self.missing not in (NOT_TOLD, OF_A_PART)
        return f"{self.title}; " + (f"nothing seen means {self.missing}" if seen else f"empty where {self.missing}")


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
            yield FeatureColumn(
                name=name, title=f"{name} of the index encounter: {because}", holds=ATTRIBUTE, missing=NOT_TOLD,
                says={"aggregation": "at_index", "attribute": name, "window": "index encounter"},
            )  # fmt: skip
        case OfEncounters() | CountOf() if counts_encounters(feature, sets):
            yield of_encounters(feature)
        case Derived(operation=operation, of=of, threshold=threshold):
            yield FeatureColumn(
                name=name, title=f"{operation} of {', '.join(of)}" + ("" if threshold is None else f": {threshold:g}"),
                holds=FLAG if operation == "at_least" else NUMBER, missing=OF_A_PART, parts=of,
                says={"aggregation": operation} | ({} if threshold is None else {"threshold": threshold}),
            )  # fmt: skip
        case OfConcepts():
            some = covariates([feature], sets)
            yield from (of_concepts(one) for one in some)
            if isinstance(feature, Charlson):
                yield charlson_index(feature, some)


def of_encounters(feature: OfEncounters | CountOf) -> FeatureColumn:
    """A number of other encounters."""
    window = feature.window
    told = {
        "visits": "encounters that start", "stay_days": "days in hospital of the stays that start",
        "count": f"how many of {getattr(feature, 'concepts', '')} start",
    }[feature.aggregation]  # fmt: skip
    observed = ", in observation" if feature.in_observation else ""
    event = {"event": feature.concepts} if isinstance(feature, CountOf) else {}
    return FeatureColumn(
        name=feature.name, title=f"{told} in days {window} of the index date, but for the index encounter{observed}",
        holds=COUNT, unit="days" if isinstance(feature, StayDays) else "",
        missing=UNKNOWN if feature.in_observation else ZERO,
        says={
            "aggregation": feature.aggregation, "window": str(window), "rule": "start",
            "in_observation": feature.in_observation,
        } | event,
    )  # fmt: skip


def charlson_index(feature: Charlson, some: Sequence[Covariate]) -> FeatureColumn:
    """The index of the conditions of a window."""
    observed = ", in observation" if feature.in_observation else ""
    says = {name: value for name, value in some[0].meaning.items() if name != "concept_set_name"}
    return FeatureColumn(
        name=feature.index, title=f"Charlson comorbidity index of days {feature.window} of the index date{observed}",
        holds=COUNT, missing=some[0].missing, says=says | {"aggregation": "charlson_index"},
        keys=tuple(one.key for one in some),
    )  # fmt: skip


def demographics(source: Source) -> Iterator[FeatureColumn]:
    """Age, or the source's age band, and sex."""
    if source.persons.birth_date is None:
        yield _of_person("age_band", "the source's age band", TEXT)
    else:
        yield _of_person("age", "age in completed years at the index date", NUMBER, unit="years")
    yield _of_person("sex", "sex", TEXT)


def _of_person(name: str, title: str, holds: str, unit: str = "") -> FeatureColumn:
    says = {"aggregation": name, "window": "index date"}
    return FeatureColumn(name=name, title=title, holds=holds, unit=unit, missing=NOT_TOLD, says=says)


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
    return FeatureColumn(
        name=one.column, title=one.title, holds=holds, says=one.meaning, missing=one.missing, keys=(one.key,),
        span=span, unit="days" if holds == DAY else next(iter(named), ""), units=one.feature.units,
    )  # fmt: skip
