"""What a declaration makes of one example, in plain Python: no Spark, so that a file is checked in a moment.

It reads the declaration alone, and a test holds it to the engine that computes feature tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from workflows.charlson import SEVERE, WEIGHTS
from workflows.concept_sets import covers, in_days
from workflows.covariates import (
    LARGEST,
    SCALE,
    CodeRow,
    code_rows,
    counts_encounters,
    covariates,
    derived_in_order,
    sets_of,
)
from workflows.declare import Event, Model
from workflows.errors import DeclarationError
from workflows.examples import Encounter, Example, Occurrence, Value
from workflows.features import (
    AtIndex,
    Charlson,
    CountOf,
    Demographics,
    Derived,
    Feature,
    OfConcepts,
    OfEncounters,
    OfEvents,
    StayDays,
    Visits,
    in_observation,
)
from workflows.scene import Scene, age, day_of, moment, scene
from workflows.source import Source
from workflows.time import Window
from workflows.values import OfValues, unit_spelled

Codes = Mapping[tuple[str, str], set[CodeRow]]


@dataclass(frozen=True)
class Seen:
    """A value, and what counted for it: day from the index date and code or kind of each."""

    value: Value
    counted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """What an example says and what the declaration makes of it. column: a feature's, or `outcome`."""

    column: str
    expected: Value
    got: Seen

    def __str__(self) -> str:
        counted = "; counted: " + ", ".join(self.got.counted) if self.got.counted else "; nothing counted"
        return f"{self.column}: expected {self.expected!r}, got {self.got.value!r}{counted}"


def columns(model: Model, source: Source, at: Scene) -> dict[str, Seen]:
    """Every column of the feature table, by name, and what counted for it."""
    sets = sets_of(model.features, source.collections)
    codes = codes_of(model.features, sets)
    found: dict[str, Seen] = {}
    for feature in model.features:
        found |= of_feature(feature, source, at, sets, codes)
    for derived in derived_in_order(model.name, model.features, found):
        found[derived.name] = from_others(derived, found)
    return found


def codes_of(some: Iterable[Feature | OfEvents], sets: Mapping[str, Sequence[str]]) -> Codes:
    """The codes of each concept set in use."""
    codes: dict[tuple[str, str], set[CodeRow]] = {}
    for row in code_rows(some, sets):
        codes.setdefault(row[:2], set()).add(row)
    return codes


def of_feature(
    feature: Feature, source: Source, at: Scene, sets: Mapping[str, Sequence[str]], codes: Codes
) -> dict[str, Seen]:
    """The columns of one feature, but for derived ones."""
    person = at.example.person
    match feature:
        case Demographics():
            years = {"age": Seen(age(at))} if source.persons.birth_date else {"age_band": Seen(person.age_band)}
            return years | {"sex": Seen(person.sex)}
        case AtIndex(attribute=name):
            return {name: Seen(attribute(at.encounter, name))}
        case OfEncounters() | CountOf() if counts_encounters(feature, sets) and feature.window is not None:
            return {feature.name: of_encounters(feature, feature.window, at)}
        case OfConcepts():
            some = covariates([feature], sets)
            found = {one.set_name: of_events(feature, codes.get(one.key, set()), at) for one in some}
            told = {one.column: found[one.set_name] for one in some}
            return told | {feature.index: charlson(found)} if isinstance(feature, Charlson) else told
    return {}


def attribute(encounter: Encounter, name: str) -> Value:
    """What the source says of an encounter; the length of a stay follows from its days."""
    if name == "length_of_stay" and name not in encounter.attributes:
        first, last = day_of(encounter.visit_start_datetime), day_of(encounter.visit_end_datetime)
        return None if first is None or last is None else (last - first).days
    return encounter.attributes.get(name)


def observed_whole(feature: Feature | OfEvents, at: Scene) -> bool:
    """Whether what a feature looks at is observed from its window's start on, where it asks for that."""
    window: Window | None = getattr(feature, "window", None)
    return window is None or not in_observation(feature) or at.sees(window.start)


