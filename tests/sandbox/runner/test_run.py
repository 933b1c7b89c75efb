from __future__ import annotations

import json

import pytest
from runner_bench import WHEEL, Bench, NoServers, condition, task

from sandbox.errors import SandboxError
from sandbox.grants.record import tokens
from sandbox.runner import LogWritten, RunFinished, RunStarted, TaskFinished, TaskStarted


def test_tasks_run_after_what_they_depend_on(bench: Bench):
    bench.deploy("dag", [task("last", "say", ["left", "right"]), task("left", "say", ["first"]),
                         task("right", "say", ["first"]), task("first", "say")])  # fmt: skip
    run = bench.run("dag")
    times = {one.task_key: one for one in bench.runs.tasks(run.run_id)}
    assert run.result == "SUCCESS"
    for early, late in [("first", "left"), ("first", "right"), ("left", "last"), ("right", "last")]:
        assert times[early].ended <= times[late].started


def test_independent_branches_overlap(bench: Bench):
    # Each waits for the other's file: one after the other would never end.
    here, there = str(bench.folder / "here"), str(bench.folder / "there")
    bench.deploy("fork", [task("a", "meet", named={"mine": here, "other": there}, timeout_seconds=60),
                          task("b", "meet", named={"mine": there, "other": here}, timeout_seconds=60)])  # fmt: skip
    assert bench.run("fork").result == "SUCCESS"


def test_a_task_sees_only_its_wheel_and_the_contract(bench: Bench):
    bench.deploy("look", [task("env", "environment"), task("where", "where")])
    run = bench.run("look")
    env = json.loads(bench.said(run, "env"))
    token = env["MLFLOW_TRACKING_PASSWORD"]
    assert tokens(bench.workspace)[token] == {
        "token": token,
        "principal": "11111111-2222",
        "run": run.run_id,
        "task": "env",
    }
    assert env["SPARK_REMOTE"] == f"sc://127.0.0.1:1/;user_id=11111111-2222;session_id={token}"
    assert env["MLFLOW_TRACKING_URI"] == env["MLFLOW_REGISTRY_URI"] == "http://127.0.0.1:1"
    assert env["MLFLOW_TRACKING_USERNAME"] == "11111111-2222"
    assert env["CDH_VOLUMES_ROOT"].endswith(f"/volumes/{token}")
    assert (env["CDH_CATALOG"], env["FROM_CLUSTER"], env["TZ"]) == ("cdh_test", "yes", "UTC")
    assert "PYTHONPATH" not in env
    assert "PYTEST_CURRENT_TEST" not in env
    assert f"{bench.workspace.root}/wheels/" in bench.said(run, "where")
    assert "no sandbox" in bench.said(run, "where")


def test_values_parameters_and_references_reach_a_task(bench: Bench):
    references = {
        "job": "{{job.id}}/{{job.name}}/{{job.run_id}}",
        "parameter": "<{{job.parameters.sample}}>",
        "task": "{{task.name}}/{{task.run_id}}/{{task.execution_count}}",
        "value": "{{ tasks.first.values.rows }}",
        "other": "{{tasks.first.run_id}}/{{tasks.first.result_state}}",
        "start": "{{job.start_time.iso_datetime}}",
    }
    id_ = bench.deploy(
        "refer",
        [task("first", "value", named={"rows": "12"}), task("second", "say", ["first"], named=references)],
        parameter=[{"name": "sample", "default": "0.25"}, {"name": "by", "default": ""}],
    )
    run = bench.run("refer", sample="1.0")
    ids = {one.task_key: one.task_run_id for one in bench.runs.tasks(run.run_id)}
    said = json.loads(bench.said(run, "second").removeprefix("said "))
    assert run.parameters == bench.runs.run(run.run_id).parameters == {"sample": "1.0", "by": ""}
    assert said["job"] == f"{id_}/refer/{run.run_id}"
    assert said["parameter"] == "<1.0>"
    assert said["task"] == f"second/{ids['second']}/1"
    assert said["value"] == "12"
    assert said["other"] == f"{ids['first']}/success"
    assert len(said["start"]) == len("2026-01-01T00:00:00")
    # The job's parameters came to the task by themselves: it has set each as a value.
    assert bench.runs.tasks(run.run_id)[0].values == {"rows": "12", "sample": "1.0", "by": ""}


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (
            "{{tasks.first.values.nothing}}",
            "'{{tasks.first.values.nothing}}' stands for nothing; values of 'first': rows",
        ),
        ("{{tasks.ghost.values.rows}}", "task 'ghost' stands for nothing; tasks that ended before: first"),
        ("{{job.parameters.ghost}}", "'{{job.parameters.ghost}}' stands for nothing; parameters: sample"),
        ("{{workspace.url}}", "'{{workspace.url}}' stands for nothing; valid: job.id, job.name"),
    ],
)
def test_a_reference_to_nothing_fails_its_task_and_is_named(bench: Bench, reference, reason):
    first = task("first", "value", named={"rows": "12"})
    second = task("second", "say", ["first"], named={"x": reference}, max_retries=3)
    bench.deploy("refer", [first, second], parameter=[{"name": "sample", "default": "1"}])
    end = bench.run("refer").tasks["second"]
    assert end.result == "FAILED"
    assert reason in end.reason
    assert end.attempts == 1, "trying again cannot help"


