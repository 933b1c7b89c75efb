"""`mlops logs`: what the tasks of a run wrote."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from cli.errors import UsageError
from cli.house import House
from sandbox.runs import Attempt, Runs, TaskRun
from sandbox.workspace import workspace_of


def show_logs(name: str, run_id: int, task_key: str = "", attempt: int = 0) -> None:
    """The log of a run, of one task or of one attempt (0: all), each attempt under a line that says how it ended."""
    # Long lines are the task's own: a terminal wraps them, a pipe gets them whole.
    console = Console(highlight=False, soft_wrap=True)
    print_logs(console, Runs(workspace_of(House().home, House().out, name)), run_id, task_key, attempt)


def print_logs(console: Console, store: Runs, run_id: int, task_key: str = "", attempt: int = 0) -> None:
    """As `show_logs`, of a store."""
    tasks = [store.task(run_id, task_key)] if task_key else store.tasks(run_id)
    if attempt:
        valid = [one.attempt for task in tasks for one in task.attempts]
        if not task_key or attempt not in valid:
            shown = ", ".join(map(str, sorted(set(valid)))) or "none"
            raise UsageError(f"attempt {attempt} is not valid for task '{task_key}'; valid: {shown}")
    for task, one in _attempts(store, tasks):
        if attempt in (0, one.attempt):
            _show(console, store, task, one, len(task.attempts))


def _attempts(store: Runs, tasks: list[TaskRun]) -> Iterator[tuple[TaskRun, Attempt]]:
    """The attempts in the order in which they began, iterations with those of the others."""
    found = [*tasks, *(one for task in tasks for one in store.iterations(task.task_run_id))]
    pairs = [(task, attempt) for task in found for attempt in task.attempts]
    yield from sorted(pairs, key=lambda pair: (pair[1].started, pair[0].task_run_id))


def _show(console: Console, store: Runs, task: TaskRun, one: Attempt, total: int) -> None:
    state = one.result or one.life_cycle.lower()
    again = f", attempt {one.attempt} of {total}" if total > 1 else ""
    reason = f": {one.reason}" if one.reason else ""
    colour = "green" if one.result == "SUCCESS" else "yellow" if one.result is None else "red"
    head = Text.assemble((f"{task.task_key}{again}", "bold"), "  ", (state, colour), reason)
    lines = store.log_lines(task.run_id, task.task_key, one.attempt)
    console.print(head)
    for line in lines:
        # 2026-01-01T10:11:12.345+00:00: the time of day is enough within a run.
        text = Text.assemble(("  " + line.at[11:23] + " ", "dim"), line.text)
        console.print(text, style="red" if line.stream == "err" and one.result != "SUCCESS" else None)
