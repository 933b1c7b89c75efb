"""``run_job``: the runner's front door, and what each kind of task does."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Protocol

from sandbox.errors import SandboxError
from sandbox.grants.tasks import TaskDoor
from sandbox.runner.attempt import Attempt, Ended, Limits, task_command
from sandbox.runner.conditions import compare
from sandbox.runner.events import Event, LogWritten, OnEvent, ignore
from sandbox.runner.job import Job, job_named, job_with_id
from sandbox.runner.ledger import Ledger, read_values
from sandbox.runner.schedule import Acted, JobRun, RunResult, TaskCall
from sandbox.runner.wheels import existing, unpacked
from sandbox.runs import log_path
from sandbox.workspace import Workspace


class TaskServices(Protocol):
    """What the runner needs of a workspace's servers (``sandbox.services.Services``)."""

    def attach(self) -> None:
        """Let a running Spark server know new zones."""

    def spark_remote(self, user: str) -> str:
        """SPARK_REMOTE for ``user``."""

    def spark_death(self, remote: str) -> str | None:
        """Why the server behind ``remote`` is gone, or None."""

    @property
    def mlflow_uri(self) -> str:
        """Address of the MLflow server."""


def run_job(
    workspace: Workspace,
    services: TaskServices,
    name: str,
    parameters: Mapping[str, str] | None = None,
    on_event: OnEvent = ignore,
) -> RunResult:
    """Run a deployed job to its end.

    parameters: over the job's defaults. on_event: called for each event, from several threads, one at a time.
    Raises ``SandboxError`` for an unknown job or parameter, listing the valid ones; a failing task is no error but a
    result. What a runner that is gone left unfinished is ended first.
    """
    job = job_named(workspace, name)
    given = job.with_parameters(dict(parameters or {}))
    with closing(Ledger(workspace.runs)) as ledger:
        ledger.recover()
        runner = _Runner(workspace, services, ledger, on_event)
        return runner.run(job, given, None, threading.Event(), None, ())


