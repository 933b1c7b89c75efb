"""An example of a patient at its index date: which encounter is meant, and what lies how many days from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from workflows.cohorts import Cohort, InpatientStays
from workflows.declare import Model
from workflows.errors import DeclarationError
from workflows.examples import Encounter, Example
from workflows.source import Source


def moment(text: str) -> datetime:
    """The moment that a part of an example stands for; its shape was checked when it was declared."""
    return datetime.fromisoformat(text).replace(tzinfo=None)


def day_of(text: str | None) -> date | None:
    """The day of a moment."""
    return None if text is None else moment(text).date()


@dataclass(frozen=True)
class Scene:
    """An example with its index encounter found."""

    example: Example
    encounter: Encounter
    number: int
    index: date | None

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


def scene(model: Model, example: Example, source: Source) -> Scene:
    """The example at its index encounter; raises DeclarationError where it has none, or several."""
    where = f"examples.{example.name}"
    if not isinstance(of := entry(model), InpatientStays):
        valid = "a cohort of InpatientStays: an example's index is one of its encounters"
        raise DeclarationError(model.name, where, type(of).__name__, valid)
    if source.time == "order":
        if example.index is not None or not example.encounters:
            valid = f"None, with at least one encounter: the time of {source.name} is only an order"
            raise DeclarationError(model.name, f"{where}.index", example.index, valid)
        place = len(example.encounters) - 1
    else:
        point = "visit_end_datetime" if _by_discharge(model) else "visit_start_datetime"
        days = [day_of(getattr(one, point)) for one in example.encounters]
        if example.index is None or days.count(day_of(example.index)) != 1:
            raise DeclarationError(
                model.name, f"{where}.index", example.index,
                f"a day on which one encounter, and only one, has its {point}; there are: "
                f"{', '.join(str(day) for day in days) or 'no encounters'}",
            )  # fmt: skip
        place = days.index(day_of(example.index))
    found = Scene(example, example.encounters[place], place + 1, day_of(example.index))
    if (why := _outside(model, found)) is not None:
        raise DeclarationError(model.name, f"{where}.encounters", f"encounter {place + 1}", why)
    return found


def entry(model: Model) -> object:
    """What enters the model's cohort, before any step."""
    return model.cohort.entry if isinstance(model.cohort, Cohort) else model.cohort


def _by_discharge(model: Model) -> bool:
    return getattr(entry(model), "index", "discharge") == "discharge"


def _outside(model: Model, at: Scene) -> str | None:
    """Why the index encounter does not enter the cohort, None where it does; further steps of a cohort are not read."""
    of = entry(model)
    if not (at.encounter.is_inpatient_visit and at.encounter.is_at_risk):
        return "an inpatient stay that leaves its person at risk, as the cohort says"
    least = of.minimum_age if isinstance(of, InpatientStays) else 0
    if least and (age(at) is None or (age(at) or 0) < least):
        return f"an index encounter of a person of {least} years or older, as the cohort says"
    return None


def age(at: Scene) -> int | None:
    """Completed years at the index date; born on 29 February, one more from 1 March in common years."""
    born = day_of(at.example.person.birth_date)
    if born is None or at.index is None:
        return None
    return at.index.year - born.year - ((at.index.month, at.index.day) < (born.month, born.day))
