"""What monitoring sees: calibration over blocks of time; covariates of all and of the newest, against held-out persons.

Words: calibration drift (events differ from what the model expected), covariate drift (persons differ from those
the model was tested on).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from jobs.disclosure import few, measured, suppressed, tells
from jobs.model.intervals import Persons, observed_over_expected
from jobs.model.matrix import MISSING, Columns, design, ordered
from jobs.model.scoring import APART, SCORED
from jobs.quality.groups import kept_back
from workflows.declare import Monitor

QUIET, SIGNAL, NOT_ASSESSABLE = "quiet", "signal", "not assessable"
CALIBRATION, COVARIATE = "calibration drift", "covariate drift"
RATIO, DIFFERENCE = "observed_over_expected", "standardised_mean_difference"
COLUMNS = ("block", "measure", "name", "value", "low", "high", "encounters", "events", "state", "signal")
BLOCKS = 4
WHOLE = 0  # the block number of the whole scored slice


def blocks(rows: pd.DataFrame) -> dict[int, pd.DataFrame]:
    """The quarters of `rows` by encounter order; block 1 is the oldest, block BLOCKS the newest."""
    sorted_rows = ordered(rows)
    edges = np.linspace(0, len(rows), BLOCKS + 1).astype(int)
    return {i + 1: sorted_rows.iloc[edges[i] : edges[i + 1]] for i in range(BLOCKS)}


def calibration(rows: pd.DataFrame, monitor: Monitor, seed: int) -> list[dict[str, Any]]:
    """Observed over expected of the whole slice (block 0) and of its four quarters by encounter order (1 is oldest).

    rows: scored encounters with a known outcome: person_id, encounter_order, outcome, score.
    """
    if rows.empty:
        return []
    quarters = blocks(rows)
    parts = {WHOLE: pd.concat(quarters.values())} | quarters
    # Blocks make up the whole: one that is kept back alone would be the whole less the others.
    sizes = {str(block): outcomes(part) for block, part in parts.items()}
    hidden = kept_back({block: classes for block, classes in sizes.items() if block != str(WHOLE)})
    # Which quarters are empty would say how few there are: all are there, and of a whole of few none is described.
    if few(*sizes[str(WHOLE)].values()):
        hidden = set(sizes)
    return [calibration_row(block, part, monitor, seed, hide=str(block) in hidden) for block, part in parts.items()]


def outcomes(rows: pd.DataFrame) -> dict[str, int]:
    """Encounters with and without the outcome."""
    events = int(rows["outcome"].astype("int64").sum())
    return {"events": events, "others": len(rows) - events}


def calibration_row(block: int, rows: pd.DataFrame, monitor: Monitor, seed: int, *, hide: bool) -> dict[str, Any]:
    """One block. The signal needs the 95 % interval wholly outside the declared bounds. hide: its numbers."""
    outcome, score = rows["outcome"].to_numpy().astype("int64"), rows["score"].to_numpy().astype("float64")
    events = int(outcome.sum())
    found = {
        "block": block, "measure": RATIO, "name": "", "value": None, "low": None, "high": None,
        "encounters": None if hide else len(rows), "events": None if hide else events, "state": NOT_ASSESSABLE,
        "signal": "",
    }  # fmt: skip
    if hide:
        return found
    estimate = observed_over_expected(outcome, score, Persons(rows["person_id"], seed))
    numbers = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    found |= {name: measured(value) if math.isfinite(value) else None for name, value in numbers.items()}
    if events < monitor.minimum_events or not math.isfinite(estimate.low):
        return found
    low, high = monitor.calibration
    outside = estimate.high < low or estimate.low > high
    return found | {"state": SIGNAL if outside else QUIET, "signal": CALIBRATION if outside else ""}


def number_difference(new: np.ndarray, held: np.ndarray) -> float:
    """Standardised difference of means: (new - held) over the pooled standard deviation (Austin 2009)."""
    new, held = new[np.isfinite(new)], held[np.isfinite(held)]
    if not len(new) or not len(held):
        return 0.0
    gap, spread = float(new.mean() - held.mean()), math.sqrt((float(new.var()) + float(held.var())) / 2)
    if spread < 1e-12:
        return 0.0 if abs(gap) < 1e-12 else math.copysign(math.inf, gap)
    return gap / spread


def category_difference(new: np.ndarray, held: np.ndarray) -> float:
    """Standardised difference of all levels at once: Mahalanobis distance of their shares (Yang and Dalton 2012).

    At least the largest difference of a single level, which is infinite where everybody left one level for another:
    there the covariance is singular, and the distance alone would be silent.
    """
    levels = sorted(set(new) | set(held))
    shares = [(np.mean(new == level), np.mean(held == level)) for level in levels]
    p, q = np.array(shares[1:]).reshape(-1, 2).T  # one level follows from the others
    covariance = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    together = math.sqrt(max(0.0, (p - q) @ np.linalg.pinv(covariance, hermitian=True) @ (p - q))) if len(p) else 0.0
    alone = (number_difference((new == level).astype(float), (held == level).astype(float)) for level in levels)
    return max([together, *(abs(one) for one in alone)])


def covariate_difference(new: np.ndarray, held: np.ndarray, is_number: bool) -> float:
    """The difference of one covariate; of a number's value and its missingness the larger speaks."""
    if not is_number:
        return category_difference(new, held)
    both = number_difference(new, held), number_difference(np.isnan(new).astype(float), np.isnan(held).astype(float))
    return max(both, key=abs)


