"""A job that runs without end has one task, which does what the tasks of any other featurization do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from history_world import CONDITIONS, DECLARED, NAME, content
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.io.context import Task
from jobs.tasks.featurize import _featurize
from workflows.declare import Continuous, replace

pytestmark = [pytest.mark.spark, pytest.mark.clause("O3")]
ALWAYS = replace(DECLARED, updates=Continuous())
PARAMETERS = {
    "tables": "fact_person,fact_encounter_index", "person_sample": "1.0", "outcomes_through": "1.0", "rebuild": "false",
}  # fmt: skip


def test_one_task_checks_makes_every_table_applies_changes_and_writes_its_lineage_once(
    recorded: SparkSession, make_task: Callable[..., Task]
):
    first = make_task(ALWAYS, **PARAMETERS)
    _featurize(first)
    first.tables.flush()
    made = {row["object"] for row in recorded.table("ml.lineage").collect()}
    assert {NAME, "synthetic_omop_ra.fact_encounter_index", "synthetic_omop_ra.quality"} <= made
    before = content(recorded)
    recorded.sql(f"UPDATE {CONDITIONS} SET condition_source_value = 'I11.0' WHERE condition_occurrence_id = '501'")
    _featurize(make_task(ALWAYS, **PARAMETERS))
    changed = content(recorded) - before
    assert {(person, code) for person, _, code, *_ in changed} == {(1, "I50.9"), (1, "I11.0")}

    # What breaks its contract stops the task before anything is made of it.
    stands = content(recorded)
    recorded.sql(f"UPDATE {CONDITIONS} SET person_id = NULL WHERE condition_occurrence_id = '502'")
    with pytest.raises(TaskError, match="breaks its contract"):
        _featurize(make_task(ALWAYS, **PARAMETERS))
    assert content(recorded) == stands
