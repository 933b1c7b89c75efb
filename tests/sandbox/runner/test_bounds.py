"""Much of everything, and what a person broke: bounded, and named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runner_bench import REQUIREMENTS, Bench, condition, for_each, task
from test_killed import REPOSITORY

from sandbox.errors import SandboxError
from sandbox.runner.actions import read_values
from sandbox.runner.attempt import Ended
from sandbox.runner.clock import VirtualClock
from sandbox.runner.environment import requirement_differences, session_settings
from sandbox.runner.job_json import read_job
from sandbox.runner.log import HEAD_CHARACTERS, TAIL_CHARACTERS, AttemptLog
from sandbox.runner.outcomes import Acted
from sandbox.runner.schedule import Caller

GOOD = Acted(Ended("SUCCESS", ""))


# ---- for_each --------------------------------------------------------------------------------------------------------


def test_ten_thousand_inputs_run_at_most_so_many_at_a_time(bench: Bench):
    # "48 KB if you use task value references to pass them": 10,000 numbers are 48,891 bytes. "maximum allowed is 100".
    at_work, most, lock, threads = [0], [0], threading.Lock(), set()

    def act(call):
        if call.task.key == "a":
            return Acted(Ended("SUCCESS", ""), {"all": json.dumps(list(range(10_000)), separators=(",", ":"))})
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
            threads.add(threading.get_ident())
        try:
            return GOOD if call.context.input != 7_777 else Acted(Ended("FAILED", "seven"))
        finally:
            with lock:
                at_work[0] -= 1

    nested = task("one", "say", named={"x": "{{input}}"})
    bench.deploy("loop", [task("a", "say"), for_each("each", "{{tasks.a.values.all}}", nested, ["a"], concurrency=20)])
    run = bench.fake(act, VirtualClock(1.75e9), slots=50).execute(Caller(threading.Event()))
    assert run.tasks["each"].reason == "1 of 10000 iterations failed; iteration 7778: seven"
    assert most[0] <= 20
    assert len(threads) <= 21
    each = bench.runs.task(1, "each").task_run_id
    assert bench.runs.iteration_states(each) == {"FAILED": 1, "SUCCESS": 9_999}
    (bad,) = bench.runs.iterations(each, 7_777, 1)
    assert (bad.task_key, bad.result) == ("each.7778", "FAILED")


def test_one_input_more_than_48_kb_is_refused(bench: Bench):
    def act(call):
        return Acted(Ended("SUCCESS", ""), {"all": json.dumps(["x" * 10] * 5_000)})

    bench.deploy("loop", [task("a", "say"), for_each("each", "{{tasks.a.values.all}}", task("one", "say"), ["a"])])
    run = bench.fake(act, VirtualClock(1.75e9)).execute(Caller(threading.Event()))
    assert run.tasks["each"].reason == "task 'each': inputs take 70000 bytes; at most 49152"


FULL_DISK = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from runner_bench import NoServers
from sandbox.errors import SandboxError
from sandbox.runner import run_job
from sandbox.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    print(run_job(workspace, NoServers(), "loop").reason)
except SandboxError as error:
    print(error)
"""


def test_a_full_disk_is_named_and_loses_nothing_that_was_written(bench: Bench):
    bench.deploy(
        "loop",
        [task("a", "say"), for_each("each", json.dumps([1] * 3_000), condition("one", "1", "EQUAL_TO", "1"), ["a"])],
    )
    command = [sys.executable, "-c", FULL_DISK, str(bench.workspace.root), str(Path(__file__).parent)]
    said = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, check=True
    )
    assert "the runs database cannot be written: " in said.stdout
    assert bench.runs.task(1, "a").result == "SUCCESS"
    assert bench.runs.run(1).result in ("FAILED", None)
    assert bench.repair(1).result == "SUCCESS", "there is room again"


# ---- log and values --------------------------------------------------------------------------------------------------


def test_a_task_that_writes_a_hundred_megabytes_has_a_bounded_log_that_says_what_is_left_out(bench: Bench):
    bench.deploy("loud", [task("a", "shout", named={"lines": "100000"})])
    run = bench.run("loud")
    assert run.result == "SUCCESS"
    lines = bench.runs.log(run.run_id, "a")
    size = sum(len(line.text) + 1 for line in lines)
    assert size < HEAD_CHARACTERS + TAIL_CHARACTERS + 2_000
    assert lines[0].text.startswith("0 xxx")
    assert lines[-1].text == "the last line"
    (cut,) = [line for line in lines if line.text.startswith("... ")]
    left = int(cut.text.split()[1])
    assert left == 100_001 - (len(lines) - 1)
    # A line takes 1,000 characters, its number, a space and its end.
    assert 1.0 < float(cut.text.split("(")[1].split()[0]) / left * 1000 < 1.01
    assert cut.text.endswith("MB) are left out here: the task wrote too much ...")


