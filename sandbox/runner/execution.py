"""Runs one task of a run, or one iteration, to its end: its attempts, the waits between them, its limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field

from sandbox.errors import SandboxError
from sandbox.runner.attempt import Ended
from sandbox.runner.clock import Clock
from sandbox.runner.entries import LostLeaseError
from sandbox.runner.events import OnEvent, TaskFinished, TaskStarted
from sandbox.runner.for_each import iterate
from sandbox.runner.job import Job, Task
from sandbox.runner.ledger import Ledger
from sandbox.runner.outcomes import Acted, Action, TaskCall, TaskEnd
from sandbox.runner.references import Context, Upstreams

# How often a run, a queued run and a running task are looked after.
LOOK_SECONDS = 0.2


@dataclass
class Execution:
    """What all tasks of a run share. act: runs one attempt; slots: how many processes may run at once.

    run_id, ids (task -> task run), context and deadline are known once the run has begun.
    """

    job: Job
    parameters: dict[str, str]
    ledger: Ledger
    emit: OnEvent
    act: Action
    slots: threading.Semaphore
    clock: Clock = field(default_factory=Clock)
    canceled: threading.Event = field(default_factory=threading.Event)
    run_id: int = -1
    ids: dict[str, int] = field(default_factory=dict)
    base: Context | None = None
    deadline: float | None = None
    limit_reason: str = ""

    def perform(self, task: Task, ends: Mapping[str, TaskEnd]) -> TaskEnd:
        """Run a task; ends: of the tasks before it."""
        act: Action = (lambda call: iterate(self, call, ends)) if task.nested else self.act
        return self.attempts(task, task.key, self.ids[task.key], ends, act)

    def attempts(
        self, task: Task, key: str, number: int, ends: Mapping[str, TaskEnd], act: Action, **more: object
    ) -> TaskEnd:
        """Try until it is good, or the policy says no more; the end is in the ledger. more: of the context."""
        try:
            end = self._tried(task, key, number, ends, act, more)
        except LostLeaseError:
            raise
        except BaseException as error:
            fault = _fault(error)
            end = TaskEnd(fault.result, fault.reason, state=fault.state)
        self.ledger.task_ended(number, end.state, end.result, end.reason, end.outcome)
        return end

    def _tried(
        self, task: Task, key: str, number: int, ends: Mapping[str, TaskEnd], act: Action, more: dict[str, object]
    ) -> TaskEnd:
        before, tries = self.ledger.attempts(number), 0
        values: dict[str, object] = {}
        while True:
            tries += 1
            with self.slots if task.kind == "python_wheel_task" else nullcontext():
                if tries == 1:
                    self.ledger.task_started(number)
                if self.canceled.is_set():
                    return TaskEnd("CANCELED", "the run was canceled", None, before + tries - 1, values)
                began = self.clock.time()
                call = self._call(task, key, number, before + tries, tries == 1, ends, more)
                acted, again = self._attempt(call, tries, act)
            values.update(acted.values)
            # "min_retry_interval_millis: An optional minimal interval in milliseconds between the start of the failed
            # run and the subsequent retry run."
            if not again or self._waited(number, task.retry_wait - (self.clock.time() - began)):
                ended = acted.ended
                return TaskEnd(ended.result, ended.reason, acted.outcome, before + tries, values, ended.state)

    def _waited(self, number: int, seconds: float) -> bool:
        """Wait for the next attempt; True when the run was canceled meanwhile."""
        if seconds <= 0:
            return self.canceled.is_set()
        self.ledger.task_waits(number)
        return self.clock.wait(self.canceled, seconds)

    def _attempt(self, call: TaskCall, tries: int, act: Action) -> tuple[Acted, bool]:
        begun = time.monotonic()
        self.ledger.attempt_started(call.task_run_id, call.attempt, retried=tries > 1)
        self.emit(TaskStarted(self.run_id, self.job.name, call.key, call.attempt))
        try:
            with _Warning(call.task.warn_after, lambda limit: self.ledger.task_took_long(call.task_run_id, limit)):
                acted = act(call)
        except LostLeaseError:
            raise
        except SandboxError as error:
            acted = Acted(Ended("FAILED", str(error)), retriable=False)
        except BaseException as error:
            acted = Acted(_fault(error), retriable=False)
        ended = acted.ended
        again = self._again(call.task, tries, acted)
        self.ledger.attempt_ended(call.task_run_id, call.attempt, ended, acted.values, again=again)
        seconds = time.monotonic() - begun
        told = (self.run_id, self.job.name, call.key, call.attempt, ended.result, ended.reason, seconds, not again)
        self.emit(TaskFinished(*told))
        return acted, again

    def _again(self, task: Task, tries: int, acted: Acted) -> bool:
        # "max_retries: [...] The value -1 means to retry indefinitely and the value 0 means to never retry."
        result = acted.ended.result
        if not acted.retriable or self.canceled.is_set() or 0 <= task.max_retries < tries:
            return False
        return result == "FAILED" or (result == "TIMEDOUT" and task.retry_on_timeout)

    def _call(
        self,
        task: Task,
        key: str,
        number: int,
        attempt: int,
        first: bool,
        ends: Mapping[str, TaskEnd],
        more: dict[str, object],
    ) -> TaskCall:
        own = time.monotonic() + task.timeout if task.timeout else None
        deadline = min((one for one in (own, self.deadline) if one is not None), default=None)
        ours = own is not None and deadline == own
        assert self.base is not None
        known = {
            name: Upstreams(self.ids[name], end.result, dict(end.values), end.attempts)
            for name, end in dict(ends).items()
        }
        changes = {"task": task.key, "task_run_id": number, "execution_count": attempt, "tasks": known, **more}
        return TaskCall(
            run_id=self.run_id,
            task=task,
            key=key,
            task_run_id=number,
            attempt=attempt,
            first=first,
            context=self.base.with_(**changes),
            deadline=deadline,
            limit_reason=f"the task's limit of {task.timeout:g} s is over" if ours else self.limit_reason,
            canceled=self.canceled,
            lease=self.ledger.lease(self.run_id),
        )


def _fault(error: BaseException) -> Ended:
    """A fault of the sandbox itself: kept as such, and no other task is touched by it."""
    return Ended("FAILED", f"the runner failed: {type(error).__name__}: {error}", "INTERNAL_ERROR")


class _Warning:
    """Calls ``late`` once when the `with` takes longer than ``seconds`` (None: never)."""

    def __init__(self, seconds: float | None, late: Callable[[float], None]) -> None:
        self._timer = None if seconds is None else threading.Timer(seconds, late, (seconds,))

    def __enter__(self) -> None:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            # A warning under way is in the ledger before the end of what it warns of.
            self._timer.join()
