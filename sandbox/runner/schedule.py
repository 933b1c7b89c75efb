"""One run of a job: waits for its turn, starts each task when its dependencies have ended, keeps what happened."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.errors import SandboxError
from sandbox.runner.attempt import Ended
from sandbox.runner.conditions import job_result, upstream, verdict
from sandbox.runner.entries import LostLeaseError
from sandbox.runner.events import RunFinished, RunQueued, RunStarted, TaskFinished
from sandbox.runner.execution import LOOK_SECONDS, Execution
from sandbox.runner.job import Task
from sandbox.runner.outcomes import RunResult, TaskEnd
from sandbox.runner.references import Context, resolved_parameters
from sandbox.runs import Run

# "When queueing is enabled, the run is queued for up to 48 hours if resources are unavailable for a job run."
QUEUE_SECONDS = 48 * 3600.0


@dataclass(frozen=True)
class Caller:
    """Who started a run. parent: the run that did; canceled, deadline: of that run's task.

    above: names of the jobs whose runs led to it. trigger: what started it, as in ``sandbox.runs.Run``.
    """

    canceled: threading.Event
    parent: int | None = None
    deadline: float | None = None
    above: tuple[str, ...] = ()
    trigger: str = ""


class JobRun:
    """The scheduler of one run."""

    def __init__(self, execution: Execution) -> None:
        self._execution, self._job, self._ledger = execution, execution.job, execution.ledger
        self._running: set[str] = set()
        self._ends: dict[str, TaskEnd] = {}
        self._finished: queue.Queue[tuple[str, TaskEnd | BaseException]] = queue.Queue()
        self._warn_at: float | None = None

    def execute(self, caller: Caller, prepare: Callable[[], None] = lambda: None) -> RunResult:
        """Run to the end. prepare: called when it is this run's turn."""
        job, execution = self._job, self._execution
        self._caller, self._begun = caller, time.monotonic()
        execution.run_id, execution.ids, other = self._ledger.begin(
            job_id=job.id,
            job_name=job.name,
            run_as=job.run_as,
            parameters=execution.parameters,
            parent=caller.parent,
            tasks=self.rows(),
            at_once=job.at_once,
            queue=job.queue,
            trigger=caller.trigger,
            notify=job.notices.to_json(),
        )
        self._began_at = self._ledger.began(execution.run_id)
        if other and not job.queue:
            return self._over("SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED", other)
        trigger = caller.trigger or ("MANUAL" if caller.parent is None else "RUN_JOB_TASK")
        return self._guarded(lambda: self._wait_turn(other) if other else None, prepare, trigger)

    def repair(self, run: Run, ends: dict[str, TaskEnd], ids: dict[str, int], prepare: Callable[[], None]) -> RunResult:
        """Run what is not in ``ends`` of a run that the ledger has reopened. run: as it was before that."""
        execution = self._execution
        self._caller, self._begun = Caller(execution.canceled, run.parent_run_id), time.monotonic()
        execution.run_id, execution.ids, self._ends = run.run_id, ids, dict(ends)
        self._began_at = run.started
        return self._guarded(lambda: None, prepare, run.trigger, run.repairs + 1)

    def rows(self) -> list[tuple[str, ...]]:
        """The tasks as the ledger takes them."""
        found: list[tuple[str, ...]] = []
        for task in self._job.tasks:
            notify = task.notices.to_json()
            found.append((task.key, task.kind, notify) if notify else (task.key, task.kind))
        return found

    def _guarded(
        self, wait: Callable[[], Ended | None], prepare: Callable[[], None], trigger: str, repairs: int = 0
    ) -> RunResult:
        """Run; whatever stops the runner itself ends the run as canceled and is raised."""
        run_id = self._execution.run_id
        try:
            refused = wait() or self._ready(prepare, trigger, repairs)
            if refused is None:
                tasks = tuple(task.key for task in self._job.tasks)
                self._execution.emit(RunStarted(run_id, self._job.name, self._caller.parent, tasks))
            stopped = self._loop(refused)
        except LostLeaseError:
            self._abandon()
            raise
        except BaseException as error:
            self._abandon()
            self._ledger.end(run_id, "TERMINATED", "CANCELED", f"the runner was stopped ({type(error).__name__})")
            raise
        state, result, reason = self._outcome(stopped)
        self._ledger.end(run_id, state, result, reason)
        return self._over(state, result, reason)

    def _outcome(self, stopped: Ended | None) -> tuple[str, str, str]:
        if stopped:
            skipped = stopped.result == "MAXIMUM_CONCURRENT_RUNS_REACHED"
            return "SKIPPED" if skipped else "TERMINATED", stopped.result, stopped.reason
        now = {task.key: self._ends[task.key].result for task in self._job.tasks}
        result = job_result(now, self._job.leaves)
        return "TERMINATED", result, self._why() if result != "SUCCESS" else ""

    def _abandon(self) -> None:
        """Stop what runs and wait for its end."""
        self._execution.canceled.set()
        while self._running:
            key, _ = self._finished.get()
            self._running.discard(key)

    def _over(self, state: str, result: str, reason: str) -> RunResult:
        execution, seconds = self._execution, time.monotonic() - self._begun
        execution.emit(RunFinished(execution.run_id, self._job.name, result, reason, seconds))
        ends = dict(self._ends)
        return RunResult(execution.run_id, self._job.name, state, result, reason, execution.parameters, ends, seconds)

    def _why(self) -> str:
        origin = ("FAILED", "TIMEDOUT", "CANCELED")
        failed = [(key, end) for key, end in self._ends.items() if end.result in origin]
        return "; ".join(f"task '{key}': {end.reason or end.result}" for key, end in failed)

    def _wait_turn(self, reason: str) -> Ended | None:
        """Wait in the queue until it is this run's turn (None), or why that never came."""
        execution = self._execution
        execution.emit(RunQueued(execution.run_id, self._job.name, reason))
        until = execution.clock.time() + QUEUE_SECONDS
        execution.deadline = self._caller.deadline
        execution.limit_reason = "the limit of the task that started this run is over"
        while True:
            stopped = self._stopped()
            if stopped:
                return stopped
            self._ledger.recover()
            if self._ledger.start_queued(execution.run_id):
                self._began_at = self._ledger.began(execution.run_id)
                return None
            if execution.clock.time() >= until:
                waited = f"it waited in the queue for {QUEUE_SECONDS / 3600:g} hours: {reason}"
                return Ended("MAXIMUM_CONCURRENT_RUNS_REACHED", waited)
            execution.clock.wait(self._caller.canceled, LOOK_SECONDS)

    def _ready(self, prepare: Callable[[], None], trigger: str, repairs: int) -> Ended | None:
        """Get ready to start tasks (None), or why the run fails before."""
        try:
            prepare()
            self._set_out(trigger, repairs)
        except SandboxError as error:
            return Ended("FAILED", str(error))
        return None

    def _set_out(self, trigger: str, repairs: int) -> None:
        """From here on time counts and references stand for something."""
        job, execution = self._job, self._execution
        began = time.monotonic()
        own = began + job.timeout if job.timeout else None
        execution.deadline = min((one for one in (own, self._caller.deadline) if one is not None), default=None)
        limit = f"the job's limit of {job.timeout:g} s is over"
        above = "the limit of the task that started this run is over"
        execution.limit_reason = limit if own is not None and own == execution.deadline else above
        self._warn_at = None if job.warn_after is None else began + job.warn_after
        location = job.trigger.settings.get("url") if job.trigger else None
        bare = Context(
            job_id=job.id,
            job_name=job.name,
            job_run_id=execution.run_id,
            started=self._began_at,
            parameters={},
            task="",
            task_run_id=-1,
            execution_count=0,
            repair_count=repairs,
            trigger=trigger,
            file_location=location,
        )
        execution.base = bare.with_(parameters=resolved_parameters(execution.parameters, bare))

    def _loop(self, stopped: Ended | None) -> Ended | None:
        """Start and collect tasks until all have ended; why the run was stopped before, if it was."""
        waiting = [task for task in self._job.tasks if task.key not in self._ends]
        while waiting or self._running:
            stopped = stopped or self._stopped()
            if stopped:
                self._execution.canceled.set()
            self._warn()
            waiting = [task for task in waiting if not self._start(task, stopped)]
            if self._running:
                try:
                    key, end = self._finished.get(timeout=LOOK_SECONDS)
                except queue.Empty:
                    continue
                self._running.discard(key)
                if isinstance(end, BaseException):
                    raise end
                self._ends[key] = end
        return stopped

    def _stopped(self) -> Ended | None:
        execution = self._execution
        if execution.deadline is not None and time.monotonic() > execution.deadline:
            return Ended("TIMEDOUT", execution.limit_reason)
        if self._caller.canceled.is_set():
            return Ended("CANCELED", "the run that started this one was stopped")
        if self._ledger.cancel_asked(execution.run_id):
            return Ended("CANCELED", "canceled by a person")
        return None

    def _warn(self) -> None:
        if self._warn_at is not None and time.monotonic() > self._warn_at:
            self._warn_at = None
            self._ledger.run_took_long(self._execution.run_id, self._job.warn_after or 0.0)

    def _start(self, task: Task, stopped: Ended | None) -> bool:
        """Start the task, or end it at once; False when it has to wait."""
        if any(one.task_key not in self._ends for one in task.depends_on):
            return False
        if stopped:
            # "UPSTREAM_CANCELED: The run was skipped because an upstream task was canceled."
            above = {self._ends[one.task_key].result for one in task.depends_on}
            gone = stopped.result == "CANCELED" and above & {"CANCELED", "UPSTREAM_CANCELED"}
            self._end_now(task, TaskEnd("UPSTREAM_CANCELED" if gone else "CANCELED", stopped.reason))
            return True
        skipped = self._skipped(task)
        if skipped:
            self._end_now(task, skipped)
            return True
        self._running.add(task.key)
        threading.Thread(target=self._run_task, args=(task,), name=f"task-{task.key}", daemon=True).start()
        return True

    def _skipped(self, task: Task) -> TaskEnd | None:
        # "DISABLED: The run was skipped because it was disabled explicitly by the user."
        if task.disabled:
            return TaskEnd("DISABLED", "the task is disabled")
        before = [(self._ends[one.task_key], one.outcome) for one in task.depends_on]
        result = verdict(task.run_if, [upstream(end.result, end.outcome, wanted) for end, wanted in before])
        if result is None:
            return None
        names = ", ".join(f"{one.task_key} {self._told(one.task_key)}" for one in task.depends_on)
        return TaskEnd(result, f"run_if {task.run_if} over {names}")

    def _told(self, key: str) -> str:
        end = self._ends[key]
        return f"{end.result} ({end.outcome})" if end.outcome else end.result

    def _end_now(self, task: Task, end: TaskEnd) -> None:
        execution = self._execution
        self._ends[task.key] = end
        state = "TERMINATED" if end.result == "CANCELED" else "SKIPPED"
        self._ledger.task_ended(execution.ids[task.key], state, end.result, end.reason, None)
        execution.emit(TaskFinished(execution.run_id, self._job.name, task.key, 0, end.result, end.reason, 0.0, True))

    def _run_task(self, task: Task) -> None:
        try:
            self._finished.put((task.key, self._execution.perform(task, dict(self._ends))))
        except BaseException as error:
            self._finished.put((task.key, error))
