"""One run of a job: starts each task when its dependencies have ended, and keeps what happened."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field

from sandbox.runner.attempt import Ended
from sandbox.runner.conditions import job_result, upstream, verdict
from sandbox.runner.events import OnEvent, RunFinished, RunStarted, TaskFinished, TaskStarted
from sandbox.runner.job import Job, Task
from sandbox.runner.ledger import Ledger
from sandbox.runner.references import Context, Upstreams

_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class TaskEnd:
    """How a task of a run ended."""

    result: str
    reason: str
    outcome: str | None = None
    attempts: int = 0
    values: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class RunResult:
    """How a run ended. state: TERMINATED, SKIPPED or INTERNAL_ERROR."""

    run_id: int
    job: str
    state: str
    result: str
    reason: str
    parameters: dict[str, str]
    tasks: dict[str, TaskEnd]
    seconds: float


@dataclass
class TaskCall:
    """What an action needs to know to run one attempt of a task."""

    run_id: int
    task: Task
    task_run_id: int
    attempt: int
    context: Context
    deadline: float | None
    limit_reason: str
    canceled: threading.Event


@dataclass(frozen=True)
class Acted:
    """What one attempt gave. retriable: whether trying again could change it."""

    ended: Ended
    values: dict[str, object] = field(default_factory=dict)
    outcome: str | None = None
    retriable: bool = True


Action = Callable[[TaskCall], Acted]


class JobRun:
    """The scheduler of one run. ``act`` runs one attempt of one task; ``slots``: how many processes may run at once."""

    def __init__(
        self,
        job: Job,
        parameters: dict[str, str],
        ledger: Ledger,
        on_event: OnEvent,
        act: Action,
        slots: threading.Semaphore,
    ) -> None:
        self._job, self._parameters, self._ledger, self._emit, self._act = job, parameters, ledger, on_event, act
        self._slots = slots
        self._running: set[str] = set()
        self._ends: dict[str, TaskEnd] = {}
        self._finished: queue.Queue[tuple[str, TaskEnd]] = queue.Queue()
        self._canceled = threading.Event()

    def execute(self, parent: int | None, canceled: threading.Event, deadline: float | None) -> RunResult:
        """Run to the end. canceled, deadline: of the run that started this one."""
        job, begun, self._begun_at = self._job, time.monotonic(), time.time()
        self._run_id, self._ids, other = self._ledger.begin(
            job_id=job.id,
            job_name=job.name,
            run_as=job.run_as,
            parameters=self._parameters,
            parent=parent,
            tasks=[(task.key, task.kind) for task in job.tasks],
            at_once=job.at_once,
        )
        if other:
            return self._over("SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED", other, begun)
        own = begun + job.timeout if job.timeout else None
        self._deadline = min((one for one in (own, deadline) if one is not None), default=None)
        limit = f"the job's limit of {job.timeout:g} s is over"
        self._limit_reason = limit if own == self._deadline else "the limit of the task that started this run is over"
        try:
            self._emit(RunStarted(self._run_id, job.name, parent, tuple(self._ids)))
            stopped = self._loop(canceled)
        except BaseException as error:
            self._canceled.set()
            self._collect()
            self._ledger.end(self._run_id, "TERMINATED", "CANCELED", f"the runner was stopped ({type(error).__name__})")
            raise
        if stopped:
            self._ledger.end(self._run_id, "TERMINATED", stopped.result, stopped.reason)
            return self._over("TERMINATED", stopped.result, stopped.reason, begun)
        leaves = {task.key for task in job.tasks} - {one.task_key for task in job.tasks for one in task.depends_on}
        result = job_result({key: end.result for key, end in self._ends.items()}, sorted(leaves))
        reason = self._why() if result != "SUCCESS" else ""
        self._ledger.end(self._run_id, "TERMINATED", result, reason)
        return self._over("TERMINATED", result, reason, begun)

    def _over(self, state: str, result: str, reason: str, begun: float) -> RunResult:
        seconds = time.monotonic() - begun
        self._emit(RunFinished(self._run_id, self._job.name, result, reason, seconds))
        ends = dict(self._ends)
        return RunResult(self._run_id, self._job.name, state, result, reason, self._parameters, ends, seconds)

    def _why(self) -> str:
        failed = [f"task '{key}': {end.reason or end.result}" for key, end in self._ends.items() if _origin(end)]
        return "; ".join(failed)

    def _loop(self, canceled: threading.Event) -> Ended | None:
        """Start and collect tasks until all have ended; why the run was stopped before, if it was."""
        waiting = list(self._job.tasks)
        stopped: Ended | None = None
        while waiting or self._running:
            stopped = stopped or self._stopped(canceled)
            if stopped and not self._canceled.is_set():
                self._canceled.set()
            waiting = [task for task in waiting if not self._start(task, stopped)]
            if self._running:
                try:
                    key, end = self._finished.get(timeout=_LOOK_SECONDS)
                except queue.Empty:
                    continue
                self._running.discard(key)
                self._ends[key] = end
        return stopped

    def _stopped(self, canceled: threading.Event) -> Ended | None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            return Ended("TIMEDOUT", self._limit_reason)
        if canceled.is_set():
            return Ended("CANCELED", "the run that started this one was stopped")
        return None

    def _collect(self) -> None:
        while self._running:
            key, end = self._finished.get()
            self._running.discard(key)
            self._ends[key] = end

    def _start(self, task: Task, stopped: Ended | None) -> bool:
        """Start the task, or end it at once; False when it has to wait."""
        if stopped:
            self._end_now(task, TaskEnd("CANCELED", stopped.reason))
            return True
        if any(one.task_key not in self._ends for one in task.depends_on):
            return False
        before = [(self._ends[one.task_key], one.outcome) for one in task.depends_on]
        skipped = verdict(task.run_if, [upstream(end.result, end.outcome, wanted) for end, wanted in before])
        if skipped:
            names = ", ".join(f"{one.task_key} {self._told(one.task_key)}" for one in task.depends_on)
            self._end_now(task, TaskEnd(skipped, f"run_if {task.run_if} over {names}"))
            return True
        self._running.add(task.key)
        threading.Thread(target=self._run_task, args=(task,), name=f"task-{task.key}", daemon=True).start()
        return True

    def _told(self, key: str) -> str:
        end = self._ends[key]
        return f"{end.result} ({end.outcome})" if end.outcome else end.result

    def _end_now(self, task: Task, end: TaskEnd) -> None:
        self._ends[task.key] = end
        state = "TERMINATED" if end.result == "CANCELED" else "SKIPPED"
        self._ledger.task_ended(self._ids[task.key], state, end.result, end.reason, None)
        self._emit(TaskFinished(self._run_id, self._job.name, task.key, 0, end.result, end.reason, 0.0, True))

    def _run_task(self, task: Task) -> None:
        state = "TERMINATED"
        try:
            end = self._attempts(task)
        except BaseException as error:
            # A fault of the sandbox itself: kept as such, and no other task is touched by it.
            state, end = "INTERNAL_ERROR", TaskEnd("FAILED", f"the runner failed: {type(error).__name__}: {error}")
        self._ledger.task_ended(self._ids[task.key], state, end.result, end.reason, end.outcome)
        self._finished.put((task.key, end))

    def _attempts(self, task: Task) -> TaskEnd:
        number = self._ids[task.key]
        attempt = 0
        values: dict[str, object] = {}
        while True:
            attempt += 1
            with self._slots if task.kind == "python_wheel_task" else nullcontext():
                if attempt == 1:
                    self._ledger.task_started(number)
                acted, again = self._attempt(task, attempt)
            values.update(acted.values)
            if not again or self._canceled.wait(task.retry_wait):
                return TaskEnd(acted.ended.result, acted.ended.reason, acted.outcome, attempt, values)

    def _attempt(self, task: Task, attempt: int) -> tuple[Acted, bool]:
        number, begun = self._ids[task.key], time.monotonic()
        self._ledger.attempt_started(number, attempt)
        self._emit(TaskStarted(self._run_id, self._job.name, task.key, attempt))
        acted = self._act(self._call(task, attempt))
        result, reason = acted.ended.result, acted.ended.reason
        self._ledger.attempt_ended(number, attempt, result, reason, acted.values)
        again = self._again(task, attempt, acted)
        seconds = time.monotonic() - begun
        self._emit(TaskFinished(self._run_id, self._job.name, task.key, attempt, result, reason, seconds, not again))
        return acted, again

    def _again(self, task: Task, attempt: int, acted: Acted) -> bool:
        result = acted.ended.result
        if not acted.retriable or self._canceled.is_set() or 0 <= task.max_retries < attempt:
            return False
        return result == "FAILED" or (result == "TIMEDOUT" and task.retry_on_timeout)

    def _call(self, task: Task, attempt: int) -> TaskCall:
        own = time.monotonic() + task.timeout if task.timeout else None
        deadline = min((one for one in (own, self._deadline) if one is not None), default=None)
        ours = own is not None and deadline == own
        limit_reason = f"the task's limit of {task.timeout:g} s is over" if ours else self._limit_reason
        known = {key: Upstreams(self._ids[key], end.result, dict(end.values)) for key, end in dict(self._ends).items()}
        context = Context(
            job_id=self._job.id,
            job_name=self._job.name,
            job_run_id=self._run_id,
            started=self._begun_at,
            parameters=self._parameters,
            task=task.key,
            task_run_id=self._ids[task.key],
            execution_count=attempt,
            tasks=known,
        )
        return TaskCall(
            self._run_id,
            task,
            self._ids[task.key],
            attempt,
            context,
            deadline,
            limit_reason,
            self._canceled,
        )


def _origin(end: TaskEnd) -> bool:
    """Whether a task failed by itself, not because of another one."""
    return end.result in ("FAILED", "TIMEDOUT", "CANCELED")
