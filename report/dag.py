"""A job as a picture of its tasks, drawn from the synthesized stack and coloured by its last run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from report import layout, svg, words
from report.stores import Run, TaskRun

HEIGHT = 50
REFERENCE = re.compile(r"\$\{(\w+)\.(\w+)\.\w+\}")


@dataclass(frozen=True)
class Task:
    """One task of a job: what kind it is, what it does, and after which tasks (with which outcome)."""

    key: str
    kind: str  # "wheel", "condition" or "job"
    does: str
    after: Mapping[str, str]


@dataclass(frozen=True)
class Job:
    """One `databricks_job` of a synthesized stack."""

    name: str
    run_as: str
    clusters: Mapping[str, str]
    tasks: tuple[Task, ...]


def listed(value: object) -> list[Any]:
    """A block of synthesized JSON as a list, however it was written (null, one object, several)."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def jobs(stack: Mapping[str, Any]) -> dict[str, Job]:
    """Every job of a synthesized `cdk.tf.json`, by terraform address name."""
    resources = stack.get("resource", {})
    principals = _principals(resources)
    found = {}
    for name, block in sorted(resources.get("databricks_job", {}).items()):
        run_as = next((one.get("service_principal_name", "") for one in listed(block.get("run_as"))), "")
        found[name] = Job(
            name=name,
            run_as=principals.get(run_as, run_as),
            clusters=clusters(block),
            tasks=tuple(_task(task) for task in sorted(listed(block.get("task")), key=lambda task: task["task_key"])),
        )
    return found


def _principals(resources: Mapping[str, Any]) -> dict[str, str]:
    """Display name by application id and by reference to it."""
    names = {}
    for address, block in resources.get("databricks_service_principal", {}).items():
        shown = block.get("display_name", address)
        names[block.get("application_id", address)] = shown
        names[f"${{databricks_service_principal.{address}.application_id}}"] = shown
    return names


def clusters(block: Mapping[str, Any]) -> dict[str, str]:
    """The job clusters of a `databricks_job` block by key, in words: runtime, node type, workers."""
    described = {}
    for cluster in listed(block.get("job_cluster")):
        new: dict[str, Any] = next(iter(listed(cluster.get("new_cluster"))), {})
        workers = new.get("num_workers")
        parts = [new.get("spark_version", ""), new.get("node_type_id", "")]
        parts.append("" if workers is None else "single node" if workers == 0 else f"{workers} workers")
        described[str(cluster["job_cluster_key"])] = ", ".join(
            str(one) for one in parts if one and "${" not in str(one)
        )
    return described


def _task(block: Mapping[str, Any]) -> Task:
    after = {one["task_key"]: one.get("outcome") or "" for one in listed(block.get("depends_on"))}
    key = block["task_key"]
    for condition in listed(block.get("condition_task")):
        signs = {"EQUAL_TO": "=", "NOT_EQUAL": "≠", "GREATER_THAN": ">", "LESS_THAN": "<"}
        value = re.sub(r"^\{\{tasks\.(\w+)\.values\.(\w+)\}\}$", r"\1.\2", condition["left"])
        sign = signs.get(condition["op"], condition["op"])
        return Task(key, "condition", f"{value} {sign} {condition['right']}", after)
    for other in listed(block.get("run_job_task")):
        found = REFERENCE.search(str(other.get("job_id", "")))
        return Task(key, "job", f"runs {found[2] if found else 'another job'}", after)
    wheel: dict[str, Any] = next(iter(listed(block.get("python_wheel_task"))), {})
    return Task(key, "wheel", wheel.get("entry_point", ""), after)


def draw(job: Job, run: Run | None) -> Markup:
    """The picture: boxes for wheel tasks, hexagons for conditions, double-sided boxes for other jobs."""
    results = {task.key: task for task in run.tasks} if run else {}
    names = max((len(task.key) for task in job.tasks), default=8) * 8.1 + 44
    notes = max((len(_result(task, results.get(task.key))) for task in job.tasks), default=8) * 6.6 + 36
    width = max(names, notes, 120.0)
    placed = layout.place({task.key: task.after for task in job.tasks}, width=width, height=HEIGHT)
    edges = [
        svg.arrow(placed.edges[before, task.key], outcome)
        for task in job.tasks
        for before, outcome in task.after.items()
    ]
    boxes = [_box(task, results.get(task.key), *placed.boxes[task.key], width) for task in job.tasks]
    described = "; ".join(
        f"{task.key} ({words.state(results[task.key].state) if task.key in results else 'not run'})"
        + (f" after {' and '.join(task.after)}" if task.after else "")
        for task in job.tasks
    )
    title = f"Tasks of {job.name}"
    return svg.picture(placed.width, placed.height, title, described, *edges, *boxes, class_="wide")


def _result(task: Task, result: TaskRun | None) -> str:
    """What stands under a task's key: what it does if it is special, else how it went."""
    state = words.state(result.state if result else None)
    if task.kind == "condition" and result is not None and result.outcome:
        return f"{task.does}: {result.outcome}"
    if task.kind != "wheel":
        return task.does
    if result is None or result.started is None or result.ended is None:
        return state
    return f"{state}, {words.duration(result.ended - result.started)}"


def _box(task: Task, result: TaskRun | None, x: float, y: float, width: float) -> Markup:
    state = words.state(result.state if result else None)
    group = f"task {words.kind(state)}"
    if task.kind == "condition":
        corner = 14
        points = [(x + corner, y), (x + width - corner, y), (x + width, y + HEIGHT / 2)]
        points += [(x + width - corner, y + HEIGHT), (x + corner, y + HEIGHT), (x, y + HEIGHT / 2)]
        shape = svg.element("polygon", points=" ".join(f"{px:.1f},{py:.1f}" for px, py in points))
    else:
        shape = svg.rectangle(x, y, width, HEIGHT, rx=6)
    bars = [svg.line(x + inset, y, x + inset, y + HEIGHT) for inset in (5, width - 5)] if task.kind == "job" else []
    middle = x + width / 2
    hover = f"{task.key}: {state}" + (f" ({result.reason})" if result and result.reason else "")
    return svg.element(
        "g",
        svg.element("title", hover),
        shape,
        *bars,
        svg.text(middle, y + 21, f"{words.mark(state)} {task.key}", class_="name", text_anchor="middle"),
        svg.text(middle, y + 38, _result(task, result), class_="note", text_anchor="middle"),
        class_=group,
    )
