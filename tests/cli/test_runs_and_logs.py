"""What `mlops runs`, `logs` and `cancel` show a person, in a terminal of 80 columns."""

from __future__ import annotations

import sys
import threading
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parents[1] / "sandbox" / "runner"))
from runner_bench import Bench, condition, deployed, for_each, task

from cli.commands import stop
from cli.errors import UsageError
from cli.logs import print_logs
from cli.runs import print_runs
from sandbox.runner import run_job
from sandbox.runner.ledger import Ledger


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(deployed(tmp_path / "dbw-cdh-test"), tmp_path)


class Screen:
    def __init__(self, **more) -> None:
        self.file = StringIO()
        self.console = Console(file=self.file, width=80, highlight=False, **more)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.file.getvalue().splitlines()]


def runs(bench: Bench, last: int = 0) -> list[str]:
    screen = Screen()
    print_runs(screen.console, "dev", bench.runs, last)
    assert max(map(len, screen.lines)) <= 80
    return screen.lines


def has(lines: list[str], *words: str) -> str:
    """The one line that has all these words."""
    (found,) = [line for line in lines if all(word in line for word in words)]
    return found


def test_a_run_is_a_tree_with_states_attempts_iterations_and_the_first_reason(bench: Bench):
    child = bench.deploy("child", [task("inner", "say")])
    bench.deploy("much", [
        task("good", "value", named={"k": "v"}), task("bad", "fail", ["good"], max_retries=1), task("after", "say", ["bad"]),
        condition("if", "{{tasks.good.values.k}}", "EQUAL_TO", "w", ["good"]), task("then", "say", [("if", "true")]),
        for_each("each", '["fine", "bad"]', task("one", "picky", named={"x": "{{input}}"})),
        {"task_key": "start", "run_job_task": [{"job_id": child}]},
    ], parameter=[{"name": "by", "default": "the test"}])  # fmt: skip
    bench.run("much")
    lines = runs(bench)
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


def test_what_has_not_ended_says_what_it_waits_for(bench: Bench):
    ledger = Ledger(bench.workspace.runs)
    common = {
        "job_id": "1",
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
    ledger.attempt_started(ids["soon"], 1)
    ledger.attempt_ended(ids["soon"], 1, "FAILED", "not yet", {}, again=True)
    ledger.task_waits(ids["soon"])
    lines = runs(bench)
    assert lines[0] == "dev stage: 2 runs, 2 started by a person, 2 active"
    assert has(lines, "▸ run 1 j", "running")
    assert has(lines, "▸ run 2 j", "queued")
    assert has(lines, "▸ soon", "waiting for its next attempt")
    assert has(lines, "not yet")
    assert has(lines, "▸ late", "waiting")
    ledger.close()


def test_only_the_newest_runs_are_shown_where_there_are_many(bench: Bench):
    bench.deploy("say", [task("a", "say")])
    for _ in range(3):
        bench.run("say")
    run_job(bench.workspace, bench.services, "say", trigger="PERIODIC")
    lines = runs(bench, 2)
    assert lines[0] == "dev stage: 4 runs, 3 started by a person, 1 started by its schedule"
    assert lines[1] == "the newest 2; all with --last 0"
    assert [line.split()[2] for line in lines if " run " in line] == ["3", "4"]


def test_logs_come_in_the_order_of_the_work_each_under_how_it_ended(bench: Bench):
    bench.deploy(
        "two", [task("b_first", "say", named={"n": "[1] {x}"}), task("a_second", "fail", ["b_first"], max_retries=1)]
    )
    bench.run("two")
    screen = Screen(soft_wrap=True)
    print_logs(screen.console, bench.runs, 1)
    heads = [line for line in screen.lines if not line.startswith("  ")]
    assert heads == [
        "b_first  SUCCESS", "a_second, attempt 1 of 2  FAILED: ValueError: the reason is this one",
        "a_second, attempt 2 of 2  FAILED: ValueError: the reason is this one",
    ]  # fmt: skip
    assert screen.lines[1].endswith('said {"n": "[1] {x}"}'), "what a task writes is shown as it is"
    one = Screen(soft_wrap=True)
    print_logs(one.console, bench.runs, 1, "a_second", 2)
    assert one.lines[0].startswith("a_second, attempt 2 of 2")
    assert one.lines[1].endswith("before the end")
    with pytest.raises(UsageError, match="attempt 3 is not valid for task 'a_second'; valid: 1, 2"):
        print_logs(one.console, bench.runs, 1, "a_second", 3)


def test_an_iteration_has_a_log_of_its_own(bench: Bench):
    bench.deploy("loop", [for_each("each", '["p", "q"]', task("one", "say", named={"x": "{{input}}"}))])
    bench.run("loop")
    screen = Screen()
    print_logs(screen.console, bench.runs, 1, "each.2")
    assert screen.lines[1].endswith('said {"x": "q"}')


def test_cancel_says_how_the_run_ended(bench: Bench):
    up = bench.folder / "up"
    bench.deploy("long", [task("a", "hang", named={"started": str(up)})])
    running = threading.Thread(target=bench.run, args=("long",))
    running.start()
    while not up.exists():
        threading.Event().wait(0.01)
    screen = Screen()
    stop(screen.console, bench.workspace, 1, 15)
    running.join()
    assert screen.lines == ["run 1 long: CANCELED"]
