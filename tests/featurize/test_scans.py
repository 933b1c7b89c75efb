"""How often checks look through a table: counted in the plans that Spark executed, whatever a contract holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from curated import contract, deliver, frame, rows
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf
from pyspark.sql.connect.client import SparkConnectClient

from jobs.featurize.columns import typed
from jobs.featurize.contract import results
from jobs.quality import codes
from jobs.quality.units import one_unit
from workflows.contract import Column
from workflows.rules import Rule, refers
from workflows.sources.synthetic_omop import synthetic_omop

pytestmark = [pytest.mark.spark, pytest.mark.clause("F5")]
STAYS, EVENTS = "visit_occurrence", "condition_occurrence"
MORE = tuple(Column(name=f"more_{n}", type="long", nullable=False, allowed=("1", "2"), meaning="m") for n in range(20))
MANY = (
    *(Rule(id=f"r{n}", condition=f"person_id > {n}", meaning="a rule") for n in range(40)),
    refers("person_id", "person"), replace(refers("person_id", "person"), id="again"),
)  # fmt: skip


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each table was looked through by what was asked: leaves of the plans that were executed."""
    seen, build = Counter[str](), SparkConnectClient._build_metrics

    def spied(client, metrics):
        for node in (nodes := list(build(client, metrics))):
            if node.name.startswith("Scan "):
                seen[node.name.rpartition(".")[2]] += 1
        return iter(nodes)

    monkeypatch.setattr(SparkConnectClient, "_build_metrics", spied)
    return seen


@pytest.fixture
def tables(zones: SparkSession) -> dict[str, DataFrame]:
    """A right delivery, with more columns of stays than their contract has."""
    given = {table: frame(zones, table, some) for table, some in rows().items()}
    more = given[STAYS].select("*", *(sf.lit("1").alias(column.name) for column in MORE))
    deliver(zones, given | {STAYS: more})
    return {table: zones.table(f"synthetic_omop.{table}") for table in given}


# What docs/quality.md says: one look for all checks, one more for a key, one more where duplicates count once.
@pytest.mark.parametrize(
    ("key", "once", "looks"), [(False, False, 1), (True, False, 2), (False, True, 2), (True, True, 3)]
)
def test_a_table_is_looked_through_as_often_however_many_checks_and_columns_it_has(
    key: bool, once: bool, looks: int, tables: dict[str, DataFrame], scans: Counter[str]
):
    stays = contract(STAYS)
    one = replace(stays, key=stays.key if key else (), once=once, rules=(), unused=tuple(c.name for c in MORE))
    results(tables[STAYS], one, tables, person="person_id")
    assert scans == {STAYS: looks}
    scans.clear()
    many = replace(one, columns=(*one.columns, *MORE), rules=MANY, unused=())
    assert len(results(tables[STAYS], many, tables, person="person_id")) > 100
    assert scans == {STAYS: looks, "person": 1}


def test_recorded_codes_are_two_looks_through_a_table_and_units_two_through_the_facts(
    zones: SparkSession, tables: dict[str, DataFrame], scans: Counter[str]
):
    whole = {table: typed(given, contract(table)) for table, given in tables.items()}
    recorded = codes.rows_of(synthetic_omop, whole)
    assert recorded is not None
    assert codes.distinct(recorded) == [(EVENTS, "condition_source_value", "ICD10CM", "I50.9")]
    codes.counted(recorded, zones.createDataFrame([("ICD10CM", "I50.9", "leaf", None)], codes.JUDGED))
    assert scans == {EVENTS: 2}
    scans.clear()
    facts = [(n, "LOINC", "2160-0", float(n), "mg/dL" if n % 3 else "umol/L") for n in range(1, 31)]
    columns = (
        "person_id long, vocabulary_id string, concept_code string, value_as_number double, unit_source_value string"
    )
    zones.createDataFrame(facts, columns).write.format("delta").saveAsTable("synthetic_omop_ra.fact_person")
    scans.clear()
    assert one_unit(zones.table("synthetic_omop_ra.fact_person"), "fact_person").rows == 10
    assert scans == {"fact_person": 2}
