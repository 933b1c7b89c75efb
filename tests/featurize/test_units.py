"""Units of values: what OMOP says of them, which values a feature counts, and how many are in another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf

from jobs.featurize.columns import typed
from jobs.featurize.facts import fact_person
from jobs.featurize.matching import Counted, counting, spelled_unit
from jobs.io.context import Task
from jobs.quality.units import one_unit
from jobs.tasks.facts import _facts
from synthetic.sources.write import write
from workflows.covariates import BITS, CodeRow
from workflows.declare import Featurization
from workflows.sources import named
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


@pytest.mark.clause("F5")
def test_values_in_another_unit_than_most_of_their_code_are_counted_with_their_persons(spark: SparkSession):
    glucose, other = ("LOINC", "2345-7"), ("LOINC", "4548-4")
    rows = [(person, *glucose, 100.0, "mg/dL" if person % 2 else " MG/dl") for person in range(40)]
    rows += [(person, *glucose, 5.5, "mmol/L") for person in (*range(30, 45), 30)]
    # Another code has its own unit; what has no value or no unit is not spoken of.
    rows += [(person, *other, 6.0, "%") for person in range(5)]
    rows += [
        (60, *glucose, None, "mmol/L"),
        (61, *glucose, 7.0, None),
        (62, *glucose, 7.0, " "),
        (63, None, None, 1.0, None),
    ]
    schema = (
        "person_id long, vocabulary_id string, concept_code string, value_as_number double, unit_source_value string"
    )
    found = one_unit(spark.createDataFrame(rows, schema), "fact_person")
    assert (found.state, found.severity, found.stops) == ("failed", "convention", False)
    assert (found.rows, found.of, found.all_rows) == (16, 61, 65)
    assert found.behind is not None
    assert (found.behind.broken, found.behind.kept, found.behind.apart) == (15, 40, 4)
    kept = [row for row in rows if row[4] != "mmol/L"]
    assert one_unit(spark.createDataFrame(kept, schema), "fact_person").state == "passed"
    assert one_unit(spark.createDataFrame(rows[-2:], schema), "fact_person").state == "not applicable"


@pytest.mark.parametrize(("name", "table"), [("omop", "measurement"), ("premier", "genlab")])
def test_synthetic_deliveries_give_a_code_one_unit(spark: SparkSession, tmp_path, name, table):
    write(name, tmp_path, events=3_000, form="parquet")
    source = named(name)
    tables = {
        one.table: typed(spark.read.parquet(str(tmp_path / f"{one.table}.parquet")), one) for one in source.contracts
    }
    found = one_unit(fact_person(tables, source, person_sample=1.0), "fact_person")
    assert (found.state, found.rows) == ("passed", 0)
    assert found.of > 100, table


@pytest.fixture
def hospital(spark: SparkSession) -> Iterator[SparkSession]:
    zones = ("premier", "premier_ra")
    for zone in zones:
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {zone}")
    yield spark
    for zone in zones:
        spark.sql(f"DROP SCHEMA IF EXISTS {zone} CASCADE")


@pytest.mark.clause("F5")
def test_the_report_of_a_source_says_that_units_differ_and_its_facts_stay(
    hospital: SparkSession, make_task: Callable[..., Task], tmp_path: Path
):
    write("premier", tmp_path / "delivery", events=2_000)
    for path in sorted((tmp_path / "delivery").glob("*.csv")):
        frame = hospital.read.csv(str(path), header=True, escape='"')
        if path.stem == "genlab":
            mixed = sf.when(sf.col("PAT_KEY").cast("int") % 3 == 0, "mmol/L").otherwise("mg/dL")
            frame = frame.withColumn("lab_test_result_unit", mixed)
        frame.coalesce(1).write.format("delta").saveAsTable(f"premier.{path.stem}")
    declared = Featurization(name="premier", source="premier", cluster="ml_cpu")
    _facts(make_task(declared, table="fact_person", person_sample="1.0"))
    (row,) = hospital.table("premier_ra.quality").where("check_id = 'one_unit'").collect()
    assert (row["table"], row["state"], row["severity"]) == ("premier_ra.fact_person", "failed", "convention")
    assert not hospital.table("premier_ra.fact_person").isEmpty()
