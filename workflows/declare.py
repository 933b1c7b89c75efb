"""The vocabulary in which a model or a featurization is declared.

A declaration is data: frozen, checked for its shape when constructed, standard library only.
`discover` checks what one file cannot know (references, duplicates, cycles); `canonical` writes it down.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from workflows.codes import Codes, one_set
from workflows.cohorts import Cohort, EventsOf, InpatientStays, ObservationPeriods, as_cohort, criteria
from workflows.errors import DeclarationError
from workflows.examples import Encounter, Example, Occurrence, Person
from workflows.features import (
    AnyOf,
    AtIndex,
    Charlson,
    CountOf,
    DaysSince,
    Demographics,
    Derived,
    Feature,
    FirstOf,
    LastOf,
    OfEvents,
    StayDays,
    Visits,
)
from workflows.gates import AtLeast, Calibrated, Gate, Implausible, NonInferior, checked_bounds
from workflows.methods import Choice, GradientBoosting, LogisticRegression, Method
from workflows.steps import (
    AgeAtIndex,
    Criterion,
    Eras,
    Excludes,
    Exit,
    FirstOfPerson,
    IndexDates,
    InObservation,
    MinimumTimeAtRisk,
    NoPriorOutcome,
    Requires,
    SexIs,
    Washout,
)
from workflows.time import Window, days
from workflows.typed import typed
from workflows.updates import Continuous, OnFiles, OnTables, Scheduled, Updates
from workflows.values import LatestOf, MaxOf, MeanOf, MinOf, TrendOf

__all__ = [
    "AgeAtIndex", "AnyOf", "AtIndex", "AtLeast", "Batch", "Calibrated", "Charlson", "Choice", "Codes", "Cohort",
    "Continuous", "CountOf", "DaysSince", "Demographics", "Derived", "Encounter", "Eras", "Event", "EventsOf",
    "Example", "Excludes", "Exit", "Featurization", "FirstOf", "FirstOfPerson", "GradientBoosting", "Implausible",
    "InObservation", "IndexDates", "InpatientStays", "LastOf", "LatestOf", "LogisticRegression", "MaxOf", "MeanOf",
    "MinOf", "MinimumTimeAtRisk", "Model", "Monitor", "NoPriorOutcome", "NonInferior", "ObservationPeriods",
    "Occurrence", "OnFiles", "OnTables", "Online", "Person", "Recorded", "Reference", "Requires", "Scheduled",
    "SexIs", "StayDays", "TrendOf", "Visits", "Washout", "Window", "days", "replace",
]  # fmt: skip

NAME = re.compile(r"[a-z][a-z0-9_]{1,62}")


def checked_name(value: object, owner: str) -> str:
    """`value` if it can be a schema, a job and a Python name at once: lower case, digits, underscores."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise DeclarationError(owner, "name", value, "a lower-case name such as 'readmission_30d' ([a-z][a-z0-9_]+)")
    return value


def leaves(kind: type) -> list[type]:
    """The kinds that can be declared: those below `kind` that nothing is below, or itself."""
    return [leaf for one in kind.__subclasses__() for leaf in leaves(one)] or [kind]


def checked_sequence(owner: str, name: str, values: object, kinds: type | tuple[type, ...]) -> None:
    """Raise unless `values` is a list or tuple whose members are all of `kinds`."""
    wanted = kinds if isinstance(kinds, tuple) else (kinds,)
    names = [one.__name__ for kind in wanted for one in leaves(kind)]
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise DeclarationError(owner, name, values, f"a list of {' | '.join(names)}")
    for value in values:
        if not isinstance(value, wanted):
            raise DeclarationError(owner, name, value, names)


def checked_once(owner: str, name: str, values: Sequence[str], told: str = "") -> None:
    """Raise unless each of the names in `values` is there once."""
    if twice := sorted({value for value in values if values.count(value) > 1}):
        raise DeclarationError(owner, name, twice, f"each {name.removesuffix('s')} once{told}")


