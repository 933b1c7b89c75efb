"""Who withdraws while facts are brought up is not in them: neither then nor once a later run has looked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from history_world import CONDITIONS, DECLARED, NAME
from pyspark.sql import SparkSession

from jobs.featurize.withdrawal import TOMBSTONES, key_sql
from jobs.io.context import Task
from jobs.io.tables import Tables
from jobs.tasks import history
from jobs.tasks.withdraw import tombstone
from workflows.sources.synthetic_omop import synthetic_omop

pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.clause("P4", "O3")]
INSERTED = f"INSERT INTO {CONDITIONS} (condition_occurrence_id, person_id, condition_start_datetime, visit_occurrence_id, condition_source_value) VALUES"  # fmt: skip
WITHDRAWN = f"synthetic_omop_ra.{TOMBSTONES}"


class EndedError(Exception):
    """The process ends here."""


def withdrawn(spark: SparkSession, task: Task, key: str) -> None:
    """What the job `withdraw` does, in a job of its own."""
    person = spark.createDataFrame([(key,)], "key string")
    tombstone(task, synthetic_omop, person)
    for table in (NAME, CONDITIONS):
        task.tables.remove(table, person, key_sql("person_id"))


def facts_of(spark: SparkSession, person: int) -> int:
    return spark.table(NAME).where(f"person_id = {person}").count()


@pytest.mark.parametrize(
    ("write", "first"), [("amend", True), pytest.param("amend", False, marks=pytest.mark.nightly), ("align", True)]
)
def test_who_withdraws_during_a_commit_of_facts_is_taken_out_after_it(
    recorded: SparkSession,
    facts: Callable[..., Task],
    make_task: Callable[..., Task],
    monkeypatch: pytest.MonkeyPatch,
    write: str,
    first: bool,
):
    facts()
    other = make_task(DECLARED, table="fact_person", person_sample="1.0")
    if not first:
        withdrawn(recorded, other, "9")
    recorded.sql(f"{INSERTED} ('601', '7', '2021-03-01 08:00:00', '107', 'E11.9')")
    if write == "align":
        # As where a joined table says something else.
        monkeypatch.setattr(history, "otherwise", lambda *given: ["condition_occurrence"] if given[2] else [])
    real = getattr(Tables, write)

    def meanwhile(self: Tables, *given: Any, **more: Any) -> int:
        withdrawn(recorded, other, "7")
        assert facts_of(recorded, 7) == 0
        return int(real(self, *given, **more))

    with monkeypatch.context() as patch:
        patch.setattr(Tables, write, meanwhile)
        task = facts()
    assert facts_of(recorded, 7) == 0
    facts()
    assert facts_of(recorded, 7) == 0
    recorded.sql(f"{INSERTED} ('602', '2', '2021-03-01 08:00:00', '102', 'E11.9')")
    facts()
    said = task.tables.commits.noted(NAME, "made_by")["inputs"]
    assert said[WITHDRAWN] == task.tables.version(WITHDRAWN), "not looked through again"


def test_a_run_takes_out_who_withdrew_during_one_that_ended_before_it_could(
    recorded: SparkSession, facts: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
):
    task = facts()
    recorded.sql(f"{INSERTED} ('601', '1', '2021-03-01 08:00:00', '101', 'E11.9')")
    real = Tables.amend

    def ended(self: Tables, *given: Any, **more: Any) -> int:
        tombstone(task, synthetic_omop, recorded.createDataFrame([("7",)], "key string"))
        real(self, *given, **more)
        raise EndedError

    with monkeypatch.context() as patch:
        patch.setattr(Tables, "amend", ended)
        with pytest.raises(EndedError):
            facts()
    assert facts_of(recorded, 7) == 1
    facts()
    assert facts_of(recorded, 7) == 0
    assert facts_of(recorded, 1) == 2
