"""Units of values: what OMOP says of them, and which values a feature counts."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.featurize.columns import typed
from jobs.featurize.facts import fact_person
from jobs.featurize.matching import Counted, counting, spelled_unit
from workflows.covariates import BITS, CodeRow
from workflows.sources.omop import omop
from workflows.values import unit_spelled

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1", "F2")]

CONCEPTS = [
    {"concept_id": 0, "vocabulary_id": "None", "concept_code": "No matching concept"},
    {"concept_id": 3004501, "vocabulary_id": "LOINC", "concept_code": "2345-7"},
    {"concept_id": 8840, "vocabulary_id": "UCUM", "concept_code": "mg/dL"},
]


def omop_tables(spark: SparkSession, **rows: list[dict[str, Any]]) -> dict[str, DataFrame]:
    made = {}
    for one in omop.contracts:
        names = [column.name for column in one.columns]
        given = [tuple(None if row.get(n) is None else str(row[n]) for n in names) for row in rows.get(one.table, [])]
        made[one.table] = typed(spark.createDataFrame(given, ", ".join(f"`{name}` string" for name in names)), one)
    return made


# What the source wrote, its unit concept (8840 is milligram per decilitre, 0 none, 9 unknown here), the fact's unit.
UNITS = [
    ("mg per dL", 8840, "mg per dL"), (None, 8840, "mg/dL"), (" ", 8840, "mg/dL"), (None, 0, None), (None, 9, None),
    (None, None, None), ("mmol/L", None, "mmol/L"),
]  # fmt: skip


@pytest.mark.parametrize("table", ["measurement", "observation"])
def test_a_value_of_omop_has_the_unit_that_was_written_or_else_that_of_its_unit_concept(spark: SparkSession, table):
    rows = [
        {f"{table}_id": number, "person_id": 1, f"{table}_concept_id": 3004501, f"{table}_date": "2021-03-01",
         "value_as_number": 100.0, "unit_source_value": written, "unit_concept_id": concept}
        for number, (written, concept, _) in enumerate(UNITS)
    ]  # fmt: skip
    given = omop_tables(spark, concept=CONCEPTS, **{table: rows})
    facts = fact_person(given, omop, person_sample=1.0).select("concept_code", "unit_source_value").collect()
    assert {row["concept_code"] for row in facts} == {"2345-7"}
    assert sorted(str(row["unit_source_value"]) for row in facts) == sorted(str(unit) for *_, unit in UNITS)


def test_an_event_counts_for_the_sets_of_its_unit_and_for_those_of_any_in_every_word(spark: SparkSession):
    asked: list[tuple[str, ...]] = [(), ("mg/dl",), ("mmol/l", "mmol per l")]
    some: list[Counted] = [("", f"s{place}", asked[place % 3]) for place in range(BITS + 9)]
    codes: list[CodeRow] = [("", name, "LOINC", "2345-7", None, None) for _, name, _ in some]
    written = ["mg/dL", "\tMG/DL ", "mmol/L", "mmol", "", None]
    frame = spark.createDataFrame([("LOINC", "2345-7", unit) for unit in written],
                                  "vocabulary_id string, concept_code string, unit_source_value string")  # fmt: skip
    met = counting(frame.withColumn("_unit", spelled_unit()), codes, some).collect()
    assert len(met) == len(written)
    for row in met:
        unit = unit_spelled(row["unit_source_value"] or "")
        mine = {place for place in range(len(some)) if row[f"_set{place // BITS}"] >> place % BITS & 1}
        assert mine == {place for place, (*_, units) in enumerate(some) if not units or unit in units}, unit
    alone = counting(frame.withColumn("_unit", spelled_unit()), codes, some[1:2]).collect()
    assert {row["unit_source_value"] for row in alone} == {"mg/dL", "\tMG/DL "}
