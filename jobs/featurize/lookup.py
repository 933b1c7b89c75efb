"""The codes of concept sets as one small table, by what stands before their dot: made for one hash join.

What Spark compiles decides its shape. A list to be folded would be told by a function that Spark interprets, which
takes the whole step out of its compiled code; a look-up in a map, once for each length that a code's rest can have, is
compiled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise

from workflows.covariates import BITS, CodeRow

# Days with both ends inside, None where they are open; None for a day that is not known.
Stretch = tuple[date | None, date | None] | None


@dataclass(frozen=True)
class Row:
    """What codes with one part before the dot say: `whole` of all that begins so, on all days; `more` by the rest."""

    whole: list[int]
    # One whole number for each word of sets, in one stretch after the other.
    more: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """The table: rows by (vocabulary, part before the dot), each with a bit for each set in `words` whole numbers."""

    words: int
    # The days on which the codes that are in use change.
    starts: tuple[date, ...]
    rows: dict[tuple[str, str], Row]

    @cached_property
    def lengths(self) -> list[int]:
        """How long the rest of a code can be that says more."""
        return sorted({len(rest) for row in self.rows.values() for rest in row.more})


def lookup(codes: Iterable[CodeRow], sets: Sequence[tuple[str, str]]) -> Lookup:
    """The table of the codes of some sets.

    sets: (collection, concept_set_name), in the order of their bits; there once for each unit that is asked of it.
    """
    places: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for number, key in enumerate(sets):
        places.setdefault(key, []).append(divmod(number, BITS))
    words = (len(sets) + BITS - 1) // BITS
    used = [(place, *row[2:]) for row in codes for place in places.get((row[0], row[1]), ())]
    starts = sorted({day for *_, first, last in used for day in changes(first, last)})
    every = stretches(starts)
    rows: dict[tuple[str, str], Row] = {}
    for (word, bit), vocabulary, code, first, last in used:
        before, _, rest = code.partition(".")
        row = rows.setdefault((vocabulary, before), Row([0] * words))
        if not rest and first is None and last is None:
            row.whole[word] |= 1 << bit
            continue
        bits = row.more.setdefault(rest, [0] * (words * len(every)))
        for number, stretch in enumerate(every):
            if covers(first, last, stretch):
                bits[number * words + word] |= 1 << bit
    return Lookup(words=words, starts=tuple(starts), rows=rows)


def changes(first: date | None, last: date | None) -> list[date]:
    """The days from which on a code is in use, and no longer is."""
    after = None if last is None or last == date.max else last + timedelta(1)
    return [day for day in (first, after) if day is not None]


def stretches(starts: Sequence[date]) -> list[Stretch]:
    """A day that is not known, and all days in stretches on whose days the same codes are in use."""
    ends = [None, *starts, None]
    return [None, *((start, end and end - timedelta(1)) for start, end in pairwise(ends))]


def covers(first: date | None, last: date | None, stretch: Stretch) -> bool:
    """Whether a code of some days is in use on a stretch; on no known day are those that always are."""
    if stretch is None:
        return first is None and last is None
    start, end = stretch
    begun = first is None or (start is not None and start >= first)
    lasts = last is None or last == date.max or (end is not None and end <= last)
    return begun and lasts