@given(st.lists(st.text(alphabet="ab", max_size=4_000), max_size=30))
def test_a_log_keeps_all_of_a_task_that_writes_little(tmp_path_factory, texts):
    told: list[str] = []
    path = tmp_path_factory.mktemp("log") / "a.1.log"
    with AttemptLog(path, lambda stream, text: told.append(text)) as log:
        for text in texts:
            log.add("out", text)
    assert told == texts


def test_a_line_without_an_end_is_cut(bench: Bench):
    bench.deploy("line", [task("a", "endless")])
    run = bench.run("line")
    assert run.result == "SUCCESS"
    texts = [line.text for line in bench.runs.log(run.run_id, "a")]
    assert sum(map(len, texts)) == 1_000_000
    assert max(map(len, texts)) <= 2 * 64 * 1024


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("no json\n", "task value 1 is not valid: no json"),
        ('{"key": "k"}\n', "task value 1 is not valid"),
        # "The size of the JSON representation of the value cannot exceed 48 KiB."
        (json.dumps({"key": "k", "value": "x" * 49_151}) + "\n", "task value 'k' takes 49153 bytes; at most 49152"),
        ("".join(json.dumps({"key": str(n), "value": n}) + "\n" for n in range(251)), "251 task values; at most 250"),
    ],
)
def test_a_broken_task_value_is_named(tmp_path, written, said):
    (tmp_path / "values").write_text(written)
    with pytest.raises(SandboxError, match=said):
        read_values(tmp_path / "values")


def test_a_task_value_that_was_being_written_when_its_process_died_is_none(tmp_path):
    (tmp_path / "values").write_text('{"key": "a", "value": 1}\n{"key": "b", "va')
    assert read_values(tmp_path / "values") == {"a": 1}


# ---- a job that somebody edited --------------------------------------------------------------------------------------


def broken(**fields) -> dict:
    clusters = [] if fields.pop("no_cluster", False) else [{"job_cluster_key": "ml_cpu", "new_cluster": [{}]}]
    return {"name": "j", "id": "1", "task": [task("a", "say")], "job_cluster": clusters, **fields}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"id": "1"}, "job: name is missing"),
        (broken(task=[]), "job 'j' has no task"),
        (broken(task="a"), "job 'j': task = 'a' is not valid; valid: a list of objects"),
        (broken(task=["a"]), "job 'j', task = 'a' is not valid; valid: an object"),
        (broken(task=[{}]), "job 'j', task: task_key is missing"),
        (broken(task=[task("a", "say"), task("a", "say")]), "job 'j': task_key = 'a' is there more than once"),
        (broken(timeout_seconds="ten"), "job 'j': timeout_seconds = 'ten' is not valid; valid: a whole number from 0"),
        (broken(max_concurrent_runs=0), "max_concurrent_runs = 0 is not valid; valid: a whole number from 1 to 1000"),
        (broken(queue=[{"enabled": "yes"}]), "job 'j', queue: enabled = 'yes' is not valid; valid: true, false"),
        (broken(task=[task("a", "say", max_retries=-2)]), "task 'a': max_retries = -2 is not valid; valid: a whole"),
        (broken(task=[task("a", "say", run_if="NEVER")]), "run_if = 'NEVER' is not valid; valid: ALL_SUCCESS, AT_LEAST"),
        (broken(no_cluster=True), "job_cluster_key = 'ml_cpu' is not valid; valid: none"),
        (broken(task=[condition("a", "1", "IS", "1")]), "op = 'IS' is not valid; valid: EQUAL_TO, NOT_EQUAL"),
        (broken(task=[condition("a", "1", "EQUAL_TO", "1"), task("b", "say", [("a", "maybe")])]), "outcome = 'maybe' is not"),
        (broken(task=[{"task_key": "a", "python_wheel_task": [{}]}]), "python_wheel_task: package_name is missing"),
        (broken(task=[{"task_key": "a", "run_job_task": [{}, {}]}]), "run_job_task: job_id is missing"),
        (broken(task=[for_each("a", "[]", for_each("b", "[]", task("c", "say")))]), "for_each_task is not valid as the nested"),
        (broken(task=[for_each("a", "[]", task("c", "say"), concurrency=101)]), "concurrency = 101 is not valid; valid: .* 1 to 100"),
        (broken(health=[{"rules": [{"metric": "STREAMING_BACKLOG_BYTES", "op": "GREATER_THAN", "value": 1}]}]), "metric = 'STREAMING"),
        (broken(schedule=[{"quartz_cron_expression": "0 0 3 * * ?"}], trigger=[{"periodic": [{"interval": 1, "unit": "DAYS"}]}]),
         "schedule, periodic exclude each other"),
        (broken(trigger=[{"file_arrival": [{"url": "/Volumes/c/s/v"}]}]), "url = '/Volumes/c/s/v' is not valid; valid: .* slash at the end"),
        (broken(trigger=[{"table_update": [{"table_names": ["t"]}]}]), "table_names = .* valid: <catalog>.<schema>.<table>"),
    ],
)  # fmt: skip
def test_a_job_edited_by_hand_is_refused_with_the_place_the_value_and_the_valid_ones(body, said):
    with pytest.raises(SandboxError, match=said):
        read_job(body)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=5)  # fmt: skip