class _Runner:
    """Runs a job and the jobs it starts; all their tasks share the machine's cores."""

    def __init__(self, workspace: Workspace, services: TaskServices, ledger: Ledger, on_event: OnEvent) -> None:
        self._workspace, self._services, self._ledger, self._on_event = workspace, services, ledger, on_event
        self._door = TaskDoor(workspace)
        self._telling = threading.Lock()
        self._slots = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))

    def run(
        self,
        job: Job,
        parameters: dict[str, str],
        parent: int | None,
        canceled: threading.Event,
        deadline: float | None,
        above: tuple[str, ...],
    ) -> RunResult:
        """above: names of the jobs whose runs led to this one."""
        self._services.attach()

        def act(call: TaskCall) -> Acted:
            try:
                return self._act(job, call, (*above, job.name))
            except SandboxError as error:
                return Acted(Ended("FAILED", str(error)), retriable=False)

        return JobRun(job, parameters, self._ledger, self._tell, act, self._slots).execute(parent, canceled, deadline)

    def _tell(self, event: Event) -> None:
        with self._telling:
            self._on_event(event)

    def _act(self, job: Job, call: TaskCall, above: tuple[str, ...]) -> Acted:
        if call.task.kind == "condition_task":
            return self._compare(call)
        if call.task.kind == "run_job_task":
            return self._start_job(job, call, above)
        return self._run_wheel(job, call)

    def _compare(self, call: TaskCall) -> Acted:
        action = call.task.action
        left, right = (call.context.resolve(str(action[side])) for side in ("left", "right"))
        outcome = str(compare(str(action["op"]), left, right)).lower()
        return Acted(Ended("SUCCESS", f"'{left}' {action['op']} '{right}' is {outcome}"), outcome=outcome)

    def _start_job(self, starter: Job, call: TaskCall, above: tuple[str, ...]) -> Acted:
        action = call.task.action
        job = job_with_id(self._workspace, str(action["job_id"]))
        if job.name in above:
            raise SandboxError(f"job '{job.name}' would start itself: {' -> '.join([*above, job.name])}")
        token = self._door.issue(starter.run_as, call.run_id, call.task.key)
        self._door.start(starter.run_as, token, job.name)
        given = _resolved(call, action.get("job_parameters"))
        stop = _Either(call.canceled, call.deadline)
        result = self.run(job, job.with_parameters(given), call.run_id, stop, call.deadline, above)
        self._ledger.task_child(call.task_run_id, result.run_id)
        if result.result in ("SUCCESS", "SUCCESS_WITH_FAILURES"):
            return Acted(Ended("SUCCESS", ""))
        if call.canceled.is_set():
            return Acted(Ended("CANCELED", "the run was canceled"))
        timed_out = call.deadline is not None and time.monotonic() > call.deadline
        reason = call.limit_reason if timed_out else f"run {result.run_id} of job '{job.name}' ended {result.result}"
        told = f"{reason}: {result.reason}" if result.reason and not timed_out else reason
        return Acted(Ended("TIMEDOUT" if timed_out else "FAILED", told))

    def _run_wheel(self, job: Job, call: TaskCall) -> Acted:
        task, action = call.task, call.task.action
        if not task.wheel:
            raise SandboxError(f"task '{task.key}' has no library with a wheel")
        token = self._door.issue(job.run_as, call.run_id, task.key)
        self._door.read(job.run_as, token, [task.wheel, task.requirements])
        folder = unpacked(self._workspace, task.wheel)
        if task.requirements:
            existing(self._workspace, task.requirements)
        arguments = [call.context.resolve(str(value)) for value in action.get("parameters") or []]
        named = _resolved(call, action.get("named_parameters"))
        arguments += [f"--{key}={value}" for key, value in sorted(named.items())]
        package, entry_point = str(action["package_name"]), str(action["entry_point"])
        self._door.read(job.run_as, token, [argument.partition("=")[2] for argument in arguments])
        return self._run_process(job, call, task_command(folder, package, entry_point, arguments), token)

    def _run_process(self, job: Job, call: TaskCall, command: list[str], token: str) -> Acted:
        log = log_path(self._workspace.runs, call.run_id, call.task.key, call.attempt)
        values = log.with_suffix(".values")
        try:
            remote, uri = self._services.spark_remote(job.run_as), self._services.mlflow_uri
        except SandboxError as error:
            return Acted(Ended("FAILED", str(error)))
        volumes = self._door.volumes(job.run_as, token)
        variables = {
            **call.task.environment,
            # The session is the token's: so each check of the server knows the task.
            "SPARK_REMOTE": f"{remote};session_id={token}",
            "MLFLOW_TRACKING_URI": uri,
            "MLFLOW_REGISTRY_URI": uri,
            "MLFLOW_TRACKING_USERNAME": job.run_as,
            "MLFLOW_TRACKING_PASSWORD": token,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "CDH_VOLUMES_ROOT": str(volumes),
            "CDH_CATALOG": self._workspace.catalog,
            "CDH_TASK_VALUES": str(values),
        }

        def write(stream: str, text: str) -> None:
            self._tell(LogWritten(call.run_id, job.name, call.task.key, call.attempt, stream, text))

        log.parent.mkdir(parents=True, exist_ok=True)
        attempt = Attempt(command, variables, self._workspace.runs / "work" / str(call.task_run_id), log, write)
        limits = Limits(call.deadline, call.canceled, lambda: self._services.spark_death(remote), call.limit_reason)
        ended = attempt.run(limits)
        shutil.rmtree(volumes, ignore_errors=True)
        return Acted(ended, values=read_values(values))


def _resolved(call: TaskCall, values: Mapping[str, object] | None) -> dict[str, str]:
    return {str(key): call.context.resolve(str(value)) for key, value in (values or {}).items()}


class _Either(threading.Event):
    """Set when ``other`` is, or when the deadline is over: stops a run that a task started."""

    def __init__(self, other: threading.Event, deadline: float | None) -> None:
        super().__init__()
        self._other, self._deadline = other, deadline

    def is_set(self) -> bool:
        """Whether the run has to stop."""
        return self._other.is_set() or (self._deadline is not None and time.monotonic() > self._deadline)
