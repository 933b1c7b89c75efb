"""The steps of a target cohort, each of which leaves an attrition row.

A step that looks beyond the index date chooses persons by what nobody knows by then: it needs a reason. Standard
library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from workflows.codes import Codes, one_set
from workflows.errors import DeclarationError
from workflows.features import OfEvents
from workflows.time import LONGEST, Window
from workflows.typed import typed

OLDEST = 120
EVER = Window(-LONGEST, -1)


def whole(owner: str, field: str, value: object, least: int, most: int, unit: str) -> None:
    """Raise unless `value` is a whole number from `least` to `most`."""
    if type(value) is not int or not least <= value <= most:
        raise DeclarationError(owner, field, value, f"{least} to {most:,} {unit}")


@dataclass(frozen=True)
class Criterion(OfEvents):
    """How often events of a concept set lie in a window, which may reach beyond the index date: no feature."""

    aggregation: ClassVar[str] = "count"

    @property
    def named(self) -> bool:
        """Whether it is of a named event, which encounters tell, and not of a concept set."""
        return isinstance(self.concepts, str) and "." not in self.concepts


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a cohort. observed: it asks for observation periods. dated: it asks for days of the calendar."""

    observed: ClassVar[bool] = False
    dated: ClassVar[bool] = True

    @property
    def reason(self) -> str:
        """What the attrition calls it."""
        raise TypeError(f"{type(self).__name__} is no step of a cohort")


@dataclass(frozen=True, kw_only=True)
class InObservation(Step):
    """The index date lies in an observation period, both ends inclusive; periods that touch are one."""

    observed = True

    @property
    def reason(self) -> str:
        """What the attrition calls it."""
        return "in observation at the index date"


@dataclass(frozen=True, kw_only=True)
class Washout(Step):
    """At least so many days of observation before the index date."""

    days: int
    observed = True

    def __post_init__(self) -> None:
        whole("Washout", "days", self.days, 1, LONGEST, "days")

    @property
    def reason(self) -> str:
        """What the attrition calls it."""
        return f"{self.days} days of observation before the index date"


@dataclass(frozen=True, kw_only=True)
class AgeAtIndex(Step):
    """Completed years at the index date, both ends inclusive; without a maximum of any age from the minimum on."""

    minimum: int = 0
    maximum: int = OLDEST

    def __post_init__(self) -> None:
        whole("AgeAtIndex", "minimum", self.minimum, 0, OLDEST, "completed years")
        whole("AgeAtIndex", "maximum", self.maximum, self.minimum, OLDEST, "completed years")

    @property
    def open(self) -> bool:
        """Whether nobody is too old: sources that hide old ages move births back by centuries."""
        return self.maximum == OLDEST

    def holds(self, years: int) -> bool:
        """Whether a person of so many years is of the cohort."""
        return self.minimum <= years and (self.open or years <= self.maximum)

    @property
    def reason(self) -> str:
        """What the attrition calls it."""
        if self.open:
            return f"{self.minimum} years or older"
        return f"{self.minimum} to {self.maximum} years old"


@dataclass(frozen=True, kw_only=True)
class SexIs(Step):
    """The person's sex, as the facts spell it."""

    sex: str
    dated = False

    def __post_init__(self) -> None:
        if self.sex not in ("F", "M"):
            raise DeclarationError("SexIs", "sex", self.sex, ["F", "M"])

    @property
    def reason(self) -> str:
        """What the attrition calls it."""
        return f"sex {self.sex}"


@dataclass(frozen=True, kw_only=True)
class OfWindow(Step):
    """A step that counts the events of a concept set, or a named event of the source, in a window.

    Events count where they start; the index encounter is no event of its own. table: as in `EventsOf`. because: why
    persons may be chosen by events after the index date.
    """

    concepts: str | Codes
    window: Window
    table: str = ""
    because: str = ""

    def __post_init__(self) -> None:
        owner = type(self).__name__
        one_set(owner, self.concepts)
        typed(self)
        if self.window.end > 0 and not self.because.strip():
            raise DeclarationError(
                owner,
                "because",
                self.because,
                "the reason why persons may be chosen by what comes after the index date",
            )

    @property
    def criterion(self) -> Criterion:
        """The events it counts."""
        return Criterion(self.concepts, self.window)

    @property
    def where(self) -> str:
        """Which events, where, in words."""
        table = f" in {self.table}" if self.table else ""
        return f"{self.criterion.title}{table} in days {self.window}"


