"""The cohort engine against a few lines of plain Python, on random persons, events, observation and steps."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import reduce

import pytest
from cohort_world import FOUR_YEARS, SETS, START, World, facts, moment, moved, world
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf

from jobs.featurize.cohort import selection
from workflows.codes import Codes
from workflows.cohorts import Cohort, EventsOf, InpatientStays, ObservationPeriods, as_cohort
from workflows.steps import (
    STEPS,
    AgeAtIndex,
    Eras,
    Excludes,
    Exit,
    FirstOfPerson,
    IndexDates,
    InObservation,
    MinimumTimeAtRisk,
    NoPriorOutcome,
    Requires,
    SexIs,
    Step,
    Washout,
)
from workflows.time import days

pytestmark = [pytest.mark.spark, pytest.mark.clause("F6")]


def listed(one: Codes, vocabulary: str, code: str) -> bool:
    return any(vocabulary == v and (code == c or code.startswith(c + ".")) for v, c in one.codes)


@dataclass
class Row:
    """One row of a cohort: its day, what orders it in its person, its days in the cohort."""

    person: int
    key: int | None
    day: int
    order: tuple[int, ...]
    start: int
    end: int
    passed: int = 0


def enters(made: World, cohort: Cohort) -> list[Row]:
    """What the entry says, in plain Python."""
    entry = cohort.entry
    if isinstance(entry, InpatientStays):
        rows = []
        for p, key, a, b, *_ in made.stays:
            day = b if entry.index == "discharge" else a
            rows.append(Row(p, key, day, (day, b, key), day, b))
        return rows
    if isinstance(entry, EventsOf):
        assert isinstance(entry.concepts, Codes)
        found = [(p, a, h, a if b is None else b) for p, a, h, b, v, c, t in made.events
                 if listed(entry.concepts, v, c) and entry.table in ("", t)]  # fmt: skip
    else:
        found = [(p, a, 0, b) for p, a, b in made.periods]
    last: dict[tuple[int, int, int], int] = {}
    for p, a, h, b in found:
        last[p, a, h] = max(b, a, last.get((p, a, h), a))
    return [Row(p, None, a, (a, h), a, b) for (p, a, h), b in last.items()]


def holds(made: World, row: Row, step: Step) -> bool:
    """Whether one row satisfies one step, in plain Python."""
    sex, born = made.persons[row.person]
    seen = {day for p, a, b in made.periods if p == row.person for day in range(a, b + 1)}
    first, last = row.day, row.day
    while first - 1 in seen:
        first -= 1
    while last + 1 in seen:
        last += 1
    today = moment(row.day).date()
    if isinstance(step, InObservation):
        return row.day in seen
    if isinstance(step, Washout):
        return row.day in seen and row.day - first >= step.days
    if isinstance(step, MinimumTimeAtRisk):
        return row.day in seen and last - row.day >= step.days
    if isinstance(step, AgeAtIndex):
        age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        return step.minimum <= age <= step.maximum
    if isinstance(step, SexIs):
        return sex == step.sex
    if isinstance(step, IndexDates):
        return (step.first or "0") <= str(today) <= (step.last or "9")
    if isinstance(step, Exit):
        if step.end_of_observation and row.day not in seen:
            return False
        ends = [last] if step.end_of_observation else []
        if step.days is not None:
            ends.append((row.start if step.after == "start" else row.end) + step.days)
        if min(ends) < row.start:
            return False
        row.end = min(ends)
        return True
    assert isinstance(step, (Requires, Excludes))
    if isinstance(step.concepts, Codes):
        on = [a for p, a, _, _, v, c, t in made.events
              if p == row.person and listed(step.concepts, v, c) and step.table in ("", t)]  # fmt: skip
    else:
        on = [a for p, key, a, _, inpatient, _ in made.stays if p == row.person and inpatient and key != row.key]
    count = sum(step.window.start <= a - row.day <= step.window.end for a in on)
    return count >= step.at_least if isinstance(step, Requires) else count == 0


def rules(cohort: Cohort) -> tuple[int, ...]:
    """Which of what a stay is, inpatient (0) and leaving its person at risk (1), its entry asks for.

    At an admission nobody knows how the stay will end.
    """
    if not isinstance(cohort.entry, InpatientStays):
        return ()
    return (0, 1) if cohort.entry.index == "discharge" else (0,)


def plain(made: World, cohort: Cohort) -> list[Row]:
    """Everything that enters, with how many steps it passes."""
    rows = enters(made, cohort)
    state = {key: (inpatient, risk) for _, key, _, _, inpatient, risk in made.stays}
    place = 0
    for which in rules(cohort):
        for row in rows:
            assert row.key is not None
            row.passed += row.passed == place and state[row.key][which]
        place += 1
    for step in cohort.steps:
        standing = sorted((row for row in rows if row.passed == place), key=lambda r: (r.person, r.order))
        if isinstance(step, FirstOfPerson):
            kept = list({row.person: row for row in reversed(standing)}.values())
        elif isinstance(step, Eras):
            kept = []
            for row in sorted(standing, key=lambda r: (r.person, r.start, r.end, r.order)):
                if kept and kept[-1].person == row.person and row.start - kept[-1].end <= step.gap:
                    kept[-1].end = max(kept[-1].end, row.end)
                else:
                    kept.append(row)
        else:
            kept = [row for row in standing if holds(made, row, step)]
        for row in kept:
            row.passed += 1
        place += 1
    return rows


WINDOWS = ((-90, -1), (-30, 0), (1, 60))
COUNTING: list[Step] = [
    kind(concepts=concepts, window=days(*window), table=table if isinstance(concepts, Codes) else "", because="random")
    for kind in (Requires, Excludes) for concepts in (*SETS, "inpatient_admission") for table in ("", "a")
    for window in WINDOWS
]  # fmt: skip
OTHERS: list[Step] = [
    InObservation(), Washout(days=30), AgeAtIndex(minimum=18), AgeAtIndex(minimum=19, maximum=60), SexIs(sex="F"),
    FirstOfPerson(), IndexDates(first="2019-04-10", last="2019-08-08"), IndexDates(first="2019-04-30"),
    MinimumTimeAtRisk(days=20), Exit(days=10), Exit(), Exit(days=5, after="end", end_of_observation=False),
    Eras(gap=0), Eras(gap=30),
]  # fmt: skip
ENTRIES = [
    InpatientStays(), EventsOf(concepts=SETS[0]), InpatientStays(index="admission", minimum_age=20),
    EventsOf(concepts=SETS[1], table="a"), ObservationPeriods(),
]  # fmt: skip
SHOWN = ("person_id", "visit_occurrence_id", "index_datetime", "cohort_start", "cohort_end", "_passed")


def found(
    spark: SparkSession, made: World, cohorts: list[Cohort], shuffled: int | None = None, shift: int = 0
) -> list[list[tuple]]:
    """Every row of every cohort, by one job; where all dates are shifted, moved back."""
    tables = facts(spark, made, cohorts, shuffled, shift)
    frames = [
        selection(moved(cohort, shift), tables).rows.select(sf.lit(n).alias("case"), *SHOWN)
        for n, cohort in enumerate(cohorts)
    ]
    cases: list[list[tuple]] = [[] for _ in cohorts]
    for row in reduce(DataFrame.unionByName, frames).collect():
        _, person, key, *times, passed = row
        cases[row["case"]].append((person, key, *(at and at - timedelta(days=shift) for at in times), passed))
    return [sorted(rows) for rows in cases]


def agree(spark: SparkSession, seed: int, cohorts: list[Cohort], cycles: int, more: int) -> None:
    """Raise unless our rows are those of a plain reading, whatever the order of the rows that they are made from.

    The same, each after as many steps, where all is `cycles` of four years later, and without ages `more` days too.
    """
    made = world(seed, persons=150)
    rows = found(spark, made, cohorts)
    for cohort, ours in zip(cohorts, rows, strict=True):
        members = len(cohort.steps) + len(rules(cohort))
        wanted = sorted(
            (one.person, one.day, one.passed,
             *((moment(one.start).date(), moment(one.end).date()) if one.passed == members else ()))
            for one in plain(made, cohort)
        )  # fmt: skip
        assert sorted(
            (person, (at.date() - START).days, passed, *((start, end) if passed == members else ()))
            for person, _, at, start, end, passed in ours
        ) == wanted, cohort  # fmt: skip
        keys = [key for _, key, *_ in ours]
        assert len(set(keys)) == len(keys)
        assert isinstance(cohort.entry, InpatientStays) or all(key < 0 for key in keys)
    assert found(spark, made, cohorts, shuffled=seed) == rows

    for aged, shift in ((True, cycles * FOUR_YEARS), (False, cycles * FOUR_YEARS + more)):
        some = [n for n, one in enumerate(cohorts) if any(isinstance(step, AgeAtIndex) for step in one.steps) is aged]
        later = found(spark, made, [cohorts[n] for n in some], shift=shift) if some else []
        for n, ours in zip(some, later, strict=True):
            assert unnamed(ours, cohorts[n]) == unnamed(rows[n], cohorts[n]), (shift, cohorts[n])


def unnamed(rows: list[tuple], cohort: Cohort) -> list[tuple]:
    """The rows, without the keys of those that are named by their person and moment."""
    named = isinstance(cohort.entry, InpatientStays)
    return rows if named else sorted((person, *rest) for person, _, *rest in rows)


@pytest.mark.slow
@settings(max_examples=3, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10_000),
    cohorts=st.lists(
        st.builds(
            lambda entry, some: as_cohort(Cohort(entry=entry, steps=some)), st.sampled_from(ENTRIES),
            st.lists(st.one_of(st.sampled_from(OTHERS), st.sampled_from(COUNTING)), min_size=1, max_size=4),
        ), min_size=4, max_size=4,
    ),
    cycles=st.sampled_from([-12, -1, 1]), more=st.integers(1 - FOUR_YEARS, -1),
)  # fmt: skip
def test_cohorts_of_any_steps_in_any_order_are_what_a_plain_reading_says(
    spark: SparkSession, seed: int, cohorts: list[Cohort], cycles: int, more: int
) -> None:
    agree(spark, seed, cohorts, cycles, more)


def test_every_step_is_what_a_plain_reading_says_whatever_the_order_of_rows_and_the_first_day(
    spark: SparkSession,
) -> None:
    chance = random.Random(7)
    steps = chance.sample(OTHERS, len(OTHERS)) + chance.sample(COUNTING, 6)
    # Where many rows still stand, some lie exactly at the bound.
    steps.sort(key=lambda step: not isinstance(step, (Washout, MinimumTimeAtRisk)))
    cohorts = [as_cohort(Cohort(entry=entry, steps=steps[n::5])) for n, entry in enumerate(ENTRIES)]
    assert {type(step) for cohort in cohorts for step in cohort.steps} == set(STEPS) - {NoPriorOutcome}
    agree(spark, 7, cohorts, cycles=-2, more=-400)


def test_the_attrition_counts_rows_and_persons_and_the_index_table_has_who_when_and_until(spark: SparkSession) -> None:
    made = World(persons={1: ("F", START), 2: ("M", START)})
    made.events = [(1, 10, 8, None, "ICD10CM", "I50", "a"), (1, 10, 8, 12, "ICD10CM", "I50.9", "a"),
                   (1, 40, 8, None, "ICD10CM", "I50", "a"), (2, 5, 8, None, "ICD10CM", "I50", "a")]  # fmt: skip
    made.periods = [(1, 0, 100)]
    cohort = Cohort(entry=EventsOf(concepts=SETS[0]), steps=[InObservation(), FirstOfPerson(), AgeAtIndex(minimum=90)])
    chosen = selection(cohort, facts(spark, made, [cohort]))
    assert [(one.step, one.reason, one.encounters, one.persons) for one in chosen.attrition()] == [
        (0, "events of heart", 3, 2), (1, "in observation at the index date", 2, 1), (2, "first of each person", 1, 1),
        (3, "90 years or older", 0, 0),
    ]  # fmt: skip
    few = selection(Cohort(entry=cohort.entry, steps=cohort.steps[:2]), facts(spark, made, [cohort])).index
    assert few.columns == ["person_id", "visit_occurrence_id", "index_datetime", "cohort_start", "cohort_end"]
    (row,) = few.collect()
    # Of two events of one moment the later end counts.
    assert tuple(row)[0::2] == (1, moment(10, 8), moment(12).date())


# Days after the end, and whether the end of observation counts too: person 1's stay has no end, 2's no observation.
@pytest.mark.parametrize(("step", "stays"), [
    (Exit(days=5, after="end", end_of_observation=False), {2, 3}), (Exit(days=5, after="end"), {3}),
    (Exit(days=5), {1, 3}), (Exit(), {1, 3}),
], ids=lambda value: value.reason if isinstance(value, Exit) else "")  # fmt: skip
def test_who_leaves_on_a_day_that_is_not_known_does_not_stay(spark: SparkSession, step: Exit, stays: set[int]) -> None:
    made = World(persons=dict.fromkeys((1, 2, 3), ("F", date(1950, 1, 1))))
    made.stays = [(person, person, 10, 12, True, True) for person in made.persons]
    made.periods = [(1, 0, 100), (3, 0, 100)]
    cohort = Cohort(entry=InpatientStays(index="admission"), steps=[step])
    tables = facts(spark, made, [cohort])
    ended = sf.when(sf.col("person_id") != 1, sf.col("visit_end_datetime"))
    some = replace(tables, encounters=tables.encounters.withColumn("visit_end_datetime", ended))
    assert {row["person_id"] for row in selection(cohort, some).members.collect()} == stays


def test_the_first_of_a_person_is_the_earliest_of_one_second_too(spark: SparkSession) -> None:
    made = World(persons=dict.fromkeys(range(20), ("F", START)))
    late = 8 + 0.9 / 3600
    made.events = [(p, 10, hour, None, "ICD10CM", "I50", "a") for p in made.persons for hour in (late, 8)]  # type: ignore[misc]
    cohort = Cohort(entry=EventsOf(concepts=SETS[0]), steps=[FirstOfPerson()])
    found = selection(cohort, facts(spark, made, [cohort])).members.collect()
    assert [row["index_datetime"] for row in found] == [moment(10, 8)] * 20