def test_a_condition_opens_one_branch_and_excludes_the_other(bench: Bench):
    bench.deploy("branch", [
        task("judge", "value", named={"passed": "true"}),
        condition("passed", "{{tasks.judge.values.passed}}", "EQUAL_TO", "true", ["judge"]),
        task("promote", "say", [("passed", "true")]), task("refuse", "say", [("passed", "false")]),
        task("after_refusal", "say", ["refuse"]),
    ])  # fmt: skip
    run = bench.run("branch")
    assert bench.results(run) == {
        "judge": "SUCCESS", "passed": "SUCCESS", "promote": "SUCCESS", "refuse": "EXCLUDED", "after_refusal": "EXCLUDED",
    }  # fmt: skip
    assert run.result == "SUCCESS"
    passed = next(one for one in bench.runs.tasks(run.run_id) if one.task_key == "passed")
    assert passed.outcome == "true"


def test_a_failure_fails_what_follows_and_runs_what_handles_it(bench: Bench):
    bench.deploy("fail", [
        task("bad", "fail"), task("next", "say", ["bad"]), task("clean", "say", ["bad"], run_if="AT_LEAST_ONE_FAILED"),
    ])  # fmt: skip
    run = bench.run("fail")
    assert bench.results(run) == {"bad": "FAILED", "next": "UPSTREAM_FAILED", "clean": "SUCCESS"}
    assert run.result == "FAILED"
    assert run.reason == "task 'bad': ValueError: the reason is this one"


def test_a_job_runs_another_with_parameters(bench: Bench):
    child = bench.deploy("child", [task("one", "say", named={"by": "{{job.parameters.by}}"})],
                         parameter=[{"name": "by", "default": ""}])  # fmt: skip
    start = {"job_id": int(child), "job_parameters": {"by": "{{job.run_id}}"}}
    bench.deploy("parent", [{"task_key": "start", "run_job_task": [start]}])
    run = bench.run("parent")
    parent, started = bench.runs.all()
    assert run.result == "SUCCESS"
    assert (parent.trigger, started.trigger, started.parent_run_id) == ("MANUAL", "RUN_JOB_TASK", parent.run_id)
    assert started.parameters == {"by": str(parent.run_id)}
    assert bench.runs.tasks(parent.run_id)[0].child_run_id == started.run_id


def test_a_failed_child_run_fails_its_task_with_the_reason(bench: Bench):
    child = bench.deploy("child", [task("one", "fail")])
    bench.deploy("parent", [{"task_key": "start", "run_job_task": {"job_id": child}}])
    run = bench.run("parent")
    assert run.tasks["start"].result == "FAILED"
    assert "run 2 of job 'child' ended FAILED: task 'one': ValueError: the reason is this one" in run.reason


