"""Fact tables are held against contracts of their own: what breaks one never stays in the place of what kept it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from curated import deliver, frame, rows
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.io.context import Task
from jobs.tasks.facts import _facts
from workflows.contracts.facts import fact_contracts
from workflows.featurizations.synthetic_omop import synthetic_omop
from workflows.sources import named, names

pytestmark = [pytest.mark.spark, pytest.mark.clause("F5", "F7", "4")]
INDEX = "synthetic_omop_ra.fact_encounter_index"


def test_written_facts_are_checked_and_reported_and_a_version_that_breaks_its_contract_gives_way(
    zones: SparkSession, make_task: Callable[..., Task]
):
    given = rows()
    deliver(zones, {table: frame(zones, table, given[table]) for table in given})
    settings = {"table": "fact_encounter_index", "person_sample": "1.0", "outcomes_through": "1.0"}
    _facts(make_task(synthetic_omop, **settings))
    before = sorted(tuple(row) for row in zones.table(INDEX).collect())

    # One stay is delivered twice more, and the check of the curated table was not asked.
    stays = given["visit_occurrence"]
    deliver(zones, {"visit_occurrence": frame(zones, "visit_occurrence", [*stays, stays[0], stays[0]])})
    with pytest.raises(TaskError, match="breaks its contract") as failure:
        _facts(make_task(synthetic_omop, job_run_id="77", **settings))
    assert "beyond the first of their key (visit_occurrence_id): rows, how many is not shown" in str(failure.value)
    assert "version 0 is in its place again, as version 2" in str(failure.value)
    assert sorted(tuple(row) for row in zones.table(INDEX).collect()) == before

    report = zones.table("synthetic_omop_ra.quality").where("severity = 'fatal'").collect()
    assert {row["table"] for row in report} == {INDEX}
    states = {(row["job_run_id"], row["table_version"], row["check_id"]): row["state"] for row in report}
    first = {check: state for (run, _, check), state in states.items() if run == "22"}
    assert set(first.values()) == {"passed", "not applicable"}
    assert [first[name] for name in ("key", "person_id_not_null", "encounter_order_readable")] == ["passed"] * 3
    assert first["provider_id_readable"] == "not applicable", "the source names no provider"
    assert [one for one, state in states.items() if state == "failed"] == [("77", 1, "key")]


@pytest.mark.parametrize("first", [True, False])
def test_a_version_whose_check_fails_gives_way_as_one_that_breaks_its_contract(
    first: bool, zones: SparkSession, make_task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    given = rows()
    deliver(zones, {table: frame(zones, table, given[table]) for table in given})
    settings = {"table": "fact_encounter_index", "person_sample": "1.0", "outcomes_through": "1.0"}
    if not first:
        _facts(make_task(synthetic_omop, **settings))
    before = [] if first else sorted(tuple(row) for row in zones.table(INDEX).collect())
    deliver(zones, {"visit_occurrence": frame(zones, "visit_occurrence", given["visit_occurrence"][:5])})
    with monkeypatch.context() as patch:
        patch.setattr("jobs.featurize.contract.results", lost)
        with pytest.raises(OSError, match="the server went away"):
            _facts(make_task(synthetic_omop, **settings))
    assert sorted(tuple(row) for row in zones.table(INDEX).collect()) == before
    stays = "it is empty now, as version 1" if first else "version 0 is in its place again, as version 2"
    assert f"{INDEX} could not be checked; {stays}" in capsys.readouterr().out
    _facts(make_task(synthetic_omop, **settings))
    assert zones.table(INDEX).count() == 5


def lost(*_: Any, **__: Any) -> NoReturn:
    raise OSError("the server went away")


@pytest.mark.parametrize("name", names())
def test_every_fact_table_of_every_source_has_a_contract(name: str):
    source = named(name)
    assert list(fact_contracts(source)) == list(source.made_from)
