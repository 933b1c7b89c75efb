"""What the runner itself costs: an empty task, and fifty of them with four at a time.

Bounds on 2 cores: an empty task 2.5 s warm, fifty with four at a time 60 s. `connected` opens the Spark session that
every real task opens; `empty` does nothing at all. Servers run, as they do for any job, unless told otherwise.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.result import Result, within
from sandbox.runner import run_job
from sandbox.services import Services
from sandbox.workspace import Workspace

WHEEL = "/Volumes/cdh_bench/ml/artifacts/empty-0.1.0-py3-none-any.whl"
CODE = """
def empty():
    pass

def connected():
    import os
    from pyspark.sql import SparkSession
    SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).getOrCreate().version
"""
ONE_TASK_SECONDS, MANY_TASKS_SECONDS = 2.5, 60.0
TIMES, TASKS, SLOTS = 5, 50, 4


class NoServers:
    """Where only the runner is measured."""

    mlflow_uri = "http://127.0.0.1:1"

    def attach(self) -> None: ...

    def spark_remote(self, user: str) -> str:
        return f"sc://127.0.0.1:1/;user_id={user}"

    def spark_death(self, remote: str) -> str | None:
        del remote

    def end_session(self, remote: str) -> None:
        pass


def made(root: Path, tasks: int) -> Workspace:
    """A workspace with a wheel and its jobs."""
    workspace = Workspace(root)
    workspace.store.create("databricks_catalog", "cdh_bench", {"name": "cdh_bench"})
    # Grants have a measurement of their own.
    everything = {"principal": "bench", "privileges": ["ALL_PRIVILEGES"]}
    workspace.store.create("databricks_grants", "catalog/cdh_bench", {"grant": [everything]})
    (workspace.warehouse / "ml").mkdir(parents=True)
    path = workspace.volume_path(WHEEL)
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("empty/__init__.py", CODE)
        wheel.writestr("empty-0.1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: empty\nVersion: 0.1.0\n")
    for entry in ("empty", "connected"):
        for count in (1, tasks):
            workspace.store.create("databricks_job", f"{entry}{count}", job(entry, count))
    return workspace


def job(entry: str, count: int) -> dict[str, Any]:
    action = [{"package_name": "empty", "entry_point": entry}]
    tasks = [
        {"task_key": f"t{number}", "library": [{"whl": WHEEL}], "python_wheel_task": action} for number in range(count)
    ]
    return {"name": f"{entry}_{count}", "run_as": [{"service_principal_name": "bench"}], "task": tasks}


def seconds(workspace: Workspace, services: Any, name: str, slots: int) -> float:
    begun = time.perf_counter()
    result = run_job(workspace, services, name, slots=slots)
    if result.result != "SUCCESS":
        raise SystemExit(f"{name}: {result.reason}")
    return time.perf_counter() - begun


def results(servers: bool = True) -> list[Result]:
    """An empty task, and many; with a Spark session, and without."""
    found = []
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "dbw-cdh-bench"
        workspace = made(root, TASKS)
        services: Any = NoServers()
        if servers:
            services = stack.enter_context(Services(workspace, Path(__file__).parents[1] / ".cache"))
        for entry in ["empty", "connected"] if servers else ["empty"]:
            # The first brings the servers up, unpacks the wheel and compiles it.
            seconds(workspace, services, f"{entry}_1", SLOTS)
            one = statistics.median(seconds(workspace, services, f"{entry}_1", SLOTS) for _ in range(TIMES))
            many = seconds(workspace, services, f"{entry}_{TASKS}", SLOTS)
            found += [
                within(f"one {entry} task, seconds", one, ONE_TASK_SECONDS),
                within(f"{TASKS} {entry} tasks, {SLOTS} at a time, seconds", many, MANY_TASKS_SECONDS),
            ]
    return found
