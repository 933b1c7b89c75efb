"""Whether a signal starts a retraining: once for what has matured, not once a day."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Made:
    """The newest registered version. passed: its gates, as far as they were checked."""

    version: int
    champion: bool
    passed: bool


def retraining(signal: str, newest: Made, events: int, minimum: int) -> tuple[bool, str]:
    """Whether to retrain, and why in words that name no count.

    events: that have matured and that the newest version was not made with. Without enough of them another version
    would learn nothing that the newest one does not know, and would look at the test side once more.
    """
    if not signal:
        return False, "no signal"
    name = f"version {newest.version}"
    if events >= minimum:
        return True, f"at least {minimum} events have matured that {name} was not made with"
    waits = f"fewer than {minimum} events have matured that it was not made with"
    if newest.champion:
        return False, f"{name} is the newest: {waits}"
    state = "waits for promotion" if newest.passed else "did not pass its gates"
    return False, f"retrained already: {name} {state}; {waits}"