FIELDS = ["task", "run_as", "parameter", "timeout_seconds", "max_concurrent_runs", "job_cluster", "queue", "health",
          "email_notifications", "webhook_notifications", "notification_settings", "schedule", "trigger"]  # fmt: skip


@given(st.sampled_from(FIELDS), JSON)
def test_whatever_stands_in_a_job_it_is_read_or_refused_and_nothing_else(field, value):
    # Any other error would leave the `with`.
    with suppress(SandboxError):
        read_job({**broken(task=[condition("a", "1", "EQUAL_TO", "1")]), field: value})


# ---- environment -----------------------------------------------------------------------------------------------------


def test_a_difference_between_the_clusters_requirements_and_what_is_installed_is_named_once(bench: Bench):
    here = metadata.version("packaging")
    lock = (
        f"packaging==1.0 \\\n    --hash=sha256:00\nno-such-thing==2.0\nhypothesis=={metadata.version('hypothesis')}\n"
    )
    bench.workspace.volume_path(REQUIREMENTS).write_text(lock + "pywin32==300 ; sys_platform == 'win32'\n")
    named = {"count": str(bench.folder / "count"), "good_at": "2"}
    bench.deploy("needs", [task("a", "flaky", named=named, max_retries=1)])
    run = bench.run("needs")
    said = (
        f"sandbox: 2 of the cluster's requirements differ here: packaging 1.0 is {here}; no-such-thing 2.0 is missing"
    )
    assert bench.said(run, "a", 1).splitlines()[0] == said
    assert "sandbox:" not in bench.said(run, "a", 2)


def test_many_differences_are_counted(bench: Bench):
    lock = "".join(f"no-such-{number}==1\n" for number in range(20))
    assert len(requirement_differences(lock)) == 20
    bench.workspace.volume_path(REQUIREMENTS).write_text(lock)
    bench.deploy("needs", [task("a", "say")])
    first = bench.said(bench.run("needs"), "a").splitlines()[0]
    assert first.startswith("sandbox: 20 of the cluster's requirements differ here: no-such-0 1 is missing;")
    assert first.endswith("and 12 more")


def test_spark_settings_that_a_session_can_take_reach_it_and_the_others_are_named(bench: Bench):
    conf = {"spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "3", "spark.executor.memory": "4g",
            "spark.sql.extensions": "x"}  # fmt: skip
    bench.deploy("conf", [task("a", "environment")], job_cluster=[
        {"job_cluster_key": "ml_cpu", "new_cluster": [{"spark_conf": conf, "spark_env_vars": {"OMP_NUM_THREADS": "1"}}]},
    ])  # fmt: skip
    note, env = bench.said(bench.run("conf"), "a").splitlines()
    assert note == "sandbox: spark_conf that a session cannot take here: spark.executor.memory, spark.sql.extensions"
    found = json.loads(env)
    assert (found["OMP_NUM_THREADS"], found["PYSPARK_REMOTE_INIT_CONF_LEN"]) == ("1", "1")
    assert json.loads(found["PYSPARK_REMOTE_INIT_CONF_0"]) == {
        "spark.sql.session.timeZone": "UTC", "spark.sql.shuffle.partitions": "3",
    }  # fmt: skip


@pytest.mark.spark
def test_a_session_has_the_settings_of_its_cluster(spark_remote: str, monkeypatch: pytest.MonkeyPatch):
    from pyspark.sql.connect.session import SparkSession

    settings, _ = session_settings({"spark.sql.shuffle.partitions": "3", "spark.sql.session.timeZone": "Asia/Tokyo"})
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    session = SparkSession.builder.remote(spark_remote).create()
    try:
        assert session.conf.get("spark.sql.shuffle.partitions") == "3"
        assert session.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
    finally:
        session.stop()
