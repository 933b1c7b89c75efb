"""Which of several related counts may be published together, so that none of 1 to 10 persons can be worked out.

Hiding the small counts is not enough: the rest of a sum gives one away, and so does what was published before. Whoever
reads knows that a hidden count is not 0, since zeros are shown, and can solve for it all totals at once; so does this.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.optimize import linprog

from jobs.disclosure import SMALLEST, moved, suppressed


@dataclass(frozen=True)
class Sum:
    """The count `whole` is the sum of the counts `parts`, which share no person."""

    whole: str
    parts: tuple[str, ...]


def release(
    counts: Mapping[str, int],
    sums: Sequence[Sum] = (),
    *,
    before: Mapping[str, int | None] | None = None,
    unpublished: Collection[str] = (),
    elsewhere: Collection[str] = (),
) -> dict[str, int | None]:
    """`counts` as they may be published: None where one is suppressed.

    counts: distinct persons by cell. sums: how cells add up; each names cells of `counts`. before: the same cells as
    they were published last; one that changed by 1 to 10 persons since is suppressed, for the difference tells of
    them. unpublished: cells that only follow from others, such as whom a rule removed; they get None. elsewhere: cells
    that another report shows, unless they are of 1 to 10 persons: hiding them here would hide nothing. Where all that
    can be hidden is not enough, zeros are hidden too.
    Raises ValueError for a sum that names an unknown cell or does not add up.
    """
    for one in sums:
        unknown = [name for name in (one.whole, *one.parts) if name not in counts]
        if unknown:
            raise ValueError(f"sum {one.whole}: cell {unknown[0]!r} is not valid; valid: {', '.join(sorted(counts))}")
        if counts[one.whole] != sum(counts[part] for part in one.parts):
            raise ValueError(f"sum {one.whole}: its parts do not add up to it")
    hidden = {name for name, count in counts.items() if suppressed(count) is None or changed(name, count, before or {})}
    hidden |= set(unpublished)
    kept = {name for name in elsewhere if suppressed(counts[name]) is not None}
    hidden -= kept
    while exposed := exposures(counts, sums, hidden, unpublished):
        another = _another(counts, sums, hidden, kept, exposed, unpublished)
        if another is None:
            return {name: count if name in kept else None for name, count in counts.items()}
        hidden.add(another)
    return {name: None if name in hidden else count for name, count in counts.items()}


def changed(name: str, count: int, before: Mapping[str, int | None]) -> bool:
    """Whether a cell differs by 1 to 10 persons from what was published of it last."""
    last = before.get(name)
    return last is not None and moved(count, [last])


def exposures(
    counts: Mapping[str, int], sums: Sequence[Sum], hidden: Collection[str], unpublished: Collection[str] = ()
) -> list[str]:
    """The cells of 1 to 10 persons that whoever knows the others can tell to be of 1 to 10 persons, smallest first."""
    names = sorted(hidden)
    if not names:
        return []
    place = {name: at for at, name in enumerate(names)}
    rows, known = [], []
    for one in sums:
        row, rest = np.zeros(len(names)), 0.0
        for name, sign in ((one.whole, 1.0), *((part, -1.0) for part in one.parts)):
            if name in place:
                row[place[name]] += sign
            else:
                rest -= sign * counts[name]
        if row.any():
            rows.append(row)
            known.append(rest)
    # A hidden count is at least 1; of one that is published nowhere not even that is known.
    least = [(0 if name in unpublished else 1, None) for name in names]
    found = []
    for name in sorted((one for one in names if suppressed(counts[one]) is None), key=lambda one: (counts[one], one)):
        if _bound(rows, known, least, place[name], most=True) < SMALLEST and (
            name not in unpublished or _bound(rows, known, least, place[name], most=False) > 0
        ):
            found.append(name)
    return found


def _bound(rows: list[np.ndarray], known: list[float], least: list[tuple[int, None]], at: int, *, most: bool) -> float:
    """The largest or smallest value that a hidden cell can have, given all that is published."""
    goal = np.zeros(len(least))
    goal[at] = -1.0 if most else 1.0
    equal = {"A_eq": np.array(rows), "b_eq": np.array(known)} if rows else {}
    answer = linprog(goal, bounds=least, method="highs", **equal)
    if answer.status == 3:  # unbounded
        return float("inf")
    # The solver's tolerance must not turn 10.999999 into "could be 11".
    return round(-answer.fun if most else answer.fun, 6)


def _another(
    counts: Mapping[str, int], sums: Sequence[Sum], hidden: Collection[str], kept: Collection[str],
    exposed: Sequence[str], unpublished: Collection[str],
) -> str | None:  # fmt: skip
    """The cell to hide next: of those that add up with an exposed one, the smallest that leaves the fewest exposed."""
    free = [name for name, count in counts.items() if count and name not in hidden and name not in kept]
    near = _near(sums, exposed[0], hidden)
    wholes = {one.whole for one in sums}
    tried = sorted(near.intersection(free) or free, key=lambda name: (name in wholes, counts[name], name))
    return min(tried, key=lambda name: len(exposures(counts, sums, {*hidden, name}, unpublished)), default=None)


def _near(sums: Iterable[Sum], name: str, hidden: Collection[str]) -> set[str]:
    """The cells that stand in a sum with this one, or with a hidden one that does."""
    found, ahead, seen = set(), [name], {name}
    while ahead:
        cell = ahead.pop()
        for one in sums:
            members = {one.whole, *one.parts}
            if cell in members:
                found |= members
                ahead += [other for other in members if other in hidden and other not in seen]
                seen |= members
    return found


def nested(
    counts: Sequence[int], before: Sequence[Collection[int]] = (), elsewhere: Collection[int] = ()
) -> list[int | None]:
    """Counts of which each is part of the one before it, such as an attrition, as they may be published.

    before: of each count all that was published of it before; one that differs by 1 to 10 from any is suppressed.
    elsewhere: the places of counts that another report shows, unless they are of 1 to 10 persons.
    """
    steps = {f"step {n}": count for n, count in enumerate(counts)}
    removed, sums = {}, []
    for earlier, later in combinations(range(len(counts)), 2):
        between = f"removed from {earlier} to {later}"
        removed[between] = counts[earlier] - counts[later]
        sums.append(Sum(f"step {earlier}", (f"step {later}", between)))
    nearest = {
        name: min(shown, key=lambda value: (not moved(count, [value]), value))
        for (name, count), shown in zip(steps.items(), before, strict=False)
        if shown
    }
    known = [f"step {n}" for n in elsewhere]
    published = release(steps | removed, sums, before=nearest, unpublished=removed, elsewhere=known)
    return [published[name] for name in steps]
