"""An example of a patient at its index date: which encounter is meant, and what lies how many days from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from workflows.cohorts import InpatientStays, as_cohort
from workflows.declare import Model
from workflows.errors import DeclarationError
from workflows.examples import Encounter, Example
from workflows.source import Source
from workflows.steps import AgeAtIndex, SexIs


def moment(text: str) -> datetime:
    """The moment that a part of an example stands for; its shape was checked when it was declared."""
    return datetime.fromisoformat(text)


def day_of(text: str | None) -> date | None:
    """The day of a moment."""
    return None if text is None else moment(text).date()


@dataclass(frozen=True)
class Scene:
    """An example with its index encounter found.

    lag, events_lag: days after which an encounter, and an event, is known where the source does not say it itself. Of
    an event nothing says which table it is of: it has a lag where any table of events has.
    """

    example: Example
    encounter: Encounter
    number: int
    index: date | None
    lag: int = 0
    events_lag: int = 0

    def day(self, text: str | None) -> int | None:
        """A moment as days from the index date."""
        there = day_of(text)
        return None if there is None or self.index is None else (there - self.index).days

    @property
    def others(self) -> list[tuple[int, Encounter]]:
        """Every other encounter that has a start, with its day."""
        found = [(self.day(one.visit_start_datetime), one) for one in self.example.encounters]
        return [(day, one) for day, one in found if day is not None and one is not self.encounter]

    @property
    def observed(self) -> tuple[int, int] | None:
        """The observation period that holds the index date, in days from it; periods that touch are one."""
        spans: list[list[date]] = []
        for first, last in sorted((moment(a).date(), moment(b).date()) for a, b in self.example.observed):
            if spans and first <= spans[-1][1] + timedelta(days=1):
                spans[-1][1] = max(spans[-1][1], last)
            else:
                spans.append([first, last])
        for first, last in spans:
            if self.index is not None and first <= self.index <= last:
                return (first - self.index).days, (last - self.index).days
        return None

    def sees(self, day: int) -> bool:
        """Whether a day lies in the observation period that holds the index date."""
        seen = self.observed
        return seen is not None and seen[0] <= day <= seen[1]


def scene(model: Model, example: Example, source: Source) -> Scene:
    """The example at its index encounter; raises DeclarationError where it has none, or several."""
    where = f"examples.{example.name}"
    if source.time == "order":
        if example.index is not None or not example.encounters:
            valid = f"None, with at least one encounter: the time of {source.name} is only an order"
            raise DeclarationError(model.name, f"{where}.index", example.index, valid)
        place: int | None = len(example.encounters) - 1
    elif not isinstance(as_cohort(model.cohort).entry, InpatientStays):
        if example.index is None:
            raise DeclarationError(model.name, f"{where}.index", None, "the index date, such as '2021-06-30'")
        place = None
    else:
        place = _stay_of(model, example, where)
    lag = source.lag if source.encounters.known_from is None else 0
    events_lag = source.lag if any(kind.known_from is None for kind in source.events) else 0
    # Where no encounter is the index date's own, every one is another.
    own = (Encounter(), -1) if place is None else (example.encounters[place], place + 1)
    found = Scene(example, *own, day_of(example.index), lag, events_lag)
    if place is not None and not may_enter(model, found.encounter):
        ends = " that leaves its person at risk" if by_discharge(model) else ""
        valid = f"an inpatient stay{ends}, as the cohort says"
        raise DeclarationError(model.name, f"{where}.encounters", f"encounter {place + 1}", valid)
    _refuse_others(model, found, f"{where}.person")
    return found


def by_discharge(model: Model) -> bool:
    """Whether its index dates are discharges: only then does it ask how a stay ended."""
    entry = as_cohort(model.cohort).entry
    return isinstance(entry, InpatientStays) and entry.at_risk


def may_enter(model: Model, one: Encounter) -> bool:
    """Whether an encounter may be the index encounter of a model of stays."""
    return one.is_inpatient_visit and (one.is_at_risk or not by_discharge(model))


def _stay_of(model: Model, example: Example, where: str) -> int:
    """The place of the one encounter that has its prediction point on the index date.

    Of several the one that may enter the cohort: a visit that ends on the day of a discharge is another encounter.
    """
    point = "visit_end_datetime" if by_discharge(model) else "visit_start_datetime"
    days = [day_of(getattr(one, point)) for one in example.encounters]
    there = [place for place, day in enumerate(days) if day == day_of(example.index)]
    # Where none may enter, what is wrong with the one that is there is told by whoever asks.
    chosen = [place for place in there if may_enter(model, example.encounters[place])] or there
    if example.index is None or len(chosen) != 1:
        told = ", ".join(str(day) for day in days) or "no encounters"
        valid = f"a day on which one encounter, and only one, has its {point}; there are: {told}"
        raise DeclarationError(model.name, f"{where}.index", example.index, valid)
    return chosen[0]


def _refuse_others(model: Model, at: Scene, where: str) -> None:
    """Raise where the person is of another sex or age than the cohort says; what is not known does not hold."""
    person, years = at.example.person, age(at)
    for step in as_cohort(model.cohort).steps:
        if isinstance(step, SexIs) and person.sex != step.sex:
            raise DeclarationError(model.name, f"{where}.sex", person.sex, f"{step.sex}, as the cohort says")
        if isinstance(step, AgeAtIndex) and (years is None or not step.holds(years)):
            told = f"{person.birth_date} ({years} years old)" if years is not None else None
            valid = f"a person of {step.reason}, as the cohort says"
            raise DeclarationError(model.name, f"{where}.birth_date", told, valid)


def age(at: Scene) -> int | None:
    """Completed years at the index date; born on 29 February, one more from 1 March in common years."""
    born = day_of(at.example.person.birth_date)
    if born is None or at.index is None:
        return None
    return at.index.year - born.year - ((at.index.month, at.index.day) < (born.month, born.day))
