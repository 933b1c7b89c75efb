"""`mlops runs`: every run as a tree of its tasks, with states, times and the reason of the first failure."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

from cli.house import House
from cli.steps import duration
from sandbox.runs import Run, Runs, TaskRun
from sandbox.workspace import workspace_of

MARKS = {
    "SUCCESS": ("✓", "green"), "SUCCESS_WITH_FAILURES": ("✓", "yellow"), "EXCLUDED": ("·", "dim"),
    "DISABLED": ("·", "dim"), "MAXIMUM_CONCURRENT_RUNS_REACHED": ("·", "dim"), "UPSTREAM_FAILED": ("·", "red"),
    "UPSTREAM_CANCELED": ("·", "red"),
}  # fmt: skip
# What a person reads of something that has not ended.
UNDER_WAY = {
    "QUEUED": "queued", "PENDING": "waiting", "RUNNING": "running", "WAITING_FOR_RETRY": "waiting for its next attempt",
}  # fmt: skip
STARTED_BY = {
    "MANUAL": "a person", "PERIODIC": "its schedule", "FILE_ARRIVAL": "new files", "TABLE": "an updated table",
}  # fmt: skip


def list_runs(name: str, json_file: Path | None, last: int = 0) -> None:
    """The newest runs of a stage (0: all), newest last; one that another run started stands below the task of that."""
    store = Runs(workspace_of(House().home, House().out, name))
    print_runs(Console(highlight=False), name, store, last)
    if json_file is not None:
        shown = [asdict(run) | {"tasks": _tasks(store, run)} for run in store.all()]
        json_file.write_text(json.dumps({"stage": name, "runs": shown}, indent=2, default=str) + "\n")


def print_runs(console: Console, name: str, store: Runs, last: int = 0) -> None:
    """As `list_runs`, of a store."""
    every = store.all()
    started = [run for run in every if run.parent_run_id is None]
    console.print(Text.assemble((f"{name} stage", "bold"), f": {_counted(every, started)}"))
    if 0 < last < len(started):
        console.print(Text(f"the newest {last}; all with --last 0", "dim"))
    runs = {run.run_id: run for run in every}
    for run in started[-last:]:
        console.print(_tree(store, run, runs, ""))


def _counted(every: list[Run], started: list[Run]) -> str:
    whom = Counter(STARTED_BY.get(run.trigger, run.trigger.lower()) for run in started)
    parts = [
        f"{len(every)} run{'' if len(every) == 1 else 's'}",
        *(f"{count} started by {who}" for who, count in sorted(whom.items())),
    ]
    active = sum(run.active for run in every)
    return ", ".join([*parts, *([f"{active} active"] if active else [])])


def _tasks(store: Runs, run: Run) -> list[dict[str, Any]]:
    found = []
    for task in store.tasks(run.run_id):
        iterations = [asdict(one) for one in store.iterations(task.task_run_id)]
        found.append(asdict(task) | ({"iterations": iterations} if iterations else {}))
    return found


def _tree(store: Runs, run: Run, runs: Mapping[int, Run], above: str) -> Tree:
    """above: the reasons that stand above it already; none is shown twice."""
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(run.started))
    repaired = f"{run.repairs} repair{'s' if run.repairs > 1 else ''}" if run.repairs else ""
    state = run.result or UNDER_WAY.get(run.life_cycle, run.life_cycle)
    shown = "" if state == "SUCCESS" else state
    head = _line(run.result, f"run {run.run_id} {run.job_name}", run.seconds, [began, shown, repaired])
    given = " ".join(f"{key}={value}" for key, value in run.parameters.items() if value)
    below = [Text(given, "dim")] if given else []
    if run.result != "SUCCESS" and run.reason not in above:
        below.append(Text(run.reason, "red" if run.result else "dim"))
    tree = Tree(_with(head, *below), guide_style="dim")
    told = above + run.reason
    for task in store.tasks(run.run_id):
        branch = tree.add(_task(store, task, told))
        if task.kind == "for_each_task":
            for one in store.iteration_states(task.task_run_id).failed:
                branch.add(_task(store, one, ""))
        if task.child_run_id is not None and task.child_run_id in runs:
            branch.add(_tree(store, runs[task.child_run_id], runs, told))
    return tree


def _with(line: Text, *below: Text) -> Group:
    """A line and what belongs to it, a little to the right."""
    return Group(line, *(Padding(one, (0, 0, 0, 2)) for one in below))


def _task(store: Runs, task: TaskRun, above: str) -> Group:
    """A task on a line; why it failed, or what a condition compared, below it."""
    state = task.result or UNDER_WAY.get(task.life_cycle, task.life_cycle)
    tries = f"{len(task.attempts)} attempts" if len(task.attempts) > 1 else ""
    given = f"input {task.input}" if task.input is not None else ""
    parts = ["" if state == "SUCCESS" else state, tries, _iterations(store, task), given]
    line = _line(task.result, task.task_key, task.seconds, parts)
    waits = "" if task.result else next((one.reason for one in reversed(task.attempts) if one.reason), "")
    reason = task.reason or waits
    if reason in above or task.kind == "for_each_task":
        return _with(line)
    bad = task.result is not None and MARKS.get(task.result, ("", "red"))[1] == "red"
    return _with(line, Text(reason, "red" if bad else "dim"))


def _iterations(store: Runs, task: TaskRun) -> str:
    if task.kind != "for_each_task":
        return ""
    found = store.iteration_states(task.task_run_id)
    words = {"SUCCESS": "done", "PENDING": "waiting"}
    states = (f"{count} {words.get(state, state.lower())}" for state, count in found.states.items())
    return f"{found.total} iterations" + (f": {', '.join(states)}" if set(found.states) - {"SUCCESS"} else "")


def _line(result: str | None, what: str, seconds: float | None, more: list[str]) -> Text:
    mark, colour = ("▸", "yellow") if result is None else MARKS.get(result, ("✗", "red"))
    took = f"  {duration(seconds)}" if seconds else ""
    text = Text.assemble((f"{mark} ", colour), what, took)
    told = ", ".join(part for part in more if part)
    return text.append(f"  {told}" if told else "", "red" if colour == "red" else "dim")
