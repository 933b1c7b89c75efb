"""The runner's front door: ``run_job``, ``repair_run``, ``cancel_run``."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Mapping
from contextlib import closing

from sandbox.errors import SandboxError
from sandbox.grants.tasks import TaskDoor
from sandbox.runner.actions import Actions, TaskServices
from sandbox.runner.clock import Clock
from sandbox.runner.deployed import job_named, job_with_id
from sandbox.runner.events import Event, OnEvent, ignore
from sandbox.runner.execution import Execution
from sandbox.runner.job import Job
from sandbox.runner.ledger import Ledger
from sandbox.runner.outcomes import RunResult, TaskEnd
from sandbox.runner.schedule import Caller, JobRun
from sandbox.runs import Run, Runs, TaskRun
from sandbox.workspace import Workspace

_GOOD = ("SUCCESS", "SUCCESS_WITH_FAILURES", "EXCLUDED", "DISABLED")


def run_job(
    workspace: Workspace,
    services: TaskServices,
    name: str,
    parameters: Mapping[str, str] | None = None,
    on_event: OnEvent = ignore,
    *,
    trigger: str = "",
    slots: int | None = None,
) -> RunResult:
    """Run a deployed job to its end.

    parameters: over the job's defaults. on_event: called for each event, from several threads, one at a time.
    The first event names the run: queued, started, or finished where it was skipped. trigger: what starts it, when
    that is not a person. slots: how many tasks' processes may run at once; by default
    one a core. Raises ``SandboxError`` for an unknown job or parameter, listing the valid ones; a failing task is no
    error but a result. What a runner that is gone left unfinished is ended first.
    """
    job = job_named(workspace, name)
    given = job.with_parameters(dict(parameters or {}))
    with closing(Ledger(workspace.runs)) as ledger:
        ledger.recover()
        runner = _Runner(workspace, services, ledger, on_event, slots)
        return runner.run(job, given, Caller(threading.Event(), trigger=trigger))


def repair_run(
    workspace: Workspace,
    services: TaskServices,
    run_id: int,
    tasks: Collection[str] = (),
    parameters: Mapping[str, str] | None = None,
    on_event: OnEvent = ignore,
) -> RunResult:
    """Run again what failed in an ended run, or ``tasks``, and all that depends on it; the rest keeps its values.

    "Tasks are re-run as part of the original job run. They use the current job and task settings". parameters: over
    those of the run. ``SandboxError`` when the run is active, or when nothing of it failed.
    """
    with closing(Ledger(workspace.runs)) as ledger:
        ledger.recover()
        kept = Runs(workspace)
        run = kept.run(run_id)
        if run.life_cycle == "SKIPPED":
            raise SandboxError(f"run {run_id} was skipped, there is nothing to repair; run the job '{run.job_name}'")
        if run.active:
            raise SandboxError(f"run {run_id} is still active; cancel it first")
        job = job_with_id(workspace, run.job_id)
        # Parameters that the job no longer has stand for nothing.
        before = {key: value for key, value in run.parameters.items() if key in job.parameters}
        given = job.with_parameters({**before, **(parameters or {})})
        known = {task.task_key: task for task in kept.tasks(run_id)}
        rerun = _to_rerun(job, known, tasks, run)
        runner = _Runner(workspace, services, ledger, on_event, None)
        unit = runner.unit(job, given, Caller(threading.Event()))
        ids = ledger.reopen(run_id, unit.rows(), rerun)
        ends = {key: _end(task) for key, task in known.items() if key not in rerun}
        return unit.repair(run, ends, ids, services.attach)


def cancel_run(workspace: Workspace, run_id: int) -> None:
    """Ask for the end of an active run; its runner stops it within a second.

    "The run is canceled asynchronously, so it may still be running when this request completes."
    """
    with closing(Ledger(workspace.runs)) as ledger:
        ledger.recover()
        Runs(workspace).run(run_id)
        ledger.ask_cancel(run_id)


def _to_rerun(job: Job, known: Mapping[str, TaskRun], tasks: Collection[str], run: Run) -> set[str]:
    if tasks:
        return job.with_followers(job.task(key).key for key in tasks)
    failed = [one.key for one in job.tasks if one.key not in known or known[one.key].result not in _GOOD]
    # A runner that was killed after its last task leaves a failed run without a failed task: it only has to be ended.
    if not failed and run.result in _GOOD:
        raise SandboxError(f"run {run.run_id} has no failed task; name the tasks to run again")
    return job.with_followers(failed)


def _end(task: TaskRun) -> TaskEnd:
    return TaskEnd(task.result or "FAILED", task.reason, task.outcome, len(task.attempts), dict(task.values))


class _Runner:
    """Runs a job and the jobs it starts; all their tasks share the machine's cores."""

    def __init__(
        self, workspace: Workspace, services: TaskServices, ledger: Ledger, on_event: OnEvent, slots: int | None
    ) -> None:
        self._workspace, self._services, self._ledger, self._on_event = workspace, services, ledger, on_event
        self._door = TaskDoor(workspace)
        self._telling = threading.Lock()
        self._slots = threading.BoundedSemaphore(slots or max(2, os.cpu_count() or 2))
        self._clock = Clock()

    def run(self, job: Job, parameters: dict[str, str], caller: Caller) -> RunResult:
        """Run a job to its end."""
        return self.unit(job, parameters, caller).execute(caller, self._services.attach)

    def unit(self, job: Job, parameters: dict[str, str], caller: Caller) -> JobRun:
        """A run that is not begun yet."""
        above = (*caller.above, job.name)
        act = Actions(
            self._workspace, self._services, self._door, job, self._tell, self.run, self._ledger.task_child, above
        )
        return JobRun(Execution(job, parameters, self._ledger, self._tell, act, self._slots, self._clock))

    def _tell(self, event: Event) -> None:
        with self._telling:
            self._on_event(event)
