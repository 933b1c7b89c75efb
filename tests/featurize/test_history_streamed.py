"""A history by a stream: where it begins, and what its task says where it cannot go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from history_world import CONDITIONS, DECLARED, NAME
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.io.context import Task
from workflows.declare import Continuous, Declaration, replace

pytestmark = [pytest.mark.spark, pytest.mark.clause("O3", "C4")]
ALWAYS = replace(DECLARED, updates=Continuous())
COLUMNS = "condition_occurrence_id, person_id, condition_start_datetime, visit_occurrence_id, condition_source_value"


def insert(spark: SparkSession, *rows: str) -> None:
    """Rows of person 1, each `key code`, in one commit."""
    values = ", ".join("('{}', '1', '2021-03-01 08:00:00', '101', '{}')".format(*row.split()) for row in rows)
    spark.sql(f"INSERT INTO {CONDITIONS} ({COLUMNS}) VALUES {values}")


@pytest.fixture
def vacuumed(recorded: SparkSession) -> Iterator[Callable[[], None]]:
    """Remove the change files that are there, as the platform does after the retention."""
    setting = "spark.databricks.delta.retentionDurationCheck.enabled"

    def remove() -> None:
        recorded.sql(f"VACUUM {CONDITIONS} RETAIN 0 HOURS")

    recorded.conf.set(setting, "false")
    yield remove
    recorded.conf.unset(setting)


def open_codes(spark: SparkSession) -> dict[str, int]:
    found = spark.table(NAME).where("person_id = 1 AND known_to IS NULL").groupBy("concept_code").count().collect()
    return {row["concept_code"]: row["count"] for row in found}


def test_a_stream_after_batches_begins_where_they_ended_also_when_older_changes_are_gone(
    recorded: SparkSession, facts: Callable[..., Task], vacuumed: Callable[[], None], tmp_path: Path
):
    facts()
    insert(recorded, "601 E11.9")
    recorded.sql(f"UPDATE {CONDITIONS} SET condition_source_value = 'I10' WHERE condition_occurrence_id = '601'")
    facts()
    vacuumed()
    insert(recorded, "602 E11.9")
    facts(ALWAYS)
    assert open_codes(recorded) == {"I50.9": 1, "I10": 1, "E11.9": 1}

    # As if the process had ended after the MERGE and before the stream noted that its first batch is done.
    done = sorted((tmp_path / "volumes/cdh_test/ml/checkpoints").rglob("commits/*"))
    assert [file for file in done if file.name == "0"]
    for file in (*done, *(file.with_name(f".{file.name}.crc") for file in done)):
        file.unlink(missing_ok=True)
    insert(recorded, "603 E11.9")
    facts(ALWAYS)
    assert open_codes(recorded) == {"I50.9": 1, "I10": 1, "E11.9": 2}
    insert(recorded, "604 E11.9")
    facts(ALWAYS)
    assert open_codes(recorded) == {"I50.9": 1, "I10": 1, "E11.9": 3}


def refused(facts: Callable[..., Task], declared: Declaration, says: str) -> None:
    with pytest.raises(TaskError, match=says) as caught:
        facts(declared)
    told = str(caught.value)
    assert CONDITIONS in told
    assert "rebuild=true" in told
    assert "/" not in told.replace(CONDITIONS, ""), "no local path"


HOW = pytest.mark.parametrize("declared", [DECLARED, ALWAYS], ids=["batch", "stream"])


@HOW
def test_what_cannot_be_followed_is_told_in_the_same_words(
    recorded: SparkSession, facts: Callable[..., Task], declared: Declaration
):
    task = facts(declared)
    insert(recorded, "604 E11.9", "604 I10")
    refused(
        facts, declared, r"condition_occurrence: a key is repeated in one version of it \(condition_occurrence_id\)"
    )
    assert task.tables.version(NAME) == 0
    task = facts(declared, rebuild="true")
    recorded.sql(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id = '604' AND condition_source_value = 'I10'")
    refused(facts, declared, r"condition_occurrence: a row that goes .* \(condition_occurrence_id\) is repeated")
    facts(declared, rebuild="true")
    recorded.sql(f"ALTER TABLE {CONDITIONS} SET TBLPROPERTIES (delta.enableChangeDataFeed = false)")
    recorded.sql(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id = '510'")
    refused(facts, declared, r"condition_occurrence did not record changes; set delta.enableChangeDataFeed on it")


@HOW
def test_changes_whose_files_are_gone_are_told_without_a_path(
    recorded: SparkSession, facts: Callable[..., Task], vacuumed: Callable[[], None], declared: Declaration
):
    facts(declared)
    recorded.sql(f"UPDATE {CONDITIONS} SET condition_source_value = 'I10' WHERE condition_occurrence_id = '501'")
    vacuumed()
    refused(facts, declared, r"condition_occurrence has lost changes .*VACUUM")
