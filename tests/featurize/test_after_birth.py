"""What happens before a person's birth is told, to the day where the day is known; what may be after it never is."""

from __future__ import annotations

from typing import Any

import pytest
from curated import typed_tables
from pyspark.sql import SparkSession

from jobs.featurize.contract import results
from workflows.sources import named

pytestmark = [pytest.mark.spark, pytest.mark.clause("F5")]
Row = dict[str, Any]


def omop(*born: tuple[int | None, int | None, int | None]) -> tuple[str, str, str, list[Row], Row]:
    persons = [
        {"person_id": 1, "year_of_birth": year, "month_of_birth": month, "day_of_birth": day}
        for year, month, day in born
    ]
    return "omop", "drug_exposure", "drug_exposure_start_date", persons, {"person_id": 1}


def abfm(dob: str | None) -> tuple[str, str, str, list[Row], Row]:
    return "abfm", "visit", "encounterstartdate", [{"patientuid": "a", "dob": dob}], {"patientuid": "a"}


def premier(table: str, column: str, admitted: str, age: int) -> tuple[str, str, str, list[Row], Row]:
    return "premier", table, column, [{"PAT_KEY": 1, "ADMIT_DATE": admitted, "AGE": age}], {"PAT_KEY": 1}


def nafld(table: str, age: int | None) -> tuple[str, str, str, list[Row], Row]:
    return "nafld", table, "days", [{"id": 1, "age": age}], {"id": 1}


# What is known of the birth; moments that are before it, and moments that need not be.
CASES = {
    "a day": (abfm("1960-05-05"), ["1959-12-31", "1960-01-02", "1960-05-04"], ["1960-05-05", "1961-01-01"]),
    "a leap day": (abfm("1960-02-29"), ["1960-02-28"], ["1960-02-29", "1960-03-01"]),
    "nothing": (abfm(None), [], ["1800-01-01"]),
    "year, month and day": (omop((1960, 5, 5)), ["1959-12-31", "1960-01-02", "1960-05-04"], ["1960-05-05"]),
    "year and month": (omop((1960, 5, None)), ["1960-01-02", "1960-04-30"], ["1960-05-01"]),
    "a year": (omop((1960, None, None)), ["1959-12-31"], ["1960-01-01"]),
    "year and day": (omop((1960, None, 20)), ["1960-01-19"], ["1960-01-20"]),
    "a day that is none": (omop((1960, 2, 30)), ["1959-12-31"], ["1960-01-01"]),
    "a month that is none": (omop((1960, 13, 1)), ["1959-12-31"], ["1960-01-01"]),
    "two births": (omop((1960, 5, 5), (1961, None, None)), ["1960-05-04"], ["1960-05-05"]),
    "no year": (omop((None, 5, 5)), [], ["1800-01-01"]),
    # Who is 50 on that day was born from 1969-03-02 to 1970-03-01.
    "an age": (premier("patcpt", "PROC_DATE", "2020-03-01", 50), ["1969-03-01"], ["1969-03-02", "1969-12-31"]),
    "the age of a newborn": (
        premier("genlab", "collection_datetime", "2020-01-05", 0),
        ["2019-01-05 23:59:59"], ["2019-01-06 00:00:00", "2019-12-28 10:00:00", "2020-01-05 08:00:00"],
    ),
    "an age on a leap day": (premier("patbill", "SERV_DATE", "2020-02-29", 0), ["2019-02-28"], ["2019-03-01"]),
    "an age the day before a birthday": (
        premier("paticd_proc", "PROC_DATE", "2021-02-28", 0), ["2020-02-28"], ["2020-02-29"],
    ),
    # Of any forty years ten are leap years: 14,610 days.
    "an age at an index date": (nafld("nafld2", 39), ["-14610"], ["-14609", "0", "7000"]),
    "the age of a newborn at an index date": (nafld("nafld3", 0), ["-366"], ["-365"]),
    "no age": (nafld("nafld3", None), [], ["-40000"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_moment_is_told_as_before_birth_just_where_it_cannot_be_after_it(case: str, spark: SparkSession):
    (name, table, column, persons, whose), before, after = CASES[case]
    source = named(name)
    given = [whose | {column: moment} for moment in (*before, *after)]
    tables = typed_tables(spark, source, {source.persons.table: persons, table: given})
    found = {one.check: one for one in results(tables[table], source.contract(table), tables)}
    one = found[f"{column}_after_birth"]
    # Of whose birth nothing is known, nothing is said.
    assert (one.rows, one.of) == (len(before), len(given) if before else 0)
    assert (one.severity, one.stops) == ("convention", False)