def told_of_few(frame: pd.DataFrame, values: pd.Series, is_number: bool) -> bool:
    """Whether 1 to 10 persons have a level of a category; of a number: none, 0, or another."""
    kinds = values if not is_number else np.where(values.isna(), MISSING, (values != 0).astype(str))
    persons = frame["person_id"].groupby(np.asarray(kinds)).nunique()
    return few(*map(int, persons))


def differences(new: pd.DataFrame, held: pd.DataFrame, columns: Columns, *beside: pd.DataFrame) -> dict[str, float]:
    """The difference of each covariate, without those that few persons have in `new`, `held` or one of `beside`."""
    frames = [(rows, design(rows, columns)) for rows in (new, held, *beside)]
    return {
        name: covariate_difference(
            frames[0][1][name].to_numpy(), frames[1][1][name].to_numpy(), name in columns.numbers
        )
        for name in columns.names
        if not any(told_of_few(rows, made[name], name in columns.numbers) for rows, made in frames)
    }


def covariates(scored: pd.DataFrame, held: pd.DataFrame, columns: Columns, monitor: Monitor) -> list[dict[str, Any]]:
    """A row a covariate: the scored slice against test persons of the champion's dataset.

    A covariate whose difference exceeds the declared bound is in state `signal`; `covariate drift` is signalled when
    the declared share of those that can be assessed is. One that few persons have, on either side, is not assessed: its
    difference would tell how few.
    """
    size = len(scored)
    nobody = few(size, len(held)) or not size or not len(held)
    values = {} if nobody else differences(scored, held, columns)
    return covariate_rows(WHOLE, suppressed(size), values, columns, monitor)


def newest_covariates(
    scored: pd.DataFrame, held: pd.DataFrame, columns: Columns, monitor: Monitor
) -> list[dict[str, Any]]:
    """As `covariates`, of the newest block alone: months that were quiet do not dilute a change in it.

    It is assessed from `minimum_events` persons on. A covariate that few persons have in the older blocks is not: they
    are the whole less this block. How many the block has is not said.
    """
    parts = blocks(scored)
    newest = parts.pop(BLOCKS)
    enough = newest["person_id"].nunique() >= monitor.minimum_events and len(held) and not few(len(held))
    values = differences(newest, held, columns, pd.concat(parts.values())) if enough else {}
    return covariate_rows(BLOCKS, None, values, columns, monitor)


def covariate_rows(
    block: int, size: int | None, values: Mapping[str, float], columns: Columns, monitor: Monitor
) -> list[dict[str, Any]]:
    """The rows of one block. values: of those covariates that can be assessed. size: its encounters, if said."""
    drifted = {name for name, value in values.items() if abs(value) > monitor.covariates}
    raised = len(drifted) >= monitor.drifted_share * len(values)
    return [
        {
            "block": block, "measure": DIFFERENCE, "name": name,
            "value": measured(values[name], 3) if name in values and math.isfinite(values[name]) else None,
            "low": None, "high": None, "encounters": size, "events": None,
            "state": SIGNAL if name in drifted else QUIET if name in values else NOT_ASSESSABLE,
            "signal": COVARIATE if raised and name in drifted else "",
        }
        for name in columns.names
    ]  # fmt: skip


def counted(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The counts of persons' encounters that one observation shows of the whole slice, and what follows from them."""
    found: dict[str, int] = {}
    for row in rows:
        if row["block"] != WHOLE:
            continue
        shown = {SCORED: row["encounters"]} if row["measure"] == DIFFERENCE else {}
        if row["measure"] == RATIO:
            shown = {"matured": row["encounters"], "events": row["events"]}
        found |= {name: int(count) for name, count in shown.items() if count is not None}
    for rest, whole, part in (("waiting", SCORED, "matured"), ("others", "matured", "events")):
        if whole in found and part in found:
            found[rest] = found[whole] - found[part]
    return found


def apart(every: Mapping[str, int], scored: pd.DataFrame) -> dict[str, int]:
    """Who was not scored, by what is known of their outcome, and who waits of those that were.

    every: rows, known and events of the whole feature table. Attrition and `prepare` tell of these, `score` and
    monitoring of those that were scored, so that the differences are known.
    """
    known = scored[scored["outcome_known"].astype(bool)]
    matured = outcomes(known)
    rest, events = every["known"] - len(known), every["events"] - matured["events"]
    waiting = len(scored) - len(known)
    late = every["rows"] - every["known"] - waiting
    found = {APART: rest, f"{APART} events": events, f"{APART} others": rest - events}
    return found | {"waiting": waiting, "late": late}


def beside(
    rows: list[dict[str, Any]], before: Sequence[Mapping[str, int]], rest: Mapping[str, int]
) -> list[dict[str, Any]]:
    """An observation without its counts, where they tell of few beside what was said before; what was measured stays.

    before: what was said of the same model version. rest: what follows beside other reports, as `apart` finds it.
    """
    if not tells(counted(rows) | dict(rest), before):
        return rows
    return [row | {"encounters": None, "events": None} for row in rows]


def decision(rows: list[dict[str, Any]]) -> str:
    """'', 'calibration drift', 'covariate drift' or both joined by ' and ': what starts retraining.

    Both speak through the whole slice and its newest block; an older block alone is history.
    """
    newest = max((row["block"] for row in rows if row["measure"] == RATIO), default=WHOLE)
    speaking = {row["signal"] for row in rows if row["measure"] == DIFFERENCE or row["block"] in (WHOLE, newest)}
    return " and ".join(sorted(speaking - {""}))


def table(rows: list[dict[str, Any]], facts: Mapping[str, Any]) -> pd.DataFrame:
    """The rows as a frame, with `facts` (the same for all rows) in front."""
    return pd.DataFrame([dict(facts) | row for row in rows], columns=[*facts, *COLUMNS])
