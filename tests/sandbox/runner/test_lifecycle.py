"""Queue, cancellation, repair, leases: what happens to whole runs."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import psutil
import pytest
from runner_bench import Bench, begin, condition, for_each, task
from test_killed import kill, start, wait_for

from sandbox.errors import SandboxError, StoreVersionError
from sandbox.run_store import connect, lock_path
from sandbox.runner import RunQueued, cancel_run
from sandbox.runner.attempt import Ended
from sandbox.runner.clock import VirtualClock
from sandbox.runner.entries import LostLeaseError
from sandbox.runner.events import TaskFinished
from sandbox.runner.lease import acquire
from sandbox.runner.ledger import Ledger
from sandbox.runner.outcomes import Acted
from sandbox.runner.schedule import Caller

NOON = 1_750_000_000.0
GOOD = Acted(Ended("SUCCESS", ""))
BAD = Acted(Ended("FAILED", "the reason"))
CALLER = Caller(threading.Event())


# ---- queue -----------------------------------------------------------------------------------------------------------


def test_a_run_beyond_the_limit_waits_its_turn_where_the_job_queues(bench: Bench):
    # "To prevent runs of a job from being skipped because of concurrency limits, you can enable queueing for the job."
    up, free = bench.folder / "up", bench.folder / "free"
    meet = task("a", "meet", named={"mine": str(up), "other": str(free)})
    bench.deploy("one", [meet], queue=[{"enabled": True}])
    first = threading.Thread(target=bench.run, args=("one",))
    first.start()
    wait_for(up.exists)
    second = threading.Thread(target=bench.run, args=("one",))
    second.start()
    wait_for(lambda: [one.life_cycle for one in bench.runs.all()] == ["RUNNING", "QUEUED"])
    assert "run 1 of this job is still active" in bench.runs.run(2).reason
    assert [event.run_id for event in bench.events if isinstance(event, RunQueued)] == [2]
    free.touch()
    first.join()
    second.join()
    one, two = bench.runs.all()
    assert (one.result, two.result) == ("SUCCESS", "SUCCESS")
    assert two.queued < one.ended <= two.started


def test_queued_runs_start_in_the_order_in_which_they_came(tmp_path: Path):
    with_two = Ledger(tmp_path)
    first, *_ = begin(with_two)
    second, *_ = begin(with_two, queue=True)
    third, *_ = begin(with_two, queue=True)
    assert not with_two.start_queued(second)
    with_two.end(first, "TERMINATED", "SUCCESS", "")
    assert not with_two.start_queued(third), "the second came first"
    assert with_two.start_queued(second)
    assert not with_two.start_queued(third)
    with_two.end(second, "TERMINATED", "SUCCESS", "")
    assert with_two.start_queued(third)
    with_two.close()


def test_a_run_waits_in_the_queue_for_up_to_48_hours(bench: Bench):
    # "When queueing is enabled, the run is queued for up to 48 hours if resources are unavailable for a job run."
    bench.deploy("one", [task("a", "say")], queue=[{"enabled": True}])
    holder = Ledger(bench.workspace.runs)
    begin(holder, job_id=bench.id, job_name="one")
    clock = VirtualClock(NOON)
    clock.wait = lambda event, seconds: clock.advance(3600) or False
    run = bench.fake(lambda call: GOOD, clock).execute(CALLER)
    assert (run.state, run.result) == ("SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED")
    assert "it waited in the queue for 48 hours: run 1 of this job is still active" in run.reason
    assert 48 <= (clock.now - NOON) / 3600 < 50
    assert bench.results(run) == {"a": "CANCELED"}
    holder.close()


# ---- cancel ----------------------------------------------------------------------------------------------------------


def test_a_canceled_run_ends_with_all_that_it_does(bench: Bench):
    # "CANCELED: The run was canceled at user request. UPSTREAM_CANCELED: [...] an upstream task was canceled."
    up = bench.folder / "up"
    child = bench.deploy("child", [task("a", "hang", named={"started": str(up)})])
    bench.deploy("parent", [task("done", "say"), {"task_key": "start", "run_job_task": [{"job_id": child}],
                 "depends_on": [{"task_key": "done"}]}, task("next", "say", ["start"])])  # fmt: skip
    running = threading.Thread(target=bench.run, args=("parent",))
    running.start()
    wait_for(up.exists)
    cancel_run(bench.workspace, 1)
    running.join()
    parent, started = bench.runs.all()
    assert (parent.result, parent.reason, started.result) == ("CANCELED", "canceled by a person", "CANCELED")
    assert {one.task_key: one.result for one in bench.runs.tasks(1)} == {
        "done": "SUCCESS", "start": "CANCELED", "next": "UPSTREAM_CANCELED",
    }  # fmt: skip
    with pytest.raises(SandboxError, match="run 1 is not active: TERMINATED CANCELED"):
        cancel_run(bench.workspace, 1)
    with pytest.raises(SandboxError, match="run 9 is unknown; valid: 1, 2"):
        cancel_run(bench.workspace, 9)


# ---- repair ----------------------------------------------------------------------------------------------------------


def test_a_repair_runs_what_failed_and_what_follows_and_keeps_the_rest(bench: Bench):
    # "Re-run one or more tasks. Tasks are re-run as part of the original job run. They use the current job and task
    # settings, and can be viewed in the history for the original job run."
    named = {"count": str(bench.folder / "count"), "good_at": "2"}
    tasks = [
        task("a", "value", named={"k": "kept"}), task("b", "flaky", ["a"], named=named),
        task("c", "say", ["b"], named={"x": "{{tasks.a.values.k}}", "n": "{{job.repair_count}}"}),
        task("clean", "say", ["b"], run_if="ALL_DONE"), condition("if", "1", "EQUAL_TO", "1", ["a"]),
    ]  # fmt: skip
    bench.deploy("mend", tasks)
    first = bench.run("mend")
    assert bench.results(first) == {
        "a": "SUCCESS",
        "b": "FAILED",
        "c": "UPSTREAM_FAILED",
        "clean": "SUCCESS",
        "if": "SUCCESS",
    }
    before = bench.runs.task(1, "a")
    second = bench.repair(1)
    assert second.run_id == first.run_id == 1
    assert set(bench.results(second).values()) == {"SUCCESS"}
    assert bench.runs.task(1, "a") == before, "what succeeded is not run again"
    assert [(one.result, one.repair) for one in bench.runs.task(1, "b").attempts] == [("FAILED", 0), ("SUCCESS", 1)]
    assert len(bench.runs.task(1, "clean").attempts) == 2, "it depends on what is repaired"
    assert bench.arguments(second, "c") == {"x": "kept", "n": "1"}
    run = bench.runs.run(1)
    assert (run.result, run.repairs, len(bench.runs.all())) == ("SUCCESS", 1, 1)
    with pytest.raises(SandboxError, match="run 1 has no failed task; name the tasks to run again"):
        bench.repair(1)


def test_a_repair_uses_the_current_job_and_the_parameters_of_the_run(bench: Bench):
    bench.deploy("mend", [task("a", "fail")], parameter=[{"name": "p", "default": "of the job"}])
    bench.run("mend", p="of the run")
    bench.redeploy([task("a", "say", named={"own": "1"}), task("new", "say", ["a"], named={"own": "2"})])
    run = bench.repair(1)
    assert bench.results(run) == {"a": "SUCCESS", "new": "SUCCESS"}
    assert bench.arguments(run, "new")["p"] == "of the run"
    run = bench.repair(1, "new", p="of the repair")
    assert bench.arguments(run, "new")["p"] == "of the repair"
    assert len(bench.runs.task(1, "a").attempts) == 2, "only the named task and what follows"
    with pytest.raises(SandboxError, match="job 'mend' has no task 'ghost'; valid: a, new"):
        bench.repair(1, "ghost")


def test_a_repair_of_a_for_each_runs_only_the_iterations_that_failed(bench: Bench):
    def act(call):
        return BAD if call.context.input == "b" and call.context.repair_count == 0 else GOOD

    bench.deploy("loop", [for_each("each", '["a", "b", "c"]', task("one", "say"))])
    assert bench.fake(act, VirtualClock(NOON)).execute(CALLER).result == "FAILED"
    run = bench.repair(1)
    assert run.tasks["each"].reason == "3 iterations, 2 of them before"
    assert [len(one.attempts) for one in bench.iterations(run, "each")] == [1, 2, 1]


def test_a_run_of_a_killed_runner_is_repaired_and_two_repairs_cannot_run_at_once(bench: Bench):
    up, free = bench.folder / "up", bench.folder / "free"
    meet = task("wait", "meet", ["done"], named={"mine": str(up), "other": str(free)})
    bench.deploy("long", [task("done", "value", named={"k": "1"}), meet])
    runner = start(bench, "long")
    wait_for(up.exists)
    kill(runner)
    up.unlink()
    mending = threading.Thread(target=bench.repair, args=(1,))
    mending.start()
    wait_for(up.exists)
    with pytest.raises(SandboxError, match="run 1 is still active"):
        bench.repair(1)
    free.touch()
    mending.join()
    done, wait = bench.runs.tasks(1)
    assert (bench.runs.run(1).result, len(done.attempts), len(wait.attempts)) == ("SUCCESS", 1, 2)
    assert wait.attempts[0].life_cycle == "INTERNAL_ERROR"


def test_a_fault_of_the_runner_ends_its_attempt_and_task_with_its_words_and_touches_no_other(bench: Bench):
    bench.deploy("two", [task("t", "say", max_retries=3), task("u", "say")])

    def act(call) -> Acted:
        if call.key == "t":
            raise OSError("the disk says no")
        return GOOD

    run = bench.fake(act, VirtualClock(NOON)).execute(CALLER)
    broken, fine = bench.runs.tasks(run.run_id)
    said = ("INTERNAL_ERROR", "FAILED", "the runner failed: OSError: the disk says no")
    (attempt,) = broken.attempts
    assert (broken.life_cycle, broken.result, broken.reason) == said
    assert (attempt.life_cycle, attempt.result, attempt.reason) == said
    assert attempt.ended is not None
    assert (fine.result, run.result) == ("SUCCESS", "FAILED")
    ends = [event for event in bench.events if isinstance(event, TaskFinished) and event.task == "t"]
    assert [(one.result, one.final) for one in ends] == [("FAILED", True)], "whoever watches is told"


def test_a_process_that_outlives_its_runner_keeps_a_repair_away(tmp_path: Path):
    ledger = Ledger(tmp_path)
    run_id, ids, _ = begin(ledger)
    # What a task inherits: the lock is held until the last of them has closed it.
    inherited = os.dup(ledger.lease(run_id))
    ledger.end(run_id, "TERMINATED", "FAILED", "")
    with pytest.raises(SandboxError, match=f"a process of run {run_id} still works on it"):
        ledger.reopen(run_id, [("t", "python_wheel_task")], ["t"])
    os.close(inherited)
    assert ledger.reopen(run_id, [("t", "python_wheel_task")], ["t"]) == ids
    ledger.close()


def test_a_run_whose_runner_was_killed_after_the_last_task_is_only_ended(bench: Bench):
    bench.deploy("j", [task("t", "say")])
    killed = Ledger(bench.workspace.runs)
    _, ids, _ = begin(killed, job_id=bench.id)
    killed.task_started(ids["t"])
    killed.attempt_started(ids["t"], 1)
    killed.attempt_ended(ids["t"], 1, Ended("SUCCESS", ""), {"k": "v"})
    killed.task_ended(ids["t"], "TERMINATED", "SUCCESS", "", None)
    killed.close()
    before = bench.runs.task(1, "t")
    assert bench.repair(1).result == "SUCCESS"
    assert bench.runs.task(1, "t") == before
    assert bench.runs.run(1).result == "SUCCESS"


def test_every_process_of_a_task_holds_the_lease_of_its_run(bench: Bench):
    up = bench.folder / "up"
    bench.deploy("long", [task("a", "hang", named={"started": str(up)})])
    runner = start(bench, "long")
    wait_for(up.exists)
    started = psutil.Process(runner.pid).children(recursive=True)
    for process in started:
        process.suspend()
    os.kill(runner.pid, signal.SIGKILL)
    runner.wait()
    path = lock_path(bench.workspace.runs, 1)
    assert acquire(path, 0.3) is None, "the runner is gone, its processes are not"
    for process in started:
        process.resume()
    free = acquire(path, 20)
    assert free is not None, "they end with it"
    os.close(free)


def test_a_canceled_for_each_ends_all_its_iterations(bench: Bench):
    up = bench.folder / "up"
    bench.deploy("loop", [for_each("each", "[1, 2, 3]", task("one", "hang", named={"started": str(up)}))])
    running = threading.Thread(target=bench.run, args=("loop",))
    running.start()
    wait_for(up.exists)
    cancel_run(bench.workspace, 1)
    running.join()
    each = bench.runs.task(1, "each")
    assert each.result == "CANCELED"
    assert [(one.result, len(one.attempts)) for one in bench.runs.iterations(each.task_run_id)] == [
        ("CANCELED", 1), ("CANCELED", 0), ("CANCELED", 0),
    ]  # fmt: skip


def test_a_runner_that_lost_its_run_can_write_nothing_more_of_it(tmp_path: Path):
    old, new = Ledger(tmp_path), Ledger(tmp_path)
    run_id, ids, _ = begin(old)
    assert new.recover() == [], "its runner lives"
    # Somebody removed the locks: only the epoch is left to keep them apart.
    lock_path(tmp_path, run_id).unlink()
    assert new.recover() == [run_id]
    new.reopen(run_id, [("t", "python_wheel_task")], ["t"])
    for write in (
        lambda: old.task_started(ids["t"]),
        lambda: old.attempt_started(ids["t"], 1),
        lambda: old.task_ended(ids["t"], "TERMINATED", "SUCCESS", "", None),
        lambda: old.end(run_id, "TERMINATED", "SUCCESS", ""),
    ):
        with pytest.raises(LostLeaseError, match=f"run {run_id} was taken over by another runner"):
            write()
    new.task_ended(ids["t"], "TERMINATED", "SUCCESS", "", None)
    new.end(run_id, "TERMINATED", "SUCCESS", "")
    old.close()
    new.close()


def test_a_lock_is_free_when_its_holder_is_gone(tmp_path: Path):
    path = tmp_path / "locks" / "1"
    first = acquire(path)
    assert first is not None
    assert acquire(path, 0.05) is None
    os.close(first)
    again = acquire(path)
    assert again is not None
    os.close(again)


def test_runs_of_another_version_of_the_sandbox_are_refused(bench: Bench):
    db = connect(bench.workspace.runs)
    db.execute("PRAGMA user_version = 1")
    db.close()
    bench.deploy("a", [task("a", "say")])
    for read in (lambda: bench.run("a"), lambda: bench.runs.all()):
        with pytest.raises(StoreVersionError, match=r"runs\.sqlite: the workspace store has version 1, .* version 2"):
            read()
