"""Retries, time limits, crashes, and tasks that hang."""

from __future__ import annotations

from pathlib import Path

import psutil
from runner_bench import Bench, task

# Seconds: enough for a process to be up on a busy machine.
LIMIT = 5


def gone(path: Path) -> bool:
    """Whether the two processes of a `hang` task are gone (a zombie that init has not reaped yet is)."""
    for pid in path.read_text().split():
        try:
            if psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE:
                return False
        except psutil.NoSuchProcess:
            continue
    return True


def test_a_failing_task_is_tried_again_and_each_attempt_is_kept(bench: Bench):
    named = {"count": str(bench.folder / "count"), "good_at": "3"}
    bench.deploy("flaky", [task("a", "flaky", named=named, max_retries=2, min_retry_interval_millis=10)])
    run = bench.run("flaky")
    attempts = bench.runs.tasks(run.run_id)[0].attempts
    assert run.result == "SUCCESS"
    assert [one.result for one in attempts] == ["FAILED", "FAILED", "SUCCESS"]
    assert attempts[1].reason == "ValueError: attempt 2 fails"
    assert attempts[0].ended <= attempts[1].started
    assert "attempt 1 fails" in bench.said(run, "a", 1)
    assert "attempt 2 fails" in bench.said(run, "a", 2)


def test_retries_end(bench: Bench):
    named = {"count": str(bench.folder / "count"), "good_at": "3"}
    bench.deploy("flaky", [task("a", "flaky", named=named, max_retries=1)])
    run = bench.run("flaky")
    assert (run.result, run.tasks["a"].attempts) == ("FAILED", 2)


def test_a_task_over_its_limit_is_ended_with_all_it_started(bench: Bench):
    up = bench.folder / "up"
    bench.deploy(
        "slow", [task("a", "hang", named={"started": str(up)}, timeout_seconds=LIMIT, max_retries=1), task("b", "say")]
    )
    run = bench.run("slow")
    assert bench.results(run) == {"a": "TIMEDOUT", "b": "SUCCESS"}
    assert run.tasks["a"].reason == f"the task's limit of {LIMIT} s is over"
    assert run.tasks["a"].attempts == 1, "retry_on_timeout is off"
    assert gone(up)


def test_a_task_over_its_limit_is_tried_again_where_that_is_asked_for(bench: Bench):
    named = {"started": str(bench.folder / "up")}
    limits = {"timeout_seconds": 1, "max_retries": 1, "retry_on_timeout": True}
    bench.deploy("slow", [task("a", "hang", named=named, **limits)])
    assert bench.run("slow").tasks["a"].attempts == 2


def test_a_job_over_its_limit_ends_all_its_tasks(bench: Bench):
    up = bench.folder / "up"
    bench.deploy(
        "slow", [task("a", "hang", named={"started": str(up)}), task("b", "say", ["a"])], timeout_seconds=LIMIT
    )
    run = bench.run("slow")
    assert (run.result, run.reason) == ("TIMEDOUT", f"the job's limit of {LIMIT} s is over")
    assert bench.results(run) == {"a": "TIMEDOUT", "b": "CANCELED"}
    assert gone(up)


def test_the_limit_of_a_job_reaches_the_runs_it_started(bench: Bench):
    up = bench.folder / "up"
    child = bench.deploy("child", [task("a", "hang", named={"started": str(up)})])
    start = {"task_key": "start", "run_job_task": [{"job_id": child}], "timeout_seconds": LIMIT}
    bench.deploy("parent", [start])
    run = bench.run("parent")
    assert run.tasks["start"].result == "TIMEDOUT"
    assert [one.result for one in bench.runs.all()] == ["FAILED", "TIMEDOUT"]
    assert gone(up)


def test_a_crash_takes_no_other_task_with_it(bench: Bench):
    here, there = str(bench.folder / "here"), str(bench.folder / "there")
    bench.deploy("crash", [
        task("a", "crash"), task("b", "leave"),
        task("c", "meet", named={"mine": here, "other": there}, timeout_seconds=60),
        task("d", "meet", named={"mine": there, "other": here}, timeout_seconds=60),
    ])  # fmt: skip
    run = bench.run("crash")
    assert bench.results(run) == {"a": "FAILED", "b": "FAILED", "c": "SUCCESS", "d": "SUCCESS"}
    assert run.tasks["a"].reason == "killed by signal 11"
    assert run.tasks["b"].reason == "exit code 7: a last word"


def test_a_task_ends_when_its_entry_point_does_whatever_its_threads_still_wait_for(bench: Bench):
    bench.deploy("ends", [task("a", "linger", timeout_seconds=60), task("b", "refuse")])
    run = bench.run("ends")
    assert bench.results(run) == {"a": "SUCCESS", "b": "FAILED"}
    assert run.tasks["b"].reason == "not like this"


def test_a_fault_of_the_progress_display_ends_the_run_and_is_raised(bench: Bench):
    import pytest

    from sandbox.runner import RunStarted, run_job

    def broken(event: object) -> None:
        if isinstance(event, RunStarted):
            raise ZeroDivisionError

    bench.deploy("say", [task("a", "say")])
    with pytest.raises(ZeroDivisionError):
        run_job(bench.workspace, bench.services, "say", {}, broken)
    assert bench.runs.all()[0].result == "CANCELED"
    assert bench.run("say").result == "SUCCESS"