@dataclass(frozen=True, kw_only=True)
class Requires(OfWindow):
    """At least so many events lie in the window."""

    at_least: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        whole("Requires", "at_least", self.at_least, 1, 1_000, "events")

    @property
    def reason(self) -> str:
        """What the attrition calls it."""
        return f"{'any' if self.at_least == 1 else f'{self.at_least} or more'} {self.where}"


@dataclass(frozen=True, kw_only=True)
class Excludes(OfWindow):
    """No event lies in the window."""

    @property
    def reason(self) -> str:
        """What the attrition calls it."""
        return f"no {self.where}"


@dataclass(frozen=True, kw_only=True)
class NoPriorOutcome(Step):
    """The model's outcome, an event, does not lie in the window before the index date; by default never."""

    window: Window = EVER

    def __post_init__(self) -> None:
        if not isinstance(self.window, Window) or self.window.end > -1:
            raise DeclarationError("NoPriorOutcome", "window", self.window, "a window that ends on day -1 or earlier")

    @property
    def reason(self) -> str:
        """What the attrition calls it."""
        return f"no outcome in days {self.window}"


@dataclass(frozen=True, kw_only=True)
class FirstOfPerson(Step):
    """Of each person the earliest row that satisfies all steps before this one; without this step, all of them."""

    dated = False

    @property
    def reason(self) -> str:
        """What the attrition calls it."""
        return "first of each person"


@dataclass(frozen=True, kw_only=True)
class IndexDates(Step):
    """The index date lies in a range of days (YYYY-MM-DD), both inclusive; an end that is left out is open."""

    first: str = ""
    last: str = ""

    def __post_init__(self) -> None:
        for name in ("first", "last"):
            try:
                # Other spellings of a day, such as 20200101, are none to Spark and none to compare.
                told = (value := getattr(self, name)) == "" or date.fromisoformat(value).isoformat() == value
            except (TypeError, ValueError):
                told = False
            if not told:
                raise DeclarationError("IndexDates", name, value, "a date (YYYY-MM-DD)")
        if not self.first and not self.last:
            raise DeclarationError("IndexDates", "first", "", "a date (YYYY-MM-DD), or one for last")
        if self.first and self.last and self.last < self.first:
            raise DeclarationError("IndexDates", "last", self.last, f"{self.first} or later")

    @property
    def reason(self) -> str:
        """What the attrition calls it."""
        ends = [f"from {self.first}"] * bool(self.first) + [f"to {self.last}"] * bool(self.last)
        return f"index date {' '.join(ends)}"


@dataclass(frozen=True, kw_only=True)
class MinimumTimeAtRisk(Step):
    """Observed for at least so many days after the index date; in a model, whoever had the outcome stays too."""

    days: int
    observed = True

    def __post_init__(self) -> None:
        whole("MinimumTimeAtRisk", "days", self.days, 1, LONGEST, "days")

    @property
    def reason(self) -> str:
        """What the attrition calls it."""
        return f"observed for {self.days} days after the index date"


@dataclass(frozen=True, kw_only=True)
class Exit(Step):
    """When persons leave: so many days after the entry event's start or end, at the end of observation, or whichever
    is first. Without this step a row ends with its entry event."""

    days: int | None = None
    after: str = "start"
    end_of_observation: bool = True

    def __post_init__(self) -> None:
        typed(self)
        if self.days is not None:
            whole("Exit", "days", self.days, 0, LONGEST, "days")
        elif not self.end_of_observation:
            raise DeclarationError("Exit", "days", None, "a number of days, or end_of_observation=True")
        if self.after not in ("start", "end"):
            raise DeclarationError("Exit", "after", self.after, ["start", "end"])

    @property
    def reason(self) -> str:
        """What the attrition calls it."""
        fixed = [] if self.days is None else [f"{self.days} days after the {self.after}"]
        return f"leaves {' or '.join(fixed + ['at the end of observation'] * self.end_of_observation)}"


@dataclass(frozen=True, kw_only=True)
class Eras(Step):
    """Rows of a person at most so many days apart, from the end of one to the start of the next, become one."""

    gap: int = 0

    def __post_init__(self) -> None:
        whole("Eras", "gap", self.gap, 0, 1_000_000, "days")

    @property
    def reason(self) -> str:
        """What the attrition calls it."""
        return f"one row an era, up to {self.gap} days apart"


STEPS: tuple[type[Step], ...] = (
    InObservation, Washout, AgeAtIndex, SexIs, Requires, Excludes, NoPriorOutcome, FirstOfPerson, IndexDates,
    MinimumTimeAtRisk, Exit, Eras,
)  # fmt: skip
