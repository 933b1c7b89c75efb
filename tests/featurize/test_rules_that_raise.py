"""A rule that cannot be computed is an error of its own: every other check has its counts, and the report is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from curated import Row, contract, deliver, frame, rows, typed_tables
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.featurize.contract import results
from jobs.io.context import Task
from jobs.tasks import check
from workflows.featurizations.synthetic_omop import synthetic_omop
from workflows.rules import Beside, Rule
from workflows.sources import named

pytestmark = pytest.mark.spark
STAYS = "visit_occurrence"
# What a rule says -> why it cannot be computed.
RAISING = {
    "1 / (visit_occurrence_id - 101) > 0": "DIVIDE_BY_ZERO",
    "cast(visit_occurrence_id * 3000000000 AS int) > 0": "CAST_OVERFLOW",
    "no_such > 0": "UNRESOLVED_COLUMN.WITH_SUGGESTION",
    "visit_occurrence_id >": "PARSE_SYNTAX_ERROR",
}


def raising(condition: str, severity: str = "convention") -> Rule:
    return Rule(id="raises", condition=condition, meaning="a rule", severity=severity)


@pytest.mark.parametrize("condition", RAISING)
def test_a_rule_that_raises_is_an_error_without_a_value_and_all_others_are_counted(condition: str, spark: SparkSession):
    stays, given = contract(STAYS), rows()[STAYS]
    others = typed_tables(spark, named("synthetic_omop"), dict(rows()))
    table = frame(spark, STAYS, [*given, given[0]])
    wanted = results(table, stays, others, person="person_id")
    found = results(table, replace(stays, rules=(*stays.rules, raising(condition))), others, person="person_id")
    (one,) = (result for result in found if result.check == "raises")
    assert one.what == f"a rule: not checked, as it raises {RAISING[condition]}"
    assert (one.state, one.rows, one.of, one.stops, bool(one.version)) == ("error", 0, 0, False, True)
    assert {result.check: result for result in found if result is not one} == {one.check: one for one in wanted}


def test_what_a_rule_gathers_of_another_table_may_raise_as_well(spark: SparkSession):
    stays, others = contract(STAYS), typed_tables(spark, named("synthetic_omop"), dict(rows()))
    beside = Beside(table="person", on=(("person_id", "person_id"),), gathers=(("least", "min(1 / (person_id - 1))"),))
    rule = replace(raising("_person.least > 0"), beside=beside)
    found = {
        one.check: one for one in results(frame(spark, STAYS, rows()[STAYS]), replace(stays, rules=(rule,)), others)
    }
    assert found["raises"].what.endswith("as it raises DIVIDE_BY_ZERO")
    assert found["key"].state == "passed"


def test_an_error_that_is_of_no_rule_is_raised(spark: SparkSession):
    table = spark.sql("SELECT CAST(1 / (id - id) AS string) AS person_id FROM range(3)")
    person = replace(contract("person"), columns=contract("person").columns[:1], rules=(), key=())
    with pytest.raises(PySparkException, match="DIVIDE_BY_ZERO"):
        results(table, person)


@pytest.mark.parametrize(("severity", "apart"), [("convention", True), ("fatal", False)])
def test_the_report_is_written_whatever_a_rule_raises_and_a_fatal_one_stops(
    severity: str, apart: bool, zones: SparkSession, make_task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
):
    source = named("synthetic_omop")
    spoiled = replace(contract(STAYS), rules=(*contract(STAYS).rules, raising("no_such > 0", severity)))
    contracts = tuple(spoiled if one.table == STAYS else one for one in source.contracts)
    monkeypatch.setattr(check, "named", lambda _: replace(source, contracts=contracts))
    given: dict[str, list[Row]] = rows()
    given[STAYS] = [row | {"visit_end_datetime": "1999-01-01 00:00:00"} if n < 12 else row
                    for n, row in enumerate(given[STAYS])]  # fmt: skip
    deliver(zones, {table: frame(zones, table, given[table]) for table in given})
    with pytest.raises(TaskError, match="12 rows") as failure:
        check._check(make_task(synthetic_omop))
    assert ("it raises UNRESOLVED_COLUMN" in str(failure.value)) == (severity == "fatal")
    report = zones.table("synthetic_omop_ra.quality").collect()
    assert {row["table"] for row in report} == {f"synthetic_omop.{table}" for table in given}
    assert [(row["state"], row["severity"]) for row in report if row["check_id"] == "raises"] == [("error", severity)]
    assert (f"rejected_{STAYS}" in str(failure.value)) == apart
    if apart:
        assert zones.table(f"synthetic_omop_ra.rejected_{STAYS}").count() == 12
