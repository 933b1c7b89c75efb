"""Persons with several encounters, attacked with all that a run publishes: encounters beside persons, months beside all.

Encounters less persons is how often somebody returned, the months' persons less all persons how often somebody is in
several, and what a rule took away may be of persons who stay: where that is of 1 to 10, it must not follow.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from jobs.model import evaluation
from jobs.model.side import Size
from jobs.model.side import told as sides
from jobs.quality import statistics
from jobs.quality.cohort import Shown, attrition
from jobs.quality.published import ALL, published
from jobs.quality.statistics import Covariate, Group
from jobs.release import nested

pytestmark = pytest.mark.clause("F5", "F8", "P8")
SMALL, STEPS, MOST = range(1, 11), 2, 3
# An encounter: the step it does not pass, or its month and outcome.
Row = tuple[int, int, int]
ROWS: list[Row] = [(0, 0, 0), (1, 0, 0), *((STEPS, month, outcome) for month in (1, 2) for outcome in (0, 1))]
# A person: sex, side, whether they have x, and their encounters.
Kind = tuple[str, str, int, tuple[Row, ...]]
KINDS: list[Kind] = [
    (sex, side, x, rows)
    for sex, side, x in itertools.product("FM", ("train", "test"), (0, 1))
    for many in range(1, MOST + 1)
    for rows in itertools.combinations_with_replacement(ROWS, many)
]
Meant = Callable[[Kind], int]
Told = tuple[str, Meant, int | None]


def world(seed: int, size: int, returns: float, first: float, second: float) -> list[Kind]:
    """Persons, of whom a share returns; shares of encounters that the first and the second rule take."""
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(size):
        many = 1 + int(draw.binomial(MOST - 1, returns))
        at = draw.choice(len(ROWS), many, p=[first, second, *((1 - first - second) * np.array([0.5, 0.2, 0.2, 0.1]))])
        sex, side, x = "FM"[int(draw.random() < 0.6)], ("train", "test")[int(draw.random() < 0.4)], draw.random() < 0.3
        found.append((sex, side, int(x), tuple(ROWS[one] for one in sorted(at))))
    return found


def frame(persons: list[Kind]) -> pd.DataFrame:
    """A row an encounter."""
    rows = [
        (number, sex, side, float(x), left, month, outcome)
        for number, (sex, side, x, theirs) in enumerate(persons)
        for left, month, outcome in theirs
    ]
    made = pd.DataFrame(rows, columns=["person_id", "f_sex", "side", "f_any_x", "left", "month", "outcome"])
    number = np.arange(len(made))
    return made.assign(visit_occurrence_id=number, encounter_order=number, score=0.1 + (number % 7) / 10)


def groups_of(features: pd.DataFrame) -> list[Group]:
    """What the statistics' query finds, by pandas."""
    months = features["month"].map(lambda month: f"{datetime(2021, month, 3):%Y-%m}")
    found = []
    for dimension, level in {"all": "all", "sex": features["f_sex"], "month": months}.items():
        for name, some in features.assign(_level=level).groupby("_level"):
            x = some.drop_duplicates("person_id")["f_any_x"]
            one = Covariate(value=len(x), nonzero=int((x != 0).sum()), other=0, mean=x.mean(), quantiles=(), ever=True)
            sizes = {"persons": len(x), "rows": len(some)}
            found.append(Group(dimension=dimension, level=str(name), covariates={"f_any_x": one}, **sizes))
    return found


def encounters(where: Callable[[Kind, Row], bool]) -> Meant:
    return lambda kind: sum(where(kind, row) for row in kind[3])


def persons_with(where: Callable[[Kind, Row], bool], least: int = 1) -> Meant:
    return lambda kind: int(encounters(where)(kind) >= least)


def told(people: list[Kind], *, guarded: bool = True) -> Iterator[Told]:
    """Every count that a run tells of. guarded: False for an attrition of encounters and of persons by themselves."""
    every = frame(people)
    passed = [every[every["left"] >= step] for step in range(STEPS + 1)]
    steps = [(len(some), int(some["person_id"].nunique())) for some in passed]
    if guarded:
        shown = attrition(steps, [Shown()] * len(steps), Shown(), {len(every)})
    else:
        alone = [nested([step[place] for step in steps]) for place in (0, 1)]
        shown = [step if None not in both else None for step, both in zip(steps, zip(*alone, strict=True), strict=True)]
    for step, counts in enumerate(shown):
        here = lambda _, row, step=step: row[0] >= step  # noqa: E731
        yield f"attrition {step} encounters", encounters(here), counts and counts[0]
        yield f"attrition {step} persons", persons_with(here), counts and counts[1]
    yield "facts", encounters(lambda *_: True), len(every)
    features = passed[-1]
    found = groups_of(features)
    (rows,) = published(statistics.matches(found, "feature_m"), of_persons=True, before={ALL: {len(every)}})
    yield "quality", encounters(lambda _, row: row[0] == STEPS), rows.all_rows
    lines = statistics.published(found)
    for dimension, level in (("all", "all"), ("sex", "F"), ("sex", "M"), ("month", "2021-01"), ("month", "2021-02")):
        line = next((one for one in lines if one[:2] == (dimension, level)), None)
        here = lambda kind, row, d=dimension, to=level: (  # noqa: E731
            row[0] == STEPS and (d == "all" or (kind[0] == to if d == "sex" else row[1] == int(to[-1])))
        )
        yield f"statistics {level}", persons_with(here), line and line[2]
        yield (
            f"statistics {level} x",
            persons_with(lambda kind, row, h=here: h(kind, row) and kind[2] == 1),
            line and line[5],
        )
    yield from of_evaluation(features)
    yield from of_sides(features, cohort=shown[-1] is not None)


