"""What an example says in plain Python is what the feature tables hold: both are made of one declaration."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from random_features import PERIODS, UNITS, features

from jobs.featurize.features import feature_table
from workflows.covariates import code_rows, sets_of
from workflows.declare import (
    AtIndex,
    Charlson,
    Codes,
    CountOf,
    Demographics,
    Derived,
    Encounter,
    Event,
    Example,
    Model,
    Occurrence,
    Person,
    StayDays,
    Visits,
    days,
    replace,
)
from workflows.features import Feature
from workflows.interpreter import columns, outcome
from workflows.models.readmission import readmission
from workflows.scene import scene
from workflows.sources.synthetic_omop import synthetic_omop

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1")]

SETS = [
    Codes("heart", (("ICD10CM", "I50"), ("ICD10CM", "I11.0"), ("ICD10CM", "E11.6"))),
    Codes("sugar", (("LOINC", "2345-7"),)),
]
CODES = [("ICD10CM", "I50.9"), ("ICD10CM", "I50"), ("ICD10CM", "I11.0"), ("ICD10CM", "I11.9"), ("ICD9CM", "I50"),
         ("LOINC", "2345-7"), ("ICD10CM", "I509"), ("ICD10CM", "E11.65"), ("ICD10CM", "E11.9"), ("ICD10CM", "C78.00"),
         ("ICD10CM", "C34.90")]  # fmt: skip
PLAIN = [
    Demographics(), AtIndex("length_of_stay", because="known at discharge"), Visits(days(-90, -1)),
    StayDays(days(-90, -1)), Visits(days(-30, -1), in_observation=True), StayDays(days(-30, -1), in_observation=True),
    CountOf("inpatient_admission", days(-30, -1), in_observation=True), Charlson(window=days(-90, -1)), CountOf("inpatient_admission", days(-90, -1)),
    Derived("rate", "ratio", ("stay_days_90_1", "visits_90_1")), Derived("old", "at_least", ("age",), threshold=40),
    Derived("both", "sum", ("rate", "length_of_stay")), Derived("less", "difference", ("age", "length_of_stay")),
]  # fmt: skip
START = date(2020, 1, 1)
ENCOUNTERS = (
    "person_id long, visit_occurrence_id long, encounter_order long, visit_start_datetime timestamp, "
    "visit_end_datetime timestamp, length_of_stay long, is_inpatient_visit boolean, is_at_risk boolean, sex string, "
    "birth_date date, outcome_known boolean, attr_length_of_stay int, attr_discharged_to string"
)
EVENTS = (
    "person_id long, visit_occurrence_id long, event_start_datetime timestamp, event_end_datetime timestamp, "
    "vocabulary_id string, concept_code string, value_as_number double, unit_source_value string"
)


def day(number: int) -> str:
    return (START + timedelta(days=number)).isoformat()


def patient(chance: random.Random) -> Example:
    """An invented patient whose stays overlap, end and begin on one day, and whose record has gaps."""
    index = chance.randint(100, 130)
    stays = [Encounter(day(index - chance.randint(0, 9)), day(index))]
    for _ in range(chance.randint(0, 5)):
        begun = index + chance.choice([-91, -90, -30, -1, 0, 1, 30, 31, chance.randint(-100, 60)])
        ended = begun + chance.randint(0, 12)
        # Only one stay is to have the index date.
        stays.append(Encounter(day(begun), day(ended + (ended == index)), chance.random() < 0.6))
    events = []
    for _ in range(chance.randint(0, 12)):
        begun = index + chance.choice([-90, -91, -1, 0, 1, chance.randint(-120, 20)])
        until = day(begun + chance.choice([1, 40])) if chance.random() < 0.5 else None
        number = chance.choice([None, 1.0, 2.5, -3.25, 0.1, 7.1234567, 6e12])
        hour = chance.choice(["", " 08:00", " 20:30"])
        events.append(
            Occurrence(*chance.choice(CODES), day(begun) + hour, until, number, unit_source_value=chance.choice(UNITS))
        )
    opened, observed = chance.choice([0, 9, 10, 11, 60]), []
    for _ in range(chance.randint(0, 2)):
        closed = opened + chance.randint(40, 120)
        observed.append((day(opened), day(closed)))
        opened = closed + chance.choice([0, 1, 2])
    birth = f"{chance.choice([1960, 1980])}-{chance.choice(['02-29', '04-20', '05-09'])}"
    person = Person(sex=chance.choice(["F", "M", None]), birth_date=chance.choice([birth, birth, None]))
    return Example("one", day(index), person, stays, events, observed, outcome=0)


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def table(spark: SparkSession, model: Model, patients: Sequence[Example]) -> dict[int, dict[str, Any]]:
    """The row of each patient's first stay in the feature table that the engine makes."""
    stays, events, periods = [], [], []
    for person, one in enumerate(patients):
        birth = moment(one.person.birth_date)
        for number, stay in enumerate(one.encounters):
            begun, ended = moment(stay.visit_start_datetime), moment(stay.visit_end_datetime)
            assert begun is not None
            assert ended is not None
            length = (ended - begun).days
            stays.append((person, person * 100 + number, person, begun, ended, length, stay.is_inpatient_visit, True,
                          one.person.sex, birth and birth.date(), True, length, None))  # fmt: skip
        for event in one.events:
            events.append((person, None, moment(event.event_start_datetime), moment(event.event_end_datetime),
                           event.vocabulary_id, event.concept_code, event.value_as_number, event.unit_source_value))  # fmt: skip
        periods += [(person, date.fromisoformat(a), date.fromisoformat(b)) for a, b in one.observed]
    far = datetime(2030, 1, 1)
    stays.append((10_000, 10_000, 10_000, far, far, 0, True, True, None, None, True, 0, None))
    sets = sets_of(model.of_events, synthetic_omop.collections)
    made = feature_table(
        spark.createDataFrame(stays, ENCOUNTERS),
        spark.createDataFrame(events, EVENTS),
        code_rows(model.of_events, sets),
        model, synthetic_omop, sets, spark.createDataFrame(periods, PERIODS),
    )  # fmt: skip
    return {row["person_id"]: row.asDict() for row in made.where("visit_occurrence_id % 100 = 0").collect()}


