"""A version that breaks its contract gives way: to what kept it, whoever died meanwhile, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from curated import PERSONS, deliver, frame, rows
from history_world import CONDITIONS, DECLARED, NAME, content
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.featurize.withdrawal import TOMBSTONES, key_sql
from jobs.io.context import Task
from jobs.tasks import facts as facts_task
from jobs.tasks.withdraw import tombstone
from workflows.declare import Continuous, replace
from workflows.sources.synthetic_omop import synthetic_omop

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.clause("O3", "F7")]
INSERTED = f"INSERT INTO {CONDITIONS} (condition_occurrence_id, person_id, condition_start_datetime, visit_occurrence_id, condition_source_value) VALUES"  # fmt: skip
GOOD_AND_BAD = f"{INSERTED} ('601', '1', '2021-03-01 08:00:00', '101', 'E11.9'), ('900', NULL, '2021-03-01 08:00:00', '101', 'E11.9')"  # fmt: skip


class EndedError(Exception):
    """The process ends here."""


def died(*_args: Any, **_more: Any) -> None:
    raise EndedError


@pytest.mark.nightly
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


def test_a_version_whose_task_died_before_it_was_held_is_held_by_the_next(
    recorded: SparkSession, facts: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
):
    facts()
    before = content(recorded)
    recorded.sql(GOOD_AND_BAD)
    with monkeypatch.context() as patch:
        patch.setattr(facts_task, "hold", died)
        with pytest.raises(EndedError):
            facts()
    assert len(content(recorded)) == PERSONS + 2
    with pytest.raises(TaskError, match=r"breaks its contract: .*version 0 is in its place again, as version 2"):
        facts()
    assert content(recorded) == before


def test_what_is_put_back_is_what_kept_its_contract_without_those_who_withdrew_since(
    recorded: SparkSession, facts: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
):
    anew = replace(DECLARED, history=False)
    task = facts(anew)
    before = content(recorded)
    recorded.sql(GOOD_AND_BAD)
    with monkeypatch.context() as patch:
        patch.setattr(facts_task, "hold", died)
        with pytest.raises(EndedError):
            facts(anew)
    person = recorded.createDataFrame([("7",)], "key string")
    tombstone(task, synthetic_omop, person)
    assert task.tables.exists(f"synthetic_omop_ra.{TOMBSTONES}")
    task.tables.remove(NAME, person, key_sql("person_id"))
    with pytest.raises(TaskError, match=r"version 0 is in its place again"):
        facts(anew)
    assert content(recorded) == {one for one in before if one[0] != 7}


def test_a_first_version_that_broke_its_contract_is_made_anew_and_not_gone_on_from(
    recorded: SparkSession, facts: Callable[..., Task]
):
    given = rows()["condition_occurrence"]
    deliver(
        recorded,
        {
            "condition_occurrence": frame(
                recorded, "condition_occurrence", [{**given[0], "person_id": None}, *given[1:]]
            )
        },
    )
    with pytest.raises(TaskError, match=r"it is empty now, as version 1"):
        facts()
    recorded.sql(f"UPDATE {CONDITIONS} SET person_id = '1' WHERE person_id IS NULL")
    facts()
    assert {person for person, *_ in content(recorded)} == set(range(1, PERSONS + 1))


@pytest.mark.nightly
def test_a_history_that_begins_with_a_version_that_broke_the_contract_loses_nothing_that_came_with_it(
    recorded: SparkSession, facts: Callable[..., Task]
):
    facts(replace(DECLARED, history=False))
    recorded.sql(GOOD_AND_BAD)
    for back in (2, 4):
        with pytest.raises(TaskError, match=rf"version 0 is in its place again, as version {back}"):
            facts()
        assert len(content(recorded)) == PERSONS
    recorded.sql(f"UPDATE {CONDITIONS} SET person_id = '3' WHERE condition_occurrence_id = '900'")
    facts()
    assert {one[:3] for one in content(recorded)} >= {(1, "2021-03-01", "E11.9"), (3, "2021-03-01", "E11.9")}
    assert len(content(recorded)) == recorded.table(CONDITIONS).count() == PERSONS + 2


def test_a_table_that_somebody_restored_or_wrote_to_is_not_gone_on_from(
    recorded: SparkSession, facts: Callable[..., Task]
):
    task = facts()
    left = r"not as its history left it: version \d+, {}; .*rebuild=true"
    recorded.sql(f"UPDATE {CONDITIONS} SET condition_source_value = 'I11.0' WHERE condition_occurrence_id = '501'")
    facts()
    # What changes no row, and the removal of who withdrew, which is the platform's own.
    recorded.sql(f"OPTIMIZE {NAME}").collect()
    recorded.sql(f"ALTER TABLE {NAME} SET TBLPROPERTIES (delta.enableChangeDataFeed = true)")
    task.tables.remove(NAME, recorded.createDataFrame([("9",)], "key string"), key_sql("person_id"))
    facts()
    recorded.sql(f"RESTORE TABLE {NAME} TO VERSION AS OF 0").collect()
    with pytest.raises(TaskError, match=left.format("RESTORE")):
        facts()
    facts(rebuild="true")
    assert len(content(recorded)) == PERSONS
    recorded.sql(f"DELETE FROM {NAME} WHERE person_id = 3")
    with pytest.raises(TaskError, match=left.format("DELETE")):
        facts()
    facts(replace(DECLARED, history=False))
    with pytest.raises(TaskError, match=left.format(".*")):
        facts()
