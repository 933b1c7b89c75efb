"""Runners are killed at random moments, again and again, and repaired: nothing is lost, nothing is done twice.

Each task writes a line when it begins, holds a file while it works, and sets a value at its end: so the test sees
every execution that really took place, whatever the store says of it.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import nightly
import pytest
from runner_bench import Bench, for_each, task
from test_killed import REPOSITORY, kill

from sandbox.runner import repair_run
from sandbox.runner.ledger import Ledger

PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from runner_bench import NoServers
from sandbox.runner import repair_run, run_job
from sandbox.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
open(sys.argv[3], "w").close()
if sys.argv[4] == "run":
    run_job(workspace, NoServers(), "dag")
else:
    repair_run(workspace, NoServers(), int(sys.argv[4]))
"""
TELL = {"email_notifications": [{"on_success": ["ok@x"], "on_failure": ["bad@x"]}]}


def effect(bench: Bench, key: str, after=(), **more) -> dict:
    name = more.pop("name", key)
    named = {"folder": str(bench.folder), "key": name, "attempt": "{{task.execution_count}}", "seconds": "0.02"}
    return task(key, "effect", after, named=named, **more)


def deploy(bench: Bench) -> None:
    """Branches, a join, iterations and what follows them."""
    each = for_each("each", "[1, 2, 3]", effect(bench, "one", name="each.{{input}}"), ["left"], concurrency=2)
    bench.deploy("dag", [
        effect(bench, "first"), effect(bench, "left", ["first"]), effect(bench, "right", ["first"]), each,
        effect(bench, "last", ["each", "right"]),
    ], **TELL)  # fmt: skip


def launch(bench: Bench, what: str) -> subprocess.Popen[bytes]:
    """A runner of its own, that has begun to work."""
    ready = bench.folder / "ready"
    ready.unlink(missing_ok=True)
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", PROGRAM, str(bench.workspace.root), here, str(ready), what]
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    runner = subprocess.Popen(command, env=env, start_new_session=True, stderr=subprocess.DEVNULL)
    while not ready.exists() and runner.poll() is None:
        time.sleep(0.005)
    return runner


def recovered(bench: Bench) -> None:
    ledger = Ledger(bench.workspace.runs)
    ledger.recover()
    ledger.close()


def check(bench: Bench, kept: dict[str, tuple]) -> dict[str, tuple]:
    """What must hold after every kill; what is done now, to be found unchanged later."""
    run = bench.runs.all()[0]
    assert run.result is not None
    faults = [one.reason for one in bench.runs.tasks(run.run_id) if "the runner failed" in one.reason]
    assert not faults, "a killed runner breaks nothing of the next"
    done = {}
    for one in bench.runs.tasks(run.run_id):
        iterations = bench.runs.iterations(one.task_run_id)
        for each in [one, *iterations]:
            assert each.result is not None, "nothing is left open"
            assert [attempt.attempt for attempt in each.attempts] == list(range(1, len(each.attempts) + 1))
            assert all(attempt.result for attempt in each.attempts), f"an attempt is left open: {each}"
            if each.kind != "python_wheel_task":
                continue
            effects = bench.folder / f"{each.task_key}.effects"
            lines = effects.read_text().splitlines() if effects.exists() else []
            assert not [line for line in lines if line.startswith("twice")], "two processes at one task"
            began = Counter(line.split()[1] for line in lines)
            assert max(began.values(), default=0) <= 1, "an attempt began once"
            assert set(began) <= {str(attempt.attempt) for attempt in each.attempts}, "no execution is unknown"
            if each.result == "SUCCESS":
                last = str(each.attempts[-1].attempt)
                assert began[last] == 1
                assert each.values["attempt"] == last
                done[each.task_key] = (each.attempts, each.values)
    for key, before in kept.items():
        assert done.get(key) == before, f"what {key} had done is lost or was done again"
    return done


def hammer(bench: Bench, seed: int, kills: int, runs: int) -> None:
    """Kill runners until at least so many were killed, and so many runs ended well in spite of it."""
    chance, killed, finished = random.Random(seed), 0, 0
    while killed < kills or finished < runs:
        bench.workspace.store.delete("databricks_job", bench.id)
        for old in [*bench.folder.glob("*.effects"), *bench.folder.glob("*.busy")]:
            old.unlink()
        for old in bench.workspace.runs.glob("runs.sqlite*"):
            old.unlink()
        deploy(bench)
        what, kept = "run", {}
        for _ in range(4):
            runner = launch(bench, what)
            time.sleep(chance.uniform(0, 0.9))
            if runner.poll() is None:
                kill(runner)
                killed += 1
            runner.wait()
            recovered(bench)
            if not bench.runs.all():
                continue
            what, kept = "1", check(bench, kept)
            if bench.runs.run(1).result == "SUCCESS":
                break
        if not bench.runs.all():
            continue
        if bench.runs.run(1).result != "SUCCESS":
            repair_run(bench.workspace, bench.services, 1)
        check(bench, kept)
        assert bench.runs.run(1).result == "SUCCESS"
        passes = 1 + bench.runs.run(1).repairs
        events = Counter(one.event for one in bench.runs.notifications(1))
        assert (events["on_success"], events["on_failure"]) == (1, passes - 1), "each end is told once"
        finished += 1


def test_a_few_kills_lose_nothing_and_double_nothing(bench: Bench):
    hammer(bench, seed=7, kills=4, runs=1)


@pytest.mark.clause("P7")
@pytest.mark.parametrize("seed", nightly.split(range(5), lambda seed: seed < 2))
def test_kills_at_random_moments_lose_nothing_and_double_nothing(bench: Bench, seed: int):
    hammer(bench, seed, kills=12, runs=3)