@pytest.mark.parametrize("outcome_of", [readmission.outcome, Event(SETS[0], days(1, 30))])
@settings(max_examples=1, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(declared=features(SETS, (0, 1, 30, 90), 14, apart=True), seed=st.integers(0, 2**32))
def test_an_example_comes_to_what_the_engine_computes(
    spark: SparkSession, outcome_of: Event, declared: list[Feature], seed: int
):
    chance = random.Random(seed)
    patients = [patient(chance) for _ in range(80)]
    model = replace(readmission, outcome=outcome_of, features=[*PLAIN, *declared])
    made = table(spark, model, patients)
    seen: dict[str, set[object]] = {}
    for person, one in enumerate(patients):
        at = scene(model, one, synthetic_omop)
        found = {name: each.value for name, each in columns(model, synthetic_omop, at).items()}
        row = made[person]
        assert {f"f_{name}" for name in found} == {name for name in row if name.startswith("f_")}
        for name, value in found.items():
            expected = row[f"f_{name}"]
            assert value == (
                pytest.approx(expected, rel=1e-9, abs=1e-9) if isinstance(expected, float) else expected
            ), name
            seen.setdefault(name, set()).add(value)
        assert outcome(model, synthetic_omop, at).value == row["outcome"]
        seen.setdefault("outcome", set()).add(row["outcome"])
    # The patients are worth the comparison: what is asked of them differs from one to the next.
    assert len(seen["outcome"]) == 2
    asked = {name: values for name, values in seen.items() if not name.startswith("charlson_") or "index" in name}
    assert sum(len(values) > 1 for values in asked.values()) > 0.75 * len(asked)
