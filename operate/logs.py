"""What the tasks of a run wrote, as far as the API gives it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError

from operate.connection import line_of, told
from operate.errors import OperateError
from operate.runs import Attempt, Run, Runs, Task
from operate.states import SILENT


@dataclass(frozen=True, kw_only=True)
class Log:
    """What one attempt of a task wrote. cut: whether its beginning is left out. missing: why there is none, or ""."""

    task: Task
    attempt: Attempt
    lines: tuple[str, ...]
    cut: bool
    missing: str = ""


# Not proved here: how much of a running task's log Azure gives. Why: `runs/get-output` is documented for the last 5 MB
# of a task's log, not for when. On Azure: `mlops run dev readmission_featurize --azure`; the lines come at the
# latest when a task ends.
def read(client: WorkspaceClient, task: Task, attempt: Attempt) -> Log:
    """The log of an attempt; that it cannot be had (yet) is said, not raised."""
    if attempt.started is None or task.kind in SILENT:
        return Log(task=task, attempt=attempt, lines=(), cut=False)
    try:
        found = client.jobs.get_run_output(attempt.run_id)
    except DatabricksError as error:
        return Log(task=task, attempt=attempt, lines=(), cut=False, missing=line_of(error))
    text = found.logs or ""
    if found.error_trace and found.error_trace.strip() not in text:
        text = f"{text.rstrip()}\n{found.error_trace.strip()}".lstrip("\n")
    # Not splitlines: what a task writes may hold other separators.
    lines = tuple(line.rstrip("\r") for line in text.removesuffix("\n").split("\n")) if text else ()
    return Log(task=task, attempt=attempt, lines=lines, cut=bool(found.logs_truncated))


def logs(client: WorkspaceClient, run_id: int, task_key: str = "", attempt: int = 0) -> Iterator[Log]:
    """The logs of a run, of one task or iteration, or of one attempt (0: all), in the order in which they began."""
    runs = Runs(client)
    run = runs.run(run_id)
    with told():
        chosen = _chosen(runs, run, task_key)
        if attempt:
            valid = [one.attempt for task in chosen for one in task.attempts]
            if not task_key or attempt not in valid:
                shown = ", ".join(map(str, sorted(set(valid)))) or "none"
                raise OperateError(f"attempt {attempt} is not valid for task '{task_key}'; valid: {shown}")
        pairs = [(task, one) for task in chosen for one in task.attempts if attempt in (0, one.attempt)]
        pairs = [(task, one) for task, one in pairs if one.started is not None and one.result not in NEVER_RAN]
        for task, one in sorted(pairs, key=lambda pair: (pair[1].started or 0, pair[1].run_id)):
            yield read(client, task, one)


NEVER_RAN = ("EXCLUDED", "UPSTREAM_FAILED", "UPSTREAM_CANCELED", "DISABLED")


def _chosen(runs: Runs, run: Run, task_key: str) -> list[Task]:
    above = task_key.rpartition(".")[0]
    if task_key and (not above or any(one.task_key == task_key for one in run.tasks)):
        return [run.task(task_key)]
    if task_key:
        found = _iterations(runs, run.task(above))
        for one in found:
            if one.task_key == task_key:
                return [one]
        valid = ", ".join(one.task_key for one in found) or "none"
        raise OperateError(f"run {run.run_id} has no iteration '{task_key}'; valid: {valid}")
    return [*run.tasks, *(one for task in run.tasks for one in _iterations(runs, task))]


def _iterations(runs: Runs, task: Task) -> list[Task]:
    if task.kind != "for_each_task" or task.started is None:
        return []
    return runs.iterations(task.task_key, task.attempts[-1].run_id)
