"""Real servers: one Spark and one MLflow server for this file, and one more of each that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import psutil
import pytest
from runner_bench import ENTRY_POINTS, WHEEL, Bench, build_wheel, deployed, task
from test_killed import REPOSITORY, wait_for

from sandbox.delivery import DeliveryError, deliver
from sandbox.left_overs import drop_first_writes
from sandbox.services import Services, mlflow_of
from sandbox.workspace import Workspace

pytestmark = pytest.mark.spark
CACHE = REPOSITORY / ".cache"

TASKS = """
import os, sys, time

def _spark():
    from pyspark.sql import SparkSession
    return SparkSession.builder.remote(os.environ["SPARK_REMOTE"]).getOrCreate()

def say():
    spark = _spark()
    print("user", spark.client._user_id)
    spark.range(3).write.format("delta").mode("overwrite").saveAsTable("ml.three")
    print("partitions", spark.conf.get("spark.sql.shuffle.partitions"))
    print("zones", sorted(row.namespace for row in spark.sql("SHOW SCHEMAS").collect()))

def hang():
    spark = _spark()
    path = next(one for one in sys.argv if one.startswith("--started="))[len("--started="):]
    if os.path.exists(path):
        print("rows", spark.table("ml.three").count())
        return
    open(path, "w").close()
    def sleep(batches):
        time.sleep(600)
        yield from batches
    spark.range(1).mapInPandas(sleep, "id long").collect()

def value():
    from mlflow import MlflowClient
    client = MlflowClient()
    run = client.create_run(client.create_experiment("/cdh/tiny"))
    client.log_metric(run.info.run_id, "auroc", 0.5)
    client.log_text(run.info.run_id, "kept", "note.txt")
    print("user", run.info.user_id, "artifacts", run.info.artifact_uri.split(":")[0])

fail = crash = leave = meet = flaky = environment = where = say
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("served")
    workspace = deployed(folder / "dbw-cdh-test")
    build_wheel(workspace.volume_path(WHEEL), TASKS)
    assert "value" in ENTRY_POINTS
    # Other tests of this session may hold processes of their own.
    before = set(psutil.Process().children(recursive=True))
    (workspace.warehouse / "ml").mkdir(parents=True)
    with Services(workspace, CACHE) as services:
        services.start_spark()
        services.start_mlflow()
        yield Bench(workspace, folder, services)
    assert set(psutil.Process().children(recursive=True)) <= before


def java(root: Path) -> psutil.Process:
    """The Spark server of a workspace."""
    found = [one for one in psutil.process_iter(["name", "cmdline"]) if one.info["name"] == "java"]
    return next(one for one in found if f"-Dspark.sql.warehouse.dir={root / 'warehouse'}" in one.info["cmdline"])


def test_a_task_connects_as_its_run_as_and_knows_zones_that_were_deployed_later(served: Bench):
    served.services.spark_remote("early")
    (served.workspace.warehouse / "readmission").mkdir()
    conf = {"spark.sql.shuffle.partitions": "7", "spark.executor.memory": "4g"}
    served.deploy("spark", [task("a", "say")],
                  job_cluster=[{"job_cluster_key": "ml_cpu", "new_cluster": [{"spark_conf": conf}]}])  # fmt: skip
    run = served.run("spark")
    assert run.result == "SUCCESS", run.reason
    said = served.said(run, "a")
    assert "user 11111111-2222" in said
    assert "'ml', 'readmission'" in said
    assert "partitions 7" in said
    assert "sandbox: spark_conf that a session cannot take here: spark.executor.memory" in said


def test_mlflow_keeps_runs_and_artifacts_behind_http(served: Bench):
    served.deploy("mlflow", [task("a", "value")])
    run = served.run("mlflow")
    assert run.result == "SUCCESS", run.reason
    assert "artifacts mlflow-artifacts" in served.said(run, "a")
    notes = list((served.workspace.mlflow / "artifacts").rglob("note.txt"))
    assert [note.read_text() for note in notes] == ["kept"]


def test_the_running_mlflow_server_is_found_and_another_workspaces_is_not(served: Bench, tmp_path: Path):
    uri = served.services.mlflow_uri
    with mlflow_of(served.workspace, CACHE) as found:
        assert found == uri
    other = Workspace(tmp_path / "other")
    other.root.mkdir()
    (other.root / "services.json").write_text((served.workspace.root / "services.json").read_text())
    with mlflow_of(other, CACHE) as started:
        assert started != uri
        assert urllib.request.urlopen(f"{started}/health", timeout=10).status == 200
    assert not (other.root / "services.json").exists()


