"""Whom a model's cohort keeps of those who are not observed for the whole time at risk, against plain Python."""

from __future__ import annotations

from dataclasses import replace as changed
from datetime import date
from typing import Any

import pytest
from cohort_world import SETS, World, facts, moment, plain_outcome, world
from pyspark.sql import SparkSession
from pyspark.sql import functions as sf

from jobs.featurize.cohort import of_model, selection
from jobs.featurize.features import feature_table
from workflows.cohorts import Cohort, InpatientStays
from workflows.covariates import code_rows
from workflows.declare import Demographics, Event, Model, Recorded, replace
from workflows.models.readmission import readmission
from workflows.sources.synthetic_omop import synthetic_omop
from workflows.steps import InObservation, MinimumTimeAtRisk
from workflows.time import days

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1", "F6")]

MODEL = replace(
    readmission, outcome=Event("inpatient_admission", time_at_risk=days(1, 30)), features=[Demographics()],
    cohort=Cohort(entry=InpatientStays(), steps=[MinimumTimeAtRisk(days=30)]),
)  # fmt: skip
LAST = 300


def rows(spark: SparkSession, made: World, model: Model) -> dict[int, tuple[int, int | None, bool]]:
    """The feature table by key: person, outcome, whether that is known."""
    tables = facts(spark, made, [of_model(model)])
    assert tables.events is not None
    codes = code_rows(model.of_events, {})
    table = feature_table(
        tables.encounters, tables.events, codes, model, synthetic_omop, {}, tables.observation
    ).collect()
    return {row["visit_occurrence_id"]: (row["person_id"], row["outcome"], row["outcome_known"]) for row in table}


def of(periods: dict[int, tuple[int, int]], stays: list[tuple[int, int]]) -> World:
    """Persons with stays (person, day of discharge), and persons 100 to 109 with one every 30 days, until LAST."""
    others = [(100 + n, 30 * n + 30) for n in range(10)]
    made = World(persons=dict.fromkeys([*periods, *(p for p, _ in others)], ("F", date(1950, 6, 1))))
    made.stays = [(p, key, day, day, True, True) for key, (p, day) in enumerate([*stays, *others])]
    made.periods = [(p, a, b) for p, (a, b) in periods.items()] + [(p, 0, LAST) for p, _ in others]
    return made


def test_who_had_the_outcome_stays_however_short_they_were_observed(spark: SparkSession) -> None:
    # 1 comes back on day 5 and dies on day 10; 2 leaves on day 5; 3 stays for 30 days; 4 comes back too late and leaves
    # before; 5 comes back, but was not observed at the index date; 6 is observed for 29 days.
    periods = {1: (0, 60), 2: (0, 55), 3: (0, 80), 4: (0, 79), 5: (51, 200), 6: (0, 79)}
    made = of(periods, [(1, 50), (2, 50), (3, 50), (4, 50), (5, 50), (6, 50), (1, 55), (4, 81), (5, 55)])
    found = rows(spark, made, MODEL)
    assert {key: found.get(key) for key in range(6)} == {
        0: (1, 1, True), 1: None, 2: (3, 0, True), 3: None, 4: None, 5: None
    }  # fmt: skip


def holds(made: World, model: Model, person: int, index: int) -> bool:
    """Whether a stay is of the cohort, in plain Python."""
    waits = index + 30 > max(begun for _, _, begun, *_ in made.stays)
    seen = {day for p, a, b in made.periods if p == person for day in range(a, b + 1)}
    last = index
    while last + 1 in seen:
        last += 1
    assert isinstance(model.outcome, Event)
    if isinstance(model.outcome.concepts, str):
        event = bool(plain_outcome(made, person, moment(index)))
    else:
        coded = ("I50", "I50.9", "I11.0")
        event = any(p == person and v == "ICD10CM" and c in coded and 1 <= a - index <= 30
                    for p, a, _, _, v, c, _ in made.events)  # fmt: skip
    return index in seen and (waits or event or last - index >= 20)


@pytest.mark.parametrize("concepts", ["inpatient_admission", SETS[0]], ids=["stays", "codes"])
def test_a_cohort_of_a_model_is_what_a_plain_reading_says(spark: SparkSession, concepts: Any) -> None:
    made = world(5, persons=150)
    steps = [InObservation(), MinimumTimeAtRisk(days=20)]
    model = replace(MODEL, outcome=Event(concepts, days(1, 30)), cohort=Cohort(entry=InpatientStays(), steps=steps))
    found = rows(spark, made, model)
    wanted = {key for p, key, _, b, inpatient, risk in made.stays if inpatient and risk and holds(made, model, p, b)}
    assert set(found) == wanted
    short = replace(model, cohort=Cohort(entry=InpatientStays(), steps=[InObservation()]))
    assert len(wanted) < len(rows(spark, made, short))
    assert {known for *_, known in found.values()} == {True, False}


def test_whose_time_at_risk_is_not_over_is_in_the_table_to_be_scored(spark: SparkSession) -> None:
    # The extract ends on day 300, and with it all observation: 1 waits for its last day, 2 does not and was observed for
    # 29 days; 3 left on day 285, which is judged later; 4 came back already; 5 is not observed at the index date.
    periods = {1: (0, LAST), 2: (0, 299), 3: (0, 285), 4: (0, LAST), 5: (0, 270)}
    made = of(periods, [(1, 271), (2, 270), (3, 280), (4, 290), (5, 280), (4, 295)])
    found = rows(spark, made, MODEL)
    assert {key: found.get(key) for key in range(6)} == {
        0: (1, None, False), 1: None, 2: (3, None, False), 3: (4, None, False), 4: None, 5: (4, None, False),
    }  # fmt: skip
    # A month later who left is judged, and who came back stays.
    made.stays.append((109, 99, LAST + 30, LAST + 30, True, True))
    later = rows(spark, made, MODEL)
    assert {key: later.get(key) for key in (2, 3)} == {2: None, 3: (4, 1, True)}


def test_a_recorded_outcome_stays_too_and_a_cohort_without_a_model_is_of_the_observed_alone(
    spark: SparkSession,
) -> None:
    # Of 4 the source has not told the outcome yet.
    made = of({1: (0, 60), 2: (0, 55), 3: (0, 80), 4: (0, 60)}, [(1, 50), (2, 50), (3, 50), (4, 50)])
    tables = facts(spark, made, [])
    said = sf.when(sf.col("person_id") == 1, sf.lit("<30")).when(sf.col("person_id") != 4, sf.lit("NO"))
    recorded = changed(tables, encounters=tables.encounters.withColumn("outcome_readmitted", said))
    model = replace(MODEL, outcome=Recorded("readmitted", equals="<30"))
    some = lambda cohort: {  # noqa: E731
        row["person_id"] for row in selection(cohort, recorded).members.where("person_id < 100").collect()
    }
    assert some(of_model(model)) == {1, 3, 4}
    assert isinstance(model.cohort, Cohort)
    assert some(model.cohort) == {3}
