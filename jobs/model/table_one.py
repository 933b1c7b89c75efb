"""Table 1: who a cohort is, in two groups side by side, with the standardised mean difference of every covariate.

One row a person, the first of theirs. A difference is that of means over the root of the mean of both variances, of
shares likewise (Austin 2009, Statistics in Medicine 28:3083, formulas 1 and 2); it does not grow with the persons.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from jobs.disclosure import suppressed
from jobs.errors import TaskError
from jobs.model.matrix import MISSING, columns_of, is_category, ordered
from jobs.quality import nested
from jobs.quality.kinds import Family
from jobs.release import Sum, release

COLUMNS = ("covariate", "level", "persons_0", "value_0", "sd_0", "persons_1", "value_1", "sd_1", "smd")
EVERYONE = "persons"
NUMBER = "mean"
# The kinds of a number's values, which share no person: a mean of what is zero for all but a few gives them away.
OTHER, ZERO = "not zero", "zero"
# Besides groups 0 and 1: persons of whom it is not known yet. They have no column, and are told of elsewhere.
WAITING = 2


class NobodyError(TaskError):
    """There is nobody in one of the two groups, so that there is nothing to compare."""


@dataclass(frozen=True)
class Line:
    """One line of the table before anything is suppressed: a level of a covariate, or a number's mean.

    cells: level -> persons of each group and of those who wait; together they are the group. held: the cells that the
    line is built on.
    """

    covariate: str
    level: str
    cells: Mapping[str, tuple[int, ...]]
    held: tuple[str, ...]
    persons: tuple[int, int]
    value: tuple[float, float]
    sd: tuple[float, float]
    # Of a number, of each group and of those who wait.
    sums: tuple[float, ...] = (0.0, 0.0, 0.0)


def difference(value: tuple[float, float], variance: tuple[float, float]) -> float:
    """The standardised difference of group 1 from group 0, NaN where nothing varies and the values differ."""
    pooled = math.sqrt((variance[0] + variance[1]) / 2)
    apart = value[1] - value[0]
    return 0.0 if apart == 0 else apart / pooled if pooled > 0 else float("nan")


def first_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The first row of each person."""
    return ordered(frame).drop_duplicates("person_id", ignore_index=True)


def of_category(name: str, values: pd.Series, groups: np.ndarray) -> Iterator[Line]:
    """A line a level: persons and their share of the group."""
    levels = values.astype(object).where(values.notna(), MISSING).astype(str).to_numpy()
    cells = {level: _of(levels == level, groups) for level in sorted(set(levels))}
    size = (int((groups == 0).sum()), int((groups == 1).sum()))
    for level, (none, some, _) in cells.items():
        if none or some:
            share = (none / size[0], some / size[1])
            yield Line(name, level, cells, (level,), (none, some), share, (float("nan"),) * 2)


def of_number(name: str, values: pd.Series, groups: np.ndarray) -> Iterator[Line]:
    """One line: mean and standard deviation of those who have a value."""
    numbers = values.astype("float64").to_numpy()
    there = ~np.isnan(numbers)
    cells = {
        OTHER: _of(there & (numbers != 0), groups), ZERO: _of(there & (numbers == 0), groups),
        MISSING: _of(~there, groups),
    }  # fmt: skip
    parts = [numbers[there & (groups == group)] for group in (0, 1)]
    mean, sd = ([float(f(part)) if len(part) > 1 else float("nan") for part in parts] for f in (_mean, _sd))
    persons = (len(parts[0]), len(parts[1]))
    sums = tuple(float(numbers[there & (groups == group)].sum()) for group in (0, 1, WAITING))
    yield Line(name, NUMBER, cells, (OTHER, ZERO, MISSING), persons, (mean[0], mean[1]), (sd[0], sd[1]), sums)


def of_flag(name: str, values: pd.Series, groups: np.ndarray) -> Iterator[Line]:
    """A line a level of what is yes, no or unknown."""
    words = values.astype("float64").map({1.0: "yes", 0.0: "no"})
    yield from of_category(name, words, groups)


def _mean(values: np.ndarray) -> float:
    # What is the same for all has no rounding error: it would make a difference out of none.
    return float(values[0] if _same(values) else np.mean(values))


def _sd(values: np.ndarray) -> float:
    return 0.0 if _same(values) else float(np.std(values, ddof=1))


def _same(values: np.ndarray) -> bool:
    return bool(values.min() == values.max())


def _of(rows: np.ndarray, groups: np.ndarray) -> tuple[int, ...]:
    return tuple(int((rows & (groups == group)).sum()) for group in (0, 1, WAITING))


def lines(frame: pd.DataFrame, groups: np.ndarray) -> list[Line]:
    """Every line, covariates in order of their names."""
    found: list[Line] = []
    for name in sorted(columns_of(frame).names):
        values = frame[name]
        if is_category(values):
            found += of_category(name, values, groups)
        elif values.dropna().astype("float64").isin([0.0, 1.0]).all():
            found += of_flag(name, values, groups)
        else:
            found += of_number(name, values, groups)
    return found


