"""Curated tables become facts: order, samples, known outcomes and one row an event."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Any

import pytest
from curated import contract, frame, rows
from pyspark.sql import DataFrame, SparkSession

from jobs.featurize.columns import typed
from jobs.featurize.contract import results
from jobs.featurize.facts import fact_encounter_index, fact_observation_period, fact_person
from workflows.contracts.facts import fact_contracts
from workflows.contracts.uci130_encounter import DRUGS, ENCOUNTER
from workflows.sources.omop import omop as omop_cdm
from workflows.sources.synthetic_omop import synthetic_omop
from workflows.sources.uci130 import uci130

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1", "F7")]


@pytest.fixture(scope="module")
def omop(spark: SparkSession) -> dict[str, DataFrame]:
    given = rows()
    given["visit_occurrence"][0]["discharged_to_source_value"] = "expired"
    given["visit_occurrence"][1]["discharged_to_source_value"] = None
    # Delivered backwards: an order must come from time, not from the file.
    given["visit_occurrence"].reverse()
    return {table: typed(frame(spark, table, some), contract(table)) for table, some in given.items()}


def index(tables: dict[str, DataFrame], source: Any = synthetic_omop, **settings: float) -> dict[int, dict[str, Any]]:
    made = fact_encounter_index(tables, source, **({"person_sample": 1.0, "outcomes_through": 1.0} | settings))
    return {row["visit_occurrence_id"]: row.asDict() for row in made.collect()}


def in_sample(person: int, share: float) -> bool:
    """The documented sample, by another engine."""
    return int(hashlib.sha256(f"person_sample|{person}".encode()).hexdigest()[:8], 16) < int(share * 2**32)


def test_encounters_are_numbered_by_time_and_described_as_omop_names_them(omop: dict[str, DataFrame]):
    made = index(omop)
    assert [made[100 + n]["encounter_order"] for n in range(1, 31)] == list(range(1, 31))
    third = made[103]
    assert third["person_id"] == 3
    assert (third["visit_start_datetime"], third["visit_end_datetime"]) == (
        datetime(2021, 3, 3, 8), datetime(2021, 4, 3, 9, 30),
    )  # fmt: skip
    assert third["length_of_stay"] == third["attr_length_of_stay"] == 31
    assert (third["sex"], third["birth_date"], third["age_band"]) == ("M", date(1943, 2, 1), None)
    assert [made[100 + n]["is_at_risk"] for n in (1, 2, 3)] == [False, True, True]
    assert all(row["is_inpatient_visit"] and row["outcome_known"] for row in made.values())


def test_a_smaller_sample_lies_inside_a_larger_and_keeps_the_order_of_the_whole(omop: dict[str, DataFrame]):
    whole, half, quarter = index(omop), index(omop, person_sample=0.5), index(omop, person_sample=0.25)
    assert set(quarter) < set(half) < set(whole)
    assert {row["person_id"] for row in half.values()} == {n for n in range(1, 31) if in_sample(n, 0.5)}
    assert all(half[visit]["encounter_order"] == whole[visit]["encounter_order"] for visit in half)
    events = fact_person(omop, synthetic_omop, person_sample=0.5).collect()
    assert {row["person_id"] for row in events} == {row["person_id"] for row in half.values()}


def test_outcomes_are_known_up_to_the_share_of_the_order_of_the_whole_source(omop: dict[str, DataFrame]):
    half = index(omop, outcomes_through=0.9, person_sample=0.5)
    assert all(row["outcome_known"] == (row["encounter_order"] <= 27) for row in half.values())
    assert any(not row["outcome_known"] for row in half.values())


def test_each_recorded_condition_is_one_event(omop: dict[str, DataFrame]):
    events = fact_person(omop, synthetic_omop, person_sample=1.0).collect()
    assert len(events) == 30
    assert len({row["fact_id"] for row in events}) == 30
    first = next(row for row in events if row["person_id"] == 1).asDict()
    assert 0 <= first.pop("fact_id") < 2**63
    assert first == {
        "person_id": 1, "visit_occurrence_id": 101, "event_start_datetime": datetime(2021, 3, 1, 8),
        "event_end_datetime": None, "vocabulary_id": "ICD10CM", "concept_code": "I50.9", "value_as_number": None, "value_as_string": None,
        "unit_source_value": None, "source_table": "condition_occurrence", "source_version": None,
        "known_from": datetime(2021, 3, 1), "known_to": None,
    }  # fmt: skip


def test_observation_periods_are_the_delivered_spans_of_the_persons_in_the_sample(omop: dict[str, DataFrame]):
    made = fact_observation_period(omop, synthetic_omop, person_sample=0.5).collect()
    assert {tuple(row)[:3] for row in made} == {
        (n, date(2021, 1, 1), date(2021, 12, 31)) for n in range(1, 31) if in_sample(n, 0.5)
    }
    assert all(row["sex"] in ("F", "M") and row["birth_date"] is not None for row in made)


# year, month and day of birth as delivered; the day that is taken, and whether it is assumed. OMOP CDM 5.4 on PERSON:
# year_of_birth is required, "month_of_birth" and "day_of_birth" may be missing; the issue: "missing = 1, flagged".
BORN = [
    ("1950", "7", "14", date(1950, 7, 14), False),
    ("1950", "7", None, date(1950, 7, 1), True),
    ("1950", None, None, date(1950, 1, 1), True),
    ("1950", None, "14", date(1950, 1, 14), True),
    ("1952", "2", "29", date(1952, 2, 29), False),
    # No such day, and the contract says so.
    ("1951", "2", "30", None, None),
]


@pytest.mark.clause("F2", "C4")
def test_a_missing_month_or_day_of_birth_is_the_first_and_flagged_and_the_report_counts_it(spark: SparkSession):
    given = rows()
    given["person"] = [
        row | dict(zip(("year_of_birth", "month_of_birth", "day_of_birth"), BORN[n % len(BORN)][:3], strict=True))
        for n, row in enumerate(given["person"])
    ]
    tables = {table: typed(frame(spark, table, some), contract(table)) for table, some in given.items()}
    made = fact_encounter_index(tables, synthetic_omop, person_sample=1.0, outcomes_through=1.0)
    spans = fact_observation_period(tables, synthetic_omop, person_sample=1.0)
    for row in (*made.collect(), *spans.collect()):
        *_, day, assumed = BORN[(row["person_id"] - 1) % len(BORN)]
        assert (row["birth_date"], row["birth_date_assumed"]) == (day, assumed)
    found = results(made, fact_contracts(synthetic_omop)["fact_encounter_index"], person="person_id")
    (recorded,) = (one for one in found if one.check == "birth_date_recorded")
    # Three of the five cases that are a day, each of five persons.
    assert (recorded.rows, recorded.of, recorded.state, recorded.severity) == (15, 25, "failed", "characterization")
    assert omop_cdm.persons.birth_date == synthetic_omop.persons.birth_date
    assert omop_cdm.persons.birth_date_assumed == synthetic_omop.persons.birth_date_assumed


def uci_row(encounter: int, person: int, **values: str) -> tuple[str, ...]:
    given = {
        "encounter_id": str(encounter), "patient_nbr": str(person), "race": "?", "gender": "Female", "age": "[70-80)",
        "diag_1": "428", "diag_2": "250.02", "diag_3": "?", "readmitted": "NO", "max_glu_serum": "None",
        "A1Cresult": ">8", "change": "No", "diabetesMed": "Yes",
    } | dict.fromkeys(DRUGS, "No") | values  # fmt: skip
    return tuple(given.get(column.name, "1") for column in ENCOUNTER.columns)


@pytest.fixture(scope="module")
def uci(spark: SparkSession) -> dict[str, DataFrame]:
    given = [
        uci_row(900, 1, readmitted="<30"),
        uci_row(30, 2, discharge_disposition_id="11", insulin="Up", **{"glyburide-metformin": "Steady"}),
        uci_row(1000, 1, gender="Unknown/Invalid", discharge_disposition_id="14"),
        uci_row(200, 3, time_in_hospital="9", readmitted=">30"),
    ]
    columns = ", ".join(f"`{column.name}` string" for column in ENCOUNTER.columns)
    return {"encounter": typed(spark.createDataFrame(given, columns), ENCOUNTER)}


def test_where_time_is_only_an_order_encounter_ids_order_by_number_and_no_date_is_invented(uci: dict[str, DataFrame]):
    made = index(uci, uci130, outcomes_through=0.75)
    assert [made[visit]["encounter_order"] for visit in (30, 200, 900, 1000)] == [1, 2, 3, 4]
    assert {row["visit_start_datetime"] for row in made.values()} == {None}
    assert [made[visit]["is_at_risk"] for visit in (30, 200, 900, 1000)] == [False, True, True, False]
    assert [made[visit]["outcome_readmitted"] for visit in (30, 200, 900, 1000)] == ["NO", ">30", "<30", None]
    assert made[200]["length_of_stay"] == 9
    assert (made[30]["sex"], made[1000]["sex"], made[30]["age_band"]) == ("F", None, "[70-80)")
    assert made[30]["birth_date_assumed"] is None, "bands stay bands"
    assert made[30]["attr_race"] is None, "? is unknown"
    assert made[30]["attr_a1c_result"] == ">8"


def test_unknown_diagnoses_and_drugs_not_given_are_no_events(uci: dict[str, DataFrame]):
    events = fact_person(uci, uci130, person_sample=1.0).collect()
    of_second = {(e["vocabulary_id"], e["concept_code"], e["value_as_string"]) for e in events if e["person_id"] == 2}
    assert of_second == {
        ("ICD9CM", "428", None), ("ICD9CM", "250.02", None),
        ("UCI130 drug", "insulin", "Up"), ("UCI130 drug", "glyburide-metformin", "Steady"),
    }  # fmt: skip
    assert {event["event_start_datetime"] for event in events} == {None}
    assert len(events) == 2 * 4 + 2
