"""A code belongs to its set on the days that its list names, both inclusive."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.featurize import engine
from workflows.covariates import CodeRow, code_rows, covariates
from workflows.declare import Codes, CountOf, days
from workflows.feature_columns import of_concepts
from workflows.feature_reference import reference

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1")]

FIRST, LAST = date(2020, 4, 1), date(2020, 12, 31)
# (code of the set, its first and last day, code of the event, its day, whether it counts)
CASES: list[tuple[str, date | None, date | None, str, date, bool]] = [
    ("U07.1", FIRST, LAST, "U07.1", date(2020, 4, 1), True),
    ("U07.1", FIRST, LAST, "U07.1", date(2020, 12, 31), True),
    ("U07.1", FIRST, LAST, "U07.1", date(2020, 3, 31), False),
    ("U07.1", FIRST, LAST, "U07.1", date(2021, 1, 1), False),
    ("U07.1", FIRST, None, "U07.1", date(2031, 1, 1), True),
    ("U07.1", None, LAST, "U07.1", date(1951, 1, 1), True),
    ("U07", FIRST, LAST, "U07.1", date(2020, 3, 31), False),
    ("U07", FIRST, LAST, "U07.1", date(2020, 4, 1), True),
    ("U07", None, None, "U07.1", date(1951, 1, 1), True),
    ("U07", FIRST, LAST, "U07", date(2020, 4, 1), True),
    ("U07", FIRST, LAST, "U070", date(2020, 4, 1), False),
    ("U07.1", None, None, "U07.12", date(2020, 4, 1), True),
    ("U07.12", None, None, "U07.1", date(2020, 4, 1), False),
    ("U07.1", None, None, "U07", date(2020, 4, 1), False),
    ("2160-0", FIRST, LAST, "2160-0", date(2020, 3, 31), False),
    ("2160-0", FIRST, LAST, "2160-0", date(2020, 4, 1), True),
]


def test_an_event_counts_on_the_days_of_its_code_and_for_what_is_below_it(spark: SparkSession):
    # A vocabulary of its own for each case: no case sees the codes of another.
    rows: list[CodeRow] = [("", "covid", f"V{n}", case[0], case[1], case[2]) for n, case in enumerate(CASES)]
    some = covariates([CountOf(Codes("covid", (("V", "any"),)), days(-36_500, -1))], {})
    events = spark.createDataFrame(
        [(n, datetime.combine(case[4], datetime.min.time()), f"V{n}", case[3]) for n, case in enumerate(CASES)],
        "person_id long, event_start_datetime timestamp, vocabulary_id string, concept_code string",
    )
    index = spark.createDataFrame(
        [(n, n, datetime(2035, 1, 1)) for n in range(len(CASES))],
        "person_id long, row_id long, index_datetime timestamp",
    )
    table: Any = engine.wide(index, events, rows, some, key="row_id")
    found = {row["row_id"]: row[1] for row in table.collect()}
    assert {n: found[n] for n in found} == {n: float(case[5]) for n, case in enumerate(CASES)}


def test_the_feature_reference_says_of_which_days_a_code_is_and_its_version_changes_with_them():
    feature = CountOf(Codes("covid", (("ICD10CM", "U07.1"),)), days(-30, -1))
    some = [of_concepts(one) for one in covariates([feature], {})]
    (always,) = reference(some, code_rows([feature], {}))
    (limited,) = reference(some, [("", "covid", "ICD10CM", "U07.1", FIRST, None)])
    assert always.source_codes == ["ICD10CM:U07.1"]
    assert limited.source_codes == ["ICD10CM:U07.1 [2020-04-01..]"]
    assert always.version != limited.version
