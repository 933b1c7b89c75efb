"""`mlops runs`: every run as a tree of its tasks, with states, times and the reason of the first failure."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from cli.house import House
from cli.steps import duration
from sandbox.runs import Run, Runs, TaskRun
from sandbox.workspace import workspace_of

MARKS = {"SUCCESS": ("✓", "green"), "EXCLUDED": ("·", "dim"), "SKIPPED": ("·", "dim"), None: ("▸", "yellow")}


def list_runs(name: str, json_file: Path | None) -> None:
    """The runs of a stage, newest last; a run that another run started stands below the task that started it."""
    store = Runs(workspace_of(House().home, House().out, name))
    runs = {run.run_id: (run, store.tasks(run.run_id)) for run in store.all()}
    console = Console(highlight=False)
    started = [one for one in runs.values() if one[0].parent_run_id is None]
    console.print(f"[bold]{name} stage[/bold]: {len(runs)} runs, {len(started)} of them started by a person")
    for run, tasks in started:
        console.print(_tree(run, tasks, runs))
    if json_file is not None:
        shown = [
            asdict(run) | {"trigger": run.trigger, "tasks": [asdict(t) for t in tasks]} for run, tasks in runs.values()
        ]
        json_file.write_text(json.dumps({"stage": name, "runs": shown}, indent=2, default=str) + "\n")


def _tree(run: Run, tasks: list[TaskRun], runs: Mapping[int, tuple[Run, list[TaskRun]]]) -> Tree:
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(run.started))
    given = " ".join(f"{key}={value}" for key, value in run.parameters.items() if value)
    head = _line(run.result, f"run {run.run_id} {run.job_name}", run.seconds, began)
    tree = Tree(Text("\n").join([head, Text(f"  {given}", "dim")]) if given else head, guide_style="dim")
    for task in tasks:
        branch = tree.add(_line(task.result, task.task_key, task.seconds, _said(task)))
        if task.child_run_id is not None and task.child_run_id in runs:
            branch.add(_tree(*runs[task.child_run_id], runs))
    return tree


def _said(task: TaskRun) -> str:
    """What is worth knowing of a task beyond its state: its attempts, what a condition compared, why it failed."""
    tries = f"{len(task.attempts)} attempts" if len(task.attempts) > 1 else ""
    return ", ".join(part for part in (tries, task.reason) if part)


def _line(result: str | None, what: str, seconds: float | None, more: str) -> Text:
    mark, colour = MARKS.get(result, ("✗", "red"))
    took = f"  {duration(seconds)}" if seconds is not None else ""
    state = "" if result in ("SUCCESS", None) else f"{result} "
    text = Text.assemble((f"{mark} ", colour), what, took)
    return text.append(f"  {state}{more}".rstrip(), "red" if colour == "red" else "dim")
