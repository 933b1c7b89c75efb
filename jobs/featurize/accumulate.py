"""What features need of the events of an index row, accumulated in numpy: an event touches its own sets' parts alone.

Spark's own aggregates update every column of a group for every row, so that their cost is events times features; here
it is events times the features of the event's own sets. All is whole numbers: no order of rows changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    Whole = np.ndarray[Any, np.dtype[np.int64]]
    Truth = np.ndarray[Any, np.dtype[np.bool_]]
    Held = dict[str, Whole]

LOWEST, HIGHEST = np.iinfo(np.int64).min, np.iinfo(np.int64).max
# Rows looked at together: Spark's batches are small beside what a step of numpy costs.
TOGETHER = 1 << 17
HALF = 20
# A value times a day has more than 64 bits, a third of a value times a day has 43.
THIRD = 21
# What each family keeps, and what stands where there was nothing.
FAMILIES: dict[str, dict[str, int]] = {
    "count": {"count": 0},
    "last": {"last": LOWEST},
    "first": {"first": HIGHEST},
    "latest": {"moment": LOWEST, "latest": LOWEST},
    "min": {"min": HIGHEST},
    "max": {"max": LOWEST},
    "mean": {"n": 0, "high": 0, "low": 0},
    "trend": {"n": 0, "high": 0, "low": 0, "x": 0, "xx": 0, "xhigh": 0, "xmiddle": 0, "xlow": 0},
}
OF_VALUES = ("latest", "min", "max", "mean", "trend")
GIVEN = ("_day", "_value", "_moment")


@dataclass(frozen=True)
class Span:
    """Where an event must lie. start, end: days from the index, None on the index encounter itself."""

    start: int | None
    end: int | None
    overlap: bool = False
    observed: bool = False


@dataclass(frozen=True)
class Part:
    """One family of whole numbers about the events of one concept set in one span; "any" is of all sets of a word."""

    family: str
    word: int
    bit: int
    span: Span


def ordered(parts: Iterable[Part]) -> list[Part]:
    """Each part once, those of one family side by side."""
    return sorted(dict.fromkeys(parts), key=lambda part: ["any", *FAMILIES].index(part.family))


def together(rows: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches in portions of about `TOGETHER` rows."""
    held: list[pa.RecordBatch] = []
    for batch in rows:
        held.append(batch)
        if sum(one.num_rows for one in held) >= TOGETHER:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def numbers(column: pa.ChunkedArray) -> Whole:
    """A column as whole numbers or truths; a day that is not known lies in no span."""
    if column.null_count:
        column = column.fill_null(False if pa.types.is_boolean(column.type) else HIGHEST)
    return np.asarray(column.to_numpy())


def contains(span: Span, frame: Mapping[str, Whole]) -> Truth:
    """Whether each event lies in the span."""
    if span.start is None or span.end is None:
        return np.asarray(frame["_own"], dtype=bool)
    day = frame["_day"]
    inside = (day <= span.end) & ((frame["_last"] if span.overlap else day) >= span.start)
    return inside & frame["_seen"].astype(bool) if span.observed else inside


class Sets:
    """For each combination of bits in one word, the numbers of the parts that its events touch."""

    def __init__(self, bits: Sequence[tuple[int, int]]) -> None:
        """bits: (bit, number of the part)."""
        self._bits = bits
        self._known: dict[int, Whole] = {}

    def touched(self, words: Whole) -> tuple[Whole, Whole]:
        """(row, part) for every part that a row's sets touch."""
        found, inverse = np.unique(words, return_inverse=True)
        for word in found.tolist():
            if word not in self._known:
                numbers = [number for bit, number in self._bits if word >> bit & 1]
                self._known[word] = np.array(numbers, dtype=np.int64)
        lists = [self._known[word] for word in found.tolist()]
        lengths = np.array([len(one) for one in lists], dtype=np.int64)
        begins = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        each = lengths[inverse]
        rows = np.repeat(np.arange(len(words)), each)
        ramp = np.arange(len(rows)) - np.repeat(np.cumsum(each) - each, each)
        return rows, np.concatenate(lists)[begins[inverse[rows]] + ramp]


def sums(held: Held, cell: Whole, value: Whole) -> None:
    """Add values in two halves: their sums are whole and stay far from the largest whole number."""
    np.add.at(held["high"], cell, value >> HALF)
    np.add.at(held["low"], cell, value & ((1 << HALF) - 1))


def products(held: Held, cell: Whole, value: Whole, day: Whole) -> None:
    """Add values times days in three parts: whole too, and small enough for a million events 10,000 years away."""
    low = (1 << THIRD) - 1
    np.add.at(held["xhigh"], cell, (value >> 2 * THIRD) * day)
    np.add.at(held["xmiddle"], cell, (value >> THIRD & low) * day)
    np.add.at(held["xlow"], cell, (value & low) * day)


def keep_count(held: Held, cell: Whole, _: Whole, __: Whole, ___: Whole) -> None:
    """How many."""
    np.add.at(held["count"], cell, 1)


def keep_last(held: Held, cell: Whole, day: Whole, _: Whole, __: Whole) -> None:
    """The last day."""
    np.maximum.at(held["last"], cell, day)


def keep_first(held: Held, cell: Whole, day: Whole, _: Whole, __: Whole) -> None:
    """The first day."""
    np.minimum.at(held["first"], cell, day)


