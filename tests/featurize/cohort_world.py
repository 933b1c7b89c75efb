"""Random persons with stays, events and observation, as fact tables, for the tests of cohorts."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.featurize.entries import Facts
from workflows.codes import Codes
from workflows.cohorts import Cohort, criteria
from workflows.covariates import code_rows
from workflows.steps import IndexDates

START = date(2019, 3, 1)
# Ages in completed years follow the calendar, and four years of it are as many days wherever there is a 29 February in
# each (1901 to 2099): after whole cycles everyone is as old on the same day. Everything else follows the days between
# two dates, so that any shift will do that moves no index date behind today.
FOUR_YEARS = 1_461
SETS = [
    Codes("heart", (("ICD10CM", "I50"), ("ICD10CM", "I11.0"))),
    Codes("sugar", (("ICD10CM", "E11"), ("LOINC", "2345-7"))),
]
CODES = [("ICD10CM", "I50.9"), ("ICD10CM", "I50"), ("ICD10CM", "I11.0"), ("ICD10CM", "I11.9"), ("ICD10CM", "E11.65"),
         ("ICD9CM", "I50"), ("LOINC", "2345-7")]  # fmt: skip
ENCOUNTERS = (
    "person_id long, visit_occurrence_id long, encounter_order long, visit_start_datetime timestamp, "
    "visit_end_datetime timestamp, length_of_stay long, is_inpatient_visit boolean, is_at_risk boolean, sex string, birth_date date, "
    "age_band string, outcome_known boolean"
)
EVENTS = (
    "person_id long, event_start_datetime timestamp, event_end_datetime timestamp, vocabulary_id string, "
    "concept_code string, source_table string"
)
PERIODS = (
    "person_id long, observation_period_start_date date, observation_period_end_date date, sex string, "
    "birth_date date, age_band string"
)


@dataclass
class World:
    """Persons (sex, birth), stays (person, key, start, end, inpatient, at risk), events, observation periods."""

    persons: dict[int, tuple[str, date]] = field(default_factory=dict)
    stays: list[tuple[int, int, int, int, bool, bool]] = field(default_factory=list)
    events: list[tuple[int, int, int, int | None, str, str, str]] = field(default_factory=list)
    periods: list[tuple[int, int, int]] = field(default_factory=list)


def world(seed: int, persons: int = 50) -> World:
    """Everything that can be odd: ties, open ends, gaps of a day, births on 29 February, persons without a stay.

    Most days are multiples of ten, so that distances often are exactly what a step asks for.
    """
    chance, made = random.Random(seed), World()

    def day(first: int, last: int) -> int:
        return chance.randint(first, last) if chance.random() < 0.2 else chance.randrange(first, last + 1, 10)

    for person in range(persons):
        birthday = (START + timedelta(days=day(0, 200))).replace(year=2000)
        born = chance.choice(
            [date(2000, 2, 29), birthday, birthday, date(1950, 6, 1) + timedelta(chance.randint(0, 9_000))]
        )
        made.persons[person] = (chance.choice("FM"), born)
        for _ in range(chance.randint(0, 3)):
            begun = day(0, 200)
            made.stays.append((person, len(made.stays), begun, begun + chance.choice([0, 1, 10]),
                               chance.random() < 0.8, chance.random() < 0.8))  # fmt: skip
        for _ in range(chance.randint(0, 6)):
            begun = day(0, 210)
            last = begun + chance.choice([0, 10, 40]) if chance.random() < 0.6 else None
            made.events.append(
                (person, begun, chance.choice([8, 8, 20]), last, *chance.choice(CODES), chance.choice("ab"))
            )
        opened = day(-50, 100)
        for _ in range(chance.randint(1, 2)):
            closed = opened + day(0, 160)
            made.periods.append((person, opened, closed))
            opened = closed + chance.choice([0, 1, 2, 20])
    return made


def moment(day: int, hour: int = 0) -> datetime:
    return datetime.combine(START, datetime.min.time()) + timedelta(days=day, hours=hour)


def facts(
    spark: SparkSession, made: World, cohorts: list[Cohort], shuffled: int | None = None, shift: int = 0
) -> Facts:
    """The world as fact tables. shuffled: its rows in another order and split differently. shift: days later."""

    def at(day: int, hour: int = 0) -> datetime:
        return moment(day + shift, hour)

    known = {person: (sex, born + timedelta(days=shift)) for person, (sex, born) in made.persons.items()}
    order = {key: place for place, (_, key, *_) in enumerate(sorted(made.stays, key=lambda s: (s[3], s[1])), 1)}
    encounters = [
        (p, key, order[key], at(a, 9), at(b, 15), b - a, inpatient, risk, *known[p], None, True)
        for p, key, a, b, inpatient, risk in made.stays
    ]
    events = [(p, at(a, h), b if b is None else at(b), v, c, t) for p, a, h, b, v, c, t in made.events]
    periods = [(p, at(a).date(), at(b).date(), *known[p], None) for p, a, b in made.periods]

    def frame(rows: list[Any], schema: str) -> DataFrame:
        if shuffled is not None:
            random.Random(shuffled).shuffle(rows)
        one = spark.createDataFrame(rows, schema)
        return one if shuffled is None else one.repartition(3)

    codes = code_rows([one for cohort in cohorts for one in criteria(cohort) if isinstance(one.concepts, Codes)], {})
    return Facts(
        encounters=frame(encounters, ENCOUNTERS), events=frame(events, EVENTS), observation=frame(periods, PERIODS),
        codes=codes,
    )  # fmt: skip


def moved(cohort: Cohort, shift: int) -> Cohort:
    """The cohort so many days later: only index dates are declared as days of the calendar."""

    def later(day: str) -> str:
        return str(date.fromisoformat(day) + timedelta(days=shift)) if day else ""

    steps = [
        replace(step, first=later(step.first), last=later(step.last)) if isinstance(step, IndexDates) else step
        for step in cohort.steps
    ]
    return replace(cohort, steps=steps)


def plain_outcome(made: World, person: int, index: Any) -> int:
    """Whether another inpatient stay of the person begins on one of the days 1 to 30."""
    day = (index.date() - START).days
    return int(any(p == person and inpatient and 1 <= a - day <= 30 for p, _, a, _, inpatient, _ in made.stays))