def released(found: list[Line], size: tuple[int, ...]) -> dict[str, int | None]:
    """Every cell of both groups as it may be published; the cells of a covariate add up to the group.

    How many persons there are of each level in all groups is told by the statistics of covariates.
    """
    names = tuple(str(group) for group in (0, 1, WAITING))
    groups = dict(zip(names, size, strict=True)) | {"all": sum(size)}
    shown = release(groups, [Sum("all", names)], unpublished=[str(WAITING)], elsewhere=["all"])
    hidden = None in (shown["0"], shown["1"])
    for line in {line.covariate: line for line in found}.values():
        counts, sums = dict(groups), []
        for level, cell in line.cells.items():
            parts = tuple(f"{group} {line.covariate} {level}" for group in names)
            counts |= dict(zip(parts, cell, strict=True)) | {f"all {level}": sum(cell)}
            sums.append(Sum(f"all {level}", parts))
        for group in names:
            sums.append(Sum(group, tuple(f"{group} {line.covariate} {level}" for level in line.cells)))
        told = [*groups, *(f"all {level}" for level in line.cells)]
        unpublished = [name for name in counts if name.startswith(f"{WAITING} ")]
        cells = dict.fromkeys(counts) if hidden else release(counts, sums, unpublished=unpublished, elsewhere=told)
        shown |= {name: count for name, count in cells.items() if name not in told}
    return shown


def beside(found: Sequence[Line], shown: Mapping[str, int | None], families: Sequence[Family]) -> set[str]:
    """The covariates to keep back, since they tell beside related ones of 1 to 10 of a group or of all."""
    first = {line.covariate: line for line in reversed(found)}
    there = {
        name for name, line in first.items() if any(shown[f"{g} {name} {one}"] for g in (0, 1) for one in line.cells)
    }
    flags = frozenset(name for name, line in first.items() if line.level != NUMBER)
    counts = []
    for places in ((0,), (1,), (WAITING,), (0, 1, WAITING)):
        by: dict[str, dict[str, float]] = {}
        for name, line in first.items():
            of = {level: sum(cell[place] for place in places) for level, cell in line.cells.items()}
            some, none = of.get("yes", 0) + of.get(OTHER, 0), of.get("no", 0) + of.get(ZERO, 0)
            by[name] = {
                nested.VALUE: some + none, nested.MISSING: of.get(MISSING, 0), nested.ONES: some, nested.ZERO: none,
                nested.SUM: round(sum(line.sums[place] for place in places), 3),
            }  # fmt: skip
        counts.append(by)
    return nested.hidden_beside(nested.every_kind(families), frozenset(there), flags, *counts)


def table_one(frame: pd.DataFrame, families: Sequence[Family] = ()) -> pd.DataFrame:
    """Table 1 of a feature table's rows, of those whose outcome is 0 and of those whose it is 1 (COLUMNS).

    Counts of 1 to 10 persons and what would give them away are empty, and so is every share, mean, deviation and
    difference built on one. No smallest and no largest value is shown. families: the covariates that say something of
    each other.
    """
    rows = first_rows(frame[frame["outcome"].notna()])
    groups = rows["outcome"].astype("int64").to_numpy()
    size = (int((groups == 0).sum()), int((groups == 1).sum()))
    if (there := set(groups.tolist())) != {0, 1}:
        kind = TaskError if there - {0, 1} else NobodyError
        raise kind(f"table 1: outcome has {sorted(there)}; valid: persons in both groups, 0 and 1")
    waiting = first_rows(frame[~frame["person_id"].isin(rows["person_id"])])
    everyone = np.concatenate([groups, np.full(len(waiting), WAITING)])
    found = lines(pd.concat([rows, waiting], ignore_index=True) if len(waiting) else rows, everyone)
    cells = released(found, (*size, len(waiting)))
    kept = beside(found, cells, families)
    table = [(EVERYONE, "", cells["0"], np.nan, np.nan, cells["1"], np.nan, np.nan, np.nan)]
    for line in found:
        shown = [
            line.covariate not in kept
            and cells[f"{group}"] is not None
            and all(cells[f"{group} {line.covariate} {level}"] is not None for level in line.held)
            for group in (0, 1)
        ]
        number = line.level == NUMBER and line.held != (NUMBER,)
        variance = [line.sd[group] ** 2 if number else line.value[group] * (1 - line.value[group]) for group in (0, 1)]
        cut = [
            (line.persons[g], line.value[g], line.sd[g]) if shown[g] else (None, np.nan, np.nan) for g in (0, 1)
        ]  # fmt: skip
        smd = difference(line.value, (variance[0], variance[1])) if all(shown) else np.nan
        table.append((line.covariate, line.level, *cut[0], *cut[1], smd))
    made = pd.DataFrame(table, columns=list(COLUMNS))
    for name in ("persons_0", "persons_1"):
        made[name] = made[name].astype("Int64")
        assert all(suppressed(int(count)) is not None for count in made[name].dropna()), "a small count is never shown"
    return made