def of_evaluation(features: pd.DataFrame) -> Iterator[Told]:
    test, train = (features[features["side"] == side] for side in ("test", "train"))
    scored = evaluation.table("person", test, test["score"].to_numpy(), 7, by_subgroup=True, rest=train)
    for level in ("all", "F", "M"):
        row = scored[scored["subgroup"] == (level if level == "all" else f"sex={level}")]
        here = lambda kind, row, to=level: row[0] == STEPS and kind[1] == "test" and to in ("all", kind[0])  # noqa: E731
        counts = [None if row.empty or pd.isna(row.iloc[0][name]) else int(row.iloc[0][name]) for name in KEYS]
        yield from of_group(f"evaluation {level}", here, counts)


KEYS = ("encounters", "persons", "events")


def of_group(name: str, here: Callable[[Kind, Row], bool], counts: list[int | None]) -> Iterator[Told]:
    yield f"{name} encounters", encounters(here), counts[0]
    yield f"{name} persons", persons_with(here), counts[1]
    yield f"{name} events", encounters(lambda kind, row: here(kind, row) and row[2] == 1), counts[2]


def of_sides(features: pd.DataFrame, *, cohort: bool) -> Iterator[Told]:
    sizes = {
        str(side): Size(
            encounters=len(some), persons=int(some["person_id"].nunique()), events=int(some["outcome"].sum())
        )
        for side, some in features.groupby("side")
    }
    for side, size in sides(sizes, cohort=cohort).items():
        counts = [None] * 3 if size is None else [getattr(size, name) for name in KEYS]
        yield from of_group(f"prepare {side}", lambda kind, row, s=side: row[0] == STEPS and kind[1] == s, counts)


def secrets() -> Iterator[tuple[str, Meant]]:
    """Groups of persons that nobody tells of, and that counts of encounters and of persons speak of together."""
    for step in range(STEPS + 1):
        yield f"returns at {step}", persons_with(lambda _, row, s=step: row[0] >= s, 2)
    for step in range(STEPS):
        lost = lambda _, row, s=step: row[0] == s  # noqa: E731
        gone = lambda kind, s=step: max(row[0] for row in kind[3]) == s  # noqa: E731
        yield f"loses one at {step}", persons_with(lost)
        yield f"is gone at {step}", lambda kind, g=gone: int(g(kind))
        loses = persons_with(lost)
        yield f"loses one at {step} and stays", lambda kind, g=gone, one=loses: int(one(kind) and not g(kind))
    for side in ("train", "test"):
        for sexes in ("F", "M", "FM"):
            here = lambda kind, row, s=side, of=sexes: row[0] == STEPS and kind[1] == s and kind[0] in of  # noqa: E731
            yield f"returns, {side} {sexes}", persons_with(here, 2)
            yield f"persons, {side} {sexes}", persons_with(here)
    months = [persons_with(lambda _, row, m=month: row[1] == m) for month in (1, 2)]
    for x in ((0, 1), (1,)):
        yield f"in both months, x {x}", lambda kind, of=x: int(kind[2] in of and all(month(kind) for month in months))


def found_out(people: list[Kind], said: list[Told]) -> list[str]:
    """The counts of 1 to 10 persons of which the attacker knows that they are."""
    number = dict.fromkeys(KINDS, 0)
    for person in people:
        number[person] += 1
    real = np.array(list(number.values()), dtype=float)
    rows, right = [], []
    targets = dict(secrets())
    for name, meant, shown in said:
        row = np.array([float(meant(kind)) for kind in KINDS])
        assert shown is None or shown == row @ real, (name, shown, row @ real)
        if shown is None and "persons" in name:
            targets[name] = meant
        elif shown is not None:
            rows.append(row)
            right.append(shown)
    found = []
    for name, meant in targets.items():
        row = np.array([float(meant(kind)) for kind in KINDS])
        if row @ real not in SMALL:
            continue
        low, high = (
            linprog(sign * row, A_eq=np.array(rows), b_eq=np.array(right), bounds=(0, None), method="highs")
            for sign in (1, -1)
        )
        most = np.inf if high.status == 3 else -high.fun
        if low.fun > 1e-6 and most < 11 - 1e-6:
            found.append(f"{name}: {low.fun:.1f} to {most:.1f}")
    return found


# Seed, persons, share who return, shares that both rules take: each of them few in some world.
WORLDS = [
    (seed, size, returns, *taken)
    for seed in range(3)
    for size, returns in ((300, 0.01), (300, 0.2), (1200, 0.003), (1200, 0.1))
    for taken in ((0.05, 0.006), (0.004, 0.1), (0.002, 0.002))
]


@pytest.mark.parametrize(("seed", "size", "returns", "first", "second"), WORLDS)
def test_no_linear_program_tells_of_few_who_return_or_are_in_several_months(
    seed: int, size: int, returns: float, first: float, second: float
):
    people = world(seed, size, returns, first, second)
    said = list(told(people))
    assert found_out(people, said) == []
    assert sum(shown is not None for _, _, shown in said) >= 4, "the facts, a month, a side: something is shown"


def test_an_attrition_of_encounters_and_persons_by_themselves_is_found_out():
    won: list[str] = []
    for parameters in WORLDS:
        people = world(*parameters)
        won += found_out(people, list(told(people, guarded=False)))
    assert any("returns" in one for one in won)
    assert any("loses one" in one or "is gone" in one for one in won)
