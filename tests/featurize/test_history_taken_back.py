"""A version that breaks its contract gives way: to what kept it, whoever died meanwhile, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from history_world import CONDITIONS, DECLARED, NAME, content
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.io.context import Task
from workflows.declare import Continuous, replace

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.clause("O3", "F7")]
INSERTED = f"INSERT INTO {CONDITIONS} (condition_occurrence_id, person_id, condition_start_datetime, visit_occurrence_id, condition_source_value) VALUES"  # fmt: skip
GOOD_AND_BAD = f"{INSERTED} ('601', '1', '2021-03-01 08:00:00', '101', 'E11.9'), ('900', NULL, '2021-03-01 08:00:00', '101', 'E11.9')"  # fmt: skip


def test_what_came_with_a_commit_that_broke_the_contract_is_there_once_that_is_corrected_by_stream_as_by_batch(
    recorded: SparkSession, facts: Callable[..., Task]
):
    streaming = replace(DECLARED, updates=Continuous())
    facts(streaming)
    recorded.sql(f"{INSERTED} ('600', '2', '2021-03-01 08:00:00', '102', 'E11.9')")
    facts(streaming)
    before = content(recorded)
    recorded.sql(GOOD_AND_BAD)
    for _ in range(2):
        with pytest.raises(TaskError, match=r"version 1 is in its place again"):
            facts(streaming)
        assert content(recorded) == before
    recorded.sql(f"UPDATE {CONDITIONS} SET person_id = '3' WHERE condition_occurrence_id = '900'")
    task = facts(streaming)
    streamed = content(recorded)
    assert {(1, "2021-03-01", "E11.9"), (3, "2021-03-01", "E11.9")} <= {one[:3] for one in streamed}
    said = task.tables.commits.noted(NAME, "made_by")
    task.tables.replace(
        NAME, task.tables.read(NAME, 1), {CONDITIONS: 1}, {"made_by": said["made_by"], "base": "b", "began": {}}
    )
    facts()
    assert content(recorded) == streamed, "a batch"
