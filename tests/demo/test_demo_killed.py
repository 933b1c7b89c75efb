"""The whole machine under a demo is killed while a real task runs: Spark, MLflow, terraform's state, the run's record."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from cli.house import House
from cli.stage import Stage
from sandbox.runs import Runs
from sandbox.workspace import Workspace

pytestmark = pytest.mark.nightly
ROOT = Path(__file__).parents[2]


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.1)


@pytest.mark.clause("P7", "C3")
def test_a_demo_killed_in_a_real_task_loses_no_finished_task_leaves_no_process_and_goes_on_clean(mlops: Path, tmp_path):
    home = tmp_path / "sandbox"
    runs = Runs(Workspace.named(home, "dbw-cdh-dev"))
    demo = subprocess.Popen(
        [str(mlops), "demo", "--home", str(home)], cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
    )

    def tunes() -> bool:
        assert demo.poll() is None, "the demo ended before it could be killed"
        training = [run for run in runs.all() if run.job_name == "readmission_train"]
        return any(task.task_key == "tune" and task.started for run in training for task in runs.tasks(run.run_id))

    try:
        wait_for(tunes, 300)
    finally:
        started = psutil.Process(demo.pid).children(recursive=True)
        os.kill(demo.pid, signal.SIGKILL)
        demo.wait()
    assert len(started) >= 4, "Spark, MLflow, a task and their leashes were running"
    wait_for(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in started), 30)

    before = {run.run_id: runs.tasks(run.run_id) for run in runs.all()}
    stage = Stage(House(home=home), "dev")
    try:
        assert stage.run("readmission_train", lambda _: None).result == "SUCCESS"
    finally:
        stage.close()
    killed = next(run for run in runs.all() if run.job_name == "readmission_train")
    assert (killed.life_cycle, killed.result) == ("INTERNAL_ERROR", "FAILED")
    for run_id, tasks in before.items():
        finished = [task for task in tasks if task.result == "SUCCESS"]
        assert [task for task in runs.tasks(run_id) if task.result == "SUCCESS"] == finished
        assert finished
    assert stage.changes() == 0
