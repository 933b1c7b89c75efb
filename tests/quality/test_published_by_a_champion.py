"""An attacker with all that a first run, `score` and `observe` publish of a model: no count of 1 to 10 can be told.

Each person has one encounter and a story: known to the first run, waiting and matured, waiting still, withdrawn, come
later. The unknowns are how many there are of each story on each side, so that every sum that holds between reports, and
between one day and the next, holds for the attacker too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from jobs.disclosure import suppressed, tells, with_others
from jobs.model import evaluation, monitoring
from jobs.model.matrix import columns_of
from jobs.model.scoring import APART, SCORED, Reach
from jobs.model.side import TEST, TRAIN, Size
from jobs.model.side import told as sides_told
from jobs.release import nested
from jobs.tasks.said import said, unsaid
from workflows.declare import Monitor

pytestmark = pytest.mark.clause("F5", "F8", "P8")
SIDES = (TRAIN, TEST)
# story -> (outcome known to the first run, then; None: not there). 0 and 1 are outcomes, "wait" is not known yet.
STORIES: dict[str, tuple[object, object]] = {
    "known": (0, 0), "event": (1, 1), "matured": ("wait", 0), "matured event": ("wait", 1), "waiting": ("wait", "wait"), "known withdrawn": (0, None),
    "withdrawn": ("wait", None), "new": (None, 0), "new event": (None, 1), "new waiting": (None, "wait"),
}  # fmt: skip
LEFT = ("withdrawn", "known withdrawn")
KINDS = list(itertools.product(STORIES, SIDES))
Meant = Callable[[str, str], bool]
Told = tuple[str, Meant, int | None]
NAMES: Any = SimpleNamespace(table=lambda name: f"m.{name}")
SEED = 7


def world(seed: int) -> pd.DataFrame:
    """Persons of one encounter; of each world another story is of few, or of nobody."""
    draw = np.random.default_rng(seed)
    sizes = {story: int(draw.choice([0, 4, 9, 15, 60])) for story in STORIES} | {
        "known": int(draw.choice([150, 300])), "event": int(draw.choice([40, 80])),
    }  # fmt: skip
    if not sizes["waiting"]:
        sizes["new waiting"] = max(sizes["new waiting"], 15)  # where nobody waits, `prepare` says all: ADR 71
    if seed % 2:
        sizes |= dict.fromkeys(LEFT, 0)
    share = {story: 0.3 if story in ("known", "event") else draw.choice([0.03, 0.3, 0.97]) for story in STORIES}
    story = np.repeat(list(sizes), list(sizes.values()))
    draw.shuffle(story)
    number, side = np.arange(len(story)), np.where(draw.random(len(story)) < pd.Series(story).map(share), TEST, TRAIN)
    return pd.DataFrame({
        "person_id": number, "visit_occurrence_id": number, "encounter_order": number, "story": story, "side": side,
        "f_sex": draw.choice(["F", "M"], len(story)), "score": 0.1 + (number % 7) / 10,
    })  # fmt: skip


def features(persons: pd.DataFrame, moment: int) -> pd.DataFrame:
    """The feature table at the first run (0) and later (1)."""
    outcome = persons["story"].map(lambda story: STORIES[story][moment])
    rows = persons.assign(outcome=outcome)[outcome.notna()]
    known = rows["outcome"] != "wait"
    return rows.assign(outcome_known=known, outcome=rows["outcome"].where(known, 0).astype("int64"))


def at(moment: int, *outcomes: object, side: str = "") -> Meant:
    """Persons of whom at a moment this is known; any who are there, without outcomes."""

    def meant(story: str, here: str) -> bool:
        outcome = STORIES[story][moment]
        return side in ("", here) and (outcome in outcomes if outcomes else outcome is not None)

    return meant


class Row(dict[str, Any]):
    asDict = dict[str, Any].copy  # noqa: N815


@dataclass
class Store:
    """What `said` asks of the tables: notes of commits, and the rows of monitoring."""

    notes: dict[str, list[Any]] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)

    @property
    def task(self) -> Any:
        every = lambda name, _: self.notes.get(name, [])  # noqa: E731
        return SimpleNamespace(
            tables=SimpleNamespace(commits=SimpleNamespace(every=every), exists=lambda _: True, read=lambda _: self)
        )

    def where(self, *_: object) -> Store:
        return self

    select = distinct = where

    def collect(self) -> list[Row]:
        return self.rows

    def note(self, table: str, what: Any) -> None:
        self.notes.setdefault(f"m.{table}", []).insert(0, what)


def prepare(store: Store, rows: pd.DataFrame, moment: int) -> Iterator[Told]:
    """What `prepare` says, and `evaluate` of the test side and of the last quarter in time."""
    known = rows[rows["outcome_known"]]
    wait = rows[~rows["outcome_known"]]["side"].value_counts()
    sizes = {
        side: Size(
            encounters=len(some), persons=len(some), events=int(some["outcome"].sum()),
            waiting=int(wait.get(side, 0)), never=int(wait.get(side, 0)),
        )
        for side, some in ((side, known[known["side"] == side]) for side in SIDES)
    }  # fmt: skip
    shown = sides_told(sizes, store.notes.get("m.dataset", []))
    store.note("dataset", {side: size.counts for side, size in shown.items() if size is not None})
    for side, size in shown.items():
        yield f"prepare {side}", at(moment, 0, 1, side=side), size and size.encounters
        yield f"prepare {side} events", at(moment, 1, side=side), size and size.events
    test = evaluation.counts(known[known["side"] == TEST])
    rest = {("all", "all"): evaluation.counts(known[known["side"] == TRAIN])}
    before = store.notes.get("m.evaluation", []) + [sides[TEST] for sides in store.notes["m.dataset"] if TEST in sides]
    told = not evaluation.hidden({}, test, rest) and not tells(with_others(test), before)
    told = told and TEST not in unsaid(store.task, NAMES)
    if told:
        store.note("evaluation", with_others(test))
    yield "evaluate", at(moment, 0, 1, side=TEST), test["encounters"] if told else None
    yield "evaluate events", at(moment, 1, side=TEST), test["events"] if told else None
    late = len(known) - int(0.75 * len(known))
    yield "time", at(moment, 0, 1), None if unsaid(store.task, NAMES) else late


def score(store: Store, rows: pd.DataFrame, made: set[int], moment: int, version: int = 1) -> Iterator[Told]:
    """What `score` says; it adds to what was made."""
    store = store if version == 1 else Store(store.notes)
    waiting = set(rows[~rows["outcome_known"]]["person_id"])
    if not waiting - made:
        yield (
            "score: nothing",
            at(moment, "wait") if not moment or version == 2 else lambda story, _: story == "new waiting",
            0,
        )
        return
    new = len(waiting - made)
    made |= waiting
    reach = Reach(scored=len(made), persons=len(made), whole=len(rows), waiting=len(waiting), new=new)
    counts = {}
    if not unsaid(store.task, NAMES):
        counts = reach.told(said(store.task, NAMES, version))
    store.note("predictions", {"version": version, APART: reach.counts[APART]} | counts)
    yield f"score {moment} by {version}", of_scored(moment) if version == 1 else at(1, "wait"), counts.get(SCORED)


def of_scored(moment: int) -> Meant:
    """Whoever waited at the first run and is there, and who waits now."""
    return lambda story, _: (
        STORIES[story][moment] is not None
        and (STORIES[story][0] == "wait" or (moment == 1 and STORIES[story] == (None, "wait")))
    )


def observe(store: Store, rows: pd.DataFrame, held: pd.DataFrame, made: set[int], late: bool) -> Iterator[Told]:
    """What `observe` says. late: after the second scoring."""
    seen = rows[rows["person_id"].isin(made)]
    matured = seen[seen["outcome_known"]]
    found = monitoring.calibration(matured, Monitor(), SEED)
    found += monitoring.covariates(seen, held, columns_of(held), Monitor())
    found += monitoring.newest_covariates(seen, held, columns_of(held), Monitor())
    known = rows[rows["outcome_known"]]
    every = {"rows": len(rows), "known": len(known), "events": int(known["outcome"].sum())}
    found = monitoring.beside(found, said(store.task, NAMES, 1), monitoring.apart(every, seen))
    store.rows += [Row(one, job_run_id="1") for one in found]
    counts = monitoring.counted(found)
    there = of_scored(1)
    yield "observe", lambda story, s: there(story, s) and (late or story != "new waiting"), counts.get(SCORED)
    whole = [row for row in found if row["measure"] == monitoring.RATIO]
    told = counts.get("matured") if whole else 0
    yield "observe matured", lambda story, _: story.startswith("matured"), told
    yield "observe events", lambda story, _: story == "matured event", counts.get("events") if whole else 0
    assert len(whole) in (0, monitoring.BLOCKS + 1), "which blocks there are does not tell how few there are"


def published(persons: pd.DataFrame, late: bool) -> list[Told]:
    """Everything that is said, at the first run and later. late: `observe` comes after the second scoring."""
    store, made = Store(), set[int]()
    first, then = features(persons, 0), features(persons, 1)
    (before,) = nested([len(first)])
    told: list[Told] = [("attrition", at(0), before)]
    told += prepare(store, first, 0)
    told += score(store, first, made, 0)
    made &= set(then["person_id"])  # who withdraws has no prediction either
    (after,) = nested([len(then)], [[] if before is None else [before]])
    told.append(("attrition later", at(1), after))
    held = first[(first["side"] == TEST) & first["outcome_known"]]
    for step in (score, observe) if late else (observe, score):
        if step is score:
            told += score(store, then, made, 1)
        else:
            told += observe(store, then, held, made, late)
    # The retrained version becomes champion.
    told += prepare(store, then, 1)
    told += score(store, then, set(), 1, version=2)
    return told


SECRETS: dict[str, Meant] = {
    "waited": at(0, "wait"),
    "wait": at(1, "wait"),
    "matured": lambda story, _: story.startswith("matured"),
    "came": lambda story, _: story.startswith("new"),
    "came known": lambda story, _: story in ("new", "new event"),
    "without the event": at(0, 0),
    "without the event later": at(1, 0),
    "with": at(0, 1),
    "with later": at(1, 1),
} | {story: lambda here, _, story=story: here == story for story in STORIES}  # type: ignore[misc]


def count(persons: pd.DataFrame, meant: Meant) -> int:
    return sum(meant(story, side) for story, side in zip(persons["story"], persons["side"], strict=True))


def found_out(persons: pd.DataFrame, told: list[Told]) -> list[str]:
    """The counts of 1 to 10 of which the attacker knows that they are."""
    known = [(name, np.array([float(meant(*kind)) for kind in KINDS]), n) for name, meant, n in told if n is not None]
    equal = [(row, n) for name, row, n in known if name != "time"]
    # A quarter of all, rounded up.
    quarter = [(sign * row, sign * (4 * n - less)) for name, row, n in known if name == "time"
               for sign, less in ((1, 0), (-1, 3))]  # fmt: skip
    bounds = {"A_eq": [row for row, _ in equal], "b_eq": [n for _, n in equal]}
    if quarter:
        bounds |= {"A_ub": [row for row, _ in quarter], "b_ub": [n for _, n in quarter]}
    # Whether anybody withdrew is known.
    most = [(0, None if story not in LEFT or persons["story"].isin(LEFT).any() else 0) for story, _ in KINDS]
    found = []
    for (name, meant), side in itertools.product(SECRETS.items(), ("", *SIDES)):
        goal = np.array([float(meant(*kind) and side in ("", kind[1])) for kind in KINDS])
        here = persons if not side else persons[persons["side"] == side]
        if suppressed(count(here, meant)) is not None:
            continue
        ends = [linprog(sign * goal, bounds=most, method="highs", **bounds) for sign in (1, -1)]
        low, high = ends[0].fun, np.inf if ends[1].status == 3 else -ends[1].fun
        if low > 1 - 1e-6 and high < 11 - 1e-6:
            found.append(f"{name} {side}: {low:.0f} to {high:.0f}")
    return found


WORLDS = list(itertools.product(range(40), (False, True)))


def test_no_linear_program_over_what_a_champion_says_tells_of_one_to_ten_persons() -> None:
    much = 0
    for seed, late in WORLDS:
        persons = world(seed)
        told = published(persons, late)
        for name, meant, shown in told:
            assert name == "time" or shown in (None, count(persons, meant)), (seed, name)
            assert shown is None or suppressed(shown) is not None, (seed, name)
        assert found_out(persons, told) == [], (seed, late)
        much += sum(shown is not None for name, _, shown in told if name.startswith(("score", "observe")))
    assert much > len(WORLDS), "of more than a few persons much is shown"


# A report that hides its own small counts and no more.
@pytest.mark.parametrize("report", ["score", "observe", "time"])
def test_without_the_guard_of_one_report_of_a_champion_the_attacker_wins_by_the_others(report: str) -> None:
    for seed, late in WORLDS:
        persons = world(seed)
        told = []
        for name, meant, shown in published(persons, late):
            real = count(persons, meant)
            if name.startswith(report):
                shown = -(-real // 4) if name == "time" else suppressed(real)
            told.append((name, meant, shown))
        if found_out(persons, told):
            return
    pytest.fail("the attacker does not win: the guard guards nothing, or the attack is too weak")
