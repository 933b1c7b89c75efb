"""What the covariates of a source's feature tables look like: overall, by month and by group."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from report import charts, words
from report.stores import Row, Stage

CHARTS_SHOWN = 8
MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])\Z")


@dataclass(frozen=True)
class Described:
    """The statistics of one feature table: a line a covariate, levels of each group, pictures by month.

    since: why these are not of the version that was checked last; empty where they are.
    """

    name: str
    version: int
    persons: int
    covariates: tuple[Row, ...]
    months: tuple[tuple[str, Markup], ...]
    groups: tuple[tuple[str, tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]], ...]
    since: str = ""


def described(
    stage: Stage, source: str, checked: Mapping[str, tuple[int | None, bool]]
) -> tuple[list[Described], list[str]]:
    """The newest statistics of each feature table of a source, and why a table that was checked has none at all.

    checked: table -> the version that was checked last, and whether it breaks its contract.
    """
    rows = stage.tables.rows(f"{source}_ra.statistics") or []
    found = []
    for name in sorted({row["table"] for row in rows}):
        last = max(row["described_at"] for row in rows if row["table"] == name)
        some = [row for row in rows if row["table"] == name and row["described_at"] == last]
        overall = sorted((row for row in some if row["dimension"] == "all"), key=lambda row: row["covariate"])
        if overall:
            version = overall[0]["table_version"]
            why = without(*checked[name], version) if name in checked else ""
            found.append(
                Described(
                    name, version, overall[0]["persons"], tuple(overall), by_month(some, overall),
                    by_group(some, overall), why and f"{why}; below is version {version}",
                )
            )  # fmt: skip
    features = {name for name in checked if name.startswith(f"{source}_ra.feature_")} - {one.name for one in found}
    return found, [f"{name}, {without(*checked[name], None)}" for name in sorted(features)]


def without(version: int | None, broken: bool, described: int | None) -> str:
    """Why the version that was checked last is not the one that was described; empty where it is."""
    if version == described:
        return ""
    why = "it breaks its contract and was not described" if broken else "its statistics are kept back"
    return f"version {version}: {why}"


def by_month(rows: Sequence[Row], overall: Sequence[Row]) -> tuple[tuple[str, Markup], ...]:
    """A picture a covariate, of those that vary most between months; a month of which nothing is shown is a gap."""
    pictures = []
    months = calendar({row["level"] for row in rows if row["dimension"] == "month"})
    for one in overall:
        means = {
            row["level"]: row["mean"]
            for row in rows
            if row["level"] in months
            and (row["dimension"], row["covariate"]) == ("month", one["covariate"])
            and row["mean"] is not None
        }
        if len(means) > 1:
            spread = (max(means.values()) - min(means.values())) / (abs(one["mean"] or 0.0) or 1.0)
            share = one["ones"] is not None
            pictures.append(
                (spread, readable(one["covariate"]), [(month, means.get(month)) for month in months], share)
            )
    pictures.sort(key=lambda each: (-each[0], each[1]))
    return tuple(
        (f"{name}: {'share' if share else 'mean'}", charts.months(name, points, share))
        for _, name, points, share in pictures[:CHARTS_SHOWN]
    )


def calendar(levels: Collection[str]) -> list[str]:
    """Every month from the first to the last of some levels, in order; a level that is no month is in no calendar."""
    known = [year * 12 + month - 1 for year, month in (map(int, one.split("-")) for one in levels if MONTH.match(one))]
    return [f"{at // 12:04}-{at % 12 + 1:02}" for at in range(min(known), max(known) + 1)] if known else []


def by_group(
    rows: Sequence[Row], overall: Sequence[Row]
) -> tuple[tuple[str, tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]], ...]:
    """For each dimension but months: its levels, and each covariate's mean in them."""
    found = []
    for dimension in sorted({row["dimension"] for row in rows} - {"all", "month"}):
        some = {(row["covariate"], row["level"]): row for row in rows if row["dimension"] == dimension}
        levels = tuple(sorted({level for _, level in some}))
        lines = tuple(
            (readable(one["covariate"]), tuple(mean(some.get((one["covariate"], level))) for level in levels))
            for one in overall
        )
        found.append((dimension, levels, lines))
    return tuple(found)


def mean(row: Row | None) -> str:
    """A mean, or the share of what is 0 or 1; a dash where it is kept back."""
    if row is None or row["mean"] is None:
        return words.NOTHING
    return words.share(row["mean"]) if row["ones"] is not None else words.number(row["mean"], 2)


def readable(covariate: str) -> str:
    """A covariate's name without what all columns begin with."""
    return covariate.removeprefix("f_").replace("_", " ")
