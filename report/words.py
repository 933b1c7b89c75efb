"""How figures and states are written for a reader."""

from __future__ import annotations

import math
from datetime import UTC, datetime

SMALLEST_SHOWN = 11
SUPPRESSED = f"<{SMALLEST_SHOWN}"
KEPT_BACK = "not shown"
NOTHING = "–"

METRICS = {
    "auroc": "AUROC",
    "average_precision": "Average precision",
    "observed_over_expected": "Observed over expected",
    "calibration_slope": "Calibration slope",
    "calibration_intercept": "Calibration intercept",
    "scaled_brier": "Scaled Brier score",
    "ici": "Integrated calibration index",
}
SPLITS = {
    "person": "Held-out persons",
    "time_held_out": "Last in time, held-out persons",
    "time": "Last in time, all persons",
    "time_new_persons": "Last in time, new persons",
}
STATES = {
    "success": "succeeded",
    "succeeded": "succeeded",
    "failed": "failed",
    "error": "failed",
    "timedout": "timed out",
    "timed_out": "timed out",
    "canceled": "cancelled",
    "cancelled": "cancelled",
    "success_with_failures": "succeeded with failures",
    "terminated": "ended",
    "internal_error": "failed",
    "maximum_concurrent_runs_reached": "skipped",
    "skipped": "skipped",
    "excluded": "skipped",
    "upstream_failed": "upstream failed",
    "upstream_canceled": "upstream cancelled",
    "running": "running",
    "pending": "waiting",
    "queued": "waiting",
}
KINDS = {  # what colour a state gets; the word and the mark always stand beside it
    "succeeded": "good",
    "succeeded with failures": "good",
    "passed": "good",
    "champion": "good",
    "approved": "good",
    "quiet": "good",
    "failed": "bad",
    "error": "bad",
    "stale": "bad",
    "not approved": "bad",
    "timed out": "bad",
    "cancelled": "bad",
    "signal": "bad",
    "running": "busy",
    "waiting": "busy",
}
MARKS = {"good": "✓", "bad": "✕", "busy": "…", "none": "○"}
# States of checks that their colour group does not tell apart.
OWN_MARKS = {"error": "!"}


def is_small(count: object) -> bool:
    """True for a count that would point at few persons: 1..10; a null is one that the store keeps back."""
    return count is not None and 0 < int(str(count)) < SMALLEST_SHOWN


def count(value: int | None) -> str:
    """A count with thousands separated; 1..10 as "<11", and "not shown" for one that is kept back."""
    return KEPT_BACK if value is None else SUPPRESSED if is_small(value) else f"{value:,}"


def number(value: float | None, digits: int = 3) -> str:
    """A figure with `digits` decimals, a small one with three digits that count; a dash where there is none."""
    if value is None or math.isnan(value):
        return NOTHING
    three = f"{value:.3g}"
    small = 0 < abs(float(three)) < 10 ** (1 - digits)
    return (three if small else f"{value or 0.0:.{digits}f}").replace("-", "−")


def kept_back(value: int | None) -> str:
    """A count as a quality report holds it: a dash where it was kept back."""
    return NOTHING if value is None else f"{value:,}"


def share(value: float | None) -> str:
    """A share in percent; a dash where there is none, never 0 % of what is some nor 100 % of what is not all."""
    if value is None or math.isnan(value):
        return NOTHING
    text = f"{value:.{0 if value in (0.0, 1.0) else 1}%}".replace("%", " %")
    return {"0.0 %": "< 0.1 %", "100.0 %": "> 99.9 %"}.get(text, text)


def plain(value: float) -> str:
    """A round number without needless decimals."""
    return f"{value:g}".replace("-", "−")


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """The two ends of an interval, or nothing where one is missing."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    return f"{number(low, digits)} to {number(high, digits)}"


def duration(seconds: float | None) -> str:
    """A duration in the unit a reader would choose."""
    if seconds is None:
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


def moment(value: object) -> str:
    """A point in time, in UTC, from a datetime or seconds since 1970."""
    if isinstance(value, (int, float)):
        value = datetime.fromtimestamp(value, tz=UTC)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return NOTHING if value is None else str(value)


def state(value: str | None) -> str:
    """A run's state in one word, whatever the store calls it."""
    return "not run" if value is None else STATES.get(value.lower(), value.lower().replace("_", " "))


def kind(word: str) -> str:
    """The colour group of a state: good, bad, busy or none."""
    return KINDS.get(word, "none")


def mark(word: str) -> str:
    """The sign that stands before a state, so that colour is never the only difference."""
    return OWN_MARKS.get(word) or MARKS[kind(word)]


def metric(name: str) -> str:
    """A metric's name for a reader."""
    return METRICS.get(name, name.replace("_", " ").capitalize())


def short(text: str | None, length: int = 12) -> str:
    """The first characters of a hash or an id."""
    return NOTHING if not text else str(text)[:length]
