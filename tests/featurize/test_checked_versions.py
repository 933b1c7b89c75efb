"""Facts are made of just the versions that `check` found to keep their contracts, whatever is delivered meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from curated import deliver, frame, rows
from history_world import CONDITIONS, DECLARED, NAME, content
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.io import streams
from jobs.io.context import Task
from jobs.tasks.check import _check
from jobs.tasks.facts import _facts
from jobs.tasks.featurize import _featurize
from workflows.declare import Continuous, replace
from workflows.featurizations.synthetic_omop import synthetic_omop

pytestmark = pytest.mark.spark
INDEX, STAYS = "synthetic_omop_ra.fact_encounter_index", "visit_occurrence"
SHARES = {"person_sample": "1.0", "outcomes_through": "1.0"}
AGAIN = "run the featurize job of synthetic_omop again, from its task `check` on"


def restate(spark: SparkSession, condition: int) -> None:
    spark.sql(
        f"UPDATE {CONDITIONS} SET condition_source_value = 'I11.0' WHERE condition_occurrence_id = '{condition}'"
    ).collect()


def test_what_is_delivered_after_the_check_is_refused_until_it_is_checked_as_well(
    zones: SparkSession, make_task: Callable[..., Task]
):
    given = rows()
    deliver(zones, {table: frame(zones, table, given[table]) for table in given})
    _check(make_task(synthetic_omop))
    ends = [row | {"visit_end_datetime": "1999-01-01 00:00:00"} for row in given[STAYS]]
    deliver(zones, {STAYS: frame(zones, STAYS, ends)})
    with pytest.raises(TaskError) as failure:
        _facts(make_task(synthetic_omop, table="fact_encounter_index", **SHARES))
    stays = f"synthetic_omop.{STAYS} is at version 1, and {{}} of it is what was found to keep its contract: {AGAIN}"
    assert str(failure.value) == stays.format("version 0")

    with pytest.raises(TaskError, match="breaks its contract"):
        _check(make_task(synthetic_omop))
    with pytest.raises(TaskError) as failure:
        _facts(make_task(synthetic_omop, table="fact_encounter_index", **SHARES))
    assert str(failure.value) == stays.format("no version")
    assert not zones.catalog.tableExists(INDEX)

    deliver(zones, {STAYS: frame(zones, STAYS, given[STAYS])})
    _check(make_task(synthetic_omop))
    _facts(make_task(synthetic_omop, table="fact_encounter_index", **SHARES))
    assert zones.table(INDEX).count() == len(given[STAYS])


def test_changes_of_a_history_are_not_applied_before_they_are_checked(
    recorded: SparkSession, make_task: Callable[..., Task], facts: Callable[..., Task]
):
    _check(make_task(DECLARED))
    facts()
    before = content(recorded)
    restate(recorded, 501)
    with pytest.raises(TaskError, match=f"{CONDITIONS} is at version 1, and version 0 of it is what was found"):
        facts()
    assert content(recorded) == before
    _check(make_task(DECLARED))
    facts()
    assert {code for _, _, code, *_ in content(recorded) - before} == {"I11.0", "I50.9"}


def test_a_stream_applies_no_commit_that_came_after_the_check_and_goes_on_once_it_is_checked(
    recorded: SparkSession, make_task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
):
    always = replace(DECLARED, updates=Continuous())
    run = {"tables": "fact_person", "rebuild": "false", **SHARES}
    _featurize(make_task(always, **run))
    before = content(recorded)
    restate(recorded, 501)
    follow = streams.follow

    def late(*args: Any) -> None:
        restate(recorded, 502)
        follow(*args)

    with monkeypatch.context() as patch:
        patch.setattr(streams, "follow", late)
        with pytest.raises(TaskError) as failure:
            _featurize(make_task(always, **run))
    says = f"{CONDITIONS} has commits after the version that was checked, version 1; {NAME} has none of them: {AGAIN}"
    assert str(failure.value) == says
    assert content(recorded) == before
    _featurize(make_task(always, **run))
    changed = {person for person, _, code, *_ in content(recorded) - before if code == "I11.0"}
    assert changed == {1, 2}
