"""The values of covariates from what was accumulated of the events: numpy alone, for Spark's workers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from jobs.featurize.accumulate import FAMILIES, HALF, HIGHEST, LOWEST, THIRD, Part, Span, State, together
from workflows.covariates import BITS, SCALE, Covariate

if TYPE_CHECKING:
    from jobs.featurize.accumulate import Truth
    from jobs.featurize.matching import Counted

    Number = np.ndarray[Any, np.dtype[np.float64]]

FAMILY = {"days_since": "last"} | {kind: kind for kind in ("any", *FAMILIES)}
AT_ONCE = 10_000


def keys(some: Sequence[Covariate]) -> list[Counted]:
    """The concept sets in use, each with the units in use, in the order of their bits."""
    return list(dict.fromkeys(one.counted for one in some))


def part(one: Covariate, sets: Sequence[Counted]) -> Part:
    """What a covariate is made from. sets: the concept sets in the order of their bits."""
    word, bit = divmod(sets.index(one.counted), BITS)
    feature, window = one.feature, one.feature.window
    start, end = (window.start, window.end) if window else (None, None)
    span = Span(start, end, overlap=feature.rule == "overlap", observed=feature.in_observation)
    # One for all sets of a word: their bits together.
    return Part(FAMILY[feature.aggregation], word, 0 if feature.aggregation == "any" else bit, span)


def batches(rows: Iterable[pa.RecordBatch], some: Sequence[Covariate], key: str) -> Iterator[pa.RecordBatch]:
    """The values of one partition: `key` and `f_<column>` for each covariate, a row for each key there is."""
    sets = keys(some)
    parts = [part(one, sets) for one in some]
    state = State(parts)
    for table in together(rows):
        state.add({name: table[name] for name in table.column_names if name != key}, table[key].to_numpy())
    for begin in range(0, len(state.keys), AT_ONCE):
        at = slice(begin, min(begin + AT_ONCE, len(state.keys)))
        columns = {key: pa.array(state.keys[at].to_numpy())}
        for one, held in zip(some, parts, strict=True):
            found, known = value(one, held, sets.index(one.counted) % BITS, state, at)
            columns[f"f_{one.column}"] = pa.array(found, mask=~known)
        yield pa.RecordBatch.from_pydict(columns)


def value(one: Covariate, held: Part, bit: int, state: State, at: slice) -> tuple[Number, Truth]:
    """A covariate of some keys, and where it is known."""
    feature, kind = one.feature, one.feature.aggregation
    if kind == "any":
        found = (state.held(held, "any", at) >> bit & 1).astype(float)
        there, sure = np.ones(len(found), dtype=bool), found == 1
    elif kind == "count":
        found = state.held(held, "count", at).astype(float)
        there, sure = np.ones(len(found), dtype=bool), np.zeros(len(found), dtype=bool)
    else:
        found, there = statistic(kind, held, state, at)
        # What is not observed lies before what is, so the last that was seen is the last.
        sure = np.full(len(found), kind in ("days_since", "last", "latest"))
    if not feature.in_observation or feature.window is None:
        return found, there
    return found, there & (sure | (state.since[at] <= feature.window.start))


def statistic(kind: str, held: Part, state: State, at: slice) -> tuple[Number, Truth]:
    """First and last day, latest, smallest, largest and mean value, and slope: from whole numbers, and where there."""
    if kind == "mean":
        return mean(held, state, at)
    if kind == "trend":
        return trend(held, state, at)
    whole = state.held(held, held.family, at)
    there = (whole != LOWEST) & (whole != HIGHEST)
    if kind in ("first", "last", "days_since"):
        return (-whole if kind == "days_since" else whole).astype(float), there
    return whole / SCALE, there


def mean(held: Part, state: State, at: slice) -> tuple[Number, Truth]:
    """The mean of some keys."""
    n, high, low = (state.held(held, what, at) for what in ("n", "high", "low"))
    return np.asarray((high * float(1 << HALF) + low) / SCALE) / np.maximum(n, 1), n > 0


def trend(held: Part, state: State, at: slice) -> tuple[Number, Truth]:
    """The slope over days of some keys."""
    sums = (state.held(held, what, at).tolist() for what in FAMILIES["trend"])
    found = [slope(*row) for row in zip(*sums, strict=True)]
    there = np.array([one is not None for one in found], dtype=bool)
    return np.array([one or 0.0 for one in found], dtype=np.float64), there


def slope(n: int, high: int, low: int, x: int, xx: int, xhigh: int, xmiddle: int, xlow: int) -> float | None:
    """The slope by least squares, from sums in the order of `FAMILIES`; None where all are of one day.

    In whole numbers of Python, which have no largest one: what is left of two large products may be small.
    """
    spread = n * xx - x * x
    if spread == 0:
        return None
    total = (high << HALF) + low
    products = (xhigh << 2 * THIRD) + (xmiddle << THIRD) + xlow
    return (n * products - x * total) / spread / SCALE
