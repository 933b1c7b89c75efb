"""What may leave the tables: counts of 1 to 10 persons are suppressed, and quoted values are cut from messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

SMALLEST = 11
# Encounters beyond the first of each person: few where few persons return.
AGAIN = "again"

# Quoted text and long runs of digits are where other people's error messages quote a cell or a key. What is quoted may
# hold quotes and ends of lines itself: all from the first quote to the last goes.
QUOTED = re.compile(r"['\"].*['\"]|['\"].*", re.DOTALL)
LONG = re.compile(r"\b\d{4,}\b")


def suppressed(count: int) -> int | None:
    """`count`, or None where it is 1 to 10."""
    return None if 0 < count < SMALLEST else count


def few(*counts: int) -> bool:
    """Whether any of the counts is of 1 to 10."""
    return any(suppressed(count) is None for count in counts)


def moved(count: float, before: Iterable[float]) -> bool:
    """Whether a count or sum differs by 1 to 10 from any that was published of it before: that tells of few."""
    return any(0 < abs(count - one) < SMALLEST for one in before)


def tells(counts: Mapping[str, int], before: Sequence[Mapping[str, int]]) -> bool:
    """Whether one of the counts is of 1 to 10, or differs by so many from what was said of it before."""
    return any(
        few(count) or moved(count, [one[name] for one in before if name in one]) for name, count in counts.items()
    )


def with_others(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts with those that follow: encounters without the event, and those beyond the first of each person."""
    follow = {"others": "events", AGAIN: "persons"}
    return dict(counts) | {
        rest: counts["encounters"] - counts[part]
        for rest, part in follow.items()
        if {"encounters", part} <= set(counts)
    }


def shown(count: int) -> str:
    """`count` for a log or a report: `12,345`, or `fewer than 11`."""
    return "fewer than 11" if suppressed(count) is None else f"{count:,}"


def portion(part: int, whole: int) -> int | None:
    """`part`, or None where it or the rest of `whole` is 1 to 10; that nothing is part of it can always be said."""
    return None if part and None in (suppressed(part), suppressed(whole - part)) else part


def shown_of(part: int, whole: int) -> str:
    """`1,234 of 5,678`, or without the part where it or the rest is of 1 to 10."""
    told = portion(part, whole)
    return f"{'few or all but few' if told is None else f'{told:,}'} of {shown(whole)}"


def measured(value: float, digits: int = 4) -> float:
    """A figure as it may leave: of all its digits the counts that it was made of could be found again."""
    return round(value, digits)


def redacted(message: str) -> str:
    """The first line of a foreign error message without the values it may quote."""
    lines = QUOTED.sub("...", message.strip()).splitlines()
    return LONG.sub("...", lines[0]) if lines else ""
