"""One evaluation as rows: metric by split and subgroup, and the points of the curves, small counts suppressed."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from jobs.disclosure import SMALLEST, measured, with_others
from jobs.model.beside import KINDS
from jobs.model.intervals import Estimate, Persons, clustered, recalibration
from jobs.model.metrics import integrated_calibration_index
from jobs.release import Sum, release

COLUMNS = ("split", "subgroup", "metric", "value", "low", "high", *KINDS)
SEX, AGE, AGE_BAND = "f_sex", "f_age", "f_age_band"  # the columns of Demographics
BANDS = ((0, 17), (18, 44), (45, 64), (65, 74), (75, 84), (85, 150))
POINTS = 100  # of a ROC curve at most
BINS = 10  # of a calibration curve at most


def estimates(rows: pd.DataFrame, probability: np.ndarray, seed: int) -> dict[str, Estimate]:
    """Every metric of these rows, with its interval where it has one."""
    outcome = rows["outcome"].to_numpy().astype("int64")
    persons = Persons(rows["person_id"], seed)
    found = clustered(outcome, probability, persons) | recalibration(outcome, probability, persons)
    return found | {"ici": Estimate(integrated_calibration_index(outcome, probability))}


def age_band(years: float) -> str:
    """The age group of an age in completed years."""
    if math.isnan(years):
        return "missing"
    low, high = next((band for band in BANDS if years < band[1] + 1), BANDS[-1])
    return f"{low} and over" if high == BANDS[-1][1] else f"{low}-{high}"


def subgroups(rows: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """(dimension, value of each row) for sex and age group, as far as the table has them."""
    if SEX in rows.columns:
        yield "sex", rows[SEX].fillna("missing").astype(str).to_numpy()
    if AGE_BAND in rows.columns:
        yield "age", rows[AGE_BAND].fillna("missing").astype(str).to_numpy()
    elif AGE in rows.columns:
        yield "age", np.array([age_band(float(years)) for years in rows[AGE].astype("float64")])


def counts(rows: pd.DataFrame) -> dict[str, int]:
    """Encounters, persons and events of these rows."""
    return {
        "encounters": len(rows),
        "persons": int(rows["person_id"].nunique()),
        "events": int(rows["outcome"].astype("int64").sum()),
    }


def written(
    split: str, subgroup: str, found: Mapping[str, Estimate], sizes: Mapping[str, int | None], hide: bool
) -> list[dict[str, Any]]:
    """One row a metric. A hidden subgroup keeps its rows and loses its numbers: it was there, and it was too small."""
    rows = []
    for metric, estimate in found.items():
        numbers = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
        if hide:
            rows.append({"split": split, "subgroup": subgroup, "metric": metric} | dict.fromkeys([*numbers, *sizes]))
        else:
            known = {name: measured(value) if math.isfinite(value) else None for name, value in numbers.items()}
            rows.append({"split": split, "subgroup": subgroup, "metric": metric} | known | dict(sizes))
    return rows


def hidden(
    sizes: Mapping[tuple[str, str], Mapping[str, int]], whole: Mapping[str, int],
    rest: Mapping[tuple[str, str], Mapping[str, int]] | None = None,
) -> set[tuple[str, str]]:  # fmt: skip
    """The subgroups (dimension, level) that are suppressed, so that no small count can be told from what is shown.

    sizes: of each subgroup; whole: of all rows. A subgroup is shown or suppressed as one. rest: of the rows that are
    not evaluated, of which nothing is shown here, but of both together elsewhere.
    """
    counted = {("all", "all"): whole} | dict(sizes)
    published = _released(counted, rest, (*KINDS, "others"), ("events", "others"))
    return {key for key in counted if any(published[_cell(key, kind)] is None for kind in KINDS)}


def persons_tell(
    sizes: Mapping[tuple[str, str], Mapping[str, int]], whole: Mapping[str, int],
    rest: Mapping[tuple[str, str], Mapping[str, int]] | None, hide: Collection[tuple[str, str]],
) -> bool:  # fmt: skip
    """Whether the persons, beside the encounters that are shown, tell of 1 to 10 who return or are in several groups.

    sizes, whole, rest: as of `hidden`; hide: the groups that are.
    """
    counted = {("all", "all"): whole} | dict(sizes)
    published = _released(counted, rest, ("encounters", "persons", "again"), ("persons", "again"), hide)
    return any(
        published[_cell(key, kind)] is None for key in counted if key not in hide for kind in ("persons", "again")
    )


def _released(
    counted: Mapping[tuple[str, str], Mapping[str, int]], rest: Mapping[tuple[str, str], Mapping[str, int]] | None,
    kinds: Sequence[str], parts: tuple[str, str], hide: Collection[tuple[str, str]] | None = None,
) -> dict[str, int | None]:  # fmt: skip
    """Counts of these kinds as they may be published; parts: the two kinds that make up the encounters.

    hide: the groups of which nothing is shown; the encounters of the others are. None where neither is known yet.
    """
    cells: dict[str, int] = {}
    sums: list[Sum] = []
    others, together = [], []
    for key, found in counted.items():
        cells |= {_cell(key, kind): with_others(found)[kind] for kind in kinds}
        sums.append(Sum(_cell(key, "encounters"), tuple(_cell(key, kind) for kind in parts)))
        if hide is not None:
            others += [_cell(key, kind) for kind in kinds if key in hide]
            together += [_cell(key, "encounters")] if key not in hide else []
        if rest is not None:
            for kind in kinds:
                other, both = f"rest of {_cell(key, kind)}", f"both of {_cell(key, kind)}"
                count = with_others(rest[key])[kind]
                cells |= {other: count, both: count + cells[_cell(key, kind)]}
                sums.append(Sum(both, (_cell(key, kind), other)))
                others.append(other)
                together.append(both)
    for dimension in sorted({dimension for dimension, _ in counted} - {"all"}):
        levels = [key for key in counted if key[0] == dimension]
        for kind in kinds:
            one = Sum(_cell(("all", "all"), kind), tuple(_cell(key, kind) for key in levels))
            more = sum(cells[part] for part in one.parts) - cells[one.whole]
            if not more:
                sums.append(one)
            elif hide is not None and kind == "persons":
                # A person grows older: those of the age groups are more than all, by those who are in several.
                several, every = f"in several of {dimension}", f"every of {dimension}"
                cells |= {several: more, every: cells[one.whole] + more}
                sums += [Sum(every, one.parts), Sum(every, (one.whole, several))]
                others += [several, every]
    return release(cells, sums, unpublished=others, elsewhere=together)


def _cell(key: tuple[str, str], kind: str) -> str:
    return f"{key[0]}={key[1]} {kind}"


def table(
    split: str, rows: pd.DataFrame, probability: np.ndarray, seed: int, by_subgroup: bool,
    rest: pd.DataFrame | None = None,
) -> pd.DataFrame:  # fmt: skip
    """The evaluation of one split: all rows, then each sex and age group, one line a metric, columns COLUMNS.

    rest: the rows that are not in the split; what is said of the split must not tell of few of them either.
    """
    masks = {
        (label, level): values == level
        for label, values in (subgroups(rows) if by_subgroup else ())
        for level in sorted(set(values))
    }
    sizes, whole = {key: counts(rows[mask]) for key, mask in masks.items()}, counts(rows)
    others = None if rest is None else rest_of(rest, masks)
    hide, found = hidden(sizes, whole, others), estimates(rows, probability, seed)
    unsaid: dict[str, None] = {"persons": None} if persons_tell(sizes, whole, others, hide) else {}
    lines = written(split, "all", found, {**whole, **unsaid}, ("all", "all") in hide)
    for key, mask in masks.items():
        inside = dict.fromkeys(found, Estimate(float("nan")))
        if key not in hide:
            inside = estimates(rows[mask], probability[mask], seed)
        lines += written(split, f"{key[0]}={key[1]}", inside, {**sizes[key], **unsaid}, key in hide)
    return pd.DataFrame(lines, columns=list(COLUMNS))


def rest_of(rest: pd.DataFrame, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, int]]:
    """Encounters, persons and events of the rows outside of a split, all and by subgroup."""
    levels = dict(subgroups(rest))
    by_key = {key: counts(rest[levels[key[0]] == key[1]]) for key in keys}
    return {("all", "all"): counts(rest)} | by_key


def blocks(outcome: np.ndarray, score: np.ndarray, size: int) -> list[slice]:
    """Runs of rows in the given order that end where the score changes, each with at least `size` rows, 11 events and
    11 non-events; rows that cannot make such a run join the last one. Empty where there are too few rows."""
    cuts, start, events = [], 0, 0
    for end in range(1, len(score) + 1):
        events += int(outcome[end - 1])
        others = end - start - events
        whole = end == len(score) or score[end] != score[end - 1]
        if whole and end - start >= size and min(events, others) >= SMALLEST:
            cuts.append(slice(start, end))
            start, events = end, 0
    if start < len(score) and cuts:
        cuts[-1] = slice(cuts[-1].start, len(score))
    return cuts


def roc(outcome: np.ndarray, probability: np.ndarray) -> pd.DataFrame:
    """Points of the ROC curve: x false-positive rate, y true-positive rate, encounters at or above the threshold.

    Between two points lie at least 11 events and 11 non-events, so no point tells of a handful of persons.
    """
    order = np.argsort(-probability, kind="stable")
    y, score = outcome[order], probability[order]
    parts = blocks(y, score, max(1, len(y) // POINTS))
    points = [(0.0, 0.0, 0)] if parts else []
    total, others = int(y.sum()), int(len(y) - y.sum())
    for part in parts:
        hits = int(y[: part.stop].sum())
        points.append(((part.stop - hits) / others, hits / total, part.stop))
    return pd.DataFrame([("roc", *point) for point in points], columns=["curve", "x", "y", "encounters"])


def calibration(outcome: np.ndarray, probability: np.ndarray) -> pd.DataFrame:
    """Points of the calibration curve: x mean predicted, y observed share, encounters; at most ten bins."""
    order = np.argsort(probability, kind="stable")
    y, score = outcome[order], probability[order]
    points = [
        ("calibration", float(score[part].mean()), float(y[part].mean()), part.stop - part.start)
        for part in blocks(y, score, max(1, len(y) // BINS))
    ]
    return pd.DataFrame(points, columns=["curve", "x", "y", "encounters"])


def curves(outcome: np.ndarray, probability: np.ndarray) -> pd.DataFrame:
    """Both curves, columns curve, x, y, encounters."""
    return pd.concat([roc(outcome, probability), calibration(outcome, probability)], ignore_index=True)


def metrics(evaluation: pd.DataFrame) -> dict[str, float]:
    """What MLflow gets: `<metric>` of the person split, `<split>_<metric>` of the others, with _low and _high."""
    found: dict[str, float] = {}
    for row in evaluation[evaluation["subgroup"] == "all"].to_dict("records"):
        name = row["metric"] if row["split"] == "person" else f"{row['split']}_{row['metric']}"
        for part, suffix in (("value", ""), ("low", "_low"), ("high", "_high")):
            if row[part] is not None and not math.isnan(row[part]):
                found[name + suffix] = float(row[part])
    return found
