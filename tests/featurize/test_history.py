"""What was known when is kept: corrections close and open facts, by batch and by stream, and what ends a history."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace as changed
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from curated import PERSONS, deliver, frame, rows
from history_world import CONDITIONS, DECLARED, NAME, commits, content, expected, moments
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.io.context import Task
from jobs.tasks import history
from workflows.declare import Continuous, replace
from workflows.sources.synthetic_omop import synthetic_omop

pytestmark = [pytest.mark.spark, pytest.mark.clause("O3", "C4")]


def back_to_base(spark: SparkSession, task: Task) -> dict[str, Any]:
    """The table and what it says of itself as they were when it was made; what it says."""
    first = spark.sql(f"DESCRIBE HISTORY {NAME}").orderBy("version").first()
    said: dict[str, Any] = json.loads(first["userMetadata"])
    task.tables.replace(
        NAME, task.tables.read(NAME, 0), said["inputs"], {key: said[key] for key in ("made_by", "base", "began")}
    )
    return said


@pytest.mark.slow
def test_one_batch_many_batches_and_ranges_that_are_read_again_make_the_same_history(
    recorded: SparkSession, facts: Callable[..., Task]
):
    facts()
    states = commits(recorded)
    task = facts()
    wanted = expected(states, moments(recorded))
    assert content(recorded) == wanted, "one batch"
    last = len(states) - 1
    said = task.tables.commits.noted(NAME, "made_by")
    assert said["inputs"] == {CONDITIONS: last}

    def apply(first: int, through: int) -> None:
        feeds = {"condition_occurrence": task.tables.changes(CONDITIONS, first, through)}
        history.applied_to(task.tables, synthetic_omop, NAME, feeds, {CONDITIONS: through}, said, 1.0)

    # Backfill: a range that is there is read again, in whole and in parts.
    for first, through in ((1, last), (2, 4)):
        apply(first, through)
        assert content(recorded) == wanted, (first, through)
    back_to_base(recorded, task)
    # The first only inserts, so that nothing that is there is looked at to be closed: it is applied twice.
    for version in (1, *range(1, last + 1)):
        apply(version, version)
    assert content(recorded) == wanted, "commit by commit"
    back_to_base(recorded, task)
    apply(1, 5)
    apply(2, last)
    assert content(recorded) == wanted, "ranges that overlap"
    facts(rebuild="true")
    now = {(*one[:3], one[4]) for one in content(recorded)}
    assert now == {(*one[:3], one[4]) for one in wanted if one[4] is None}, "open rows are what a rebuild makes"


@pytest.mark.slow
def test_a_stream_makes_the_same_history_also_where_its_last_batch_is_done_again(
    recorded: SparkSession, facts: Callable[..., Task], tmp_path: Path
):
    task = facts()
    states = commits(recorded)
    wanted = expected(states, moments(recorded))
    streaming = facts(replace(DECLARED, updates=Continuous()))
    assert content(recorded) == wanted, "a stream"
    streaming.tables.flush()
    noted = recorded.table("ml.lineage").where(f"object = '{NAME}'").orderBy("version").collect()[-1]
    assert noted["version"] == streaming.tables.version(NAME)
    before = task.tables.version(NAME)
    facts(replace(DECLARED, updates=Continuous()))
    assert task.tables.version(NAME) == before, "nothing new, nothing written"

    # As if the process had ended after the MERGE and before the stream noted that its batch is done.
    done = sorted((tmp_path / "volumes/cdh_test/ml/checkpoints").rglob("commits/[0-9]*"))
    assert done
    for file in (done[-1], done[-1].with_name(f".{done[-1].name}.crc")):
        file.unlink(missing_ok=True)
    recorded.sql(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id = '520'")
    states.append({key: value for key, value in states[-1].items() if key != 520})
    facts(replace(DECLARED, updates=Continuous()))
    wanted = expected(states, moments(recorded))
    assert content(recorded) == wanted, "a batch that is done again"


# What changes in the table, and what the task says; without words it goes on.
SCHEMAS = [
    ({"site": "'here'"}, None),
    ({"condition_source_value": "cast(1.5 AS double)"}, r"condition_source_value was string and is double"),
    ({"visit_occurrence_id": None}, r"column visit_occurrence_id was string and is gone"),
    ({}, r"the schema of synthetic_omop.condition_occurrence changed and changed back"),
]


def test_a_column_that_is_new_is_passed_by_and_one_that_goes_or_changes_type_ends_the_history(
    recorded: SparkSession, facts: Callable[..., Task]
):
    task, version = facts(), 0
    names = recorded.table(CONDITIONS).columns
    for change, says in SCHEMAS:
        good = frame(recorded, "condition_occurrence", rows()["condition_occurrence"])
        columns = [
            f"{change.get(name, name)} AS {name}"
            for name in {**dict.fromkeys(names), **change}
            if change.get(name, name)
        ]
        deliver(recorded, {"condition_occurrence": good.selectExpr(*columns)})
        if says is None:
            facts()
            assert len(content(recorded)) == PERSONS, "the same rows with a column more say nothing new"
            version = task.tables.version(NAME) or 0
            continue
        with pytest.raises(TaskError, match=says) as caught:
            facts()
        assert CONDITIONS in str(caught.value)
        assert "rebuild=true" in str(caught.value)
        assert task.tables.version(NAME) == version, "the previous version is intact"


def test_a_column_that_is_new_ends_the_history_where_the_contract_refuses_it(
    recorded: SparkSession, facts: Callable[..., Task]
):
    strict = changed(
        synthetic_omop,
        contracts=tuple(
            changed(one, new_columns="refuse") if one.table == "condition_occurrence" else one
            for one in synthetic_omop.contracts
        ),
    )
    task = facts()
    inputs = task.tables.inputs(CONDITIONS)
    version = task.tables.replace(NAME, task.tables.read(NAME, 0), inputs, history.note(strict, 1.0, inputs))
    good = frame(recorded, "condition_occurrence", rows()["condition_occurrence"])
    deliver(recorded, {"condition_occurrence": good.selectExpr("*", "'here' AS site")})
    with pytest.raises(TaskError, match=r"condition_occurrence: column site is new, string; .*rebuild=true"):
        history.brought_up(task, strict, 1.0)
    assert task.tables.version(NAME) == version, "the previous version is intact"


def test_what_has_no_history_is_refused_in_words_and_changes_nothing(
    recorded: SparkSession, facts: Callable[..., Task]
):
    task = facts()
    with pytest.raises(TaskError, match=r"made by another mapping or from another sample.*rebuild=true"):
        history.brought_up(task, synthetic_omop, 0.5)
    twice = rows()["condition_occurrence"]
    twice[1]["condition_occurrence_id"] = twice[0]["condition_occurrence_id"]
    deliver(recorded, {"condition_occurrence": frame(recorded, "condition_occurrence", twice)})
    with pytest.raises(TaskError, match=r"condition_occurrence: a key is repeated in one version"):
        facts()
    recorded.sql(f"ALTER TABLE {CONDITIONS} SET TBLPROPERTIES (delta.enableChangeDataFeed = false)")
    recorded.sql(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id = '510'")
    with pytest.raises(TaskError, match=r"condition_occurrence did not record changes"):
        facts()
    recorded.sql(f"DROP TABLE {CONDITIONS}")
    deliver(recorded, {"condition_occurrence": frame(recorded, "condition_occurrence", rows()["condition_occurrence"])})
    assert task.tables.version(NAME) == 0
    facts(rebuild="true")
    assert len(content(recorded)) == PERSONS


INSERTED = f"INSERT INTO {CONDITIONS} (condition_occurrence_id, person_id, condition_start_datetime, visit_occurrence_id, condition_source_value) VALUES"  # fmt: skip


def test_a_key_that_is_there_twice_between_two_commits_is_refused(recorded: SparkSession, facts: Callable[..., Task]):
    """The new row comes before the old one goes: which of them a later commit means is not known."""
    task = facts()
    recorded.sql(f"{INSERTED} ('501', '1', '2021-03-01 08:00:00', '101', 'E11.9')")
    recorded.sql(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id = '501' AND condition_source_value = 'I50.9'")
    with pytest.raises(TaskError, match=r"condition_occurrence: a key is repeated in one version"):
        facts()
    assert task.tables.version(NAME) == 0, "the previous version is intact"


def test_a_row_of_nobody_that_is_corrected_later_is_a_fact_from_then_on(
    recorded: SparkSession, facts: Callable[..., Task]
):
    task = facts()
    recorded.sql(f"{INSERTED} ('900', NULL, '2021-03-01 08:00:00', '101', 'E11.9')")
    recorded.sql(f"UPDATE {CONDITIONS} SET person_id = '1' WHERE condition_occurrence_id = '900'")
    facts()
    found = task.tables.read(NAME).where("concept_code = 'E11.9'").select("person_id", "known_to").collect()
    assert [tuple(row) for row in found] == [(1, None)]
    assert task.tables.read(NAME).where("person_id IS NULL").isEmpty()


def test_a_table_that_was_made_again_and_has_as_many_versions_is_refused(
    recorded: SparkSession, facts: Callable[..., Task]
):
    task = facts()
    recorded.sql(f"DROP TABLE {CONDITIONS}")
    deliver(recorded, {"condition_occurrence": frame(recorded, "condition_occurrence", rows()["condition_occurrence"])})
    again = r"condition_occurrence was made again and has another version 0.*rebuild=true"
    with pytest.raises(TaskError, match=again):
        facts()
    recorded.sql(f"{INSERTED} ('601', '1', '2021-03-01 08:00:00', '101', 'E11.9')")
    with pytest.raises(TaskError, match=again):
        facts()
    assert task.tables.version(NAME) == 0, "the previous version is intact"


@pytest.mark.clause("P4")
def test_the_lineage_of_changes_whose_task_died_before_it_wrote_it_is_written_by_the_next_run(
    recorded: SparkSession, facts: Callable[..., Task]
):
    facts().tables.flush()
    recorded.sql(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id = '510'")
    facts()  # and dies
    for _ in range(2):
        facts().tables.flush()
        told = recorded.table("ml.lineage").where(f"object = '{NAME}'").orderBy("version").collect()
        assert [(row["version"], json.loads(row["inputs"])) for row in told] == [
            (0, {CONDITIONS: 0}),
            (1, {CONDITIONS: 1}),
        ]


def test_a_table_is_read_as_it_was_at_a_version_and_at_a_moment(recorded: SparkSession, facts: Callable[..., Task]):
    task = facts()
    recorded.sql(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id = '510'")
    facts()
    told = recorded.sql(f"DESCRIBE HISTORY {NAME}").orderBy("version").collect()
    first, second = (row["timestamp"] for row in told)
    as_utc = [moment.replace(tzinfo=UTC) for moment in (first, second)]
    said = [json.loads(row["userMetadata"]) for row in told]
    assert [one["inputs"] for one in said] == [{CONDITIONS: 0}, {CONDITIONS: 1}]
    assert {one["contract_hash"] for one in said} == {hashlib.sha256(repr((synthetic_omop,)).encode()).hexdigest()}
    assert task.tables.read(NAME, 0).where("known_to IS NOT NULL").count() == 0
    assert task.tables.read(NAME, at=as_utc[0]).where("known_to IS NOT NULL").count() == 0
    assert task.tables.read(NAME, at=as_utc[1]).where("known_to IS NOT NULL").count() == 1
