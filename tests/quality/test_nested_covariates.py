"""An attacker with the statistics of covariates that lie within each other: no count of 1 to 10 persons can be told.

The unknowns are the persons of each kind, made here without the code that keeps anything back: which events on which
days, observed from which day on. Every sum that holds between two covariates holds for the attacker too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from jobs.quality.kinds import families
from jobs.quality.statistics import Covariate, Group, published
from workflows.codes import Codes
from workflows.covariates import code_rows
from workflows.features import AnyOf, CountOf, Feature
from workflows.time import days
from workflows.values import MeanOf

pytestmark = pytest.mark.clause("F5", "F8", "P8")
SMALL = range(1, 11)
BIG = Codes("big", [("ICD10CM", "I50"), ("ICD10CM", "E11")])
PART = Codes("part", [("ICD10CM", "E11.2")])
OTHER = Codes("other", [("ICD10CM", "J44")])
YEAR, FAR, MONTH = days(-365, -1), days(-365, -31), days(-30, -1)
OBSERVED: dict[str, Feature] = {
    "f_any_big": AnyOf(BIG, YEAR, in_observation=True),
    "f_any_big_month": AnyOf(BIG, MONTH, in_observation=True, label="month"),
    "f_count_big_365_1": CountOf(BIG, YEAR, in_observation=True),
    "f_count_big_30_1": CountOf(BIG, MONTH, in_observation=True),
    "f_any_part": AnyOf(PART, YEAR),
    "f_any_other": AnyOf(OTHER, YEAR),
}
# A year is a month and what lies before it: who has it in both follows too.
PLAIN: dict[str, Feature] = {
    "f_any_big": AnyOf(BIG, YEAR),
    "f_any_big_month": AnyOf(BIG, MONTH, label="month"),
    "f_any_big_far": AnyOf(BIG, FAR, label="far"),
    "f_count_big_365_1": CountOf(BIG, YEAR),
    "f_count_big_30_1": CountOf(BIG, MONTH),
    "f_any_part_month": AnyOf(PART, MONTH, label="month"),
    "f_any_other": AnyOf(OTHER, YEAR),
}
# (set, day): an event is seen from its day on, and some of a stretch before it is observed.
EVENTS = [(name, day) for name in ("big", "part", "other") for day in (-300, -100, -25, -10)]
SINCE = (-400, -200, -60, -20, None)
Kind = tuple[tuple[tuple[str, int], ...], int | None]
Numbers = tuple[float, ...]


def numbers(features: Mapping[str, Feature], kind: Kind) -> Numbers:
    """What each covariate is of one kind of persons, NaN where it is not known; by the words of ADR 31."""
    events, since = kind
    found = []
    for feature in features.values():
        assert isinstance(feature, (AnyOf, CountOf))
        assert feature.window
        of = {"part": ("part",), "other": ("other",)}.get(feature.set_name, ("big", "part"))
        here = [day for name, day in events if name in of and feature.window.start <= day <= feature.window.end]
        known = True
        if feature.in_observation:
            here = [day for day in here if since is not None and since <= day]
            known = since is not None and since <= feature.window.start
        if isinstance(feature, AnyOf):
            found.append(1.0 if here else 0.0 if known else np.nan)
        else:
            found.append(float(len(here)) if known else np.nan)
    return tuple(found)


class Asked:
    """What a model asks for, and all kinds of persons there can be."""

    def __init__(self, features: dict[str, Feature]) -> None:
        self.features, some = features, [*features.values()]
        self.related = families(some, {}, code_rows(some, {}))
        events = [one for number in range(4) for one in itertools.combinations_with_replacement(EVENTS, number)]
        kinds = {repr(one): one for had in events for since in SINCE for one in [numbers(features, (had, since))]}
        self.names, self.table = [*kinds], np.array([*kinds.values()]).T
        self.values = dict(zip(features, self.table, strict=True))
        self.states = {
            (name, state): there.astype(float)
            for name, row in self.values.items()
            for state, there in (("missing", np.isnan(row)), ("no", row == 0), ("yes", row > 0))
        }
        # Has it in a year and not in a month, was seen but not observed, ...: the states of two covariates.
        self.targets = {
            f"{one} {state}, {other} {its}": a * b
            for ((one, state), a), ((other, its), b) in itertools.combinations_with_replacement(self.states.items(), 2)
        }


ASKED = {"observed": Asked(OBSERVED), "plain": Asked(PLAIN)}


def world(asked: Asked, seed: int) -> pd.DataFrame:
    """Index rows, several of a person; few have an event far back alone, few are not observed that far."""
    draw = np.random.default_rng(seed)
    size, rare = int(draw.integers(300, 1200)), draw.choice([0.004, 0.01, 0.03])
    common = {("big", -10): 0.3, ("part", -25): 0.15, ("big", -300): draw.choice([0.25, rare]), ("other", -100): 0.2}
    rows = []
    for person in range(size):
        for order in range(int(draw.integers(1, 4))):
            had = tuple(one for one in EVENTS if draw.random() < common.get(one, rare))[:3]
            since = draw.choice(len(SINCE), p=[0.95 - 4 * rare, rare, rare, rare, 0.05 + rare])
            values = dict(zip(asked.features, numbers(asked.features, (had, SINCE[since])), strict=True))
            rows.append({"person_id": person, "order": order, "sex": "FMX"[person % 10 // 4], "all": "all",
                         "month": f"2021-0{int(draw.integers(1, 4))}", **values})  # fmt: skip
    return pd.DataFrame(rows)


def last_rows(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("order").drop_duplicates("person_id", keep="last")


def groups_of(asked: Asked, rows: pd.DataFrame) -> list[Group]:
    """What the statistics' query finds, by pandas: of each person in a group the last row."""
    found = []
    for dimension in ("all", "sex", "month"):
        for level, some in rows.groupby(dimension):
            last, of = last_rows(some), {}
            for name in asked.features:
                x = last[name].dropna()
                counts = {"value": len(x), "nonzero": int((x != 0).sum()), "other": int((~x.isin([0, 1])).sum())}
                of[name] = Covariate(**counts, mean=x.mean() if len(x) else None, quantiles=(0.0,) * 5, ever=True)
            found.append(Group(dimension=dimension, level=str(level), persons=len(last), rows=len(some), covariates=of))
    return found


