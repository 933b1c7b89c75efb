"""What the caller did and learned, told in order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One step of the story. `by` is the person in whose name it was done, where one had to approve."""

    stage: str
    did: str
    learned: str = ""
    by: str = ""
    seconds: float | None = None
