"""What a model makes of the step that asks for time at risk: nobody declares these. Standard library only.

Who leaves early because the outcome occurred (a death, a transfer) is no loss to follow-up: without them the cohort
would be chosen by its outcome. Whose time at risk is not over yet is judged when it is: until then they are scored.
"""

from __future__ import annotations

from dataclasses import dataclass

from workflows.steps import OfWindow, Step


def reason(days: int) -> str:
    """What the attrition calls either."""
    return f"outcome, or observed for {days} days after the index date, once the time at risk is over"


@dataclass(frozen=True, kw_only=True)
class EventOrTime(OfWindow):
    """The outcome, an event, lies in its time at risk (`window`), or the person is observed for so many days."""

    days: int
    observed = True
    because: str = "it is the outcome"

    @property
    def reason(self) -> str:
        """What the attrition calls it."""
        return reason(self.days)


@dataclass(frozen=True, kw_only=True)
class RecordedOrTime(Step):
    """The source recorded the outcome (`name` is `equals`), or the person is observed for so many days."""

    name: str
    equals: str
    days: int
    observed = True

    @property
    def reason(self) -> str:
        """What the attrition calls it."""
        return reason(self.days)


OUTCOME_STEPS: tuple[type[Step], ...] = (EventOrTime, RecordedOrTime)
