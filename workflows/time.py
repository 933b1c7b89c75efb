"""Windows of days relative to the index date; both ends are named and inclusive."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.errors import DeclarationError

LONGEST = 36_500


@dataclass(frozen=True, order=True)
class Window:
    """Days `start`..`end` relative to the index date (day 0), both inclusive."""

    start: int
    end: int

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            value = getattr(self, name)
            if type(value) is not int or abs(value) > LONGEST:
                raise DeclarationError("Window", name, value, f"a whole number of days from -{LONGEST} to {LONGEST}")
        if self.start > self.end:
            raise DeclarationError(
                "Window", "end", self.end, f"{self.start} or later: a window cannot end before it starts"
            )

    def __str__(self) -> str:
        return f"{self.start}..{self.end}"


def days(start: int, end: int) -> Window:
    """The window from day `start` to day `end`, both inclusive: `days(-365, -1)` is the year before the index date."""
    return Window(start, end)