def test_a_job_that_starts_itself_is_refused(bench: Bench):
    id_ = bench.deploy("loop", [{"task_key": "again", "run_job_task": [{"job_id": "1001"}]}])
    assert id_ == "1001"
    assert "job 'loop' would start itself: loop -> loop" in bench.run("loop").reason


def test_what_was_declared_wrongly_is_refused_with_the_valid_ones(bench: Bench):
    bench.deploy("known", [task("a", "say")], parameter=[{"name": "sample", "default": "1"}])
    bench.deploy("ghost", [task("a", "say", ["b"])])
    bench.deploy("circle", [task("a", "say", ["b"]), task("b", "say", ["a"]), task("c", "say")])
    bench.deploy("note", [{"task_key": "n", "notebook_task": [{"notebook_path": "/x"}]}])
    for name, parameters, said in [
        ("unknown", {}, "job 'unknown' is not deployed in dbw-cdh-test; deployed: circle, ghost, known, note"),
        ("known", {"smaple": "1"}, "job 'known' has no parameter 'smaple'; valid: sample"),
        ("ghost", {}, "task 'a': depends_on = 'b' is not valid; valid: a"),
        ("circle", {}, "tasks depend on each other in a circle: a, b"),
        ("note", {}, "job 'note', task 'n': .*notebook_task.* valid: one of python_wheel_task, condition_task"),
    ]:
        with pytest.raises(SandboxError, match=said):
            bench.run(name, **parameters)
    assert bench.runs.all() == []


def test_a_missing_library_or_entry_point_is_named(bench: Bench):
    lost = "/Volumes/cdh_test/ml/artifacts/lost"
    bench.deploy("lost", [
        task("wheel", "say", library=[{"whl": f"{lost}.whl"}]),
        task("requirements", "say", library=[{"whl": WHEEL}, {"requirements": f"{lost}.txt"}]),
        {**task("package", "say"), "python_wheel_task": [{"package_name": "huge", "entry_point": "say"}]},
        {**task("entry", "say"), "python_wheel_task": [{"package_name": "tiny", "entry_point": "sing"}]},
    ])  # fmt: skip
    ends = bench.run("lost").tasks
    assert ends["wheel"].reason == f"library '{lost}.whl' does not exist on its volume"
    assert ends["requirements"].reason == f"library '{lost}.txt' does not exist on its volume"
    assert "package huge is not in the wheel; it holds: tiny-0.1.0.dist-info" in ends["package"].reason
    assert "sing" in ends["entry"].reason


def test_every_line_is_kept_with_its_time_and_stream_and_told(bench: Bench):
    bench.deploy("talk", [task("a", "fail")])
    run = bench.run("talk")
    lines = bench.runs.log(run.run_id, "a")
    assert (lines[0].stream, lines[0].text) == ("out", "before the end")
    assert (lines[-1].stream, lines[-1].text) == ("err", "ValueError: the reason is this one")
    assert all(line.at.startswith("20") for line in lines)
    told = [event.text for event in bench.events if isinstance(event, LogWritten)]
    assert told == [line.text for line in lines]
    kinds = [type(event) for event in bench.events if not isinstance(event, LogWritten)]
    assert kinds == [RunStarted, TaskStarted, TaskFinished, RunFinished]


def test_a_new_wheel_is_unpacked_beside_the_old_one(bench: Bench):
    from runner_bench import TASKS, build_wheel

    bench.deploy("say", [task("a", "say")])
    bench.run("say")
    build_wheel(bench.workspace.volume_path(WHEEL), TASKS.replace('"said"', '"new"'))
    run = bench.run("say")
    assert bench.said(run, "a").startswith("new")
    assert len(list((bench.workspace.root / "wheels").iterdir())) == 2


def test_a_task_fails_with_the_reason_why_its_spark_server_is_gone(bench: Bench):
    class Dying(NoServers):
        def spark_death(self, remote: str) -> str | None:
            return "the Spark server was killed by signal 9" if (bench.folder / "up").exists() else None

        def end_session(self, remote: str) -> None:
            pass

    bench.services = Dying()
    bench.deploy("hang", [task("a", "hang", named={"started": str(bench.folder / "up")})])
    assert bench.run("hang").reason == "task 'a': the Spark server was killed by signal 9"
