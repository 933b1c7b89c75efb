"""The runner is killed at different moments: nothing finished is lost, nothing stays behind, the next run is clean."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from runner_bench import Bench, task
from test_limits import gone

REPOSITORY = Path(__file__).parents[3]
PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from runner_bench import NoServers
from sandbox.runner import run_job
from sandbox.workspace import Workspace
run_job(Workspace(Path(sys.argv[1])), NoServers(), sys.argv[2])
"""


def start(bench: Bench, job: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PROGRAM, str(bench.workspace.root), job, str(Path(__file__).parent)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, start_new_session=True)


def kill(runner: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Kill the runner and its whole group; the processes it had started."""
    children = psutil.Process(runner.pid).children(recursive=True)
    os.killpg(runner.pid, signal.SIGKILL)
    runner.wait()
    return children


def wait_for(condition, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


@pytest.mark.clause("P7")
@pytest.mark.parametrize("moment", ["first task done", "second task runs", "later"])
def test_a_killed_runner_loses_nothing_and_leaves_nothing(bench: Bench, moment: str):
    up = bench.folder / "up"
    bench.deploy("long", [
        task("done", "value", named={"rows": "12"}), task("hangs", "hang", ["done"], named={"started": str(up)}),
        task("never", "say", ["hangs"]),
    ])  # fmt: skip
    runner = start(bench, "long")

    def first_is_done() -> bool:
        runs = bench.runs.all()
        return bool(runs) and bench.runs.tasks(runs[0].run_id)[0].result == "SUCCESS"

    try:
        wait_for(first_is_done)
        if moment != "first task done":
            wait_for(up.exists)
        if moment == "later":
            time.sleep(0.3)
    finally:
        children = kill(runner)
    wait_for(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children))
    if up.exists():
        wait_for(lambda: gone(up))

    before = bench.runs.tasks(1)[0]
    bench.deploy("next", [task("a", "say")])
    assert bench.run("next").result == "SUCCESS"
    orphan = bench.runs.run(1)
    done, hangs, never = bench.runs.tasks(1)
    assert (orphan.life_cycle, orphan.result) == ("INTERNAL_ERROR", "FAILED")
    assert orphan.reason == f"the runner (process {runner.pid}) ended while this run was active"
    assert done == before
    assert (done.result, done.values) == ("SUCCESS", {"rows": "12"})
    assert hangs.life_cycle == never.life_cycle == "INTERNAL_ERROR"
    assert all(attempt.ended for attempt in hangs.attempts)


def test_the_same_job_can_run_again_after_its_runner_was_killed(bench: Bench):
    up = bench.folder / "up"
    bench.deploy("long", [task("hangs", "hang", named={"started": str(up)}, timeout_seconds=5)])
    runner = start(bench, "long")
    try:
        wait_for(up.exists)
    finally:
        kill(runner)
    wait_for(lambda: gone(up))
    up.unlink()
    assert bench.run("long").result == "FAILED"
    assert [one.life_cycle for one in bench.runs.all()] == ["INTERNAL_ERROR", "TERMINATED"]


def test_two_runners_at_once_run_different_jobs_and_one_job_once(bench: Bench):
    up = bench.folder / "up"
    bench.deploy("long", [task("hangs", "hang", named={"started": str(up)})])
    bench.deploy("short", [task("a", "say")])
    runner = start(bench, "long")
    try:
        wait_for(up.exists)
        assert bench.run("short").result == "SUCCESS"
        second = bench.run("long")
    finally:
        kill(runner)
    assert (second.state, second.result) == ("SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED")
    assert second.reason == f"run 1 of this job is still active (process {runner.pid}); at most 1 may be"
    assert bench.runs.run(1).life_cycle == "RUNNING", "a live runner's run is not taken for an orphan"


def test_a_killed_leash_takes_its_command_with_it(tmp_path: Path):
    from sandbox.process import Leashed, environment

    command = Leashed(["sleep", "600"], env=environment())

    def leashes() -> list[psutil.Process]:
        return [one for one in psutil.Process().children() if one.cmdline()[-2:] == ["sleep", "600"]]

    wait_for(lambda: bool(leashes()))
    (leash,) = leashes()
    wait_for(lambda: bool(leash.children()))
    sleeper = leash.children()[0]
    leash.kill()
    assert command.wait(10) == 128 + signal.SIGKILL
    wait_for(lambda: not sleeper.is_running() or sleeper.status() == psutil.STATUS_ZOMBIE)
    command.close()
