"""What a conforming delivery says is not lost on its way into facts, and what it does not say is not made up."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from curated import typed_tables
from pyspark.sql import SparkSession

from jobs.featurize.columns import typed
from jobs.featurize.contract import rejected, results
from jobs.featurize.facts import fact_person
from jobs.notes.tables import note, note_rejected
from jobs.quality.result import Result
from workflows.contract import Contract
from workflows.sources.abfm import abfm
from workflows.sources.omop import omop
from workflows.sources.premier import premier
from workflows.sources.synthetic_notes import synthetic_notes

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1", "F2", "F5")]


def checked(tables: dict[str, Any], contract: Contract) -> dict[str, Result]:
    return {one.check: one for one in results(tables[contract.table], contract, tables)}


def test_an_event_of_concept_0_keeps_the_code_of_its_source_and_is_counted_as_of_no_concept(spark: SparkSession):
    row = {"person_id": 1, "condition_start_date": "2021-01-01"}
    tables = typed_tables(spark, omop, {
        # As Athena and GiBleed deliver it.
        "concept": [
            {"concept_id": 0, "vocabulary_id": "None", "concept_code": "No matching concept"},
            {"concept_id": 316139, "vocabulary_id": "SNOMED", "concept_code": "84114007"},
        ],
        "condition_occurrence": [
            row | {"condition_occurrence_id": key, "condition_concept_id": concept, "condition_source_value": code}
            for key, (concept, code) in enumerate([(0, "X1"), (0, "X2"), (0, None), (316139, "I50.9"), (7, "X7")])
        ],
    })  # fmt: skip
    found = {
        (one["vocabulary_id"], one["concept_code"]) for one in fact_person(tables, omop, person_sample=1).collect()
    }
    assert found == {("None", "X1"), ("None", "X2"), ("None", None), ("SNOMED", "84114007"), ("None", "X7")}
    mapped = checked(tables, omop.contract("condition_occurrence"))["condition_concept_id_mapped"]
    assert (mapped.severity, mapped.rows, mapped.of, mapped.stops) == ("characterization", 3, 5, False)


def test_the_day_on_which_a_problem_begins_is_checked_whichever_column_says_it(spark: SparkSession):
    problem = {"patientuid": "a", "problemcategory": "ICD10", "documentationdate": "2020-01-01"}
    given = [
        {"problemonsetdate": "1800-01-01"}, {"problemonsetdate": "2999-01-01"},
        # Ended before it was written down: where no onset says otherwise, it would end before it begins.
        {"problemresolutiondate": "2019-01-01"}, {"problemresolutiondate": "2020-01-01"},
        {"problemonsetdate": "2018-01-01", "problemresolutiondate": "2019-01-01"},
    ]  # fmt: skip
    tables = typed_tables(spark, abfm, {
        "patient": [{"patientuid": "a", "dob": "1960-05-05"}],
        "patientproblem": [problem | one | {"problemcode": f"E11.{n}"} for n, one in enumerate(given)],
    })  # fmt: skip
    found = checked(tables, abfm.contract("patientproblem"))
    assert {name: one.rows for name, one in found.items() if one.state == "failed"} == {
        "problemonsetdate_after_birth": 1, "problemonsetdate_not_future": 1,
        "problemresolutiondate_not_before_documentationdate": 1,
    }  # fmt: skip
    assert not any(one.stops for one in found.values())


@pytest.mark.parametrize("blank", ["", "  ", "\t\u00a0"])
def test_text_without_a_character_is_empty_as_it_is_in_a_csv_a_day_too(blank: str, spark: SparkSession):
    contract = abfm.contract("patientproblem")
    whole = {
        "patientuid": " a", "problemcode": "E11.9", "problemcategory": "ICD10", "documentationdate": "2020-01-01",
        "problemonsetdate": blank, "problemresolutiondate": None, "practiceid": blank,
    }  # fmt: skip
    given = [whole, {**whole, "patientuid": blank}, {**whole, "problemcode": blank}]
    # As parquet delivers it.
    frame = spark.createDataFrame([tuple(one.values()) for one in given], ", ".join(f"{name} string" for name in whole))
    found = {one.check: one.rows for one in results(frame, contract, {}) if one.stops}
    assert {name: rows for name, rows in found.items() if rows} == {"patientuid_not_null": 1, "problemcode_not_null": 1}
    assert {row["reason"] for row in rejected(frame, contract, {}).collect()} == {
        "patientuid is empty", "problemcode is empty"
    }  # fmt: skip
    rows = typed(frame, contract).collect()
    assert {(row["patientuid"], row["problemcode"]) for row in rows} == {
        (" a", "E11.9"), (None, "E11.9"), (" a", None)
    }  # fmt: skip
    assert {row["practiceid"] for row in rows} == {row["problemonsetdate"] for row in rows} == {None}


def test_a_note_is_of_its_time_or_of_its_day_where_no_time_is_delivered(spark: SparkSession):
    row = {"person_id": 1, "note_text": "Stable."}
    given = [
        {"note_id": 1, "note_date": "2020-01-01"},
        {"note_id": 2, "note_date": "2020-01-01", "note_datetime": "2020-01-01 08:30:00"},
        {"note_id": 3, "note_datetime": "2020-01-02 09:00:00"},
        {"note_id": 4},
    ]
    notes = synthetic_notes.notes
    assert notes is not None
    table = typed_tables(spark, synthetic_notes, {"note": [row | one for one in given]})["note"]
    found = {r["note_source_value"]: (r["note_datetime"], r["note_date"]) for r in note(table, "n", notes).collect()}
    assert found == {
        "1": (datetime(2020, 1, 1), date(2020, 1, 1)), "2": (datetime(2020, 1, 1, 8, 30), date(2020, 1, 1)),
        "3": (datetime(2020, 1, 2, 9), date(2020, 1, 2)),
    }  # fmt: skip
    apart = [(row["note_source_value"], row["reason"]) for row in note_rejected(table, "n", notes).collect()]
    assert apart == [("4", "no date")]


@pytest.mark.parametrize("missing", ["note_date", "note_datetime"])
def test_notes_without_a_column_of_the_day_or_of_the_time_keep_their_contract(missing: str, spark: SparkSession):
    contract = synthetic_notes.contract("note")
    names = [column.name for column in contract.columns if column.name != missing]
    values = {"note_id": "1", "person_id": "1", "note_date": "2020-01-01", "note_datetime": "2020-01-01 00:00:00"}
    frame = spark.createDataFrame(
        [tuple(values.get(name) for name in names)], ", ".join(f"{name} string" for name in names)
    )
    assert not [str(one) for one in results(frame, contract) if one.state in ("failed", "error")]


def test_what_differs_in_any_column_of_the_contract_is_no_duplicate(spark: SparkSession):
    stay = {"PAT_KEY": 1, "MEDREC_KEY": 70, "ADMIT_DATE": "2021-03-01", "DISCHARGE_DATE": "2021-03-05"}
    charge = {"PAT_KEY": 1, "STD_CHG_CODE": "250250000420000", "SERV_DATE": "2021-03-02", "STD_QTY": 1}
    charges = [charge | {"HOSP_CHG_ID": one} for one in ("17", "18", "18")]
    tables = typed_tables(spark, premier, {"patdemo": [stay], "patbill": charges})
    assert fact_person(tables, premier, person_sample=1).count() == 2
    done = {"patientuid": "a", "procedurecode": "27447", "codesystem": "CPT", "effectivedate": "2020-01-01"}
    sides = [done | {"modifier1": one} for one in ("LT", "RT", "RT")]
    tables = typed_tables(spark, abfm, {"patient": [{"patientuid": "a"}], "patientprocedure": sides})
    assert fact_person(tables, abfm, person_sample=1).count() == 2


def test_an_omop_measurement_with_an_operator_is_a_limit_and_no_value(spark: SparkSession):
    row = {"person_id": 1, "measurement_concept_id": 0, "measurement_date": "2021-01-01", "value_as_number": 0.1}
    # Athena's concepts of <, >=, =; 0 and empty say nothing.
    given = [4171756, 4171755, 4172703, 0, None]
    tables = typed_tables(spark, omop, {
        "concept": [{"concept_id": 0, "vocabulary_id": "None", "concept_code": "No matching concept"}],
        "measurement": [
            row | {"measurement_id": place, "operator_concept_id": one, "measurement_source_value": str(place)}
            for place, one in enumerate(given)
        ],
    })  # fmt: skip
    found = {r["concept_code"]: r["value_as_number"] for r in fact_person(tables, omop, person_sample=1).collect()}
    assert found == {"0": None, "1": None, "2": 0.1, "3": 0.1, "4": 0.1}


def test_a_limit_of_detection_is_no_measured_value(spark: SparkSession):
    test = {
        "PAT_KEY": 1, "collection_datetime": "2021-03-02 06:30:00", "lab_test_code": "2345-7",
        "lab_test_code_type": "LOINC", "numeric_value": 0.1,
    }  # fmt: skip
    stay = {"PAT_KEY": 1, "MEDREC_KEY": 70, "ADMIT_DATE": "2021-03-01", "DISCHARGE_DATE": "2021-03-05"}
    operators = ("<", ">=", "=", " ", None)
    tables = typed_tables(spark, premier, {
        "patdemo": [stay],
        "genlab": [test | {"numeric_value_operator": one, "lab_test_result": f"{one} 0.1"} for one in operators],
    })  # fmt: skip
    events = fact_person(tables, premier, person_sample=1).collect()
    assert {row["value_as_string"]: row["value_as_number"] for row in events} == {
        "< 0.1": None, ">= 0.1": None, "= 0.1": 0.1, "  0.1": 0.1, "None 0.1": 0.1,
    }  # fmt: skip
