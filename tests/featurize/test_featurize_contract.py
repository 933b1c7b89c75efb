"""A curated table is held against its contract: what is wrong is counted, and only rows at fault are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime

import pytest
from curated import Row, contract, deliver, empty_zones, frame, rows
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf
from pyspark.sql.connect.client import SparkConnectClient

from jobs.errors import TaskError
from jobs.featurize.columns import cast
from jobs.featurize.contract import rejected, results
from jobs.io.context import Task
from jobs.quality.result import Behind
from jobs.tasks.approve import _approve
from jobs.tasks.check import _check
from workflows.featurizations.synthetic_omop import synthetic_omop
from workflows.rules import Rule

pytestmark = pytest.mark.spark


def spoiled(table: str, column: str, value: str | None, first: int = 12) -> Callable[[SparkSession], DataFrame]:
    """The table with `value` in `column` of its first rows."""

    def make(spark: SparkSession) -> DataFrame:
        given = [row | {column: value} if n < first else row for n, row in enumerate(rows()[table])]
        return frame(spark, table, given)

    return make


def without(table: str, column: str) -> Callable[[SparkSession], DataFrame]:
    return lambda spark: frame(spark, table, rows()[table]).drop(column)


def retyped(table: str, column: str, kind: str) -> Callable[[SparkSession], DataFrame]:
    return lambda spark: frame(spark, table, rows()[table]).withColumn(column, sf.lit(True).cast(kind))


def repeated(table: str, times: int) -> Callable[[SparkSession], DataFrame]:
    return lambda spark: frame(spark, table, rows()[table] + rows()[table][:times])


def misread(table: str, column: str) -> Callable[[SparkSession], DataFrame]:
    return spoiled(table, column, "h\ufffdme")


def emptied(table: str) -> Callable[[SparkSession], DataFrame]:
    return lambda spark: frame(spark, table, [])


VISITS = "visit_occurrence"
# (what is delivered, what the failure says, rows in the rejected table or None where there must be none)
CASES = {
    "a missing column": (without(VISITS, "person_id"), "column person_id is missing: 30 rows", None),
    "a wrong type": (
        retyped(VISITS, "visit_start_datetime", "boolean"),
        "column visit_start_datetime has type boolean, not timestamp: 30 rows",
        None,
    ),
    "no rows": (emptied(VISITS), "the table is empty: 0 rows", None),
    "a duplicated key": (
        repeated(VISITS, 11),
        "beyond the first of their key (visit_occurrence_id): 11 rows",
        22,
    ),
    "dates that do not parse": (
        spoiled(VISITS, "visit_start_datetime", "2021-02-30 10:00:00"),
        "visit_start_datetime is not a time (YYYY-MM-DD hh:mm:ss): 12 rows",
        12,
    ),
    "a year where a date is wanted": (
        spoiled(VISITS, "visit_end_datetime", "2021"),
        "visit_end_datetime is not a time (YYYY-MM-DD hh:mm:ss): 12 rows",
        12,
    ),
    "an empty value": (spoiled(VISITS, "person_id", None), "person_id is empty: 12 rows", 12),
    "a number with a fraction": (spoiled(VISITS, "person_id", "7.5"), "person_id is not a whole number: 12 rows", 12),
    "a value that is not allowed": (
        spoiled(VISITS, "visit_concept_id", "77"),
        "visit_concept_id is none of 9201, 9202, 9203: 12 rows",
        12,
    ),
    "an end before its start": (
        spoiled(VISITS, "visit_end_datetime", "2020-01-01 00:00:00"),
        "not so: visit_end_datetime not before visit_start_datetime: 12 rows",
        12,
    ),
    "text that is not UTF-8": (misread(VISITS, "discharged_to_source_value"), "text is not UTF-8: 12 rows", 12),
    "few rows": (spoiled(VISITS, "person_id", None, first=3), "person_id is empty: rows, how many is not shown", 3),
}


@pytest.fixture(scope="module")
def once(spark: SparkSession) -> Iterator[SparkSession]:
    """A right delivery, and facts made of an earlier one."""
    with empty_zones(spark):
        given = rows()
        deliver(spark, {table: frame(spark, table, given[table]) for table in given})
        spark.range(5).write.format("delta").saveAsTable("synthetic_omop_ra.fact_person")
        yield spark


@pytest.fixture
def delivered(once: SparkSession) -> Iterator[SparkSession]:
    """The right delivery; what a test rejects is gone after it, what it delivers stays until the next delivery."""
    yield once
    once.sql(f"DROP TABLE IF EXISTS synthetic_omop_ra.rejected_{VISITS}")


def tables_of(spark: SparkSession, zone: str) -> list[str]:
    return sorted(row["tableName"] for row in spark.sql(f"SHOW TABLES IN {zone}").collect())


def test_a_delivery_that_keeps_its_contract_passes_and_writes_its_report_only(
    delivered: SparkSession, make_task: Callable[..., Task], capsys: pytest.CaptureFixture[str]
):
    task = make_task(synthetic_omop)
    _check(task)
    assert tables_of(delivered, "synthetic_omop_ra") == ["fact_person", "quality"]
    assert tables_of(delivered, "ml") == []
    assert capsys.readouterr().out.count("keeps its contract") == 4


@pytest.mark.clause("F8")
def test_a_person_approves_the_report_of_just_the_versions_that_are_there(
    delivered: SparkSession, make_task: Callable[..., Task]
):
    word = {"approved_by": "r5@cdh.example", "reason": "the counts are those of last year"}
    deliver(delivered, {VISITS: frame(delivered, VISITS, rows()[VISITS])})
    with pytest.raises(TaskError, match="the report speaks of version"):
        _approve(make_task(synthetic_omop, **word))
    _check(make_task(synthetic_omop))
    with pytest.raises(TaskError, match="approved_by is empty"):
        _approve(make_task(synthetic_omop, **word | {"approved_by": ""}))
    _approve(make_task(synthetic_omop, **word))
    (row,) = delivered.table("ml.data_approval").collect()
    assert (row["source"], row["approved_by"], row["reason"]) == ("synthetic_omop", *word.values())
    assert set(json.loads(row["tables"])) == {f"synthetic_omop.{table}" for table in rows()}
    deliver(delivered, {VISITS: frame(delivered, VISITS, rows()[VISITS])})
    with pytest.raises(
        TaskError, match=f"of synthetic_omop.{VISITS}, version .* is there: run synthetic_omop's featurize job"
    ):
        _approve(make_task(synthetic_omop, **word))


@pytest.mark.parametrize("case", CASES)
def test_bad_input_fails_with_counts_and_leaves_only_its_rows_in_the_rejected_table(
    case: str, delivered: SparkSession, make_task: Callable[..., Task], capsys: pytest.CaptureFixture[str]
):
    spoil, says, kept = CASES[case]
    deliver(delivered, {VISITS: spoil(delivered)})
    with pytest.raises(TaskError, match="synthetic_omop breaks its contract") as failure:
        _check(make_task(synthetic_omop, job_run_id="77"))
    assert f"{VISITS}: {says}" in str(failure.value)
    assert (f"the rows at fault are in synthetic_omop_ra.rejected_{VISITS}" in str(failure.value)) == (kept is not None)
    assert "2021-" not in str(failure.value) + capsys.readouterr().out, "a message quotes no cell"
    assert delivered.table("synthetic_omop_ra.fact_person").count() == 5
    history = delivered.sql("DESCRIBE HISTORY synthetic_omop_ra.fact_person").collect()
    assert [row["version"] for row in history] == [0], "the previous version is untouched"
    wanted = ["fact_person", "quality"] if kept is None else ["fact_person", "quality", f"rejected_{VISITS}"]
    assert tables_of(delivered, "synthetic_omop_ra") == wanted
    report = delivered.table("synthetic_omop_ra.quality").where("job_run_id = '77'").orderBy("checked_at").collect()
    newest = [row for row in report if row["checked_at"] == report[-1]["checked_at"] and row["severity"] == "fatal"]
    told = [row for row in newest if row["state"] in ("failed", "error") and row["what"] in says]
    assert [row["table"] for row in told] == [f"synthetic_omop.{VISITS}"]
    assert (told[0]["rows_at_fault"] is None) == ("not shown" in says)
    if kept is not None:
        bad = delivered.table(f"synthetic_omop_ra.rejected_{VISITS}").collect()
        assert len(bad) == kept
        assert {row["job_run_id"] for row in bad} == {"77"}
        assert all(row["reason"] and row["checked_at"] for row in bad)


@pytest.mark.clause("P4")
def test_rows_at_fault_of_a_withdrawn_person_are_not_kept_apart_again(
    delivered: SparkSession, make_task: Callable[..., Task]
):
    deliver(delivered, {VISITS: CASES["a duplicated key"][0](delivered)})
    found = []
    for _ in range(2):
        with pytest.raises(TaskError, match="breaks its contract"):
            _check(make_task(synthetic_omop))
        found.append({row["person_id"] for row in delivered.table(f"synthetic_omop_ra.rejected_{VISITS}").collect()})
        mark = hashlib.sha256(f"withdrawn|synthetic_omop|{min(found[0])}".encode()).hexdigest()
        marks = delivered.createDataFrame([(mark,)], "person_digest string")
        marks.write.format("delta").mode("overwrite").saveAsTable("synthetic_omop_ra.withdrawn")
    delivered.sql("DROP TABLE synthetic_omop_ra.withdrawn")
    assert found[1] == found[0] - {min(found[0])}


def test_a_missing_table_is_named(delivered: SparkSession, make_task: Callable[..., Task]):
    delivered.sql("ALTER TABLE synthetic_omop.person RENAME TO synthetic_omop.away")
    with pytest.raises(TaskError, match="person: the table does not exist"):
        _check(make_task(synthetic_omop))
    delivered.sql("ALTER TABLE synthetic_omop.away RENAME TO synthetic_omop.person")


def test_planted_defects_are_found_exactly_as_often_as_planted(spark: SparkSession):
    planted: dict[int, Row] = {
        **{n: {"gender_concept_id": "1"} for n in range(3)},
        **{n: {"year_of_birth": "seventy"} for n in range(3, 8)},
        **{n: {"month_of_birth": "13"} for n in range(8, 10)},
        10: {"person_id": None},
        11: {"person_id": None},
        12: {"gender_concept_id": None, "day_of_birth": "0"},
        13: {"day_of_birth": "30"},
        14: {"month_of_birth": None, "day_of_birth": "30"},
    }
    given = [row | planted.get(n, {}) for n, row in enumerate(rows()["person"])]
    given += [given[20], given[21], given[21]]
    person = contract("person")
    table = frame(spark, "person", given)
    found = {one.what: one.rows for one in results(table, person) if one.state == "failed"}
    assert found == {
        "gender_concept_id is none of 8507, 8532, 0": 3,
        "year_of_birth is not a whole number": 5,
        "not so: month_of_birth from 1 to 12": 2,
        "person_id is empty": 2,
        "gender_concept_id is empty": 1,
        "not so: day_of_birth from 1 to 31": 1,
        "not so: year_of_birth, month_of_birth and day_of_birth are a day of the calendar": 1,
        "beyond the first of their key (person_id)": 3,
    }
    bad = rejected(table, person).collect()
    assert len(bad) == 3 + 5 + 2 + 2 + 1 + 1 + 5
    both = next(row["reason"] for row in bad if row["day_of_birth"] == "0")
    assert both == "gender_concept_id is empty; not so: day_of_birth from 1 to 31"


def test_rows_without_a_key_are_empty_and_not_duplicates(spark: SparkSession):
    given = [row | {"person_id": None} if n < 4 else row for n, row in enumerate(rows()["person"])]
    made = results(frame(spark, "person", given), contract("person"))
    found = {one.what: one.rows for one in made if one.state == "failed"}
    assert found == {"person_id is empty": 4}


# (type in the contract, what is delivered, as what it is read)
READ = [
    *(("double", f"'{text}'", value) for text, value in {
        "98.6": 98.6, " -1e3 ": -1000.0, ".5": 0.5, "5.": 5.0, "98.6F": None, "250D": None, "0x1p3": None,
        "Infinity": None, "NaN": None, "1e400": None,
    }.items()),
    ("double", "1e10D", 1e10), ("double", "double('Infinity')", None), ("double", "double('NaN')", None),
    ("date", "'2021-03-04'", date(2021, 3, 4)), ("date", "'2021'", None), ("date", "'2021-02-30'", None),
    ("date", "date'2021-03-04'", date(2021, 3, 4)), ("date", "timestamp'2021-03-04 00:30:00'", None),
    # As pandas writes a day into parquet.
    ("date", "timestamp'2021-03-04 00:00:00'", date(2021, 3, 4)),
    ("date", "timestamp_ntz'2021-03-04 00:00:00'", date(2021, 3, 4)),
    ("timestamp", "date'2021-03-04'", datetime(2021, 3, 4)),
    ("timestamp", "timestamp'2021-03-04 05:06:07.000008'", datetime(2021, 3, 4, 5, 6, 7, 8)),
]  # fmt: skip


def test_values_are_read_as_they_are_written_out_and_moments_in_whatever_type_they_come(spark: SparkSession):
    frame = spark.sql("SELECT " + ", ".join(f"{given} AS c{n}" for n, (_, given, _) in enumerate(READ)))
    row = frame.select(*(cast(f"c{n}", wanted) for n, (wanted, *_) in enumerate(READ))).first()
    assert row is not None
    assert [(*case[:2], value) for case, value in zip(READ, row, strict=True)] == READ


def test_a_stay_that_ends_in_the_future_is_counted_and_stops_nothing(spark: SparkSession):
    table = spoiled(VISITS, "visit_end_datetime", "9999-12-31 00:00:00")(spark)
    (one,) = (one for one in results(table, contract(VISITS)) if one.check == "visit_end_datetime_not_future")
    assert (one.rows, one.of, one.severity, one.stops) == (12, 30, "convention", False)


def test_a_rule_over_a_table_that_cannot_be_read_is_an_error_and_never_passed(spark: SparkSession):
    made = results(frame(spark, VISITS, rows()[VISITS]), contract(VISITS))
    (one,) = (result for result in made if result.check == "person_id_in_person")
    assert (one.state, one.rows, one.of, one.stops) == ("error", 0, 0, False)
    assert one.what == "person_id is in person: not checked, as person cannot be read"


def test_however_many_checks_a_table_has_they_are_one_query(spark: SparkSession, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    fetch = SparkConnectClient._execute_and_fetch

    def counting(client, request, *args, **kwargs):
        asked.append("query")
        return fetch(client, request, *args, **kwargs)

    monkeypatch.setattr(SparkConnectClient, "_execute_and_fetch", counting)
    person = contract("person")
    many = replace(
        person,
        rules=tuple(Rule(id=f"r{n}", condition=f"year_of_birth > {n}", meaning="a rule") for n in range(40)),
    )
    table = frame(spark, "person", rows()["person"])
    for one in (person, many):
        asked.clear()
        made = {result.check for result in results(table, one, person="person_id")}
        assert made > {rule.id for rule in one.rules}
        assert asked == ["query"]


def test_persons_are_counted_behind_the_rows_of_every_check(spark: SparkSession):
    given = rows()[VISITS]
    # Twelve stays of one person end before they begin; the stays of three others have no end to compare.
    given = [
        row | {"person_id": "1", "visit_end_datetime": "2020-01-01 00:00:00"} if n < 12
        else row | {"visit_end_datetime": None} if n < 15 else row
        for n, row in enumerate(given)
    ]  # fmt: skip
    made = results(frame(spark, VISITS, given), contract(VISITS), person="person_id")
    (one,) = (result for result in made if result.check == "visit_end_datetime_not_before_visit_start_datetime")
    assert (one.rows, one.of, one.all_rows) == (12, 27, 30)
    assert one.behind == Behind(broken=1, kept=15, apart=3)
    assert str(one).endswith("rows, how many is not shown")
    (empty,) = (result for result in made if result.check == "visit_end_datetime_not_null")
    assert empty.behind == Behind(broken=3, kept=16, apart=0)
