"""Features a model can declare. A window never reaches the index day unless `because` says why it is known by then.

Of events: `concepts` is a collection (a column for each of its sets), one set of it (`"collection.set"`) or `Codes`.
An event counts where it starts (`rule="start"`) or where any of it lies (`rule="overlap"`; without an end it ends where
it starts). `in_observation=True`, of events and of encounters: it starts, and the index date lies, in the same
observation period, both ends inclusive; what the unobserved part of a window held is unknown then, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from workflows.codes import Codes, one_set
from workflows.errors import DeclarationError
from workflows.time import Window
from workflows.typed import typed

RULES = ("start", "overlap")


@dataclass(frozen=True)
class Feature:
    """One declared feature; `name` is unique in a model and starts the names of its columns."""

    @property
    def name(self) -> str:
        """Unique in a model; starts the names of its columns."""
        raise TypeError(f"{type(self).__name__} declares no feature: use Demographics, AtIndex or AnyOf")


def reach(feature: Feature) -> Window | None:
    """The days a feature looks at, or None for what is known at the index date."""
    return getattr(feature, "window", None)


def in_observation(feature: object) -> bool:
    """Whether only what lies in the observation period of the index date counts for it."""
    return bool(getattr(feature, "in_observation", False))


def past(owner: str, window: object, because: str = "") -> Window:
    """`window` if it ends before the index day, or on it with a reason."""
    if not isinstance(window, Window):
        raise DeclarationError(owner, "window", window, "days(-365, -1) for example")
    if window.end > (0 if because.strip() else -1):
        raise DeclarationError(
            owner, "window", str(window),
            "a window that ends on day -1 or earlier; the index day only by AtIndex or because=, later days never",
        )  # fmt: skip
    return window


@dataclass(frozen=True)
class Demographics(Feature):
    """Age in completed years (or the source's age band) and sex at the index date."""

    @property
    def name(self) -> str:
        """Unique in a model; starts the names of its columns."""
        return "demographics"


@dataclass(frozen=True)
class AtIndex(Feature):
    """An attribute of the index encounter itself, allowed only with the reason why it is known by then."""

    attribute: str
    because: str

    def __post_init__(self) -> None:
        typed(self)
        if not self.because.strip():
            raise DeclarationError("AtIndex", "because", self.because, "the reason why it is known at the index date")

    @property
    def name(self) -> str:
        """Unique in a model; starts the names of its columns."""
        return self.attribute


@dataclass(frozen=True)
class OfEvents:
    """Events of concept sets in a window, and what is counted of them.

    label: what the name ends with instead of the window, where one model declares the same feature of two windows.
    """

    concepts: str | Codes
    window: Window | None = None
    because: str = ""
    rule: str = "start"
    in_observation: bool = False
    label: str = ""
    aggregation: ClassVar[str] = ""

    @property
    def collection(self) -> str:
        """The collection that its concept sets belong to; empty where they are written out."""
        return self.concepts.partition(".")[0] if isinstance(self.concepts, str) else ""

    @property
    def set_name(self) -> str:
        """The one concept set it is of; empty where it is of every set of the collection."""
        return self.concepts.partition(".")[2] if isinstance(self.concepts, str) else self.concepts.name

    @property
    def stem(self) -> str:
        """What it is of, as a part of its name."""
        return "_".join(part for part in (self.collection, self.set_name) if part)

    @property
    def units(self) -> tuple[str, ...]:
        """The units whose values count; none where every event does."""
        return ()

    @property
    def title(self) -> str:
        """What it is of, as it is declared."""
        return self.concepts if isinstance(self.concepts, str) else self.concepts.name


@dataclass(frozen=True)
class OfConcepts(Feature, OfEvents):
    """A feature of the events of concept sets in a window."""

    def __post_init__(self) -> None:
        owner = type(self).__name__
        self._check_words(owner)
        past(owner, self.window, self.because)
        if self.rule not in RULES:
            raise DeclarationError(owner, "rule", self.rule, RULES)

    def _check_words(self, owner: str) -> None:
        one_set(owner, self.concepts)
        typed(self)
        # Spark takes names that differ in case for one.
        if self.label and not (f"f{self.label}".isidentifier() and self.label == self.label.lower()):
            raise DeclarationError(owner, "label", self.label, "a lower-case part of a name such as 'year'")

    @property
    def name(self) -> str:
        """Unique in a model; starts the names of its columns."""
        span = f"{-self.window.start}_{-self.window.end}" if self.window else ""
        return "_".join(part for part in (self.aggregation, self.stem, self.label or span) if part)


@dataclass(frozen=True)
class AnyOf(OfConcepts):
    """Yes or no: an event lies in the window.

    window None: on the index encounter itself, for sources whose time is only an order.
    """

    aggregation: ClassVar[str] = "any"

    def __post_init__(self) -> None:
        if self.window is not None:
            super().__post_init__()
            return
        self._check_words("AnyOf")
        if not self.because.strip():
            raise DeclarationError(
                "AnyOf", "because", self.because, "a window, or the reason why it is known at the index date"
            )
        if self.in_observation or self.rule != "start":
            raise DeclarationError("AnyOf", "window", None, "a window in days, as its rule speaks of days")

    @property
    def name(self) -> str:
        """Unique in a model; starts the names of its columns. Without the window, which few models vary."""
        return "_".join(part for part in (self.aggregation, self.stem, self.label) if part)


@dataclass(frozen=True)
class CountOf(OfConcepts):
    """How many events: of concept sets, or of a named event of the source ("inpatient_admission")."""

    aggregation: ClassVar[str] = "count"


@dataclass(frozen=True)
class DaysSince(OfConcepts):
    """Days from the start of the last event to the index date."""

    aggregation: ClassVar[str] = "days_since"


@dataclass(frozen=True)
class FirstOf(OfConcepts):
    """The day of the first event's start, counted from the index date: negative before it."""

    aggregation: ClassVar[str] = "first"


@dataclass(frozen=True)
class LastOf(OfConcepts):
    """The day of the last event's start, counted from the index date: negative before it."""

    aggregation: ClassVar[str] = "last"


@dataclass(frozen=True)
class OfEncounters(Feature):
    """A number of the encounters that start inside the window, but for the index encounter."""

    window: Window
    in_observation: bool = False
    aggregation: ClassVar[str] = ""

    def __post_init__(self) -> None:
        past(type(self).__name__, self.window)
        typed(self)

    @property
    def name(self) -> str:
        """Unique in a model; starts the names of its columns."""
        return f"{self.aggregation}_{-self.window.start}_{-self.window.end}"


@dataclass(frozen=True)
class Visits(OfEncounters):
    """How many encounters of any kind."""

    aggregation: ClassVar[str] = "visits"


@dataclass(frozen=True)
class StayDays(OfEncounters):
    """Days in hospital of the inpatient stays."""

    aggregation: ClassVar[str] = "stay_days"


@dataclass(frozen=True)
class Charlson(OfConcepts):
    """The Charlson comorbidity index of a window, and a column for each of its 17 conditions.

    Codes: Quan et al., Medical Care 2005;43:1130-9 (collection `charlson`). Weights: `charlson.WEIGHTS`.
    """

    concepts: str | Codes = field(default="charlson", init=False)
    aggregation: ClassVar[str] = "any"

    @property
    def name(self) -> str:
        """Unique in a model; starts the names of its columns."""
        return "_".join(part for part in ("charlson", self.label) if part)

    @property
    def index(self) -> str:
        """The column of the index itself."""
        return f"{self.name}_index"


OPERATIONS = ("ratio", "sum", "difference", "at_least")


@dataclass(frozen=True)
class Derived(Feature):
    """A number from other columns of the model: their `ratio`, `sum`, `difference`, or whether one is `at_least`.

    of: the names of those columns, derived ones too. A missing part makes it missing, and so does a ratio to zero.
    """

    label: str
    operation: str
    of: tuple[str, ...]
    threshold: float | None = None

    def __post_init__(self) -> None:
        typed(self)
        if not isinstance(self.of, (str, list, tuple)) or not all(isinstance(name, str) for name in self.of):
            raise DeclarationError("Derived", "of", self.of, "names of columns")
        object.__setattr__(self, "of", (self.of,) if isinstance(self.of, str) else tuple(self.of))
        if not self.label.isidentifier() or not self.label.islower():
            raise DeclarationError("Derived", "label", self.label, "a lower-case name such as 'visit_rate'")
        if self.operation not in OPERATIONS:
            raise DeclarationError("Derived", "operation", self.operation, OPERATIONS)
        least, most = {"sum": (2, 999), "at_least": (1, 1)}.get(self.operation, (2, 2))
        if not least <= len(self.of) <= most:
            raise DeclarationError("Derived", "of", self.of, f"{least} column names for {self.operation}")
        if (self.threshold is not None) != (self.operation == "at_least"):
            raise DeclarationError("Derived", "threshold", self.threshold, "a number for at_least, and only for that")

    @property
    def name(self) -> str:
        """Unique in a model; the name of its column."""
        return self.label
