"""What a measurement says: ours against a named opponent in the same run, and what the ratio may be."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

ALLOWED = "what is allowed"


@dataclass(frozen=True)
class Result:
    """ours, opponent: in the same unit, mostly seconds; less is better.

    bound: the largest ratio that will do; None where the opponent only stands beside.
    """

    name: str
    ours: float
    opponent: float
    opponent_name: str
    bound: float | None = 1.0

    @property
    def ratio(self) -> float:
        """Ours over the opponent's."""
        return self.ours / self.opponent

    @property
    def good(self) -> bool:
        """Whether the ratio is within its bound."""
        return self.bound is None or self.ratio <= self.bound

    def written(self) -> dict[str, Any]:
        """As it stands in `results.json`."""
        return asdict(self) | {"ratio": self.ratio}


def within(name: str, ours: float, allowed: float) -> Result:
    """A measurement whose opponent is a promise."""
    return Result(name, ours, allowed, ALLOWED)