@dataclass(frozen=True)
class Event:
    """Outcome: an event starts inside the time at risk, counted in days from the index date, as is said now.

    concepts: a named event of the source, `collection.set`, or `Codes`.
    """

    concepts: str | Codes
    time_at_risk: Window
    type = "binary"

    def __post_init__(self) -> None:
        one_set("Event", self.concepts)
        if not isinstance(self.time_at_risk, Window):
            raise DeclarationError("Event", "time_at_risk", self.time_at_risk, "days(1, 30) for example")
        if self.time_at_risk.start < 1:
            raise DeclarationError(
                "Event", "time_at_risk", self.time_at_risk, "a window that starts on day 1 or later: day 0 is the index"
            )

    @property
    def criterion(self) -> Criterion:
        """The events it counts."""
        return Criterion(self.concepts, self.time_at_risk)


@dataclass(frozen=True)
class Recorded:
    """Outcome: the source itself recorded it, as a value of one of its encounter attributes."""

    name: str
    equals: str
    type = "binary"

    def __post_init__(self) -> None:
        checked_name(self.name, "Recorded")
        typed(self)
        if not self.equals.strip():
            raise DeclarationError("Recorded", "equals", self.equals, "a value that the source records, such as '1'")


@dataclass(frozen=True)
class Batch:
    """Serving: score the newest features on a schedule."""

    schedule: str = "daily"

    def __post_init__(self) -> None:
        if self.schedule not in ("hourly", "daily", "weekly", "monthly"):
            raise DeclarationError("Batch", "schedule", self.schedule, ["hourly", "daily", "weekly", "monthly"])


@dataclass(frozen=True)
class Online:
    """Serving: an endpoint that answers one request at a time; which version answers follows the champion.

    size: how many requests at once (4, 8 to 16, 16 to 64). idle: it may stop when nobody asks, and then starts late.
    """

    size: str = "Small"
    idle: bool = True

    def __post_init__(self) -> None:
        if self.size not in ("Small", "Medium", "Large"):
            raise DeclarationError("Online", "size", self.size, ["Small", "Medium", "Large"])
        if not isinstance(self.idle, bool):
            raise DeclarationError("Online", "idle", self.idle, "True or False")


@dataclass(frozen=True)
class Monitor:
    """When monitoring raises a signal.

    calibration: bounds of observed over expected; the signal needs its 95 % interval wholly outside them.
    covariates: standardised mean difference against held-out training persons above which a covariate has drifted.
    drifted_share: share of drifted covariates that raises a signal. minimum_events: below it, not assessable.
    """

    calibration: tuple[float, float] = (0.9, 1.1)
    covariates: float = 0.25
    drifted_share: float = 0.3
    minimum_events: int = 100

    def __post_init__(self) -> None:
        typed(self)
        checked_bounds("Monitor", "calibration", self.calibration)
        if self.covariates <= 0:
            raise DeclarationError("Monitor", "covariates", self.covariates, "a positive standardised difference")
        if not 0 < self.drifted_share <= 1:
            raise DeclarationError("Monitor", "drifted_share", self.drifted_share, "a share in (0, 1]")
        if self.minimum_events < 100:
            raise DeclarationError("Monitor", "minimum_events", self.minimum_events, "100 or more events")


