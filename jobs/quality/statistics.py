"""Statistics of covariates: of all persons, by month of the index date, by sex and by age band.

A person counts once in a group, with the row of their last index date in it. All of it is one aggregate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as sf

from jobs.disclosure import SMALLEST, few, moved
from jobs.quality.cohort import Shown
from jobs.quality.groups import Classes, kept_back
from jobs.quality.kinds import Family
from jobs.quality.nested import apart
from jobs.quality.result import Result, version_of
from workflows.rules import CONVENTION

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
ORDER = ("index_datetime", "encounter_order", "visit_occurrence_id")
# Covariates that are 0 or 1 by their kind: a quantile says nothing of them, and costs the most.
SEEN = "f_any_"
ALL, UNKNOWN = "all", "unknown"
NUMBERS = ("p10", "p25", "p50", "p75", "p90")
SCHEMA = (
    "job_run_id string, described_at timestamp, table string, table_version long, dimension string, level string, "
    "persons long, covariate string, with_value long, ones long, missing_share double, mean double, "
    + ", ".join(f"{name} double" for name in NUMBERS)
)
# The persons, those with a value, those with a 1 and the sum of the values, which the mean tells.
Figures = tuple[int | None, int | None, int | None, float | None]
# (dimension, level, covariate): what earlier reports showed.
Earlier = Mapping[tuple[str, str, str], Iterable[Figures]]


@dataclass(frozen=True, kw_only=True)
class Covariate:
    """One covariate in one group: how many have a value, a value other than 0, one other than 0 and 1.

    Of each person the last row counts; ever: whether any row has a value other than 0.
    """

    value: int
    nonzero: int
    other: int
    mean: float | None
    quantiles: Sequence[float]
    ever: bool

    def classes(self, persons: int, *, binary: bool) -> Classes:
        """The persons whose number the figures tell: the sum of what is 1 for all but a few is how many, and theirs."""
        rest = {"zero": self.value - self.nonzero} if binary else {"value": self.value, "other": self.other}
        return {"missing": persons - self.value, "nonzero": self.nonzero} | rest


@dataclass(frozen=True, kw_only=True)
class Group:
    """One group of a dimension. rows: the index dates of its persons."""

    dimension: str
    level: str
    persons: int
    rows: int
    covariates: Mapping[str, Covariate]


def described(columns: Mapping[str, str]) -> list[str]:
    """The covariates of a feature table that are numbers."""
    return [name for name, kind in columns.items() if name.startswith("f_") and kind == "double"]


def dimensions(columns: Iterable[str]) -> dict[str, Column]:
    """The level of a row in each dimension that the table has; null where it is not known."""
    there = set(columns)
    found = {ALL: sf.lit(ALL), "month": sf.date_format("index_datetime", "yyyy-MM")}
    if "f_sex" in there:
        found["sex"] = sf.col("f_sex")
    if "f_age_band" in there:
        found["age band"] = sf.col("f_age_band")
    elif "f_age" in there:
        age = sf.col("f_age")
        decade = sf.floor(sf.least(age, sf.lit(89)) / 10).cast("int") * 10
        end = sf.when(decade < 80, sf.concat(sf.lit("-"), (decade + 9).cast("string"))).otherwise("+")
        # `least` passes over nulls: who has no age, or one before birth, is of no band.
        found["age band"] = sf.when(age >= 0, sf.concat(decade.cast("string"), end))
    return found


def aggregate(features: DataFrame) -> DataFrame:
    """One row a group, with `persons`, `rows` and four figures and the quantiles of each covariate."""
    names = described(dict(features.dtypes))
    levels = [
        sf.struct(sf.lit(dimension).alias("dimension"), sf.coalesce(level, sf.lit(UNKNOWN)).alias("level"))
        for dimension, level in dimensions(features.columns).items()
    ]
    order = sf.struct(*(name for name in ORDER if name in features.columns)).alias("_order")
    grouped = features.select("person_id", order, *names, sf.inline(sf.array(*levels)))
    last = sf.max_by(sf.struct(*names), "_order").alias("_last")
    ever = sf.struct(*(sf.max(sf.col(name) != 0).alias(name) for name in names)).alias("_ever")
    persons = grouped.groupBy("dimension", "level", "person_id").agg(last, ever, sf.count(sf.lit(1)).alias("_rows"))
    figures = []
    for place, name in enumerate(names):
        value = sf.col("_last").getField(name)
        figures += [
            sf.count(value).alias(f"v{place}"),
            sf.count_if(value != 0).alias(f"n{place}"),
            sf.count_if(~value.isin(0.0, 1.0)).alias(f"o{place}"),
            sf.avg(value).alias(f"m{place}"),
            sf.max(sf.col("_ever").getField(name)).alias(f"e{place}"),
        ]
        if not name.startswith(SEEN):
            figures.append(sf.percentile(value, sf.array(*map(sf.lit, QUANTILES))).alias(f"q{place}"))
    sizes = sf.count(sf.lit(1)).alias("persons"), sf.sum("_rows").alias("rows")
    return persons.groupBy("dimension", "level").agg(*sizes, *figures)


def groups(features: DataFrame) -> list[Group]:
    """The groups of a feature table; a dimension of which nothing is known is left out."""
    names = described(dict(features.dtypes))
    found = []
    for row in aggregate(features).collect():
        of = {
            name: Covariate(
                value=row[f"v{place}"], nonzero=row[f"n{place}"], other=row[f"o{place}"], mean=row[f"m{place}"],
                ever=bool(row[f"e{place}"]),
                quantiles=() if name.startswith(SEEN) else row[f"q{place}"] or (),
            )
            for place, name in enumerate(names)
        }  # fmt: skip
        sizes = {"persons": row["persons"], "rows": row["rows"]}
        found.append(Group(dimension=row["dimension"], level=row["level"], covariates=of, **sizes))
    known = {one.dimension for one in found if one.level != UNKNOWN}
    return sorted((one for one in found if one.dimension in known), key=lambda one: (one.dimension, one.level))


def matches(found: Sequence[Group], table: str) -> list[Result]:
    """Of each covariate whether anybody has it: one whose concept set matches nothing says nothing, everywhere.

    Counts are of rows, as those of all checks of the table: where nobody has it, all are at fault.
    """
    whole = next((one for one in found if one.dimension == ALL), None)
    if whole is None:
        return []
    return [
        Result(
            table=table, check=f"{name}_matches", what=f"nobody has {name}: what it is made of matches nothing",
            severity=CONVENTION, state="passed" if one.ever else "failed", version=version_of("matches"),
            rows=0 if one.ever else whole.rows, of=whole.rows, all_rows=whole.rows,
        )
        for name, one in whole.covariates.items()
    ]  # fmt: skip


def published(
    found: Sequence[Group],
    earlier: Earlier | None = None,
    families: Sequence[Family] = (),
    members: Shown | None = None,
) -> list[tuple[Any, ...]]:
    """dimension, level, persons and the figures of each covariate, as they may be shown; what is kept back is not.

    families: the covariates that say something of each other. members: what was shown of all rows and persons. How
    many rows there are stands in the quality report.
    """
    earlier = earlier or {}
    whole = next((one for one in found if one.dimension == ALL), None)
    if (
        whole is None
        or hidden_by_size(whole, [whole], earlier)
        or (members or Shown()).tells(whole.rows, whole.persons)
    ):
        return []
    made = []
    for dimension in dict.fromkeys(one.dimension for one in found):
        some = [one for one in found if one.dimension == dimension]
        small = hidden_by_size(whole, some, earlier)
        for name, overall in whole.covariates.items():
            binary = not overall.other
            if told_of_few(whole, name, earlier, binary=binary):
                continue
            cells = {one.level: one.covariates[name].classes(one.persons, binary=binary) for one in some}
            forced = small | {one.level for one in some if changed(one, name, earlier, binary=binary)}
            every = overall.classes(whole.persons, binary=binary)
            hidden = kept_back(cells, forced, every) if dimension != ALL else set()
            made += [figures(one, name, binary=binary) for one in some if one.level not in hidden]
    return apart(found, made, families)


def told_of_few(group: Group, name: str, earlier: Earlier, *, binary: bool) -> bool:
    """Whether a covariate's own counts in a group tell of 1 to 10 persons, now or since they were shown last."""
    counts = group.covariates[name].classes(group.persons, binary=binary).values()
    return few(*counts) or changed(group, name, earlier, binary=binary)