def of_encounters(feature: Feature, window: Window, at: Scene) -> Seen:
    """A count of other encounters, or their days, that start in the window."""
    inside = [(day, one) for day, one in at.others if window.start <= day <= window.end and day + at.lag <= 0]
    if in_observation(feature):
        inside = [(day, one) for day, one in inside if at.sees(day)]
    if not isinstance(feature, Visits):
        inside = [(day, one) for day, one in inside if one.is_inpatient_visit]
    if isinstance(feature, StayDays):
        # How long a stay is, is known once it has ended and the source has told it.
        ends = [at.day(one.visit_end_datetime) for _, one in inside]
        inside = [pair for pair, end in zip(inside, ends, strict=True) if end is None or end + at.lag <= 0]
    told = tuple(f"day {day} {'stay' if one.is_inpatient_visit else 'visit'}" for day, one in sorted(inside, key=_day))
    if not observed_whole(feature, at):
        return Seen(None, told)
    if isinstance(feature, StayDays):
        stays = [attribute(one, "length_of_stay") for _, one in inside]
        return Seen(sum(float(days) for days in stays if days is not None), told)
    return Seen(len(inside), told)


def _day(pair: tuple[int, object]) -> int:
    return pair[0]


def belongs(event: Occurrence, codes: set[CodeRow]) -> bool:
    """Whether an event is of a concept set: by a code that is its own or above it, on a day that the list names."""
    code, day = event.concept_code.strip(), day_of(event.event_start_datetime)
    return any(
        vocabulary == event.vocabulary_id and covers(above, code) and in_days(day, first, last)
        for _, _, vocabulary, above, first, last in codes
    )


def counts(feature: OfEvents, event: Occurrence, at: Scene) -> bool:
    """Whether an event lies where the feature looks, and has its unit where the feature names one."""
    if feature.units and unit_spelled(event.unit_source_value or "") not in feature.units:
        return False
    start = at.day(event.event_start_datetime)
    known = start is None or start + at.events_lag <= 0
    if feature.window is None:
        return event.encounter == at.number and known
    if start is None or not known:
        return False
    last = start
    if feature.rule == "overlap" and event.event_end_datetime is not None:
        last = at.day(event.event_end_datetime) or 0
    if not (start <= feature.window.end and last >= feature.window.start):
        return False
    return not feature.in_observation or at.sees(start)


def of_events(feature: OfEvents, codes: set[CodeRow], at: Scene) -> Seen:
    """A feature of the events of one concept set."""
    hits = [one for one in at.example.events if belongs(one, codes) and counts(feature, one, at)]
    if isinstance(feature, OfValues):
        # What has no value, no feature of values sees.
        hits = [one for one in hits if whole_number(one.value_as_number) is not None]
    days = [at.day(one.event_start_datetime) or 0 for one in hits]
    told = tuple(
        f"day {day} {one.vocabulary_id} {one.concept_code}"
        for day, one in sorted(zip(days, hits, strict=True), key=_day)
    )
    kind, whole = feature.aggregation, observed_whole(feature, at)
    if kind == "any":
        return Seen(1 if hits else 0 if whole else None, told)
    if kind in ("days_since", "last"):
        latest = max(days, default=None)
        return Seen(None if latest is None else -latest if kind == "days_since" else latest, told)
    measured = sorted(
        (moment(one.event_start_datetime), scaled, day)
        for day, one in zip(days, hits, strict=True)
        if one.event_start_datetime is not None and (scaled := whole_number(one.value_as_number)) is not None
    )
    if kind == "latest":
        return Seen(measured[-1][1] / SCALE if measured else None, told)
    if not whole:
        return Seen(None, told)
    if kind == "count":
        return Seen(len(hits), told)
    if kind == "first":
        return Seen(min(days, default=None), told)
    values = [(day, value) for _, value, day in measured]
    return Seen(STATISTICS[kind](values) if values else None, told)


def charlson(conditions: Mapping[str, Seen]) -> Seen:
    """The index from its conditions, which a severe form leaves out of the sum."""
    told = tuple(name for name, seen in conditions.items() if seen.value)
    if any(seen.value is None for seen in conditions.values()):
        return Seen(None, told)
    return Seen(sum(WEIGHTS[name] for name in told if SEVERE.get(name) not in told), told)


def whole_number(value: float | None) -> int | None:
    """A value in whole millionths, as the engine holds it; none where there is no value or it is too large."""
    if value is None or not math.isfinite(value) or abs(value) >= LARGEST:
        return None
    return math.floor(float(value) * SCALE + 0.5)


