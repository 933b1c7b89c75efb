"""What `mlops runs`, `logs` and `status` show a person, in a terminal of 80 columns.

All of it through the REST door of a small workspace, with the client that Azure gets.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from runner_bench import Bench, NoServers, condition, for_each, task
from screen import Screen, has, runs

import cli.runs
from cli.client import Opened, Where, of_sandbox
from cli.logs import print_logs
from cli.status import print_status
from operate.errors import OperateError
from operate.logs import logs
from operate.status import status
from sandbox.runner import run_job
from sandbox.runner.attempt import Ended
from sandbox.runner.ledger import Ledger

pytestmark = pytest.mark.clause("P5")


def test_a_run_is_a_tree_with_states_attempts_iterations_and_the_first_reason(bench: Bench, workspace: Opened):
    child = bench.deploy("child", [task("inner", "say")])
    bench.deploy("much", [
        task("good", "value", named={"k": "v"}), task("bad", "fail", ["good"], max_retries=1), task("after", "say", ["bad"]),
        condition("if", "{{tasks.good.values.k}}", "EQUAL_TO", "w", ["good"]), task("then", "say", [("if", "true")]),
        for_each("each", '["fine", "bad"]', task("one", "picky", named={"x": "{{input}}"})),
        {"task_key": "start", "run_job_task": [{"job_id": child}]},
    ], parameter=[{"name": "by", "default": "the test"}])  # fmt: skip
    bench.run("much")
    lines = runs(workspace)
    assert lines[0] == "dev stage: 2 runs, 1 started by a person"
    assert has(lines, "✗ run 1 much", "FAILED")
    assert has(lines, "by=the test")
    text = " ".join(" ".join(lines).split())
    assert "task 'bad': ValueError: the reason is this one" in text
    assert has(lines, "✓ good")
    assert has(lines, "✗ bad", "FAILED, 2 attempts")
    assert text.count("the reason is this one") == 1, "no reason stands there twice"
    assert has(lines, "· after", "UPSTREAM_FAILED")
    assert has(lines, "· then", "EXCLUDED")
    assert has(lines, "'v' EQUAL_TO 'w' is false")
    assert has(lines, "✗ each", "2 iterations: 1 failed, 1 done")
    assert has(lines, "✗ each.2", 'input "bad"')
    assert has(lines, "✓ run 2 child")
    assert lines.index(has(lines, "✓ run 2 child")) > lines.index(has(lines, "✓ start"))


def test_what_has_not_ended_says_what_it_waits_for(bench: Bench, workspace: Opened):
    bench.deploy("j", [task("now", "say"), task("soon", "say"), task("late", "say")])
    ledger = Ledger(bench.workspace.runs)
    common = {
        "job_id": bench.id,
        "job_name": "j",
        "run_as": "a",
        "parameters": {},
        "parent": None,
        "at_once": 1,
        "queue": True,
    }
    _, ids, _ = ledger.begin(
        tasks=[("now", "python_wheel_task"), ("soon", "python_wheel_task"), ("late", "run_job_task")], **common
    )
    ledger.begin(tasks=[("now", "python_wheel_task")], **common)
    ledger.task_started(ids["now"])
    ledger.task_started(ids["soon"])
    ledger.attempt_started(ids["soon"], 1)
    ledger.attempt_ended(ids["soon"], 1, Ended("FAILED", "not yet"), again=True)
    ledger.task_waits(ids["soon"])
    lines = runs(workspace)
    assert lines[0] == "dev stage: 2 runs, 2 started by a person, 2 active"
    assert has(lines, "▸ run 1 j", "running")
    assert has(lines, "▸ run 2 j", "queued")
    assert has(lines, "▸ soon", "waiting for its next attempt")
    assert has(lines, "not yet")
    assert has(lines, "▸ late", "waiting")
    screen = Screen()
    print_status(screen.console, "dev", status(workspace.client, workspace.catalog))
    assert has(screen.lines, "2 active: j (run 2, queued), j (run 1, running)")
    ledger.close()


def test_only_the_newest_runs_are_shown_where_there_are_many(bench: Bench, workspace: Opened, tmp_path, monkeypatch):
    bench.deploy("say", [task("a", "say")])
    for _ in range(3):
        bench.run("say")
    run_job(bench.workspace, bench.services, "say", trigger="PERIODIC")
    lines = runs(workspace, 2)
    assert lines[0] == "dev stage: 2 runs, 1 started by a person, 1 started by its schedule"
    assert lines[1] == "the newest 2; all with --last 0"
    assert [line.split()[2] for line in lines if " run " in line] == ["3", "4"]
    assert (
        runs(workspace, 4)[0]
        == runs(workspace)[0]
        == "dev stage: 4 runs, 3 started by a person, 1 started by its schedule"
    )
    assert "--last" not in " ".join(runs(workspace, 4))
    monkeypatch.setattr(cli.runs, "opened", lambda _: of_sandbox(bench.workspace, services=NoServers()))
    cli.runs.list_runs(Where(stage="dev"), tmp_path / "runs.json", 2)
    told = json.loads((tmp_path / "runs.json").read_text())
    assert (told["stage"], [run["run_id"] for run in told["runs"]]) == ("dev", [3, 4])
    assert told["runs"][1]["trigger"] == "PERIODIC"
    assert [(one["task_key"], one["result"], len(one["attempts"])) for one in told["runs"][1]["tasks"]] == [
        ("a", "SUCCESS", 1)
    ]


def test_logs_come_in_the_order_of_the_work_each_under_how_it_ended(bench: Bench, workspace: Opened):
    bench.deploy(
        "two", [task("b_first", "say", named={"n": "[1] {x}"}), task("a_second", "fail", ["b_first"], max_retries=1)]
    )
    bench.run("two")
    screen = Screen(soft_wrap=True)
    print_logs(screen.console, logs(workspace.client, 1))
    heads = [line for line in screen.lines if not line.startswith("  ")]
    assert heads == [
        "b_first  SUCCESS", "a_second, attempt 1 of 2  FAILED: ValueError: the reason is this one",
        "a_second, attempt 2 of 2  FAILED: ValueError: the reason is this one",
    ]  # fmt: skip
    assert screen.lines[1].endswith('said {"n": "[1] {x}"}'), "what a task writes is shown as it is"
    one = Screen(soft_wrap=True)
    print_logs(one.console, logs(workspace.client, 1, "a_second", 2))
    assert one.lines[0].startswith("a_second, attempt 2 of 2")
    assert one.lines[1].endswith("before the end")
    with pytest.raises(OperateError, match="attempt 3 is not valid for task 'a_second'; valid: 1, 2"):
        list(logs(workspace.client, 1, "a_second", 3))


def test_an_iteration_has_a_log_of_its_own(bench: Bench, workspace: Opened):
    bench.deploy("loop", [for_each("each", '["p", "q"]', task("one", "say", named={"x": "{{input}}"}))])
    bench.run("loop")
    screen = Screen()
    print_logs(screen.console, logs(workspace.client, 1, "each.2"))
    assert screen.lines[1].endswith('said {"x": "q"}')
    with pytest.raises(OperateError, match=r"no iteration 'each.3'; valid: each.1, each.2"):
        list(logs(workspace.client, 1, "each.3"))


def test_status_is_one_screen_of_what_is_there(bench: Bench, workspace: Opened):
    made = bench.workspace.store.create
    made("databricks_schema", "cdh_test.ml", {"catalog_name": "cdh_test", "name": "ml"})
    for name in ("risk", "new"):
        made("databricks_registered_model", f"cdh_test.ml.{name}", {"catalog_name": "cdh_test", "schema_name": "ml", "name": name})  # fmt: skip
    aliases(bench, "cdh_test.ml.risk", champion=3, challenger=4)
    bench.deploy("risk_monitor", [condition("retrain_wanted", "false", "EQUAL_TO", "true")], tags={"code": "abc123"})
    bench.deploy("risk_train", [task("a", "fail")])
    bench.deploy("risk_score", [task("a", "say")])
    bench.run("risk_monitor")
    bench.run("risk_train")
    screen = Screen()
    print_status(screen.console, "dev", status(workspace.client, workspace.catalog))
    assert max(map(len, screen.lines)) <= 80
    assert len(screen.lines) <= 24
    assert has(screen.lines, "catalog cdh_test, 1 schemas; 3 jobs, code abc123; 2 models")
    assert has(screen.lines, "nothing runs")
    assert has(screen.lines, "risk_monitor", "✓ SUCCESS", "retrain_wanted: false")
    assert has(screen.lines, "risk_train", "✗ FAILED", "task 'a'")
    assert has(screen.lines, "risk_score", "never")
    assert has(screen.lines, "cdh_test.ml.risk", "version 3")
    assert has(screen.lines, "cdh_test.ml.new", "none yet")


def aliases(bench: Bench, model: str, **named: int) -> None:
    """As MLflow's own database keeps them."""
    bench.workspace.mlflow.mkdir(parents=True)
    with closing(sqlite3.connect(bench.workspace.mlflow / "mlflow.db")) as db, db:
        db.execute("CREATE TABLE registered_model_aliases (alias TEXT, version INTEGER, name TEXT, workspace TEXT)")
        rows = [(alias, version, model, "default") for alias, version in named.items()]
        db.executemany("INSERT INTO registered_model_aliases VALUES (?, ?, ?, ?)", rows)
