"""A task that brings facts up to date may end at any moment, and two may run at once: nothing is lost or done twice."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import nightly
import psutil
import pytest
from curated import PERSONS
from history_world import CONDITIONS, DECLARED, NAME, content
from pyspark.sql import SparkSession

from jobs.io.context import Task
from jobs.io.lineage import Provenance
from jobs.io.tables import Tables
from jobs.tasks import history
from jobs.tasks.facts import _facts
from workflows.declare import Continuous, Declaration, replace
from workflows.sources.synthetic_omop import synthetic_omop

pytestmark = [pytest.mark.spark, pytest.mark.clause("O3")]

ALWAYS = replace(DECLARED, updates=Continuous())
HOW = pytest.mark.parametrize(
    "declared", [pytest.param(DECLARED, marks=pytest.mark.slow), pytest.param(ALWAYS, marks=pytest.mark.nightly)],
    ids=["batch", "stream"],
)  # fmt: skip


class EndedError(Exception):
    """The process ends here."""


@HOW
def test_a_task_that_ends_at_any_step_leaves_the_table_as_it_was_or_as_it_is_to_be(
    recorded: SparkSession, facts: Callable[..., Task], make_task: Callable[..., Task], declared: Declaration
):
    """Every use of the session is a step; the task ends before the first, the second, and so on, until it comes through."""
    facts(declared)
    recorded.sql(f"UPDATE {CONDITIONS} SET condition_source_value = 'I11.0' WHERE condition_occurrence_id < '505'")
    recorded.sql(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id = '510'")
    old, seen, ends = content(recorded), set(), 0
    while True:
        task, left = make_task(declared, table="fact_person", person_sample="1.0"), [ends]

        def step(left: list[int] = left) -> SparkSession:
            if not left[0]:
                raise EndedError
            left[0] -= 1
            return recorded

        vars(task)["tables"] = Tables(step, Provenance("22", "333", "abc", "req", "dec"))
        try:
            _facts(task)
        except EndedError:
            ends += 1
            seen.add(frozenset(content(recorded)))
            continue
        break
    new = content(recorded)
    assert ends > 8
    assert seen == {frozenset(old), frozenset(new)}, "ended before the commit, and after it"
    assert sum(closed is not None for *_, closed in new) == 5
    assert len(new) == PERSONS + 4


@pytest.fixture
def started(spark_remote: str, tmp_path: Path) -> Callable[[Task], subprocess.Popen[bytes]]:
    """Start a task of facts as a process of its own."""
    environment = {
        "SPARK_REMOTE": spark_remote,
        "CDH_VOLUMES_ROOT": str(tmp_path / "volumes"),
        "CDH_TASK_VALUES": str(tmp_path / "v"),
    }
    # As the runner's tasks, it ends without taking the libraries down: their threads sometimes abort a process.
    program = "import os; from jobs.tasks.facts import facts; facts(); os._exit(0)"

    def start(task: Task) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", program, *(f"--{name}={value}" for name, value in task.parameters.items())]
        return subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    return start


Started = Callable[[Task], "subprocess.Popen[bytes]"]


def ends_well(process: subprocess.Popen[bytes]) -> None:
    with process:
        _, said = process.communicate()
    assert process.returncode == 0, said


@HOW
def test_a_task_that_is_killed_leaves_nothing_half_done(
    recorded: SparkSession, facts: Callable[..., Task], started: Started, declared: Declaration
):
    task = facts(declared)
    recorded.sql(f"UPDATE {CONDITIONS} SET condition_source_value = 'I11.0' WHERE condition_occurrence_id < '505'")
    old, kills = content(recorded), 0
    for seconds in (1.0, 2.0, 3.0, 4.0, 5.0):
        with started(task) as process, suppress(subprocess.TimeoutExpired):
            try:
                process.wait(seconds)
            finally:
                kills += process.poll() is None
                process.kill()
        # A query that was on its way may still end.
        time.sleep(1)
        now = content(recorded)
        assert now == old or len(now) == PERSONS + 4
    assert kills
    ends_well(started(task))
    found = content(recorded)
    assert len(found) == PERSONS + 4
    assert sorted(person for person, *_, closed in found if closed) == [1, 2, 3, 4]


def batches() -> dict[int, psutil.Process]:
    """The processes in which streams do their batches, below the server that these tests started."""
    found = {}
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "pyspark.sql.connect.streaming.worker.foreach_batch_worker" in one.cmdline():
                found[one.pid] = one
    return found


# Seconds after the process of the batch is there.
@pytest.mark.parametrize("seconds", nightly.split((0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0), lambda seconds: seconds == 1.0))
def test_a_stream_that_is_killed_in_its_batch_applies_each_change_once(
    recorded: SparkSession, facts: Callable[..., Task], started: Started, seconds: float
):
    """The driver of a job has both: the task and what a batch of its stream does."""
    task = facts(ALWAYS)
    recorded.sql(f"UPDATE {CONDITIONS} SET condition_source_value = 'I11.0' WHERE condition_occurrence_id < '505'")
    old, others = content(recorded), batches()
    with started(task) as process:
        while not (begun := {pid: one for pid, one in batches().items() if pid not in others}):
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        time.sleep(seconds)
        process.kill()
        for one in begun.values():
            with suppress(psutil.Error):
                one.kill()
    # A query that was on its way may still end.
    time.sleep(1)
    now = content(recorded)
    assert now == old or len(now) == PERSONS + 4
    # What the stream did not note as done it does again, and this beside it.
    recorded.sql(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id = '510'")
    ends_well(started(task))
    found = content(recorded)
    assert len(found) == PERSONS + 4
    assert sorted(person for person, *_, closed in found if closed) == [1, 2, 3, 4, 10]


def test_two_tasks_that_apply_the_same_changes_at_once_lose_and_repeat_nothing(
    recorded: SparkSession, facts: Callable[..., Task], spark_remote: str
):
    from sandbox.spark.session import session

    task = facts()
    recorded.sql(f"UPDATE {CONDITIONS} SET condition_source_value = 'I11.0' WHERE condition_occurrence_id < '505'")
    recorded.sql(f"DELETE FROM {CONDITIONS} WHERE condition_occurrence_id = '510'")
    said, failures, ready = task.tables.commits.noted(NAME, "made_by"), [], threading.Barrier(2)

    def apply(last: int) -> None:
        try:
            with session(spark_remote) as own:
                tables = Tables(lambda: own, Provenance("22", str(last), "abc", "req", "dec"))
                feeds = {"condition_occurrence": tables.changes(CONDITIONS, 1, last)}
                ready.wait()
                history.applied_to(tables, synthetic_omop, NAME, feeds, {CONDITIONS: last}, said, 1.0)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=apply, args=(last,)) for last in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    found = content(recorded)
    assert len(found) == PERSONS + 4
    assert sorted(person for person, *_, closed in found if closed) == [1, 2, 3, 4, 10]