def test_what_a_server_has_begun_to_write_stays_while_that_server_runs(tmp_path: Path):
    workspace = Workspace(tmp_path / "dbw-cdh-test")
    begun, own = workspace.warehouse / "ml" / "begun", workspace.root / "spark" / f"{os.getpid()}-a"
    other = workspace.root / "spark" / f"{os.getppid()}-b"
    for path in (begun, own / "scratch", other / "scratch"):
        path.mkdir(parents=True)
    assert drop_first_writes(workspace, own) == 0
    assert begun.exists()
    (other / "scratch").rmdir()
    assert drop_first_writes(workspace, own) == 1
    assert not begun.exists()


def test_a_task_fails_when_its_server_is_killed_and_its_retry_gets_a_new_one(served: Bench):
    served.deploy("spark", [task("a", "say")])
    served.run("spark")
    up = served.folder / "up"
    served.deploy("killed", [task("a", "hang", named={"started": str(up)}, max_retries=1)])
    server = java(served.workspace.root)

    begun = served.workspace.warehouse / "ml" / "begun"

    def kill_when_up() -> None:
        wait_for(up.exists)
        begun.mkdir()
        (begun / "part-00000.parquet").write_bytes(b"of a table that was not committed")
        server.kill()

    killer = Thread(target=kill_when_up)
    killer.start()
    run = served.run("killed")
    killer.join()
    attempts = served.runs.tasks(run.run_id)[0].attempts
    assert [one.result for one in attempts] == ["FAILED", "SUCCESS"]
    assert not begun.exists(), "Delta would make no table there any more"
    assert (begun.parent / "three").exists()
    assert attempts[0].reason == "the Spark server was killed by signal 9"
    # The new server knows the table that the old one wrote.
    assert "rows 3" in served.said(run, "a", 2)


def test_the_query_of_a_task_over_its_limit_ends_on_the_server_too(served: Bench):
    up = served.folder / "hung"
    served.deploy("hung", [task("a", "hang", named={"started": str(up)}, timeout_seconds=10)])
    run = served.run("hung")
    assert run.tasks["a"].result == "TIMEDOUT"
    assert up.exists()
    # The daemon that forks Python workers stays; the worker that slept in the query is ended with it.
    server = java(served.workspace.root)
    wait_for(lambda: len([one for one in lines(server) if "pyspark" in one]) <= 1, 60)


