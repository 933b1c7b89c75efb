"""The declared mappings of hospital, primary-care, OMOP and cohort sources, held against rows worked out by hand."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from curated import typed_tables as tables
from pyspark.sql import DataFrame, SparkSession

from jobs.featurize.columns import typed
from jobs.featurize.contract import results, shape
from jobs.featurize.facts import (
    fact_encounter_index,
    fact_observation_period,
    fact_person,
    fact_provider,
    person_xref,
)
from workflows.contracts.facts import PERSON_XREF
from workflows.contracts.omop_cdm import VISIT_OCCURRENCE
from workflows.source import hashed
from workflows.sources.abfm import abfm
from workflows.sources.nafld import nafld
from workflows.sources.omop import omop
from workflows.sources.premier import premier

NAFLD = Path(__file__).resolve().parents[3] / "shared" / "data" / "nafld_events"
pytestmark = [pytest.mark.spark, pytest.mark.clause("F1", "F2", "F4", "6", "10")]


def stay(key: int, person: int, admitted: str, discharged: str, **more: Any) -> dict[str, Any]:
    return {
        "PAT_KEY": key, "MEDREC_KEY": person, "ADMIT_DATE": admitted, "DISCHARGE_DATE": discharged, "LOS": 4,
        "I_O_IND": "I", "PAT_TYPE": 8, "DISC_STATUS": 1, "AGE": 60, "GENDER": "F", "PROV_ID": 9, "HISPANIC_IND": "U",
    } | more  # fmt: skip


@pytest.fixture(scope="module")
def hospital(spark: SparkSession) -> dict[str, DataFrame]:
    test = {"PAT_KEY": 1, "collection_datetime": "2021-03-02 06:30:00", "lab_test_code": "2345-7"}
    return tables(spark, premier, {
        "patdemo": [
            stay(1, 70, "2021-03-01", "2021-03-05"), stay(2, 71, "2021-06-01", "2021-06-01", I_O_IND="O", PAT_TYPE=28),
            stay(3, 70, "2021-05-01", "2021-05-05", DISC_STATUS=20, GENDER="U"),
        ],
        "patcpt": [
            {"PAT_KEY": 1, "CPT_CODE": "99213 ", "PROC_DATE": "2021-03-03"}, {"PAT_KEY": 1, "CPT_CODE": "J1234"},
        ],
        "paticd_diag": [
            {"PAT_KEY": 1, "ICD_CODE": "I50.9", "ICD_VERSION": "10", "ICD_POA": "N", "ICD_PRI_SEC": "A"},
            {"PAT_KEY": 1, "ICD_CODE": "J18.9", "ICD_VERSION": "10", "ICD_POA": "Y", "ICD_PRI_SEC": "S"},
            {"PAT_KEY": 1, "ICD_CODE": "428.0", "ICD_VERSION": "9", "ICD_POA": None, "ICD_PRI_SEC": "P"},
        ],
        "paticd_proc": [{"PAT_KEY": 1, "ICD_CODE": "0016070", "ICD_VERSION": "10", "ICD_PRI_SEC": "P"}],
        "patbill": [
            {"PAT_KEY": 1, "STD_CHG_CODE": code, "SERV_DATE": "2021-03-02", "STD_QTY": 2}
            for code in ("250250000000000", "300300000000000", "110110000000000")
        ],
        "genlab": [
            test | {"lab_test_code_type": "4", "numeric_value": 98.5, "lab_test_result_unit": "mg/dL"},
            test | {"lab_test_code_type": "OURS", "lab_test_result": "positive"},
        ],
        "lab_res": [{"PAT_KEY": 1, "collection_datetime": "2021-03-02", "SPECIMEN_SOURCE_CODE": "119297000",
                     "observation": "no growth"}],
        "providers": [{"PROV_ID": 9, "PROV_REGION": "SOUTH", "TEACHING": "Y"}],
    })  # fmt: skip


def test_hospital_rows_become_events_of_the_person_and_stay_with_values_and_units(hospital):
    events = fact_person(hospital, premier, person_sample=1.0).collect()
    assert {(row["person_id"], row["visit_occurrence_id"]) for row in events} == {(70, 1)}
    found = {
        (row["source_table"], row["vocabulary_id"], row["concept_code"], row["event_start_datetime"].isoformat(" "),
         row["value_as_number"], row["value_as_string"], row["unit_source_value"])
        for row in events
    }  # fmt: skip
    admitted, discharged, second = "2021-03-01 00:00:00", "2021-03-05 00:00:00", "2021-03-02 00:00:00"
    assert found == {
        ("patcpt", "CPT4", "99213", "2021-03-03 00:00:00", None, None, None),
        ("patcpt", "HCPCS", "J1234", admitted, None, None, None),
        ("paticd_diag", "ICD10CM", "I50.9", admitted, None, "A", None),
        ("paticd_diag", "ICD10CM", "J18.9", admitted, None, "S", None),
        ("paticd_diag", "ICD9CM", "428.0", discharged, None, "P", None),
        ("paticd_proc", "ICD10PCS", "0016070", admitted, None, "P", None),
        ("patbill", "STDRX", "250250000000000", second, 2.0, None, None),
        ("patbill", "STDLAB", "300300000000000", second, 2.0, None, None),
        ("patbill", "STDCHG", "110110000000000", second, 2.0, None, None),
        ("genlab", "LOINC", "2345-7", "2021-03-02 06:30:00", 98.5, None, "mg/dL"),
        ("genlab", "OURS", "2345-7", "2021-03-02 06:30:00", None, "positive", None),
        ("lab_res", "SNOMED", "119297000", second, None, "no growth", None),
    }
    assert len(events) == 12


def test_hospital_encounters_know_their_kind_their_provider_and_who_cannot_come_back(hospital):
    made = fact_encounter_index(hospital, premier, person_sample=1.0, outcomes_through=1.0).collect()
    by = {row["visit_occurrence_id"]: row for row in made}
    assert [by[key]["encounter_order"] for key in (1, 3, 2)] == [1, 2, 3]
    assert [by[key]["attr_visit_type"] for key in (1, 2, 3)] == ["IN", "ER", "IN"]
    assert [by[key]["is_at_risk"] for key in (1, 2, 3)] == [True, True, False]
    assert (by[1]["birth_date"], by[1]["sex"], by[3]["sex"]) == (date(1961, 3, 1), "F", None)
    assert by[1]["birth_date_assumed"] is True, "made of an age"
    assert {row["provider_id"] for row in made} == {9}
    assert by[1]["attr_is_hispanic"] is None
    providers = fact_provider(hospital["providers"], premier.providers).collect()
    assert [tuple(row) for row in providers] == [(9, "9", "teaching hospital")]


def sixty_three_bits(*parts: str) -> int:
    """The documented id of a text, by another engine."""
    return int(hashlib.sha256("|".join(parts).encode()).hexdigest()[:16], 16) & (2**63 - 1)


@pytest.fixture(scope="module")
def practice(spark: SparkSession) -> dict[str, DataFrame]:
    procedure = {"patientuid": "b", "effectivedate": "2021-02-01"}
    return tables(spark, abfm, {
        "patient": [{"patientuid": uid, "dob": "1960-05-05", "gender": "U"} for uid in ("a", "b")],
        "visit": [{"patientuid": "a", "encounterstartdate": "2021-01-05", "serviceprovidernpi": "17"}],
        "patientprocedure": [
            procedure | {"procedurecode": "99213", "codesystem": "CPT-4"},
            # Twice the same row counts once; another spelling makes another row.
            procedure | {"procedurecode": "99213", "codesystem": "CPT-4"},
            procedure | {"procedurecode": "G0008", "codesystem": "6", "negationind": "false"},
            procedure | {"procedurecode": "90686", "codesystem": None, "negationind": "true"},
            procedure | {"procedurecode": "90687", "codesystem": None},
        ],
        "patientproblem": [
            {"patientuid": "a", "problemcode": "E11.9", "problemcategory": "ICD10", "documentationdate": "2021-03-01",
             "problemonsetdate": "2020-01-01", "problemresolutiondate": "2021-06-01"},
        ],
        "patientresultobservation": [
            {"patientuid": "a", "practicecode": "4548-4", "codesystem": "4", "resultdate": "2021-03-01",
             "resultvalue": value, "unit": "%"}
            for value in ("6.5", "high", "6.5F", "Infinity")
        ],
    })  # fmt: skip


def test_primary_care_rows_get_hashed_persons_omops_vocabularies_ends_and_values(practice):
    a, b = sixty_three_bits("a"), sixty_three_bits("b")
    events = fact_person(practice, abfm, person_sample=1.0).collect()
    found = {
        (row["person_id"], row["vocabulary_id"], row["concept_code"], row["event_start_datetime"].date(),
         row["event_end_datetime"] and row["event_end_datetime"].date(), row["value_as_number"], row["value_as_string"])
        for row in events
    }  # fmt: skip
    assert found == {
        (b, "CPT4", "99213", date(2021, 2, 1), None, None, None),
        (b, "HCPCS", "G0008", date(2021, 2, 1), None, None, None),
        (b, "None", "90687", date(2021, 2, 1), None, None, None),
        (a, "ICD10CM", "E11.9", date(2020, 1, 1), date(2021, 6, 1), None, None),
        (a, "LOINC", "4548-4", date(2021, 3, 1), None, 6.5, "6.5"),
        # What is no number written out, though a program may read it as one, stays text.
        *((a, "LOINC", "4548-4", date(2021, 3, 1), None, None, text) for text in ("high", "6.5F", "Infinity")),
    }
    assert len(events) == 8
    (problem,) = (row for row in events if row["concept_code"] == "E11.9")
    assert problem["known_from"].date() == date(2021, 3, 1), "when it was written down, not when it began"
    visit = fact_encounter_index(practice, abfm, person_sample=1.0, outcomes_through=1.0).first()
    assert (visit["person_id"], visit["birth_date"], visit["is_inpatient_visit"]) == (a, date(1960, 5, 5), False)
    assert visit["birth_date_assumed"] is False
    assert visit["visit_occurrence_id"] == sixty_three_bits("a", "2021-01-05", "", "", "17", "")
    xref = person_xref(practice["patient"], abfm.persons, person_sample=1.0).collect()
    assert {tuple(row) for row in xref} == {(a, "a"), (b, "b")}


def test_hashed_ids_are_positive_and_the_same_in_any_engine(spark):
    texts = [f"p-{number}" for number in range(300)] + ["ä", "a|b"]
    frame = spark.createDataFrame([(text,) for text in texts], "t string").selectExpr("t", f"{hashed('t')} AS id")
    assert {row["t"]: row["id"] for row in frame.collect()} == {text: sixty_three_bits(text) for text in texts}


def test_a_padded_id_is_the_same_and_an_empty_one_is_nobodys(spark):
    some = [("A12", "x"), ("A12  ", " x"), ("", "x"), ("   ", "x"), (None, "x"), ("A12", None), ("A12", " ")]
    made = f"{hashed('t')} AS one", f"{hashed('t', 'u')} AS two"
    found = [tuple(row) for row in spark.createDataFrame(some, "t string, u string").selectExpr(*made).collect()]
    one, both, without = sixty_three_bits("A12"), sixty_three_bits("A12", "x"), sixty_three_bits("A12", "")
    assert found == [
        (one, both), (one, both), (None, None), (None, None), (None, None), (one, without), (one, without),
    ]  # fmt: skip


def test_two_persons_with_one_id_break_the_contract_of_the_cross_reference(spark):
    frame = spark.createDataFrame([(1, "a"), (1, "b"), (2, "c")], "person_id long, person_source_value string")
    broken = [one for one in results(frame, PERSON_XREF) if one.stops]
    assert [(one.check, one.rows) for one in broken] == [("key", 1)]


# https://ohdsi.github.io/CommonDataModel/cdm53.html#visit_occurrence and cdm54.html#visit_occurrence
OLD = ("admitting_source_value", "discharge_to_concept_id", "discharge_to_source_value")
NEW = ("admitted_from_source_value", "discharged_to_concept_id", "discharged_to_source_value")


@pytest.mark.parametrize("names", [OLD, NEW, ()], ids=["5.3", "5.4", "neither"])
def test_columns_that_cdm_5_4_renamed_are_read_under_either_name(spark, names):
    given = ["visit_occurrence_id", "person_id", "visit_concept_id", "visit_start_date", "visit_end_date",
             "visit_start_datetime", "visit_end_datetime", "provider_id", *names]  # fmt: skip
    values = (
        "1",
        "2",
        "9201",
        "2021-01-01",
        "2021-01-03",
        None,
        None,
        None,
        *("home", "8546", "hospice")[: len(names)],
    )
    frame = spark.createDataFrame([values], ", ".join(f"{name} string" for name in given))
    assert shape(frame.schema, VISIT_OCCURRENCE) == []
    row = typed(frame, VISIT_OCCURRENCE).first()
    assert tuple(row[name] for name in NEW) == (("home", 8546, "hospice") if names else (None, None, None))


def test_a_visit_that_ends_after_the_extraction_is_counted_and_stops_nothing(spark):
    visit = {"person_id": 1, "visit_concept_id": 9201, "visit_start_date": "2021-01-01"}
    ends = ("2021-06-30", "2021-07-01", "9999-12-31")
    made = tables(spark, omop, {
        "person": [{"person_id": 1, "gender_concept_id": 8507, "year_of_birth": 1950}],
        "visit_occurrence": [visit | {"visit_occurrence_id": n, "visit_end_date": end} for n, end in enumerate(ends)],
        "cdm_source": [{"cdm_source_name": "a", "source_release_date": "2021-06-30"}],
    })  # fmt: skip
    found = {one.check: one for one in results(made["visit_occurrence"], VISIT_OCCURRENCE, made)}
    start, end = (found[f"visit_{which}_date_before_extraction"] for which in ("start", "end"))
    assert (start.state, start.rows) == ("passed", 0)
    assert (end.state, end.rows, end.severity, end.stops) == ("failed", 2, "convention", False)


def test_a_column_that_no_version_has_is_reported_by_its_name_and_stops_nothing(spark):
    frame = spark.createDataFrame([(1, "x")], "person_id long, person_source_value string").selectExpr("*", "1 AS shoe")
    found = [one for one in results(frame, PERSON_XREF) if one.state == "failed"]
    assert [(one.what, one.severity, one.stops) for one in found] == [("column shoe is unknown", "convention", False)]


@pytest.fixture(scope="module")
def cohort(spark: SparkSession) -> dict[str, DataFrame]:
    if not NAFLD.is_dir():
        pytest.skip("../shared/data/nafld_events is not on this machine")
    return {one.table: spark.read.parquet(str(NAFLD / f"{one.table}.parquet")) for one in nafld.contracts}


def test_exact_duplicates_of_laboratory_rows_are_counted_and_count_once(cohort):
    whole = {one.table: typed(cohort[one.table], one) for one in nafld.contracts}
    found = {
        (one.table, one.check): one for some in nafld.contracts for one in results(cohort[some.table], some, whole)
    }
    # "400,123 lab rows, 3,817 exact duplicates counted once = 396,306"
    assert (found["nafld2", "duplicates"].rows, found["nafld2", "duplicates"].of) == (3_817, 400_123)
    assert not [one for one in found.values() if one.stops]
    assert found["nafld2", "key"].rows == 0, "counted once, the subject, day and test tell two values apart"
    assert (found["nafld3", "days_filled"].rows, found["nafld3", "days_filled"].of) == (18, 34_345)
    by = fact_person(whole, nafld, person_sample=1.0).groupBy("source_table").count().collect()
    assert {row["source_table"]: row["count"] for row in by} == {"nafld2": 396_306, "nafld3": 34_345}


def test_days_from_the_index_become_dates_that_keep_their_distance_to_it(cohort):
    whole = {one.table: typed(cohort[one.table], one) for one in nafld.contracts}
    index = fact_encounter_index(whole, nafld, person_sample=1.0, outcomes_through=1.0)
    first = index.where("person_id = 1").first()
    # Subject 1: 57 years old, followed for 6,261 days; chol 75 on day -459 (read off the file).
    assert first["visit_end_datetime"] == datetime(2000, 1, 1)
    assert (first["birth_date"], first["attr_age"], first["outcome_death"]) == (date(1943, 1, 1), 57, "0")
    assert first["birth_date_assumed"] is True
    span = fact_observation_period(whole, nafld, person_sample=1.0).where("person_id = 1").first()
    assert (span["observation_period_end_date"] - span["observation_period_start_date"]).days == 6_261
    event = fact_person(whole, nafld, person_sample=1.0).where(
        "person_id = 1 AND concept_code = 'chol' AND event_start_datetime < DATE'2000-01-01'"
    )
    (row,) = event.collect()
    assert ((row["event_start_datetime"] - datetime(2000, 1, 1)).days, row["value_as_number"]) == (-459, 75.0)


def test_a_truncated_parquet_file_is_one_clear_line_and_nothing_is_written(spark, tmp_path):
    from sandbox.delivery import DeliveryError, _read
    from synthetic.sources.write import write

    write("omop", tmp_path, events=1_000, form="parquet")
    path = tmp_path / "person.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DeliveryError, match=r"^person\.parquet cannot be read: ") as failure:
        _read(spark, "person", [path])
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(("table", "row"), [("nafld2", {"test": "chol", "value": "5"}), ("nafld3", {"event": "death"})])
def test_days_that_no_life_has_stop_before_they_become_a_date(table: str, row: dict[str, str], spark):
    days = ["-16700", "40000", None, "40001", "-44001", "3000000000"]
    subject = {"id": 1, "age": 50, "male": 1, "futime": 10, "status": 0}
    whole = tables(spark, nafld, {"nafld1": [subject]})
    given = spark.createDataFrame(
        [("1", day, *row.values()) for day in days], f"id string, days string, {' string, '.join(row)} string"
    )
    (one,) = (one for one in results(given, nafld.contract(table), whole) if one.check == "days_in_range")
    assert (one.rows, one.of, one.stops) == (3, 5, True)
