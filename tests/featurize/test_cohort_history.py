"""A cohort as of its index dates: what was corrected or deleted by then does not count, and a correction is not two."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cohort_world import ENCOUNTERS, SETS
from curated import deliver, frame, rows
from history_world import CONDITIONS, NAME
from pyspark.sql import DataFrame, SparkSession

from jobs.featurize.cohort import selection
from jobs.featurize.entries import Facts
from jobs.io.context import Task
from jobs.tasks.facts import _facts
from workflows.codes import Codes
from workflows.cohorts import Cohort, EventsOf, InpatientStays
from workflows.covariates import code_rows
from workflows.declare import Featurization
from workflows.steps import Excludes, FirstOfPerson, Requires
from workflows.time import days

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1", "F6", "O3")]

EVENTS = (
    "person_id long, event_start_datetime timestamp, event_end_datetime timestamp, vocabulary_id string, "
    "concept_code string, source_table string, fact_id long, known_from timestamp, known_to timestamp"
)
NOON = datetime(2021, 6, 30, 12)
HEART, SUGAR = SETS
# person, start, code, fact, known_from, known_to
Version = tuple[int, datetime, str, int, datetime | None, datetime | None]


def facts_of(spark: SparkSession, events: list[Version], stays: list[Any] = []) -> Facts:  # noqa: B006
    made = [(p, start, None, "ICD10CM", code, "a", fact, a, b) for p, start, code, fact, a, b in events]
    codes = [Requires(concepts=one, window=days(-1, 0)).criterion for one in SETS]
    return Facts(
        encounters=spark.createDataFrame(stays, f"{ENCOUNTERS}, known_from timestamp"),
        events=spark.createDataFrame(made, EVENTS),
        codes=code_rows(codes, {}),
    )


def stay(person: int, key: int, end: datetime, known: datetime | None = None) -> Any:
    return (person, key, key, end - timedelta(days=2), end, 2, True, True, "F", None, None, True, known)


def histories(chance: random.Random, persons: int) -> list[Version]:
    """Facts that are entered late, corrected in code or day, deleted, and put back."""
    found: list[Version] = []
    for person in range(persons):
        for _ in range(chance.randint(0, 4)):
            fact, start = len(found), NOON + timedelta(days=chance.randrange(-60, 61, 10))
            known: datetime | None = chance.choice([start, start, start + timedelta(days=30), None])
            for _ in range(chance.choice([1, 1, 2, 3])):
                code = chance.choice(["I50", "I50.9", "E11", "Z99"])
                base = known or start
                stop = base + timedelta(days=chance.choice([0, 1, 10, 40])) if chance.random() < 0.6 else None
                found.append((person, start, code, fact, known, stop))
                if stop is None:
                    break
                known = stop + timedelta(days=chance.choice([0, 0, 5]))
                start += timedelta(days=chance.choice([0, 0, -10, 10, 20]))
    return found


def of(one: Codes, code: str) -> bool:
    return any(code == c or code.startswith(f"{c}.") for _, c in one.codes)


def known(row: Version, moment: datetime) -> bool:
    *_, a, b = row
    return (a is None or a <= moment) and (b is None or moment < b)


def entering(events: list[Version]) -> list[Version]:
    """In plain Python: each fact as it was first known on its own day, else as it is said now."""
    found = []
    for fact in {row[3] for row in events}:
        versions = [row for row in events if row[3] == fact]
        then = sorted((row for row in versions if known(row, row[1])), key=lambda row: row[1])
        now = [row for row in versions if row[5] is None]
        found += then[:1] or now
    return found


def members(spark: SparkSession, cohort: Cohort, facts: Facts) -> set[tuple[int, datetime, int]]:
    return {
        (row["person_id"], row["index_datetime"], row["_passed"])
        for row in selection(cohort, facts).rows.select("person_id", "index_datetime", "_passed").collect()
    }


STEPS = [
    Requires(concepts=SUGAR, window=days(-60, 0)), Excludes(concepts=HEART, window=days(-30, -1)),
    Excludes(concepts=SUGAR, window=days(1, 60), because="as a test"),
]  # fmt: skip


def passes(events: list[Version], person: int, index: datetime) -> int:
    """How many of STEPS a row passes, in plain Python."""
    for place, step in enumerate(STEPS):
        assert isinstance(step.concepts, Codes)
        count = 0
        for row in events:
            seen = row[5] is None if step.window.end > 0 else known(row, index)
            day = (row[1].date() - index.date()).days
            count += (
                row[0] == person and of(step.concepts, row[2]) and seen and step.window.start <= day <= step.window.end
            )
        if count < 1 if isinstance(step, Requires) else count > 0:
            return place
    return len(STEPS)


def test_a_fact_enters_once_as_it_was_known_on_its_day_and_steps_see_what_was_known(spark: SparkSession):
    events = histories(random.Random(11), 150)
    found = members(spark, Cohort(entry=EventsOf(concepts=HEART), steps=STEPS), facts_of(spark, events))
    wanted = {
        (row[0], row[1], passes(events, row[0], row[1])) for row in entering(events) if of(HEART, row[2])
    }  # fmt: skip
    assert found == wanted
    assert {passed for *_, passed in found} == {0, 1, 2, 3}
    blind = {(p, start) for p, start, code, *_ in events if of(HEART, code)}
    assert len(blind) > len(found), "without the rule corrected and deleted rows would have entered"


def test_deleting_every_row_known_after_the_cutoff_and_every_closed_one_changes_no_step(spark: SparkSession):
    events = histories(random.Random(5), 200)
    chance = random.Random(6)
    cutoff = {person: NOON + timedelta(days=chance.randrange(-30, 31, 10)) for person in range(200)}
    stays = [stay(person, person, moment) for person, moment in cutoff.items()]
    # Earlier stays that were told of only after the cutoff, and in time.
    for person in range(0, 200, 2):
        ended = cutoff[person] - timedelta(days=20)
        stays.append(stay(person, 1_000 + person, ended, cutoff[person] + timedelta(days=chance.choice([-1, 0, 1]))))
    late = [row for row in stays if row[-1] is not None and row[-1] > cutoff[row[0]]]
    then = [
        (*row[:5], None) for row in events if known(row, cutoff[row[0]])
    ]  # fmt: skip
    assert late
    assert len(then) < len(events)
    cohort = Cohort(
        entry=InpatientStays(),
        steps=[Excludes(concepts="inpatient_admission", window=days(-60, -1)), *STEPS[:2]],
    )

    def at_cutoff(facts: Facts) -> set[tuple[int, datetime, int]]:
        return {row for row in members(spark, cohort, facts) if row[1] == cutoff[row[0]]}

    whole = at_cutoff(facts_of(spark, events, stays))
    assert whole == at_cutoff(facts_of(spark, then, [row for row in stays if row not in late]))
    assert {passed for *_, passed in whole} == {2, 3, 4, 5}
    assert whole != at_cutoff(facts_of(spark, [(*row[:4], None, None) for row in events], stays))


def test_an_event_and_an_encounter_that_were_corrected_are_one_each(
    recorded: SparkSession, facts: Callable[..., Task], make_task: Callable[..., Task]
):
    def encounters() -> DataFrame:
        declared = Featurization(name="synthetic_omop", source="synthetic_omop", cluster="ml_cpu")
        given = {"person_sample": "1.0", "outcomes_through": "1.0"}
        _facts(make_task(declared, table="fact_encounter_index", **given))
        return recorded.table("synthetic_omop_ra.fact_encounter_index").where("person_id = 1")

    facts()
    encounters()
    # The same events at another day: as known then, they are of the day first said.
    at = "condition_start_datetime = '2021-03-20 08:00:00'"
    recorded.sql(f"UPDATE {CONDITIONS} SET {at} WHERE condition_occurrence_id IN ('501', '502')")
    visits = rows()["visit_occurrence"]
    visits[0]["visit_end_datetime"] = "2021-04-09 09:30:00"
    deliver(recorded, {"visit_occurrence": frame(recorded, "visit_occurrence", visits)})
    facts()
    ((person, end),) = [(row["person_id"], row["visit_end_datetime"]) for row in encounters().collect()]
    assert (person, end) == (1, datetime(2021, 4, 9, 9, 30))
    events = recorded.table(NAME).where("person_id <= 3")
    assert events.count() == 5, "three facts, of which two were corrected"
    codes = code_rows([EventsOf(concepts=HEART).criterion], {})
    both = Facts(encounters=encounters(), events=events, codes=codes)
    found = selection(Cohort(entry=EventsOf(concepts=HEART), steps=[FirstOfPerson()]), both)
    assert [(row["person_id"], row["index_datetime"].day) for row in found.rows.orderBy("person_id").collect()] == [
        (1, 1), (2, 2), (3, 3)
    ]  # fmt: skip
