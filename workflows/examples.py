"""Invented patients: what a declared model must make of them, checked before anything is deployed.

A part is named as the fact tables name it, and days are written out (`"2021-06-30"`, or with a time of day). No part
is a real person's. An example is no part of how a model behaves, so it does not travel to its tasks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from workflows.code_systems import SYSTEMS, one_spelling
from workflows.errors import DeclarationError
from workflows.typed import typed

Value = float | int | str | None
SEXES = ("F", "M")


def checked_moment(owner: str, name: str, value: object, *, optional: bool = False) -> datetime | None:
    """The moment that an ISO text stands for; a date is its first moment."""
    if value is None and optional:
        return None
    valid = "a day such as '2021-06-30', or '2021-06-30 08:15'"
    try:
        found = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise DeclarationError(owner, name, value, valid) from None
    if found.tzinfo is not None:
        # The facts have none: dropped, it would move what is meant to another day.
        raise DeclarationError(owner, name, value, f"{valid}, without a time zone")
    return found


def checked_span(owner: str, names: tuple[str, str], start: object, end: object) -> None:
    """Raise unless both are days, where they are given, and the end is not before the start."""
    first = checked_moment(owner, names[0], start, optional=True)
    last = checked_moment(owner, names[1], end, optional=True)
    if first is not None and last is not None and last < first:
        raise DeclarationError(owner, names[1], end, f"{start} or later")


def checked_codes(owner: str, example: Example, vocabularies: Sequence[str]) -> None:
    """Raise unless its events have codes that can match: in the one spelling, of a vocabulary that the source has.

    vocabularies: all of the source's, or none where its rows say their own.
    """
    for number, event in enumerate(example.events, 1):
        where, vocabulary, code = f"examples.{example.name}.events.{number}", event.vocabulary_id, event.concept_code
        if vocabularies and vocabulary not in vocabularies:
            raise DeclarationError(owner, f"{where}.vocabulary_id", vocabulary, vocabularies)
        if code in SYSTEMS and vocabulary not in SYSTEMS:
            raise DeclarationError(owner, f"{where}.concept_code", code, "a code; the vocabulary comes before it")
        one_spelling(f"{owner}: {where}", vocabulary, code)


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whom an example is about; what is not said is not known."""

    sex: str | None = None
    birth_date: str | None = None
    age_band: str | None = None

    def __post_init__(self) -> None:
        checked_moment("Person", "birth_date", self.birth_date, optional=True)
        if self.sex not in (*SEXES, None):
            raise DeclarationError("Person", "sex", self.sex, [*SEXES, "None"])
        typed(self)


@dataclass(frozen=True)
class Encounter:
    """A stay or a visit. attributes, outcomes: what the source says of it, by the names of `AtIndex` and `Recorded`.

    The attribute `length_of_stay` is its days unless it is given.
    """

    visit_start_datetime: str | None = None
    visit_end_datetime: str | None = None
    is_inpatient_visit: bool = True
    is_at_risk: bool = True
    attributes: Mapping[str, Value] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = ("visit_start_datetime", "visit_end_datetime")
        checked_span("Encounter", names, self.visit_start_datetime, self.visit_end_datetime)
        for name in ("attributes", "outcomes"):
            if not isinstance(getattr(self, name), Mapping):
                raise DeclarationError("Encounter", name, getattr(self, name), "a dict of names and values")
        typed(self)
        for name, value in self.attributes.items():
            if not isinstance(value, (int, float, str, type(None))):
                raise DeclarationError("Encounter", f"attributes.{name}", value, "a number, text, or None for no value")
        for name, recorded in self.outcomes.items():
            if not isinstance(recorded, str):
                raise DeclarationError("Encounter", f"outcomes.{name}", recorded, "text, as the source records it")


@dataclass(frozen=True)
class Occurrence:
    """One event. encounter: which encounter of the example it belongs to, counted from 1; 0 for none."""

    vocabulary_id: str
    concept_code: str
    event_start_datetime: str | None = None
    event_end_datetime: str | None = None
    value_as_number: float | None = None
    encounter: int = 0
    unit_source_value: str | None = None

    def __post_init__(self) -> None:
        typed(self)
        names = ("event_start_datetime", "event_end_datetime")
        checked_span("Occurrence", names, self.event_start_datetime, self.event_end_datetime)
        for name in ("vocabulary_id", "concept_code"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name).strip():
                raise DeclarationError("Occurrence", name, getattr(self, name), "text such as 'ICD10CM' and 'I50.9'")


@dataclass(frozen=True)
class Example:
    """One invented patient at one index date, and what a model must make of it.

    index: the index date, on which an encounter of the cohort has its prediction point; None where the source's time
    is only an order, and the last encounter is meant. observed: (first day, last day) of observation periods.
    features: columns by name, as in the feature table without `f_`; those not named are not asked. outcome: 0 or 1,
    once the time at risk is over; None where it is not asked.
    """

    name: str
    index: str | None = None
    person: Person = field(default_factory=Person)
    encounters: Sequence[Encounter] = ()
    events: Sequence[Occurrence] = ()
    observed: Sequence[tuple[str, str]] = ()
    features: Mapping[str, Value] = field(default_factory=dict)
    outcome: int | None = None

    def __post_init__(self) -> None:
        owner = f"Example {self.name!r}"
        if not isinstance(self.name, str) or not self.name.strip():
            raise DeclarationError("Example", "name", self.name, "a few words that say what it shows")
        checked_moment(owner, "index", self.index, optional=True)
        if not isinstance(self.person, Person):
            raise DeclarationError(owner, "person", self.person, "Person(sex='F', birth_date='1980-02-29')")
        for name, kind in (("encounters", Encounter), ("events", Occurrence)):
            for one in self._sequence(owner, name):
                if not isinstance(one, kind):
                    raise DeclarationError(owner, name, one, f"a list of {kind.__name__}")
        for pair in self._sequence(owner, "observed"):
            if not isinstance(pair, tuple) or len(pair) != 2 or None in pair:
                raise DeclarationError(owner, "observed", pair, "pairs of days: (first, last)")
            checked_span(owner, ("observed", "observed"), *pair)
        for event in self.events:
            if not 0 <= event.encounter <= len(self.encounters):
                valid = f"0, or one of the example's encounters: 1 to {len(self.encounters)}"
                raise DeclarationError(owner, "events.encounter", event.encounter, valid)
        self._check_expected(owner)

    def _check_expected(self, owner: str) -> None:
        if not isinstance(self.features, Mapping) or not all(isinstance(name, str) for name in self.features):
            raise DeclarationError(owner, "features", self.features, "a dict of column names and values")
        for name, value in self.features.items():
            if not isinstance(value, (int, float, str, type(None))):
                raise DeclarationError(owner, f"features.{name}", value, "a number, text, or None for no value")
        if self.outcome not in (0, 1, None):
            raise DeclarationError(owner, "outcome", self.outcome, "0, 1, or None where it is not asked")
        if not self.features and self.outcome is None:
            raise DeclarationError(owner, "features", self.features, "at least one feature or the outcome")
        typed(self)

    def _sequence(self, owner: str, name: str) -> Sequence[object]:
        value: Sequence[object] = getattr(self, name)
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise DeclarationError(owner, name, value, "a list")
        return value
