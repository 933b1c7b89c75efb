"""What each kind of task does."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from sandbox.errors import SandboxError
from sandbox.grants.tasks import TaskDoor
from sandbox.run_store import log_path
from sandbox.runner.attempt import Attempt, Ended, Limits, task_command
from sandbox.runner.conditions import compare
from sandbox.runner.deployed import job_with_id
from sandbox.runner.environment import notes, session_settings
from sandbox.runner.events import LogWritten, OnEvent
from sandbox.runner.job import Job
from sandbox.runner.outcomes import Acted, RunResult, TaskCall
from sandbox.runner.schedule import Caller
from sandbox.runner.wheels import existing, unpacked
from sandbox.workspace import Workspace

# "The size of the JSON representation of the value cannot exceed 48 KiB." ("Use task values to pass information")
VALUE_BYTES = 48 * 1024
# "A run can set up to 250 task values".
VALUES = 250

StartJob = Callable[[Job, dict[str, str], Caller], RunResult]


class TaskServices(Protocol):
    """What the runner needs of a workspace's servers (``sandbox.services.Services``)."""

    def attach(self) -> None:
        """Let a running Spark server know new zones."""

    def spark_remote(self, user: str) -> str:
        """SPARK_REMOTE for ``user``."""

    def spark_death(self, remote: str) -> str | None:
        """Why the server behind ``remote`` is gone, or None."""

    def end_session(self, remote: str) -> None:
        """End the session of ``remote`` with its queries."""

    @property
    def mlflow_uri(self) -> str:
        """Address of the MLflow server."""