def keep_min(held: Held, cell: Whole, _: Whole, value: Whole, __: Whole) -> None:
    """The smallest value."""
    np.minimum.at(held["min"], cell, value)


def keep_max(held: Held, cell: Whole, _: Whole, value: Whole, __: Whole) -> None:
    """The largest value."""
    np.maximum.at(held["max"], cell, value)


def keep_latest(held: Held, cell: Whole, _: Whole, value: Whole, moment: Whole) -> None:
    """The value at the last moment; of several at one moment, the largest."""
    before = held["moment"][cell]
    np.maximum.at(held["moment"], cell, moment)
    after = held["moment"][cell]
    held["latest"][cell[after > before]] = LOWEST
    newest = moment == after
    np.maximum.at(held["latest"], cell[newest], value[newest])


def keep_mean(held: Held, cell: Whole, _: Whole, value: Whole, __: Whole) -> None:
    """What a mean is made from."""
    np.add.at(held["n"], cell, 1)
    sums(held, cell, value)


def keep_trend(held: Held, cell: Whole, day: Whole, value: Whole, moment: Whole) -> None:
    """What a slope over days is made from."""
    keep_mean(held, cell, day, value, moment)
    np.add.at(held["x"], cell, day)
    np.add.at(held["xx"], cell, day * day)
    products(held, cell, value, day)


KEEP: dict[str, Callable[[Held, Whole, Whole, Whole, Whole], None]] = {
    "count": keep_count, "last": keep_last, "first": keep_first, "latest": keep_latest, "min": keep_min,
    "max": keep_max, "mean": keep_mean, "trend": keep_trend,
}  # fmt: skip


class State:
    """The parts of all index rows of one partition."""

    def __init__(self, parts: Iterable[Part]) -> None:
        every = ordered(parts)
        self.any = [part for part in every if part.family == "any"]
        self.sparse = [part for part in every if part.family != "any"]
        self.spans = list(dict.fromkeys(part.span for part in every))
        self.span_of = np.array([self.spans.index(part.span) for part in self.sparse], dtype=np.int64)
        self.keys = pd.Index([], dtype="int64")
        # The first day that is observed, from the index date.
        self.since = np.zeros(0, dtype=np.int64)
        self.any_bits: list[Whole] = [np.zeros(0, dtype=np.int64) for _ in self.any]
        self.families: dict[str, tuple[int, int, dict[str, Whole]]] = {}
        for family, initial in FAMILIES.items():
            numbers = [number for number, part in enumerate(self.sparse) if part.family == family]
            if numbers:
                held = {what: np.zeros(0, dtype=np.int64) for what in initial}
                self.families[family] = (numbers[0], numbers[-1] + 1, held)
        words = dict.fromkeys(part.word for part in self.sparse)
        self.sets = {
            word: Sets([(part.bit, number) for number, part in enumerate(self.sparse) if part.word == word])
            for word in words
        }

    def add(self, columns: dict[str, pa.ChunkedArray], keys: Whole) -> None:
        """Take in the events of some rows."""
        slots = self.slots(keys)
        frame = {name: numbers(column) for name, column in columns.items() if name != "_value"}
        if "_since" in frame:
            self.since[slots] = frame["_since"]
        inside = np.stack([contains(span, frame) for span in self.spans])
        for part, bits in zip(self.any, self.any_bits, strict=True):
            here = inside[self.spans.index(part.span)]
            np.bitwise_or.at(bits, slots[here], frame[f"_set{part.word}"][here])
        if "_value" in columns:
            frame["_value"] = numbers(columns["_value"])
            frame["_valued"] = np.asarray(columns["_value"].is_valid())
        for word, sets in self.sets.items():
            rows, touched = sets.touched(frame[f"_set{word}"])
            here = inside[self.span_of[touched], rows]
            self.keep(frame, slots, rows[here], touched[here])

    def keep(self, frame: dict[str, Whole], slots: Whole, rows: Whole, touched: Whole) -> None:
        """Take in events that lie where the parts they touch look."""
        for family, (first, last, held) in self.families.items():
            mine = (touched >= first) & (touched < last)
            if family in OF_VALUES:
                mine &= frame["_valued"][rows].astype(bool)
            row = rows[mine]
            cell = slots[row] * (last - first) + touched[mine] - first
            KEEP[family](held, cell, *(frame[name][row] if name in frame else row for name in GIVEN))

    def slots(self, keys: Whole) -> Whole:
        """The place of each row's key; room is made for new ones."""
        codes, found = pd.factorize(keys)
        places = self.keys.get_indexer(found)
        new = places < 0
        if new.any():
            places[new] = len(self.keys) + np.arange(new.sum())
            self.keys = self.keys.append(pd.Index(found[new]))
            more = int(new.sum())
            self.since = np.concatenate([self.since, np.full(more, HIGHEST)])
            self.any_bits = [np.concatenate([bits, np.zeros(more, dtype=np.int64)]) for bits in self.any_bits]
            for family, (first, last, held) in self.families.items():
                for what, initial in FAMILIES[family].items():
                    room = np.full(more * (last - first), initial, dtype=np.int64)
                    held[what] = np.concatenate([held[what], room])
        return np.asarray(places[codes], dtype=np.int64)

    def held(self, part: Part, what: str, rows: slice) -> Whole:
        """One number of a part for some of the keys."""
        if part.family == "any":
            return self.any_bits[self.any.index(part)][rows]
        first, last, held = self.families[part.family]
        return held[what].reshape(-1, last - first)[rows, self.sparse.index(part) - first]
