"""A person withdraws: gone from every zone and kept out, the models that saw them named, no key anywhere in a log."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from curated import deliver, frame, request, rows
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.featurize.withdrawal import kept, parsed, person_sql
from jobs.tasks.check import _check
from jobs.tasks.facts import _facts
from jobs.tasks.withdraw import _withdraw, named_in, tombstone
from workflows.featurizations.synthetic_omop import synthetic_omop as featurization
from workflows.sources.abfm import abfm
from workflows.sources.synthetic_notes import synthetic_notes
from workflows.sources.synthetic_omop import synthetic_omop
from workflows.sources.uci130 import uci130

GONE = {3, 7}
HOLDING = {
    "synthetic_omop.person": "person_id", "synthetic_omop.observation_period": "person_id",
    "synthetic_omop.visit_occurrence": "person_id", "synthetic_omop.condition_occurrence": "person_id",
    "synthetic_omop_ra.fact_encounter_index": "person_id", "synthetic_omop_ra.fact_person": "person_id",
    "synthetic_omop_ra.feature_readmission": "person_id", "synthetic_omop_ra.cohort_readmission": "person_id",
    "readmission.dataset": "person_id",
    "readmission.predictions": "visit_occurrence_id - 100",
}  # fmt: skip


def persons(spark: SparkSession, table: str) -> set[int]:
    return {int(row[0]) for row in spark.sql(f"SELECT DISTINCT {HOLDING[table]} FROM {table}").collect()}


def facts(make_task) -> None:
    for table in ("fact_encounter_index", "fact_person"):
        task = make_task(featurization, table=table, person_sample="1", outcomes_through="1")
        _facts(task)
        task.tables.flush()


def save(spark: SparkSession, query: str, table: str) -> None:
    spark.sql(query).coalesce(1).write.format("delta").mode("overwrite").saveAsTable(table)


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.clause("P4")
def test_a_withdrawn_person_leaves_every_zone_stays_out_and_the_models_that_saw_them_are_named(
    zones, make_task, tmp_path, capsys
):
    curated = {table: frame(zones, table, some) for table, some in rows().items()}
    deliver(zones, curated)
    facts(make_task)
    save(zones, "SELECT DISTINCT person_id, visit_occurrence_id FROM synthetic_omop_ra.fact_encounter_index",
         "synthetic_omop_ra.feature_readmission")  # fmt: skip
    save(zones, "SELECT * FROM synthetic_omop_ra.feature_readmission", "synthetic_omop_ra.cohort_readmission")
    # Version 0 of the dataset had person 3 to learn from, version 1 has both persons on the test side only.
    side = "SELECT person_id, IF(person_id IN ({}), 'test', 'train') AS side FROM synthetic_omop_ra.feature_readmission"
    save(zones, side.format("7"), "readmission.dataset")
    save(zones, side.format("3, 7"), "readmission.dataset")
    save(zones, "SELECT visit_occurrence_id, 0.5D AS score FROM synthetic_omop_ra.feature_readmission",
         "readmission.predictions")  # fmt: skip
    save(zones, "SELECT 'auroc' AS gate, 0.7D AS value", "readmission.gate")
    # Another source's person 3 is somebody else.
    save(zones, "SELECT 3L AS person_id", "uci130_ra.fact_person")
    task = make_task(featurization, request=request(tmp_path, "# ticket 1\n3\n 7 \n"))
    for version, dataset in ((1, 0), (2, 1), (3, 99)):
        task.tables.note("cdh_test.readmission.readmission", version, {"readmission.dataset": dataset})
    task.tables.flush()
    everyone = {table: persons(zones, table) for table in HOLDING}
    assert all(found > GONE and len(found) == 30 for found in everyone.values())

    capsys.readouterr()
    _withdraw(task)
    task.tables.flush()
    told = capsys.readouterr().out

    assert {table: persons(zones, table) for table in HOLDING} == {
        table: found - GONE for table, found in everyone.items()
    }
    assert zones.table("readmission.gate").count() == zones.table("uci130_ra.fact_person").count() == 1
    recorded = {(row["model"], row["model_version"], row["saw"], row["request"])
                for row in zones.table("synthetic_omop_ra.withdrawal").collect()}  # fmt: skip
    assert recorded == {
        ("readmission", 1, "yes", "ticket-1.txt"), ("readmission", 2, "no", "ticket-1.txt"),
        ("readmission", 3, "unknown", "ticket-1.txt"),
    }  # fmt: skip
    assert "model readmission version 1 was trained on data of a withdrawn person: yes" in told
    assert "version 2 was" not in told
    assert set(HOLDING) <= {line.partition(": looked through")[0].split()[-1] for line in told.splitlines()}
    assert not re.search(r"\brows?\b.*\bremoved|fewer than", told), "two persons at most: no count, and no zero either"
    assert "readmission.gate" in told.splitlines()[-2]
    # The tombstone as another program computes it, and no key of a person in any history.
    marks = {row["person_digest"] for row in zones.table("synthetic_omop_ra.withdrawn").collect()}
    assert marks == {hashlib.sha256(f"withdrawn|synthetic_omop|{key}".encode()).hexdigest() for key in GONE}
    (last,) = zones.sql("DESCRIBE HISTORY synthetic_omop.person LIMIT 1").collect()
    assert "_key" in json.dumps(last["operationParameters"])
    assert not any(f"'{key}'" in json.dumps(last["operationParameters"]) for key in GONE)

    # Again: nothing more to take, and no table gets a new version.
    versions = {table: task.tables.version(table) for table in HOLDING}
    _withdraw(task)
    assert {table: task.tables.version(table) for table in HOLDING} == versions
    assert zones.table("synthetic_omop_ra.withdrawn").count() == 2
    assert zones.table("synthetic_omop_ra.withdrawal").count() == 3, "a task that is tried again says the same once"

    # A new delivery has them still: featurization leaves them out.
    deliver(zones, curated)
    facts(make_task)
    for table in ("synthetic_omop_ra.fact_encounter_index", "synthetic_omop_ra.fact_person"):
        assert persons(zones, table) == everyone[table] - GONE


@pytest.mark.spark
@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("", "", "request = '' is not valid; valid: a file in /Volumes/cdh_test/ml/landing/withdrawals"),
        ("../../keys", "", "is not valid; valid: a file in"),
        ("absent.txt", "", "withdrawals/absent.txt cannot be read"),
        ("nobody.txt", "# nobody\n\n", "nobody.txt names nobody; valid: one person's key a line"),
    ],
)
def test_a_request_that_is_none_is_refused_before_anything_is_touched(make_task, tmp_path, name, text, says):
    if text:
        request(tmp_path, text, name)
    task = make_task(featurization, request=name)
    with pytest.raises(TaskError, match=says):
        _withdraw(task)
    assert "tables" not in vars(task)


@pytest.mark.spark
@pytest.mark.clause("P4")
def test_of_a_source_that_names_persons_by_text_a_request_names_them_by_it_or_by_the_number_made_of_it(make_task):
    def bits(text: str) -> int:
        return int(hashlib.sha256(text.encode()).hexdigest()[:16], 16) & (2**63 - 1)

    made = named_in(make_task(featurization), abfm, ["A12", "A13", "77"], "request.txt")
    found = {row["key"] for row in made.collect()}
    assert found >= {str(bits("A12")), str(bits("A13")), "77"}
    assert all(row["key"] for row in made.collect())


@pytest.mark.spark
def test_a_line_that_can_be_nobodys_is_refused_and_not_quoted(make_task, tmp_path):
    request(tmp_path, "3\nJane Roe\n", "typed.txt")
    task = make_task(featurization, request="typed.txt")
    with pytest.raises(TaskError, match="has a line that is not valid; valid: a whole number") as refused:
        _withdraw(task)
    assert "Roe" not in str(refused.value)
    assert not task.tables.exists("synthetic_omop_ra.withdrawn")


@pytest.mark.spark
def test_the_first_line_of_a_file_with_a_byte_order_mark_is_a_key_like_others(zones, make_task, tmp_path):
    request(tmp_path, "\ufeff3\r\n7\r\n", "marked.txt")
    _withdraw(make_task(featurization, request="marked.txt"))
    marks = {row["person_digest"] for row in zones.table("synthetic_omop_ra.withdrawn").collect()}
    assert marks == {hashlib.sha256(f"withdrawn|synthetic_omop|{key}".encode()).hexdigest() for key in (3, 7)}


def test_the_keys_of_a_request_are_read_once_each():
    assert parsed("# why\n3\n\n 7 \n3\n") == ("3", "7")


@pytest.mark.parametrize(
    ("source", "table", "columns", "expression"),
    [
        (uci130, "uci130.encounter", ["patient_nbr", "encounter_id"], "patient_nbr"),
        (uci130, "uci130_ra.fact_person", ["person_id"], "person_id"),
        (synthetic_omop, "synthetic_omop.observation_period", ["person_id"], "person_id"),
        (synthetic_omop, "readmission.gate", ["gate"], None),
        (synthetic_omop, "readmission.predictions", ["visit_occurrence_id"], None),
    ],
)
def test_the_person_of_a_row_is_found_by_what_the_source_declares_or_by_omops_name(source, table, columns, expression):
    assert person_sql(source, table, columns) == expression


@pytest.mark.spark
def test_a_tombstone_keeps_out_its_person_whether_the_key_is_text_or_a_number(spark):
    digest = hashlib.sha256(b"withdrawn|synthetic_omop|7").hexdigest()
    tombstones = spark.createDataFrame([(digest,)], "person_digest string")
    for kind in ("long", "string"):
        given = spark.range(6, 9).selectExpr(f"cast(id AS {kind}) AS person_id", "'x' AS note")
        found = kept(given, tombstones, synthetic_omop, "synthetic_omop.person", {})
        assert found.columns == ["person_id", "note"]
        assert sorted(int(row["person_id"]) for row in found.collect()) == [6, 8]


@pytest.mark.spark
def test_a_row_whose_person_is_empty_goes_by_its_encounter(spark):
    digest = hashlib.sha256(b"withdrawn|synthetic_notes|7").hexdigest()
    tombstones = spark.createDataFrame([(digest,)], "person_digest string")
    visits = spark.createDataFrame([(5, 7), (6, 8)], "visit_occurrence_id long, person_id long")
    rows = [("theirs", 7, 5), ("theirs, unnamed", None, 5), ("another's", 8, 6), ("another's, unnamed", None, 6),
            ("may be theirs", None, 99), ("of nobody at all", None, None)]  # fmt: skip
    given = spark.createDataFrame(rows, "note_text string, person_id long, visit_occurrence_id long")
    for table in ("synthetic_notes.note", "synthetic_notes_ra.rejected_note"):
        found = kept(given, tombstones, synthetic_notes, table, {"visit_occurrence": visits})
        assert found.columns == given.columns
        assert sorted(row["note_text"] for row in found.collect()) == [
            "another's", "another's, unnamed", "of nobody at all"
        ]  # fmt: skip


@pytest.mark.spark
def test_rows_at_fault_that_name_no_person_are_kept_apart_without_those_of_the_encounters_of_who_withdrew(
    zones, make_task
):
    given = rows()
    for row in given["condition_occurrence"][:12]:
        row["person_id"] = None
    deliver(zones, {table: frame(zones, table, some) for table, some in given.items()})
    task = make_task(featurization)
    tombstone(task, synthetic_omop, zones.createDataFrame([("3",), ("7",)], "key string"))
    with pytest.raises(TaskError, match="person_id is empty"):
        _check(task)
    found = zones.table("synthetic_omop_ra.rejected_condition_occurrence").select("visit_occurrence_id").collect()
    assert {int(row[0]) - 100 for row in found} == set(range(1, 13)) - {3, 7}


def test_a_table_without_persons_is_left_as_it_is():
    class Frame:
        columns = ("concept_code",)

    one = Frame()
    assert kept(one, None, synthetic_omop, "synthetic_omop.codes", {}) is one  # type: ignore[arg-type]