def counted(asked: Asked, rows: pd.DataFrame, dimension: str) -> dict[str, list[int]]:
    """By level the persons of each kind."""
    found = {}
    for level, some in rows.groupby(dimension):
        kinds = [repr(tuple(row)) for row in last_rows(some)[[*asked.features]].to_numpy().tolist()]
        found[str(level)] = [kinds.count(one) for one in asked.names]
    return found


def equations(
    asked: Asked, rows: Sequence[tuple], dimension: str, levels: Sequence[str]
) -> Iterator[tuple[np.ndarray, float]]:
    """What a reader of the statistics knows: sums over the persons of each kind in each level."""
    for row in rows:
        if row[0] not in (dimension, "all") or (row[0] == "all" and dimension == "month"):
            continue  # a person stands in several months: they do not add up
        at = np.array([float(row[0] == "all" or level == row[1]) for level in levels])
        name, (persons, value, ones, mean) = row[3], (row[2], row[4], row[5], row[7])
        told = [(np.ones(len(asked.names)), persons), (1 - asked.states[name, "missing"], value)]
        told.append((asked.states[name, "yes"], ones) if ones is not None
                    else (np.nan_to_num(asked.values[name]), round(mean * value)))  # fmt: skip
        yield from ((np.outer(at, known).ravel(), float(count)) for known, count in told)


def found_out(asked: Asked, persons: pd.DataFrame, rows: Sequence[tuple]) -> list[str]:
    """The counts of 1 to 10 persons, of a level or of all, of which the attacker knows that they are."""
    found = []
    for dimension in ("sex", "month"):
        there = counted(asked, persons, dimension)
        known = list(equations(asked, rows, dimension, [*there]))
        if not known:
            continue
        matrix, right = np.array([one for one, _ in known]), np.array([count for _, count in known])
        truth = np.concatenate([*there.values()])
        assert np.allclose(matrix @ truth, right), "the attacker is told the truth"
        places = {level: [float(one == level) for one in there] for level in there}
        places |= {"all": [1.0] * len(there)} if dimension == "sex" else {}
        for (place, at), (name, meant) in itertools.product(places.items(), asked.targets.items()):
            goal = np.outer(at, meant).ravel()
            if goal @ truth in SMALL and told(goal, matrix, right):
                found.append(f"{place}: {name}")
    return found


def told(goal: np.ndarray, matrix: np.ndarray, right: np.ndarray) -> bool:
    low = linprog(goal, A_eq=matrix, b_eq=right, bounds=(0, None), method="highs")
    if low.fun < 1 - 1e-6:
        return False
    high = linprog(-goal, A_eq=matrix, b_eq=right, bounds=(0, None), method="highs")
    return high.status == 0 and -high.fun < 11 - 1e-6


WORLDS = [("observed", 1), ("observed", 4), ("observed", 9), ("plain", 0), ("plain", 3), ("plain", 5)]


@pytest.mark.parametrize(("what", "seed"), WORLDS)
def test_no_linear_program_over_covariates_within_each_other_tells_of_one_to_ten_persons(what: str, seed: int):
    asked = ASKED[what]
    persons = world(asked, seed)
    rows = published(groups_of(asked, persons), families=asked.related)
    assert found_out(asked, persons, rows) == []
    related = [row for row in rows if row[5] is not None and row[3] != "f_any_other"]
    for one, other in itertools.combinations(related, 2):
        assert one[:2] != other[:2] or abs(one[5] - other[5]) not in SMALL
    assert {"f_any_other"} < {row[3] for row in rows}, "what is related is not all kept back"


def test_without_the_guard_the_attacker_wins():
    won = [
        one
        for what, seed in WORLDS
        for persons in [world(ASKED[what], seed)]
        for one in found_out(ASKED[what], persons, published(groups_of(ASKED[what], persons)))
    ]
    assert any("f_any_big yes, f_any_big_month no" in one for one in won)
    assert any("f_any_big yes, f_count_big_365_1 missing" in one for one in won)


def test_who_has_a_value_in_a_unit_is_among_those_who_have_one_and_units_lie_beside_each_other():
    units = {"f_mean_big_any": (), "f_mean_big_mg": "mg/dL", "f_mean_big_mmol": ("mmol/L", "mmol per L")}
    some = [MeanOf(BIG, YEAR, unit=unit, label=name.rpartition("_")[2]) for name, unit in units.items()]
    (family,) = families(some, {}, code_rows(some, {}))
    have = {name: ~np.isnan(row) for name, row in zip(family.columns, family.values, strict=True)}
    anything, mg, mmol = (have[name] for name in units)
    assert not ((mg | mmol) & ~anything).any()
    for there in (mg & mmol, mg & ~mmol, mmol & ~mg, anything & ~mg & ~mmol, ~anything):
        assert there.any()
