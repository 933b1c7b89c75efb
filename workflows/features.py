"""Features a model can declare. A window never reaches the index day; what is known on that day says why."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.errors import DeclarationError
from workflows.time import Window


@dataclass(frozen=True)
class Feature:
    """One declared feature; `name` is unique in a model and starts the names of its columns."""

    @property
    def name(self) -> str:
        """Unique in a model; starts the names of its columns."""
        raise TypeError(f"{type(self).__name__} declares no feature: use Demographics, AtIndex, AnyOf or CountOf")


def reach(feature: Feature) -> Window | None:
    """The days a feature looks at, or None for what is known at the index date."""
    return getattr(feature, "window", None)


def past(owner: str, window: object) -> Window:
    """`window` if it ends before the index day."""
    if not isinstance(window, Window):
        raise DeclarationError(owner, "window", window, "days(-365, -1) for example")
    if window.end > -1:
        raise DeclarationError(
            owner, "window", str(window), "a window that ends on day -1 or earlier; the index day only by AtIndex"
        )
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
        if not self.because.strip():
            raise DeclarationError("AtIndex", "because", self.because, "the reason why it is known at the index date")

    @property
    def name(self) -> str:
        """Unique in a model; starts the names of its columns."""
        return self.attribute


@dataclass(frozen=True)
class AnyOf(Feature):
    """One yes/no column for each concept set of a collection: an event of it starts inside the window.

    window None: on the index encounter itself, for sources whose time is only an order.
    """

    collection: str
    window: Window | None = None
    because: str = ""

    def __post_init__(self) -> None:
        if self.window is None and not self.because.strip():
            raise DeclarationError(
                "AnyOf", "because", self.because, "a window, or the reason why it is known at the index date"
            )
        if self.window is not None:
            past("AnyOf", self.window)

    @property
    def name(self) -> str:
        """Unique in a model; starts the names of its columns."""
        return f"any_{self.collection}"


@dataclass(frozen=True)
class CountOf(Feature):
    """How many events of a name start inside the window."""

    event: str
    window: Window

    def __post_init__(self) -> None:
        past("CountOf", self.window)

    @property
    def name(self) -> str:
        """Unique in a model; starts the names of its columns."""
        return f"count_{self.event}_{-self.window.start}_{-self.window.end}"
