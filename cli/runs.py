"""`mlops runs`: every run as a tree of its tasks, with states, times and the reason of the first failure."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console, Group
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

from cli import json_file
from cli.client import Where, opened
from cli.steps import duration
from operate.runs import Run, Runs, Task

MARKS = {
    "SUCCESS": ("✓", "green"), "SUCCESS_WITH_FAILURES": ("✓", "yellow"), "EXCLUDED": ("·", "dim"),
    "DISABLED": ("·", "dim"), "MAXIMUM_CONCURRENT_RUNS_REACHED": ("·", "dim"), "UPSTREAM_FAILED": ("·", "red"),
    "UPSTREAM_CANCELED": ("·", "red"),
}  # fmt: skip
# What a person reads of something that has not ended.
UNDER_WAY = {
    "QUEUED": "queued", "PENDING": "waiting", "BLOCKED": "waiting", "RUNNING": "running", "TERMINATING": "ending",
    "WAITING_FOR_RETRY": "waiting for its next attempt",
}  # fmt: skip
STARTED_BY = {
    "ONE_TIME": "a person", "PERIODIC": "its schedule", "FILE_ARRIVAL": "new files", "TABLE": "an updated table",
    "RETRY": "a retry", "RUN_JOB_TASK": "another job", "CONTINUOUS": "itself", "": "something else",
}  # fmt: skip


@dataclass(frozen=True)
class Forest:
    """Runs as trees. tops: those that nobody's shown run started. below: attempt of a task -> the run it started."""

    tops: list[Run]
    below: dict[int, Run]
    more: bool

    @classmethod
    def of(cls, found: list[Run], last: int) -> Forest:
        """The newest trees (0: all); more: whether there are others."""
        below = {run.started_by: run for run in found if run.started_by is not None}
        attempts = {one.run_id for run in found for task in run.tasks for one in task.attempts}
        # Who may not see the run that started one sees that one by itself.
        tops = [run for run in found if run.started_by not in attempts]
        return cls(tops[-last:], below, 0 < last < len(tops))

    @property
    def every(self) -> list[Run]:
        """All runs of the trees, each before those that it started."""
        found = list(self.tops)
        for run in found:
            found += (self.below[one.run_id] for task in run.tasks for one in task.attempts if one.run_id in self.below)
        return sorted(found, key=lambda run: run.run_id)


def list_runs(where: Where, json_path: Path | None, last: int = 0) -> None:
    """The newest runs of a stage (0: all), newest last; one that another run started stands below the task of that."""
    with opened(where) as workspace:
        # One more than is shown says whether there are more.
        found = Forest.of(Runs(workspace.client).newest(last + 1 if last else 0), last)
    print_runs(Console(highlight=False), where.stage, found)
    json_file.write({"stage": where.stage, "runs": [asdict(run) for run in found.every]}, json_path)


def print_runs(console: Console, name: str, found: Forest) -> None:
    """As `list_runs`, of runs that were read."""
    console.print(Text.assemble((f"{name} stage", "bold"), f": {_counted(found)}"))
    if found.more:
        console.print(Text(f"the newest {len(found.tops)}; all with --last 0", "dim"))
    for run in found.tops:
        console.print(_tree(run, found.below, ""))


def _counted(found: Forest) -> str:
    every, whom = found.every, Counter(STARTED_BY.get(run.trigger, run.trigger.lower()) for run in found.tops)
    parts = [
        f"{len(every)} run{'' if len(every) == 1 else 's'}",
        *(f"{count} started by {who}" for who, count in sorted(whom.items())),
    ]
    active = sum(run.active for run in every)
    return ", ".join([*parts, *([f"{active} active"] if active else [])])


def _tree(run: Run, children: Mapping[int, Run], above: str) -> Tree:
    """above: the reasons that stand above it already; none is shown twice."""
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(run.started)) if run.started else ""
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
    for task in run.tasks:
        branch = tree.add(_task(task, told))
        for one in task.iterations.failed if task.iterations else ():
            branch.add(_task(one, ""))
        for attempt in task.attempts:
            if attempt.run_id in children:
                branch.add(_tree(children[attempt.run_id], children, told))
    return tree


def _with(line: Text, *below: Text) -> Group:
    """A line and what belongs to it, a little to the right."""
    return Group(line, *(Padding(one, (0, 0, 0, 2)) for one in below))


def _task(task: Task, above: str) -> Group:
    """A task on a line; why it failed, or what a condition compared, below it."""
    state = task.result or UNDER_WAY.get(task.life_cycle, task.life_cycle)
    began = sum(one.started is not None for one in task.attempts)
    tries = f"{began} attempts" if began > 1 else ""
    given = f"input {task.input}" if task.input is not None else ""
    parts = ["" if state == "SUCCESS" else state, tries, _iterations(task), given]
    line = _line(task.result, task.task_key, task.seconds, parts)
    if task.reason in above or task.kind == "for_each_task":
        return _with(line)
    bad = task.result is not None and MARKS.get(task.result, ("", "red"))[1] == "red"
    return _with(line, Text(task.reason, "red" if bad else "dim"))


def _iterations(task: Task) -> str:
    if task.iterations is None:
        return ""
    words = {"SUCCESS": "done", "PENDING": "waiting"}
    states = (f"{count} {words.get(state, state.lower())}" for state, count in task.iterations.states.items())
    more = f": {', '.join(states)}" if set(task.iterations.states) - {"SUCCESS"} else ""
    return f"{task.iterations.total} iterations{more}"


def _line(result: str | None, what: str, seconds: float | None, more: list[str]) -> Text:
    mark, colour = ("▸", "yellow") if result is None else MARKS.get(result, ("✗", "red"))
    took = f"  {duration(seconds)}" if seconds else ""
    text = Text.assemble((f"{mark} ", colour), what, took)
    told = ", ".join(part for part in more if part)
    return text.append(f"  {told}" if told else "", "red" if colour == "red" else "dim")