def trend(values: Sequence[tuple[int, int]]) -> float | None:
    """The slope over days by least squares; None where all are of one day."""
    n, x, xx = len(values), sum(day for day, _ in values), sum(day * day for day, _ in values)
    if (spread := n * xx - x * x) == 0:
        return None
    return (n * sum(day * one for day, one in values) - x * sum(one for _, one in values)) / spread / SCALE


STATISTICS: Mapping[str, Callable[[Sequence[tuple[int, int]]], float | None]] = {
    "min": lambda values: min(one for _, one in values) / SCALE,
    "max": lambda values: max(one for _, one in values) / SCALE,
    "mean": lambda values: sum(one for _, one in values) / len(values) / SCALE,
    "trend": trend,
}


def from_others(derived: Derived, known: Mapping[str, Seen]) -> Seen:
    """A derived column; without a value where a part has none."""
    parts = [known[name].value for name in derived.of]
    told = tuple(f"{name} = {known[name].value!r}" for name in derived.of)
    try:
        numbers = [float(part) for part in parts if part is not None]
    except ValueError as error:
        raise DeclarationError("Derived", derived.name, "; ".join(told), "columns that are numbers") from error
    if len(numbers) < len(parts):
        return Seen(None, told)
    if derived.operation == "ratio":
        return Seen(numbers[0] / numbers[1] if numbers[1] else None, told)
    if derived.operation == "at_least":
        return Seen(int(numbers[0] >= (derived.threshold or 0)), told)
    return Seen(numbers[0] - numbers[1] if derived.operation == "difference" else sum(numbers), told)


def outcome(model: Model, source: Source, at: Scene) -> Seen:
    """Whether the outcome occurs, given that the time at risk is over."""
    wanted = model.outcome
    if isinstance(wanted, Event):
        window, criterion = wanted.time_at_risk, wanted.criterion
        if not criterion.named:
            some = codes_of([criterion], sets_of([criterion], source.collections))
            codes = some.get((criterion.collection, criterion.set_name), set())
            met = [(at.day(one.event_start_datetime), one) for one in at.example.events if belongs(one, codes)]
            hits = sorted((day, one.concept_code) for day, one in met if day and window.start <= day <= window.end)
            return Seen(int(bool(hits)), tuple(f"day {day} {code}" for day, code in hits))
        inside = [day for day, one in at.others if one.is_inpatient_visit and window.start <= day <= window.end]
        return Seen(int(bool(inside)), tuple(f"day {day} stay" for day in sorted(inside)))
    recorded = at.encounter.outcomes.get(wanted.name)
    return Seen(None if recorded is None else int(recorded == wanted.equals), (f"{wanted.name} = {recorded!r}",))


def same(expected: Value, got: Value) -> bool:
    """Whether two values are one: numbers up to the millionth to which the engine holds them."""
    if expected is None or got is None or isinstance(expected, str) or isinstance(got, str):
        return expected == got
    return math.isclose(expected, got, rel_tol=1e-9, abs_tol=1 / SCALE)


def differences(model: Model, example: Example, source: Source) -> list[Difference]:
    """Where the declaration makes something else of an example than it says; raises DeclarationError for a bad one."""
    at = scene(model, example, source)
    found = columns(model, source, at)
    for number, encounter in enumerate(example.encounters, 1):
        for kind, valid in (("attributes", source.attributes), ("outcomes", source.outcomes)):
            for name in getattr(encounter, kind):
                if name not in valid:
                    where = f"examples.{example.name}.encounters.{number}.{kind}"
                    raise DeclarationError(model.name, where, name, valid or "none, as the source has none")
    for name in example.features:
        if name not in found:
            raise DeclarationError(model.name, f"examples.{example.name}.features", name, sorted(found))
    pairs: Iterable[tuple[str, Value, Seen]] = [(name, value, found[name]) for name, value in example.features.items()]
    if example.outcome is not None:
        pairs = [*pairs, ("outcome", example.outcome, outcome(model, source, at))]
    return [Difference(name, expected, got) for name, expected, got in pairs if not same(expected, got.value)]


def refuse_different(model: Model, source: Source) -> None:
    """Raise DeclarationError for the first example that the declaration does not bear out."""
    for example in model.examples:
        for one in differences(model, example, source):
            counted = ", ".join(one.got.counted) or "nothing"
            raise DeclarationError(
                model.name, f"examples.{example.name}.{one.column}", one.expected,
                f"{one.got.value!r}, as the declaration makes it; counted: {counted}; "
                "correct the example, or what it is an example of",
            )  # fmt: skip