def test_deliveries_become_tables_and_a_broken_one_changes_nothing(served: Bench, tmp_path: Path):
    import pandas as pd
    from deltalake import DeltaTable

    source = served.workspace.warehouse / "invented"
    source.mkdir()
    (tmp_path / "a.csv").write_text('person,said\n1,"x, ""y"""\n2,\n')
    pd.DataFrame({"n": [1, 2, 3]}).to_parquet(tmp_path / "b.parquet")
    with zipfile.ZipFile(tmp_path / "c.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("deep/c.csv", "k\n" + "\n".join(map(str, range(20_000))) + "\n")
        archive.writestr("readme.txt", "other")
    tables = {"a": (("a.csv",), None), "b": (("b.parquet",), None), "c": (("c.zip",), "deep/c.csv")}
    assert deliver(served.workspace, served.services, "invented", tables, tmp_path) == {"a": 0, "b": 0, "c": 0}
    first = DeltaTable(source / "a").to_pyarrow_table().to_pylist()
    assert first == [{"person": "1", "said": 'x, "y"'}, {"person": "2", "said": None}]
    assert DeltaTable(source / "b").to_pyarrow_table().column("n").to_pylist() == [1, 2, 3]
    assert DeltaTable(source / "c").to_pyarrow_table().num_rows == 20_000

    assert deliver(served.workspace, served.services, "invented", {"a": (("a.csv",), None)}, tmp_path) == {"a": 1}

    whole = (tmp_path / "c.zip").read_bytes()
    for wrong, said in [
        (whole[: len(whole) // 2], "c.zip is truncated or no zip file"),
        (whole[:200] + bytes(50) + whole[250:], "c.zip is truncated or no zip file"),
    ]:
        (tmp_path / "c.zip").write_bytes(wrong)
        with pytest.raises(DeliveryError, match=said) as refused:
            deliver(served.workspace, served.services, "invented", tables, tmp_path)
        assert "\n" not in str(refused.value)
    (tmp_path / "c.zip").write_bytes(whole)
    (tmp_path / "b.parquet").write_bytes(b"PAR1 and no more")
    for bad, said in [
        ({"a": (("a.csv",), None), "z": (("z.csv",), None)}, "z.csv is missing in"),
        (
            {"a": (("a.csv",), None), "c": (("c.zip",), "d.csv")},
            "c.zip has no member 'd.csv'; valid: deep/c.csv, readme.txt",
        ),
        ({"a": (("a.csv",), None), "b": (("b.parquet",), None)}, "b.parquet cannot be read"),
    ]:
        with pytest.raises(DeliveryError, match=said):
            deliver(served.workspace, served.services, "invented", bad, tmp_path)
    assert DeltaTable(source / "a").version() == 1
    assert DeltaTable(source / "c").version() == 0
    assert not list(served.workspace.root.glob("delivery-*"))

    # What can be read and not be written: the others are put back, and one that was new is gone.
    (tmp_path / "b.parquet").unlink()
    pd.DataFrame({"n": [7]}).to_parquet(tmp_path / "b.parquet")
    (tmp_path / "d.csv").write_text("a name (with signs)\n1\n")
    mixed = {"a": (("d.csv",), None), "b": (("b.parquet",), None), "e": (("b.parquet",), None)}
    with pytest.raises(DeliveryError, match=r"invented\.a could not be written: .*; the tables of this delivery stay"):
        deliver(served.workspace, served.services, "invented", mixed, tmp_path)
    assert DeltaTable(source / "b").to_pyarrow_table().column("n").to_pylist() == [1, 2, 3]
    assert DeltaTable(source / "a").version() == 1
    assert not (source / "e" / "_delta_log").exists()
    # Times without a zone, where the table had none before.
    times = pd.DataFrame({"n": pd.to_datetime(["2021-06-30 08:00"])})
    times.to_parquet(tmp_path / "b.parquet", coerce_timestamps="us")
    assert deliver(served.workspace, served.services, "invented", {"b": (("b.parquet",), None)}, tmp_path)["b"] > 0
    assert str(DeltaTable(source / "b").to_pyarrow_table().column("n").to_pylist()[0]) == "2021-06-30 08:00:00"

    with pytest.raises(DeliveryError, match="zone 'nowhere' is not deployed in dbw-cdh-test; deployed: invented, ml"):
        deliver(served.workspace, served.services, "nowhere", {}, tmp_path)


PROGRAM = """
import sys, threading
from pathlib import Path
from threading import Thread
from sandbox.services import Services
from sandbox.workspace import Workspace
from sandbox.runner import run_job
workspace = Workspace(Path(sys.argv[1]))
with Services(workspace, Path(sys.argv[2])) as services:
    services.start_spark()
    services.start_mlflow()
    run_job(workspace, services, "hang")
"""


@pytest.mark.clause("P7")
def test_a_killed_runner_takes_servers_tasks_and_sparks_python_workers_with_it(tmp_path: Path):
    up = tmp_path / "up"
    workspace = deployed(tmp_path / "dbw-cdh-test")
    build_wheel(workspace.volume_path(WHEEL), TASKS)
    (workspace.warehouse / "ml").mkdir(parents=True)
    Bench(workspace, tmp_path).deploy("hang", [task("a", "hang", named={"started": str(up)})])
    command = [sys.executable, "-c", PROGRAM, str(workspace.root), str(CACHE)]
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    runner = subprocess.Popen(command, env=env, start_new_session=True)
    try:
        wait_for(up.exists, 120)
        me = psutil.Process(runner.pid)
        wait_for(lambda: any("pyspark/daemon" in one or "pyspark.daemon" in one for one in lines(me)), 60)
        children = me.children(recursive=True)
    finally:
        os.killpg(runner.pid, signal.SIGKILL)
        runner.wait()
    names = [one.name() for one in children if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert len(children) >= 6, names
    wait_for(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in children))


def lines(process: psutil.Process) -> list[str]:
    """Command lines of all that a process started."""
    found = []
    for one in process.children(recursive=True):
        try:
            found.append(" ".join(one.cmdline()))
        except psutil.NoSuchProcess:
            continue
    return found
