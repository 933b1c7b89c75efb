"""Watches a run to its end: tasks as they start and end, their lines as far as the API gives them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError

from operate.logs import NEVER_RAN, read
from operate.runs import Attempt, Iterations, Run, Runs, Task

# How long a repair that was asked for may take to show in its run.
REPAIR_SECONDS = 60
WAITING = ("PENDING", "BLOCKED", "QUEUED", "WAITING_FOR_RETRY")


@dataclass(frozen=True, kw_only=True)
class Queued:
    """A run waits for its turn."""

    run: Run


@dataclass(frozen=True, kw_only=True)
class Started:
    """An attempt of a task began."""

    run: Run
    task: Task
    attempt: Attempt


@dataclass(frozen=True, kw_only=True)
class Wrote:
    """A task wrote a line."""

    task: Task
    line: str


@dataclass(frozen=True, kw_only=True)
class Ended:
    """An attempt of a task is over, or a task that did not run is decided."""

    task: Task
    attempt: Attempt


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A run is over."""

    run: Run


Seen = Queued | Started | Wrote | Ended | Finished


class Watch:
    """Looks at a run every `poll` seconds and tells what is new; with the runs that its tasks start."""

    def __init__(self, client: WorkspaceClient, tell: Callable[[Seen], None], poll: float) -> None:
        self._client, self._tell, self._poll = client, tell, poll
        self._runs = Runs(client)
        self._begun: set[int] = set()
        self._over: set[int] = set()
        self._queued: set[int] = set()
        self._lines: dict[int, int] = {}
        self._children: dict[int, int] = {}
        self._counts: dict[int, Iterations] = {}

    def follow(self, run_id: int, before: Run | None = None) -> Run:
        """Watch to the end. before: the run as it stood before its repair; what it had then is not told again."""
        if before is not None:
            self._skip(before)
            until = time.monotonic() + REPAIR_SECONDS
            while self._runs.run(run_id).repairs <= before.repairs and time.monotonic() < until:
                time.sleep(self._poll)
        while True:
            run = self._look(run_id)
            if not run.active:
                return run
            time.sleep(self._poll)

    def _skip(self, run: Run) -> None:
        for task in run.tasks:
            tasks = [task]
            if task.kind == "for_each_task" and task.started is not None:
                tasks += self._runs.iterations(task.task_key, task.attempts[-1].run_id)
            ids = {one.run_id for each in tasks for one in each.attempts}
            self._begun |= ids
            self._over |= ids

    def _look(self, run_id: int) -> Run:
        run = self._runs.run(run_id)
        if run.life_cycle == "QUEUED" and run_id not in self._queued:
            self._queued.add(run_id)
            self._tell(Queued(run=run))
        for task in run.tasks:
            self._task(run, task)
        if not run.active and run_id not in self._over:
            self._over.add(run_id)
            self._tell(Finished(run=run))
        return run

    def _task(self, run: Run, task: Task) -> None:
        for attempt in task.attempts:
            if attempt.run_id in self._over:
                continue
            waits = attempt.life_cycle in WAITING and attempt.result is None
            if attempt.run_id not in self._begun and not waits and attempt.result not in NEVER_RAN:
                self._begun.add(attempt.run_id)
                self._tell(Started(run=run, task=task, attempt=attempt))
            if attempt.run_id in self._begun:
                self._inside(run, task, attempt)
            if attempt.result is not None:
                self._over.add(attempt.run_id)
                self._tell(Ended(task=task, attempt=attempt))

    def _inside(self, run: Run, task: Task, attempt: Attempt) -> None:
        """What an attempt wrote, its iterations, or the run that it started."""
        if task.kind == "run_job_task":
            child = self._child(attempt)
            if child is not None:
                self._look(child)
        elif task.kind == "for_each_task":
            # Asked for only when the counts have changed: a loop may be long.
            if task.iterations is not None and self._counts.get(attempt.run_id) != task.iterations:
                self._counts[attempt.run_id] = task.iterations
                for one in self._runs.iterations(task.task_key, attempt.run_id):
                    self._task(run, one)
        else:
            self._wrote(task, attempt)

    def _wrote(self, task: Task, attempt: Attempt) -> None:
        log = read(self._client, task, attempt)
        shown = self._lines.get(attempt.run_id, 0)
        if log.cut:
            # Its beginning moves: where one was cannot be found again.
            if attempt.result is not None:
                self._tell(
                    Wrote(task=task, line="... the log is longer than the API gives; `mlops logs` has its end ...")
                )
            return
        for line in log.lines[shown:]:
            self._tell(Wrote(task=task, line=line))
        self._lines[attempt.run_id] = max(shown, len(log.lines))

    def _child(self, attempt: Attempt) -> int | None:
        if attempt.run_id not in self._children:
            try:
                found = self._client.jobs.get_run_output(attempt.run_id).run_job_output
            except DatabricksError:
                return None
            if found is None or found.run_id is None:
                return None
            self._children[attempt.run_id] = found.run_id
        return self._children[attempt.run_id]
