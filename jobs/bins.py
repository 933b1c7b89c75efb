"""Counts of persons by value, in bins that may be shown: none of 1 to 10, and no smallest or largest value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.disclosure import SMALLEST
from jobs.release import Sum, release

BINS = 8  # about so many between the ends of the middle of a distribution
STEPS = (1, 2, 5, 10)
MISSING, ALL = "no value", "all"
FEW = 3  # rare levels that are called by their names


@dataclass(frozen=True)
class Numbers:
    """What is known of a column of numbers before it is cut. low, high: ends of its middle; whole: no fractions."""

    low: float
    high: float
    whole: bool
    negative: bool


def edges(numbers: Numbers) -> list[float]:
    """Round numbers at which to cut: multiples of 1, 2 or 5 times a power of ten inside the middle."""
    width = (numbers.high - numbers.low) / BINS
    power = 10.0 ** math.floor(math.log10(width)) if width > 0 else 1.0
    step = next(power * one for one in STEPS if power * one >= width * (1 - 1e-9))
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    if numbers.whole:
        step = max(1.0, step)
    first, last = math.floor(numbers.low / step) + 1, math.ceil(numbers.high / step)
    if numbers.whole and step == 1:
        # Small counts are told apart a little beyond the middle, too.
        last += 2
    # Far from zero neighbours can be one number.
    return list(dict.fromkeys(round(place * step, digits) for place in range(first, max(first, last) + 1)))


def written(number: float) -> str:
    """A number with as many digits as tell it from every other: `3`, `0.5`, `20200131`."""
    return repr(float(number)).removesuffix(".0")


def label(low: float | None, high: float | None, numbers: Numbers) -> str:
    """`3`, `3 to 5`, `0.5 to below 1`, `below 3`, `3 and above`."""
    low = 0 if low is None and not numbers.negative else low
    if high is None:
        return "any value" if low is None else f"{written(low)} and above"
    if low is None:
        return f"below {written(high)}"
    if not numbers.whole:
        return f"{written(low)} to below {written(high)}"
    return written(low) if high - low <= 1 else f"{written(low)} to {written(high - 1)}"


def merged(counts: Sequence[int]) -> list[tuple[int, int]]:
    """Runs of bins, first and last, of at least 11 persons; what is left joins the last one, unless it is nobody."""
    runs: list[tuple[int, int]] = []
    start, held = 0, 0
    for place, count in enumerate(counts):
        held += count
        if held >= SMALLEST:
            runs.append((start, place))
            start, held = place + 1, 0
    if start < len(counts) and not held and runs:
        runs.append((start, len(counts) - 1))
    elif start < len(counts):
        runs = [*runs[:-1], (runs[-1][0], len(counts) - 1)] if runs else [(0, len(counts) - 1)]
    return runs


def of_numbers(cuts: Sequence[float], counts: Sequence[int], numbers: Numbers) -> dict[str, int]:
    """Persons by bin, neighbours put together until none is of few; an empty bin joins its neighbour."""
    bounds = [None, *cuts, None]
    return {label(bounds[a], bounds[b + 1], numbers): sum(counts[a : b + 1]) for a, b in merged(counts)}


def of_levels(counts: Mapping[str, int]) -> dict[str, int]:
    """Persons by level, most first; the rare ones together. What is called as another line is, stands in quotes."""
    in_order = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    kept = [pair for pair in in_order if pair[1] >= SMALLEST]
    rare = in_order[len(kept) :]
    while kept and rare and sum(count for _, count in rare) < SMALLEST:
        rare.insert(0, kept.pop())
    named = " or ".join(sorted(level for level, _ in rare)) if len(rare) <= FEW else f"{len(rare)} rare levels"
    found: dict[str, int] = {}
    for level, count in [*kept, *([(named, sum(count for _, count in rare))] if rare else [])]:
        while level in (MISSING, ALL, *found):
            level = f'"{level}"'
        found[level] = count
    return found


def published(binned: Mapping[str, int], missing: int) -> dict[str, int | None]:
    """The bins, those without a value, and `all`, as they may be shown."""
    cells = {**binned, MISSING: missing, ALL: sum(binned.values()) + missing}
    return release(cells, [Sum(ALL, (*binned, MISSING))])
