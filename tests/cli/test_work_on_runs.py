"""`mlops run`, `repair` and `cancel` through the REST door; who is refused what, and which door is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from runner_bench import Bench, NoServers, deployed, for_each, task
from screen import Screen, has, runs

import cli.work
from cli.client import Opened, Where, of_sandbox
from cli.errors import UsageError
from cli.status import print_status
from cli.work import stop, watching
from operate.errors import OperateError
from operate.logs import logs
from operate.runs import Runs
from operate.status import status
from operate.watch import Watch
from operate.work import repair, start
from sandbox.rest.announced import announced, living
from sandbox.rest.server import serving

CACHE = Path(__file__).parents[2] / ".cache"
pytestmark = pytest.mark.clause("P5")


def watched(workspace: Opened, job: str, **parameters: str) -> Screen:
    """`mlops run`."""
    screen = Screen()
    Watch(workspace.client, watching(screen.console), 0.05).follow(start(workspace.client, job, parameters))
    return screen


def test_a_run_is_watched_with_what_its_tasks_write_and_with_the_runs_they_start(bench: Bench, workspace: Opened):
    child = bench.deploy(
        "child",
        [task("inner", "say", named={"who": "{{job.parameters.who}}"})],
        parameter=[{"name": "who", "default": "x"}],
    )
    bench.deploy("top", [
        task("bad", "fail", max_retries=1), task("never", "say", ["bad"]),
        {"task_key": "start", "run_job_task": [{"job_id": child}]},
        for_each("each", '["p", "q"]', task("one", "say", named={"x": "{{input}}"})),
    ], parameter=[{"name": "who", "default": "nobody"}])  # fmt: skip
    screen = watched(workspace, "top", who="me")
    assert has(screen.lines, "▸ top bad (attempt 2)")
    assert sum("bad before the end" in line for line in screen.lines) == 2
    assert has(screen.lines, '  inner said {"who": "me"}')
    assert has(screen.lines, '  each.2 said {"who": "me", "x": "q"}')
    assert has(screen.lines, "UPSTREAM_FAILED never")
    assert has(screen.lines, "SUCCESS child, run")
    assert screen.lines[-1].startswith("FAILED top, run 1, ")


def test_lines_are_shown_while_the_task_still_runs(bench: Bench, workspace: Opened):
    other = bench.folder / "other"
    bench.deploy("early", [task("a", "greet", named={"other": str(other)}, timeout_seconds=20)])
    seen: list[str] = []

    def tell(event: object) -> None:
        seen.append(type(event).__name__)
        if "Wrote" in seen:
            other.touch()

    run = Watch(workspace.client, tell, 0.05).follow(start(workspace.client, "early", {}))
    assert run.result == "SUCCESS", "the task ends only when a line of its log was seen"
    assert seen.index("Wrote") < seen.index("Ended")


def test_a_repair_shows_only_what_it_runs_again_and_counts(bench: Bench, workspace: Opened):
    count = bench.folder / "count"
    bench.deploy("mend", [task("good", "say"), task("flaky", "flaky", named={"count": str(count), "good_at": "3"})])
    bench.run("mend")
    for ends in ("FAILED", "SUCCESS"):
        screen = Screen()
        before = repair(workspace.client, 1, [], {})
        Watch(workspace.client, watching(screen.console), 0.05).follow(1, before)
        assert not any("good" in line for line in screen.lines)
        assert screen.lines[-1].startswith(f"{ends} mend, run 1, ")
    assert has(runs(workspace), "✓ run 1 mend", "2 repairs")
    assert has(runs(workspace), "✓ flaky", "3 attempts")
    with pytest.raises(OperateError, match="run 1 has no task 'x'; valid: good, flaky"):
        repair(workspace.client, 1, ["x"], {})


def test_cancel_says_how_the_run_ended(bench: Bench, workspace: Opened):
    up = bench.folder / "up"
    bench.deploy("long", [task("a", "hang", named={"started": str(up)})])
    running = threading.Thread(target=bench.run, args=("long",))
    running.start()
    appeared(up)
    screen = Screen()
    stop(screen.console, workspace, 1)
    running.join()
    assert screen.lines == ["run 1 long: CANCELED"]
    with pytest.raises(OperateError, match="run 1 long is not active: it ended CANCELED"):
        stop(screen.console, workspace, 1)


def test_ctrl_c_stops_a_run_that_is_ours_in_order(bench: Bench, workspace: Opened, monkeypatch):
    up = bench.folder / "up"
    bench.deploy("long", [task("a", "hang", named={"started": str(up)})])

    def interrupted(*_: object) -> None:
        appeared(up)
        raise KeyboardInterrupt

    monkeypatch.setattr(Watch, "follow", interrupted)
    screen, run_id = Screen(), start(workspace.client, "long", {})
    with pytest.raises(KeyboardInterrupt):
        cli.work._follow(screen.console, Where(stage="dev"), workspace, run_id)
    assert screen.lines == ["run 1 long: CANCELED"]


def test_ctrl_c_leaves_a_run_that_is_not_ours_and_says_how_to_stop_it(workspace: Opened, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Watch, "follow", interrupted)
    screen = Screen()
    with pytest.raises(KeyboardInterrupt):
        cli.work._follow(screen.console, Where(stage="dev"), replace(workspace, ours=False), 7)
    assert screen.lines == ["run 7 goes on; `mlops cancel dev 7` stops it"]


def test_the_exit_code_of_a_run_that_did_not_succeed_is_1(bench: Bench, monkeypatch):
    monkeypatch.setattr(cli.work, "opened", lambda _: of_sandbox(bench.workspace, services=NoServers()))
    bench.deploy("good", [task("a", "say")])
    bench.deploy("bad", [task("a", "fail")])
    cli.work.run_job(Where(stage="dev"), "good", [])
    with pytest.raises(SystemExit) as ended:
        cli.work.run_job(Where(stage="dev"), "bad", [])
    assert ended.value.code == 1


def appeared(path: Path) -> None:
    for _ in range(2000):
        if path.exists():
            return
        threading.Event().wait(0.01)
    raise AssertionError(f"{path.name} did not appear")


NOBODY: dict[str, Callable[[Opened], object]] = {
    "job 'lost' is not deployed, or not for you to see; valid: hello": lambda one: start(one.client, "lost", {}),
    "job 'hello' has no parameter 'b'; valid: who": lambda one: start(one.client, "hello", {"b": "1"}),
    "run 9 is unknown; the newest: 1": lambda one: Runs(one.client).run(9),
    "run 1 has no task 'b'; valid: a": lambda one: list(logs(one.client, 1, "b")),
    "run 1 hello is not active: it ended SUCCESS": lambda one: stop(Screen().console, one, 1),
}


def test_what_is_not_there_is_named_with_what_is(bench: Bench, workspace: Opened):
    bench.deploy("hello", [task("a", "say")], parameter=[{"name": "who", "default": "x"}])
    bench.run("hello")
    for said, ask in NOBODY.items():
        with pytest.raises(OperateError) as refused:
            ask(workspace)
        assert str(refused.value) == said
    with pytest.raises(UsageError, match="parameter 'a' is not valid; valid: name=value"):
        cli.work.parsed(["a"])


def test_r3_sees_what_its_levels_allow_and_is_refused_in_one_line(bench: Bench):
    r3 = {"group_name": "cdh-ml-data-science-analysts", "permission_level": "CAN_VIEW"}
    bench.deploy("seen", [task("a", "say")])
    seen = bench.id
    bench.workspace.store.update("databricks_permissions", f"/jobs/{seen}", {"access_control": [r3]})
    bench.deploy("hidden", [task("a", "say")])
    bench.run("seen")
    bench.run("hidden")
    with of_sandbox(bench.workspace, "r3@cdh.example", services=NoServers()) as workspace:
        assert runs(workspace)[0] == "dev stage: 1 run, 1 started by a person"
        with pytest.raises(OperateError) as refused:
            start(workspace.client, "seen", {})
        assert str(refused.value) == (
            f"User r3@cdh.example does not have CAN_MANAGE_RUN permission on /jobs/{seen}. (PERMISSION_DENIED)"
        )
        with pytest.raises(OperateError, match="not for you to see; valid: seen"):
            start(workspace.client, "hidden", {})
        with pytest.raises(OperateError, match=r"^User r3@cdh.example does not have CAN_VIEW permission on /jobs/"):
            Runs(workspace.client).run(2)
        screen = Screen()
        print_status(screen.console, "dev", status(workspace.client, workspace.catalog))
        assert "seen by r3@cdh.example" in screen.text
        assert "hidden" not in screen.text


def test_a_door_that_is_open_is_used_and_one_that_is_gone_is_not(bench: Bench):
    assert living(bench.workspace) is None
    with serving(bench.workspace, CACHE, services=NoServers()) as served, announced(bench.workspace, served.host):
        assert living(bench.workspace) == served.host
        with of_sandbox(bench.workspace) as found:
            assert (found.client.config.host, found.ours) == (served.host, False)
    assert living(bench.workspace) is None
    (bench.workspace.root / "door.json").write_text(json.dumps({"host": "http://127.0.0.1:1"}))
    assert living(bench.workspace) is None


def test_the_door_of_another_workspace_at_the_same_address_gets_no_token(bench: Bench, tmp_path):
    other = deployed(tmp_path / "dbw-cdh-other")
    with serving(other, CACHE, services=NoServers()) as served:
        (bench.workspace.root / "door.json").write_text(json.dumps({"host": served.host}))
        assert living(bench.workspace) is None


def test_what_the_environment_says_of_another_workspace_does_not_matter_here(bench: Bench, monkeypatch):
    for name, value in {
        "DATABRICKS_HOST": "https://adb-0000.azuredatabricks.example", "DATABRICKS_TOKEN": "dapi-not-ours",
        "DATABRICKS_CLIENT_ID": "x", "DATABRICKS_CLIENT_SECRET": "y", "http_proxy": "http://127.0.0.1:1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    with of_sandbox(bench.workspace, services=NoServers()) as found:
        assert found.client.current_user.me().user_name == "deployer"


def test_a_service_principal_that_owns_the_catalog_is_an_administrator(bench: Bench):
    store = bench.workspace.store
    store.update("databricks_catalog", "cdh_test", {"name": "cdh_test", "owner": "0000-1"})
    store.create("databricks_service_principal", "7", {"application_id": "0000-1", "display_name": "sp-deploy-dev"})
    bench.deploy("job", [task("a", "say")])
    for who, name in {"": "deployer", "sp-deploy-dev": "0000-1"}.items():
        with of_sandbox(bench.workspace, who, services=NoServers()) as found:
            assert found.client.current_user.me().user_name == name
            assert [one.settings.name for one in found.client.jobs.list()] == ["job"]
