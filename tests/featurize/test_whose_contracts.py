"""Rows that are put back, and rows that stay when somebody withdraws, tell of the contracts and inputs they came by."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from curated import deliver, frame, rows
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.featurize.withdrawal import key_sql
from jobs.io import frames
from jobs.io.context import Task
from jobs.model.names import Names
from jobs.tasks.facts import _facts
from jobs.tasks.withdraw import tombstone
from workflows.featurizations.synthetic_omop import synthetic_omop
from workflows.models.readmission import readmission
from workflows.sources import named

pytestmark = [pytest.mark.spark, pytest.mark.clause("P4", "V3")]
INDEX = "synthetic_omop_ra.fact_encounter_index"
OLD, NEW = "a" * 64, "b" * 64


@pytest.fixture
def released(make_task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Task]:
    """A task of the facts in a release with such contracts."""

    def of(contracts: str) -> Task:
        monkeypatch.setattr("jobs.io.context.contract_hash", lambda _: contracts)
        return make_task(synthetic_omop, table="fact_encounter_index", person_sample="1.0", outcomes_through="1.0")

    return of


@pytest.fixture
def made(zones: SparkSession, released: Callable[[str], Task]) -> Callable[[str], Task]:
    """Facts of the small delivery by the old contracts; the release that follows, as a task."""
    given = rows()
    deliver(zones, {table: frame(zones, table, given[table]) for table in given})
    _facts(released(OLD))
    return released


def newest(task: Task) -> dict[str, Any]:
    """What the newest commit of the facts says of itself."""
    row, _ = task.tables.commits.newest(INDEX)
    said: dict[str, Any] = json.loads(row["userMetadata"])
    return said


def test_a_version_that_gives_way_leaves_one_that_was_made_of_what_the_former_was_by_its_contracts(
    zones: SparkSession, made: Callable[[str], Task]
):
    stays = rows()["visit_occurrence"]
    deliver(zones, {"visit_occurrence": frame(zones, "visit_occurrence", [*stays, stays[0]])})
    task = made(NEW)
    with pytest.raises(TaskError, match="version 0 is in its place again, as version 2"):
        _facts(task)
    assert (newest(task)["contract_hash"], newest(task)["inputs"]["synthetic_omop.visit_occurrence"]) == (OLD, 0)
    task.tables.flush()
    row = zones.table("ml.lineage").where(f"object = '{INDEX}' AND version = 2").first()
    assert json.loads(row["inputs"])["synthetic_omop.visit_occurrence"] == 0
    # What gave way is no mapping that was tried on these inputs: the next run makes them anew.
    deliver(zones, {"visit_occurrence": frame(zones, "visit_occurrence", stays)})
    _facts(task := made(NEW))
    assert (newest(task)["contract_hash"], newest(task)["inputs"]["synthetic_omop.visit_occurrence"]) == (NEW, 2)


def test_who_withdraws_changes_nothing_of_the_contracts_by_which_the_others_rows_were_made(
    zones: SparkSession, made: Callable[[str], Task]
):
    task, names = made(NEW), Names.of(readmission)
    before = frames.contracts(task, names, {INDEX: 0})
    person = zones.createDataFrame([("9",)], "key string")
    tombstone(task, named("synthetic_omop"), person.selectExpr(f"{key_sql('key')} AS key"))
    assert frames.contracts(task, names, {INDEX: 0, "synthetic_omop_ra.withdrawn": 0}) == before
    task.tables.remove(INDEX, person, key_sql("person_id"))
    assert newest(task)["contract_hash"] == OLD
    assert frames.contracts(task, names, {INDEX: 1}) == before
    _facts(task := made(NEW))
    assert newest(task)["contract_hash"] == NEW
    assert frames.contracts(task, names, {INDEX: task.tables.version(INDEX)}) != before
