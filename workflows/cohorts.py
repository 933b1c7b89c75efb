"""Target cohorts: an entry, and readable steps in the order in which they are applied. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workflows.codes import Codes, one_set
from workflows.errors import DeclarationError
from workflows.features import in_observation
from workflows.outcome_steps import OUTCOME_STEPS
from workflows.steps import OLDEST, STEPS, AgeAtIndex, Criterion, Exit, OfWindow, Step, whole
from workflows.typed import typed

if TYPE_CHECKING:
    from workflows.source import Source


@dataclass(frozen=True)
class InpatientStays:
    """Entry: every inpatient stay of a source, one row a stay; by discharge only those that leave the person at risk.

    index: the prediction point. minimum_age: completed years at the index date.
    """

    index: str = "discharge"
    minimum_age: int = 0

    def __post_init__(self) -> None:
        if self.index not in ("admission", "discharge"):
            raise DeclarationError("InpatientStays", "index", self.index, ["admission", "discharge"])
        whole("InpatientStays", "minimum_age", self.minimum_age, 0, OLDEST, "completed years")

    @property
    def reason(self) -> str:
        """What the attrition begins with."""
        return "all encounters"

    @property
    def at_risk(self) -> bool:
        """Whether only stays that leave the person at risk enter: how a stay ends, nobody knows at its admission."""
        return self.index == "discharge"


@dataclass(frozen=True, kw_only=True)
class EventsOf:
    """Entry: every event of a concept set; the index date is its start, and one row is one person and moment.

    table: only events that came from this curated table of the source, such as condition_occurrence.
    """

    concepts: str | Codes
    table: str = ""

    def __post_init__(self) -> None:
        one_set("EventsOf", self.concepts)
        typed(self)

    @property
    def criterion(self) -> Criterion:
        """The events it is of."""
        return Criterion(self.concepts)

    @property
    def reason(self) -> str:
        """What the attrition begins with."""
        return f"events of {self.criterion.title}" + (f" in {self.table}" if self.table else "")


@dataclass(frozen=True, kw_only=True)
class ObservationPeriods:
    """Entry: every observation period of a person; the index date is its first day."""

    @property
    def reason(self) -> str:
        """What the attrition begins with."""
        return "observation periods"


Entry = InpatientStays | EventsOf | ObservationPeriods
ENTRIES = (InpatientStays, EventsOf, ObservationPeriods)


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """A target cohort: how persons enter, and the steps that they must satisfy, in order."""

    entry: Entry
    steps: Sequence[Step] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.entry, ENTRIES):
            raise DeclarationError("Cohort", "entry", self.entry, [kind.__name__ for kind in ENTRIES])
        if isinstance(self.steps, str) or not isinstance(self.steps, Sequence):
            raise DeclarationError("Cohort", "steps", self.steps, "a list of steps")
        for step in self.steps:
            if type(step) not in (*STEPS, *OUTCOME_STEPS):
                raise DeclarationError("Cohort", "steps", step, [kind.__name__ for kind in STEPS])
        object.__setattr__(self, "steps", tuple(self.steps))


def as_cohort(declared: InpatientStays | Cohort) -> Cohort:
    """What a model declares, with the steps that its entry brings along."""
    cohort = declared if isinstance(declared, Cohort) else Cohort(entry=declared)
    entry = cohort.entry
    if isinstance(entry, InpatientStays) and entry.minimum_age:
        return Cohort(entry=entry, steps=[AgeAtIndex(minimum=entry.minimum_age), *cohort.steps])
    return cohort


def criteria(cohort: Cohort) -> tuple[Criterion, ...]:
    """The events that a cohort is made from: its concept sets have to be known."""
    counted = [step.criterion for step in cohort.steps if isinstance(step, OfWindow)]
    return (*([cohort.entry.criterion] if isinstance(cohort.entry, EventsOf) else []), *counted)


def of_periods(cohort: Cohort, source: Source) -> bool:
    """Whether it is made from observation periods: its steps ask for them, or they tell who the persons of events are.

    Persons of events may have no encounter at all.
    """
    return observed(cohort) or (source.observation is not None and not isinstance(cohort.entry, InpatientStays))


def observed(cohort: Cohort) -> bool:
    """Whether it asks for observation periods."""
    ends = any(isinstance(step, Exit) and step.end_of_observation for step in cohort.steps)
    return ends or isinstance(cohort.entry, ObservationPeriods) or any(step.observed for step in cohort.steps)


def used(source: Source, cohort: Cohort, features: Sequence[object]) -> tuple[str, ...]:
    """The fact tables that a model's cohort and features are made from (`schema.table`)."""
    names = ["fact_encounter_index", "fact_person"]
    if of_periods(cohort, source) or any(in_observation(one) for one in features):
        names.append("fact_observation_period")
    return tuple(f"{source.name}_ra.{name}" for name in names)
