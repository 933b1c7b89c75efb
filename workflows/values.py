"""Features of the values of events, such as results of laboratory tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workflows.errors import DeclarationError
from workflows.expressions import BLANKS
from workflows.features import OfConcepts

if TYPE_CHECKING:
    from workflows.source import Source


def unit_spelled(unit: str) -> str:
    """A unit as units are compared: without outer blanks and without regard to case."""
    return unit.strip(BLANKS).lower()


def has_units(source: Source) -> bool:
    """Whether the events of a source have units."""
    return any(kind.unit != "null" for kind in source.events)


@dataclass(frozen=True)
class OfValues(OfConcepts):
    """A feature of the values of events.

    unit: one spelling or several of the one unit whose values count; nothing is converted. Without it every value
    counts, whatever its unit.
    """

    unit: str | tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        given = (self.unit,) if isinstance(self.unit, str) else self.unit
        if not isinstance(given, (list, tuple)) or not all(isinstance(one, str) and one.strip() for one in given):
            raise DeclarationError(type(self).__name__, "unit", self.unit, "'mg/dL', or ('mg/dL', 'mg per dL')")
        object.__setattr__(self, "unit", tuple(given))

    @property
    def units(self) -> tuple[str, ...]:
        """The units whose values count, as they are compared; none where every value does."""
        return tuple(sorted({unit_spelled(one) for one in self.unit}))


@dataclass(frozen=True)
class LatestOf(OfValues):
    """The value of the last event that has one; of several at one moment, the largest."""

    aggregation: ClassVar[str] = "latest"


@dataclass(frozen=True)
class MinOf(OfValues):
    """The smallest value."""

    aggregation: ClassVar[str] = "min"


@dataclass(frozen=True)
class MaxOf(OfValues):
    """The largest value."""

    aggregation: ClassVar[str] = "max"


@dataclass(frozen=True)
class MeanOf(OfValues):
    """The mean value."""

    aggregation: ClassVar[str] = "mean"


@dataclass(frozen=True)
class TrendOf(OfValues):
    """The slope of the values over days, by least squares; nothing where all were measured on one day."""

    aggregation: ClassVar[str] = "trend"