class Actions:
    """Runs one attempt of a task of ``job``. start: runs another job; above: names of the jobs that led here."""

    def __init__(
        self,
        workspace: Workspace,
        services: TaskServices,
        door: TaskDoor,
        job: Job,
        tell: OnEvent,
        start: StartJob,
        child: Callable[[int, int], None],
        above: tuple[str, ...],
    ) -> None:
        self._workspace, self._services, self._door, self._job = workspace, services, door, job
        self._tell, self._start, self._child, self._above = tell, start, child, above

    def __call__(self, call: TaskCall) -> Acted:
        """Do what the task says."""
        if call.task.kind == "condition_task":
            return self._compare(call)
        if call.task.kind == "run_job_task":
            return self._start_job(call)
        return self._run_wheel(call)

    def _compare(self, call: TaskCall) -> Acted:
        action = call.task.action
        left, right = (call.context.operand(str(action.get(side) or "")) for side in ("left", "right"))
        outcome = str(compare(str(action["op"]), left, right)).lower()
        return Acted(Ended("SUCCESS", f"'{left}' {action['op']} '{right}' is {outcome}"), outcome=outcome)

    def _start_job(self, call: TaskCall) -> Acted:
        action = call.task.action
        job = job_with_id(self._workspace, str(action["job_id"]))
        if job.name in self._above:
            raise SandboxError(f"job '{job.name}' would start itself: {' -> '.join([*self._above, job.name])}")
        token = self._door.issue(self._job.run_as, call.run_id, call.key)
        self._door.start(self._job.run_as, token, job.name)
        given = _resolved(call, action.get("job_parameters"))
        # "Job parameters are automatically pushed down to tasks that support key-value parameters", Run Job among
        # them: to a job go those that it declares.
        pushed = {name: value for name, value in call.context.parameters.items() if name in job.parameters}
        stop = _Either(call.canceled, call.deadline)
        caller = Caller(stop, call.run_id, call.deadline, self._above)
        result = self._start(job, job.with_parameters({**given, **pushed}), caller)
        self._child(call.task_run_id, result.run_id)
        if result.result in ("SUCCESS", "SUCCESS_WITH_FAILURES"):
            return Acted(Ended("SUCCESS", ""))
        if call.canceled.is_set():
            return Acted(Ended("CANCELED", "the run was canceled"))
        timed_out = call.deadline is not None and time.monotonic() > call.deadline
        reason = call.limit_reason if timed_out else f"run {result.run_id} of job '{job.name}' ended {result.result}"
        told = f"{reason}: {result.reason}" if result.reason and not timed_out else reason
        return Acted(Ended("TIMEDOUT" if timed_out else "FAILED", told))

    def _run_wheel(self, call: TaskCall) -> Acted:
        task, action = call.task, call.task.action
        if not task.wheel:
            raise SandboxError(f"task '{task.key}' has no library with a wheel")
        token = self._door.issue(self._job.run_as, call.run_id, call.key)
        self._door.read(self._job.run_as, token, [task.wheel, task.requirements])
        folder = unpacked(self._workspace, task.wheel)
        requirements = existing(self._workspace, task.requirements) if task.requirements else None
        arguments = [call.context.resolve(str(value)) for value in action.get("parameters") or []]
        named = _resolved(call, action.get("named_parameters"))
        if named:
            # "If a job parameter and a task parameter have the same key, the job parameter overrides the task
            # parameter."
            named.update(call.context.parameters)
        arguments += [f"--{key}={value}" for key, value in sorted(named.items())]
        package, entry_point = str(action["package_name"]), str(action["entry_point"])
        self._door.read(self._job.run_as, token, [argument.partition("=")[2] for argument in arguments])
        said = notes(task.compute.spark_conf, requirements) if call.first else []
        return self._run_process(call, task_command(folder, package, entry_point, arguments), said, token)

    def _run_process(self, call: TaskCall, command: list[str], said: list[str], token: str) -> Acted:
        log = log_path(self._workspace.runs, call.run_id, call.key, call.attempt)
        values = log.with_suffix(".values")
        try:
            remote, uri = self._services.spark_remote(self._job.run_as), self._services.mlflow_uri
        except SandboxError as error:
            return Acted(Ended("FAILED", str(error)))
        session = f"{remote};session_id={token}"
        volumes = self._door.volumes(self._job.run_as, token)
        settings, _ = session_settings(call.task.compute.spark_conf)
        variables = {
            **call.task.compute.environment,
            **settings,
            # The session is the token's: so each check of the server knows the task.
            "SPARK_REMOTE": session,
            "MLFLOW_TRACKING_URI": uri,
            "MLFLOW_REGISTRY_URI": uri,
            "MLFLOW_TRACKING_USERNAME": self._job.run_as,
            "MLFLOW_TRACKING_PASSWORD": token,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "CDH_VOLUMES_ROOT": str(volumes),
            "CDH_CATALOG": self._workspace.catalog,
            "CDH_TASK_VALUES": str(values),
        }

        def write(stream: str, text: str) -> None:
            self._tell(LogWritten(call.run_id, self._job.name, call.key, call.attempt, stream, text))

        log.parent.mkdir(parents=True, exist_ok=True)
        folder = self._workspace.runs / "work" / str(call.task_run_id)
        attempt = Attempt(command, variables, folder, log, write, said, call.lease)
        limits = Limits(call.deadline, call.canceled, lambda: self._services.spark_death(remote), call.limit_reason)
        ended = attempt.run(limits)
        if ended.result != "SUCCESS":
            self._services.end_session(session)
        shutil.rmtree(volumes, ignore_errors=True)
        try:
            return Acted(ended, values=read_values(values))
        except SandboxError as error:
            return Acted(Ended("FAILED", str(error)))


def read_values(path: Path) -> dict[str, Any]:
    """The task values in an attempt's file: one JSON object {"key", "value"} a line, the last of a key counts.

    A line without an end was being written when the process was killed. ``SandboxError`` for any other broken line
    and for values beyond the limits.
    """
    found: dict[str, Any] = {}
    if not path.exists():
        return found
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith("\n"):
                continue
            try:
                entry = json.loads(line)
                key, value = str(entry["key"]), entry["value"]
            except (ValueError, KeyError, TypeError):
                raise SandboxError(f"task value {number} is not valid: {line.strip()[:60]}") from None
            size = len(json.dumps(value).encode())
            if size > VALUE_BYTES:
                raise SandboxError(f"task value '{key}' takes {size} bytes; at most {VALUE_BYTES}")
            found[key] = value
    if len(found) > VALUES:
        raise SandboxError(f"the task set {len(found)} task values; at most {VALUES}")
    return found


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

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for ``other``; whether the run has to stop."""
        self._other.wait(timeout)
        return self.is_set()