@dataclass(frozen=True, kw_only=True)
class Featurization:
    """Turns the curated tables of one source into the fact tables of its `<source>_ra` zone.

    updates: what starts it. history: `fact_person` keeps what was known when, as changes of the curated tables are
    applied to it; otherwise it is made anew each time.
    """

    name: str
    source: str
    cluster: str
    tables: tuple[str, ...] = ("fact_person", "fact_encounter_index")
    updates: Updates = field(default_factory=OnTables)
    history: bool = False

    def __post_init__(self) -> None:
        checked_name(self.name, "Featurization")
        checked_sequence(self.name, "tables", self.tables, str)
        object.__setattr__(self, "tables", tuple(self.tables))
        checked_sequence(self.name, "updates", [self.updates], Updates)
        if not self.tables:
            raise DeclarationError(self.name, "tables", self.tables, "at least one fact table")
        if not isinstance(self.history, bool) or (self.history and "fact_person" not in self.tables):
            raise DeclarationError(self.name, "history", self.history, "True where fact_person is made, or False")
        if isinstance(self.updates, Continuous) and not self.history:
            raise DeclarationError(self.name, "history", False, "True, as it would make all anew without end")


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Loads reference data and, held against them, the concept sets.

    folder: where its files are delivered, below the landing volume. collections: those loaded; none named means all.
    """

    name: str
    cluster: str
    folder: str = "reference"
    collections: tuple[str, ...] = ()
    # No one's persons are in it.
    source = ""

    def __post_init__(self) -> None:
        checked_name(self.name, "Reference")
        checked_name(self.folder, self.name)
        checked_sequence(self.name, "collections", self.collections, str)
        object.__setattr__(self, "collections", tuple(self.collections))


@dataclass(frozen=True, kw_only=True)
class Model:
    """One prediction model: whom it is about, what it predicts, from what, how, and when it is good enough.

    examples: invented patients and what must come out; they are checked before anything is deployed, and are no part
    of how a model behaves: two models that differ in them are equal, and its tasks do not get them.
    """

    name: str
    question: str
    source: str
    cohort: InpatientStays | Cohort
    outcome: Event | Recorded
    features: Sequence[Feature]
    method: Method
    cluster: str
    gates: Sequence[Gate]
    serve: Sequence[Batch | Online] = (Batch(),)
    monitor: Monitor = field(default_factory=Monitor)
    test_share: float = 0.25
    examples: Sequence[Example] = field(default=(), compare=False, metadata={"travels": False})

    def __post_init__(self) -> None:
        checked_name(self.name, "Model")
        expected: dict[str, type | tuple[type, ...]] = {
            "cohort": (InpatientStays, Cohort), "outcome": (Event, Recorded), "method": Method, "monitor": Monitor,
        }  # fmt: skip
        for name, kinds in expected.items():
            checked_sequence(self.name, name, [getattr(self, name)], kinds)
        several: dict[str, type | tuple[type, ...]] = {
            "features": Feature, "gates": Gate, "serve": (Batch, Online), "examples": Example,
        }  # fmt: skip
        for name, kinds in several.items():
            checked_sequence(self.name, name, getattr(self, name), kinds)
            object.__setattr__(self, name, tuple(getattr(self, name)))
        typed(self)
        if not self.question.strip().endswith("?"):
            raise DeclarationError(self.name, "question", self.question, "one sentence that ends with a question mark")
        for name in ("features", "gates"):
            if not getattr(self, name):
                # Without a gate every version would be promoted.
                raise DeclarationError(self.name, name, (), f"at least one {name.removesuffix('s')}")
        if not 0.05 <= self.test_share <= 0.5:
            raise DeclarationError(self.name, "test_share", self.test_share, "a share of persons from 0.05 to 0.5")
        if self.outcome.type not in self.method.outcome_types:
            raise DeclarationError(
                self.name, "method", f"{type(self.method).__name__} for a {self.outcome.type} outcome",
                f"a method for {self.outcome.type} outcomes; {type(self.method).__name__} takes "
                + ", ".join(self.method.outcome_types),
            )  # fmt: skip
        if sum(isinstance(one, Online) for one in self.serve) > 1:
            raise DeclarationError(self.name, "serve", "Online twice", "one endpoint: Online once")
        checked_once(self.name, "features", [one.name for one in self.features], "; label= tells two windows apart")
        checked_once(self.name, "examples", [one.name for one in self.examples])

    @property
    def of_events(self) -> tuple[Feature | OfEvents, ...]:
        """Its features, its outcome, and what its cohort counts: all whose concept sets have to be known."""
        outcome = (self.outcome.criterion,) if isinstance(self.outcome, Event) else ()
        return (*self.features, *outcome, *criteria(as_cohort(self.cohort)))


Declaration = Featurization | Model | Reference


def public_fields(value: Any) -> dict[str, Any]:
    """The fields of a declaration or of one of its parts, by name, but for those that are no part of its meaning.

    What nobody can choose, as its kind decides it, is none.
    """
    return {f.name: getattr(value, f.name) for f in fields(value) if f.init and f.metadata.get("travels", True)}
