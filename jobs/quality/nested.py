"""Keeps back covariates whose counts tell, beside those of a related covariate, of 1 to 10 persons.

Whoever reads that 503 persons have any of it in a year and 500 in a month knows of three who have it in between. What
lies within what is read off kinds of persons (`kinds`): a difference of shown counts that is negative for nobody is a
count itself, and so is the difference of two such. Unrelated covariates may differ by as little as they like.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from jobs.disclosure import moved
from jobs.quality.groups import kept_back
from jobs.quality.kinds import Family

if TYPE_CHECKING:
    from jobs.quality.statistics import Group

# What is told of a covariate: persons by what they have of it, and the sum of its values.
VALUE, MISSING, ONES, ZERO, SUM = "value", "missing", "ones", "zero", "sum"
Counts = Mapping[str, Mapping[str, float]]
Columns = frozenset[str]
# Of a family, by their places.
Kinds = tuple[int, ...]
# Differences of differences are taken so many times.
ROUNDS = 2


@dataclass(frozen=True)
class Relations:
    """Counts that follow from shown ones, and these.

    rows: how often a person of each kind is in each count. weights: how often every figure (column, what) goes in.
    """

    figures: Sequence[tuple[str, str]]
    rows: np.ndarray
    weights: np.ndarray

    def values(self, counts: Counts) -> np.ndarray:
        """The counts of one group of persons."""
        return np.round(self.weights @ np.array([counts[column][what] for column, what in self.figures]), 3)

    def columns(self, at: int) -> Columns:
        """The columns that tell a count together."""
        return frozenset(self.figures[place][0] for place in np.flatnonzero(self.weights[at]))


def figures(family: Family, shown: Columns, flags: Columns) -> dict[tuple[str, str], np.ndarray]:
    """What is told of the columns that are shown, by kind of persons. flags: the columns that are 0 or 1."""
    found: dict[tuple[str, str], np.ndarray] = {}
    for column, values in zip(family.columns, family.values, strict=True):
        if column in shown:
            there = ~np.isnan(values)
            found |= {(column, VALUE): there, (column, MISSING): ~there}
            if column in family.foreign:
                continue
            if column in flags:
                some = there & (values != 0)
                found |= {(column, ONES): some, (column, ZERO): there & ~some}
            elif column in family.whole:
                found[column, SUM] = np.nan_to_num(values)
    return {key: row.astype(np.int32) for key, row in found.items()}


@cache
def relations(family: Family, shown: Columns, flags: Columns, kinds: Kinds) -> Relations:
    """All that follows by subtraction from what is shown of a family's columns, where there are only these kinds."""
    given = {key: row[list(kinds)] for key, row in figures(family, shown, flags).items()}
    weights = np.eye(len(given), dtype=np.int8)
    known: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}
    found = [*zip(given.values(), weights, strict=True)]
    for row, weight in found[:]:
        same = known.setdefault(row.tobytes(), (row, weight))[1]
        if same is not weight:
            found.append((row - row, weight - same))
    for _ in range(ROUNDS):
        before = [*known.values()]
        rows = np.array([row for row, _ in before])
        for row, weight in before:
            for at in np.flatnonzero((row >= rows).all(axis=1)):
                rest = row - rows[at]
                if rest.any() and rest.tobytes() not in known:
                    known[rest.tobytes()] = rest, weight - before[at][1]
                    found.append(known[rest.tobytes()])
    return Relations([*given], np.array([row for row, _ in found]), np.array([weight for _, weight in found]))


def told_of_few(
    family: Family, shown: Columns, flags: Columns, counts: Counts, kinds: Kinds
) -> tuple[list[Columns], Kinds]:
    """The columns that tell together of 1 to 10, and the kinds of persons that there may be.

    A count that is 0 tells that there are no persons of some kinds, and so that more lies within each other.
    """
    while True:
        known = relations(family, shown, flags, kinds)
        values = known.values(counts)
        none = known.rows[values == 0].any(axis=0)
        if not none.any() or none.all():
            few = [known.columns(at) for at in np.flatnonzero([moved(value, [0]) for value in values])]
            return [one for one in few if len(one) > 1], kinds
        kinds = tuple(kind for kind, gone in zip(kinds, none, strict=True) if not gone)


def every_kind(families: Iterable[Family]) -> dict[Family, Kinds]:
    """The kinds of persons before anything is told."""
    return {family: tuple(range(family.values.shape[1])) for family in families}


def hidden_beside(kinds: Mapping[Family, Kinds], shown: Columns, flags: Columns, *counts: Counts) -> set[str]:
    """The columns to keep back, so that no counts of related ones tell of 1 to 10.

    kinds: the kinds of persons that there may be, by family. counts: those of each group of persons. Of the columns
    that tell together it is the one that tells most often, or the last of its family.
    """
    hidden: set[str] = set()
    for family, some in kinds.items():
        while mine := shown.intersection(family.columns) - hidden:
            told = [one for each in counts for one in told_of_few(family, mine, flags & mine, each, some)[0]]
            if not told:
                break
            while told:
                worst = max(mine, key=lambda one: (sum(one in each for each in told), family.columns.index(one)))
                hidden.add(worst)
                told = [each for each in told if worst not in each]
    return hidden


def counts_of(groups: Sequence[Group]) -> Counts:
    """What there is to tell of groups together, of each covariate."""
    found: dict[str, dict[str, float]] = {}
    for group in groups:
        for name, one in group.covariates.items():
            here = found.setdefault(name, dict.fromkeys((VALUE, MISSING, ONES, ZERO, SUM), 0.0))
            here[VALUE] += one.value
            here[MISSING] += group.persons - one.value
            here[ONES] += one.nonzero
            here[ZERO] += one.value - one.nonzero
            here[SUM] += round((one.mean or 0.0) * one.value, 3)
    return found