def hidden_by_size(whole: Group, some: Sequence[Group], earlier: Earlier) -> set[str]:
    """The levels of a dimension whose number of persons is not shown."""
    sizes = {one.level: {"persons": one.persons} for one in some}
    differing = {
        one.level
        for one in some
        for (dimension, level, _), shown in earlier.items()
        if (dimension, level) == (one.dimension, one.level) and near((one.persons,), ((row[0],) for row in shown))
    }
    if some[0].dimension == ALL:
        return differing | {one.level for one in some if few(one.persons)}
    return kept_back(sizes, differing, {"persons": whole.persons})


def near(counts: Sequence[float | None], shown: Iterable[Sequence[float | None]]) -> bool:
    """Whether any count or sum differs by 1 to 10 from one that was shown in its place."""
    return any(
        now is not None and then is not None and moved(now, [then])
        for row in shown
        for now, then in zip(counts, row, strict=True)
    )


def changed(group: Group, name: str, earlier: Earlier, *, binary: bool) -> bool:
    """Whether a covariate's counts differ by 1 to 10 persons from those that were shown, or its sum by as much."""
    one = group.covariates[name]
    counts = (group.persons, one.value, one.nonzero if binary else None, total(one.mean, one.value))
    return near(counts, earlier.get((group.dimension, group.level, name), ()))


def total(mean: float | None, value: int | None) -> float | None:
    """The sum of the values; rounded, since the order in which they are added moves the last digits."""
    return None if mean is None or value is None else round(mean * value, 3)


def figures(group: Group, name: str, *, binary: bool) -> tuple[Any, ...]:
    """One row. The mean of what is 0 or 1 is a share; a quantile has at least 11 persons on either side."""
    one = group.covariates[name]
    quantiles = [
        None if binary or min(share, 1 - share) * one.value < SMALLEST else one.quantiles[place]
        for place, share in enumerate(QUANTILES)
    ]
    missing = 1 - one.value / group.persons
    return (
        group.dimension, group.level, group.persons, name, one.value, one.nonzero if binary else None, missing,
        one.mean, *quantiles,
    )  # fmt: skip


def shown_before(rows: Iterable[Mapping[str, Any]]) -> Earlier:
    """What earlier reports showed, from their rows."""
    found: dict[tuple[str, str, str], set[Figures]] = {}
    for row in rows:
        key = (row["dimension"], row["level"], row["covariate"])
        found.setdefault(key, set()).add(
            (row["persons"], row["with_value"], row["ones"], total(row["mean"], row["with_value"]))
        )
    return found
