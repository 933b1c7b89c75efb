"""One evaluation as rows: metric by split and subgroup, and the points of the curves, small counts suppressed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from jobs.disclosure import SMALLEST, suppressed
from jobs.model.intervals import Estimate, Persons, clustered, recalibration
from jobs.model.metrics import integrated_calibration_index

COLUMNS = ("split", "subgroup", "metric", "value", "low", "high", "encounters", "persons", "events")
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


def is_small(found: Mapping[str, int]) -> bool:
    """Whether a count, or the number of encounters without the event, is 1 to 10."""
    cells = [*found.values(), found["encounters"] - found["events"]]
    return any(suppressed(cell) is None for cell in cells)


def written(
    split: str, subgroup: str, found: Mapping[str, Estimate], sizes: Mapping[str, int], hide: bool
) -> list[dict[str, Any]]:
    """One row a metric. A hidden subgroup keeps its rows and loses its numbers: it was there, and it was too small."""
    rows = []
    for metric, estimate in found.items():
        numbers = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
        if hide:
            rows.append({"split": split, "subgroup": subgroup, "metric": metric} | dict.fromkeys([*numbers, *sizes]))
        else:
            known = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
            rows.append({"split": split, "subgroup": subgroup, "metric": metric} | known | dict(sizes))
    return rows


def hidden(sizes: Mapping[str, Mapping[str, int]]) -> set[str]:
    """The subgroups of one dimension that are suppressed: the small ones, and a second where one alone could be
    told from the total."""
    small = {name for name, found in sizes.items() if is_small(found)}
    rest = [name for name in sizes if name not in small]
    if len(small) == 1 and rest:
        small.add(min(rest, key=lambda name: (sizes[name]["encounters"], name)))
    return small


def table(split: str, rows: pd.DataFrame, probability: np.ndarray, seed: int, by_subgroup: bool) -> pd.DataFrame:
    """The evaluation of one split: all rows, then each sex and age group, one line a metric, columns COLUMNS."""
    sizes = counts(rows)
    whole = estimates(rows, probability, seed)
    lines = written(split, "all", whole, sizes, is_small(sizes))
    for label, values in subgroups(rows) if by_subgroup else ():
        masks = {level: values == level for level in sorted(set(values))}
        found = {level: counts(rows[mask]) for level, mask in masks.items()}
        hide = hidden(found)
        for level, mask in masks.items():
            inside = dict.fromkeys(whole, Estimate(float("nan")))
            if level not in hide:
                inside = estimates(rows[mask], probability[mask], seed)
            lines += written(split, f"{label}={level}", inside, found[level], level in hide)
    return pd.DataFrame(lines, columns=list(COLUMNS))


def blocks(outcome: np.ndarray, score: np.ndarray, size: int) -> list[slice]:
    """Runs of rows in the given order that end where the score changes, each with at least `size` rows, 11 events and
    11 non-events; rows that cannot make such a run join the last one. None where there are too few rows."""
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