def apart(found: Sequence[Group], rows: Sequence[tuple[Any, ...]], families: Sequence[Family]) -> list[tuple[Any, ...]]:
    """The rows of statistics (dimension, level, persons, covariate, ...) that can be shown beside each other.

    The first group is that of all persons: a covariate that is not described there is described nowhere.
    """
    everyone = {row[3] for row in rows if row[0] == row[1] == "all"}
    whole = next((one for one in found if one.dimension == "all"), None)
    if whole is None or not families:
        return [*rows]
    flags = frozenset(name for name, one in whole.covariates.items() if not one.other)
    kinds, counts = every_kind(families), counts_of([whole])
    everyone -= hidden_beside(kinds, frozenset(everyone), flags, counts)
    for family in families:
        if mine := everyone.intersection(family.columns):
            kinds[family] = told_of_few(family, frozenset(mine), flags & mine, counts, kinds[family])[1]
    kept = {(whole.dimension, whole.level, name) for name in everyone}
    for dimension in {one.dimension for one in found} - {whole.dimension}:
        groups = {one.level: one for one in found if one.dimension == dimension}
        told = {(row[1], row[3]) for row in rows if row[0] == dimension}
        hidden = {name: {level for level in groups if (level, name) not in told} for name in everyone}
        beside(groups, hidden, kinds, flags)
        kept |= {(dimension, level, name) for name, some in hidden.items() for level in groups if level not in some}
    return [row for row in rows if (row[0], row[1], row[3]) in kept]


def beside(
    groups: Mapping[str, Group], hidden: dict[str, set[str]], kinds: Mapping[Family, Kinds], flags: Columns
) -> None:
    """Add to the levels of a dimension in which each covariate is `hidden`: what is left can be shown together."""
    for level, group in groups.items():
        shown = frozenset(name for name, some in hidden.items() if level not in some)
        for name in hidden_beside(kinds, shown, flags, counts_of([group])):
            hide(groups, hidden, name, {level}, flags)
    for family, some in kinds.items():
        while (told := told_by_rests(groups, hidden, family, some, flags)) is not None:
            hide(groups, hidden, *told, flags)


def hide(groups: Mapping[str, Group], hidden: dict[str, set[str]], name: str, levels: set[str], flags: Columns) -> None:
    """Keep a covariate back in some levels, and in those that would give them away."""
    classes = {level: one.covariates[name].classes(one.persons, binary=name in flags) for level, one in groups.items()}
    hidden[name] = kept_back(classes, hidden[name] | levels)


@dataclass(frozen=True)
class Known:
    """Which counts a reader knows of some levels of a dimension, and the columns that tell each."""

    kinds: np.ndarray
    by: Mapping[bytes, Columns]
    columns: Columns

    def telling(self, row: np.ndarray) -> Columns | None:
        """The columns that tell how many of a row's persons there are; None where nobody can tell."""
        here = row[self.kinds]
        return self.by.get(here.tobytes()) or (None if here.any() else self.columns or None)


def known(family: Family, shown: Columns, flags: Columns, some: Sequence[Group], kinds: Kinds) -> Known:
    """What is known of groups together, in which these columns are shown."""
    left = told_of_few(family, shown, flags & shown, counts_of(some), kinds)[1] if shown else kinds
    rows = relations(family, shown, flags & shown, left) if shown else None
    by = {row.tobytes(): rows.columns(at) for at, row in enumerate(rows.rows)} if rows else {}
    return Known(np.isin(kinds, left), by, shown)


def told_by_rests(
    groups: Mapping[str, Group], hidden: Mapping[str, set[str]], family: Family, kinds: Kinds, flags: Columns
) -> tuple[str, set[str]] | None:
    """A column to keep back, and in which levels, as what is left of a count that others tell is of 1 to 10 persons.

    A reader knows of each column, as the rest of the whole, all the levels together in which it is kept back; and of
    each count that follows what is left beside the levels in which it follows, from the same columns or from others.
    """
    columns = [name for name in family.columns if name in hidden]
    if not columns:
        return None
    every = relations(family, frozenset(columns), flags.intersection(columns), kinds)
    values = {level: every.values(counts_of([group])) for level, group in groups.items()}
    alone = {
        level: known(family, frozenset(c for c in columns if level not in hidden[c]), flags, [group], kinds)
        for level, group in groups.items()
    }
    singles = [
        {level: some for level, one in alone.items() if (some := one.telling(row)) is not None} for row in every.rows
    ]
    rests = {frozenset(hidden[name]) for name in columns}
    rests |= {frozenset()} | {one | other for one, other in combinations(rests, 2)}
    for rest in sorted(rests, key=sorted):
        shown = frozenset(name for name in columns if hidden[name] <= rest or not hidden[name] & rest)
        together = known(family, shown, flags, [groups[level] for level in rest], kinds) if rest else None
        for at, row in enumerate(every.rows):
            by = together.telling(row) if together else frozenset()
            if by is None:
                continue
            for part in (rest, groups.keys() - rest):
                single = singles[at]
                left = part - single.keys()
                if left and left != groups.keys() and moved(sum(values[level][at] for level in left), [0]):
                    size = {level: (groups[level].persons, level) for level in groups}
                    if broken := part & single.keys():
                        level = min(broken, key=size.__getitem__)
                        return max(single[level], key=columns.index), {level}
                    more = min(groups.keys() - rest, key=size.__getitem__)
                    return max(by, key=columns.index), {*rest, more}
    return None
