"""Runs as the API tells them: pages, attempts, iterations, repairs, and which run started which."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, ResourceDoesNotExist
from databricks.sdk.service.jobs import RepairHistoryItemType, RunLifeCycleState, RunResultState, TriggerType
from rest_bench import resource
from runner_bench import begin

from sandbox.rest.server import Served
from sandbox.runner.attempt import Ended
from sandbox.runner.ledger import Ledger

pytestmark = pytest.mark.clause("P5")


@pytest.fixture
def client(served: Served) -> WorkspaceClient:
    resource(served.door.workspace, "job", "1", name="j", task=[])
    return WorkspaceClient(host=served.host, token=served.tokens.named("deployer").token)


@pytest.fixture
def ledger(served: Served) -> Iterator[Ledger]:
    made = Ledger(served.door.workspace.runs)
    yield made
    made.close()


def test_more_than_a_hundred_tasks_or_iterations_come_page_by_page_each_once(client, ledger):
    """ "Large arrays in the results will be paginated when they exceed 100 elements." """
    keys = [f"t{i}" for i in range(149)]
    run_id, ids, _ = begin(ledger, tasks=[*((key, "python_wheel_task") for key in keys), ("each", "for_each_task")])
    ledger.task_started(ids["each"])
    ledger.attempt_started(ids["each"], 1)
    ledger.iterations(ids["each"], "python_wheel_task", [str(i) for i in range(250)], "")
    run = client.jobs.get_run(run_id)
    assert [one.task_key for one in run.tasks] == [*keys, "each"]
    (listed,) = client.jobs.list_runs(expand_tasks=True)
    assert [one.task_key for one in listed.tasks] == [*keys, "each"]
    (plain,) = client.jobs.list_runs()
    assert plain.tasks in (None, [])
    each = run.tasks[-1]
    assert each.for_each_task.inputs == f"[{', '.join(map(str, range(250)))}]"
    assert each.for_each_task.stats.task_run_stats.as_dict() == {
        "total_iterations": 250, "active_iterations": 0, "succeeded_iterations": 0, "failed_iterations": 0,
        "completed_iterations": 0, "scheduled_iterations": 0,
    }  # fmt: skip
    found = client.jobs.get_run(each.run_id)
    assert [one.task_key for one in found.iterations] == [f"each.{i}" for i in range(1, 251)]
    assert [one.task_key for one in found.tasks] == ["each"], "the ForEach task itself"


def test_each_attempt_is_an_entry_with_a_number_of_its_own_and_a_waiting_one_is_one_too(client, ledger):
    run_id, ids, _ = begin(ledger, tasks=[("t", "python_wheel_task"), ("u", "python_wheel_task")])
    ledger.task_started(ids["t"])
    for attempt in (1, 2):
        ledger.attempt_started(ids["t"], attempt)
        ledger.attempt_ended(ids["t"], attempt, Ended("FAILED", f"no {attempt}"), again=True)
    ledger.task_waits(ids["t"])
    ledger.task_ended(ids["u"], "TERMINATED", "UPSTREAM_FAILED", "t failed", None)
    told = client.jobs.get_run(run_id).tasks
    states = [
        (one.task_key, one.attempt_number, one.state.life_cycle_state.value, one.state.state_message) for one in told
    ]
    assert states == [
        ("t", 0, "TERMINATED", "no 1"), ("t", 1, "TERMINATED", "no 2"), ("t", 2, "WAITING_FOR_RETRY", ""),
        ("u", 0, "TERMINATED", "t failed"),
    ]  # fmt: skip
    assert len({one.run_id for one in told}) == 4
    second = client.jobs.get_run(told[1].run_id)
    assert (second.attempt_number, second.original_attempt_run_id, second.job_run_id) == (1, told[0].run_id, run_id)
    with pytest.raises(ResourceDoesNotExist, match="does not exist"):
        client.jobs.get_run(told[2].run_id + 1)


def test_a_run_that_a_task_started_names_the_attempt_that_did(client, ledger):
    """ "The run id of the Run Job task run"; "The run id of the triggered job run"."""
    parent, ids, _ = begin(ledger, tasks=[("start", "run_job_task")])
    ledger.task_started(ids["start"])
    children = []
    for attempt in (1, 2):
        ledger.attempt_started(ids["start"], attempt)
        children.append(begin(ledger, job_id="1", parent=parent, at_once=9)[0])
        ledger.task_child(ids["start"], children[-1])
        ledger.attempt_ended(ids["start"], attempt, Ended("FAILED", "it failed"), again=attempt == 1)
    attempts = [one.run_id for one in client.jobs.get_run(parent).tasks]
    told = [client.jobs.get_run(one) for one in children]
    assert [one.trigger for one in told] == [TriggerType.RUN_JOB_TASK] * 2
    assert [one.trigger_info.run_id for one in told] == attempts
    assert client.jobs.get_run_output(attempts[1]).run_job_output.run_id == children[1]


def test_the_history_has_each_repair_and_the_next_one_must_name_the_last(client, ledger, served):
    run_id, ids, _ = begin(ledger)
    ledger.task_started(ids["t"])
    ledger.attempt_started(ids["t"], 1)
    ledger.attempt_ended(ids["t"], 1, Ended("FAILED", "no"))
    ledger.task_ended(ids["t"], "TERMINATED", "FAILED", "no", None)
    ledger.end(run_id, "TERMINATED", "FAILED", "no")
    ledger.reopen(run_id, [("t", "python_wheel_task")], ["t"])
    run = client.jobs.get_run(run_id, include_history=True)
    assert run.state.life_cycle_state == RunLifeCycleState.RUNNING
    assert [(one.attempt_number, one.state.life_cycle_state.value) for one in run.tasks] == [
        (0, "TERMINATED"),
        (1, "PENDING"),
    ]
    first, repair = run.repair_history
    assert (first.type, first.state.result_state) == (RepairHistoryItemType.ORIGINAL, RunResultState.FAILED)
    assert first.task_run_ids == [run.tasks[0].run_id]
    assert repair.type == RepairHistoryItemType.REPAIR
    assert not repair.task_run_ids, "nothing was run again yet"
    assert client.jobs.get_run(run_id).repair_history in (None, [])
    ledger.end(run_id, "TERMINATED", "FAILED", "no")
    for given in (None, repair.id + 1):
        with pytest.raises(InvalidParameterValue, match=rf"latest_repair_id must be {repair.id}"):
            client.jobs.repair_run(run_id, rerun_all_failed_tasks=True, latest_repair_id=given)
