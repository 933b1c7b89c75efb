"""What runs, tasks and attempts end with, and what an action is asked to do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.runner.attempt import Ended
from sandbox.runner.job import Task
from sandbox.runner.references import Context


@dataclass(frozen=True)
class TaskEnd:
    """How a task of a run ended; state as of ``Ended``."""

    result: str
    reason: str
    outcome: str | None = None
    attempts: int = 0
    values: dict[str, object] = field(default_factory=dict)
    state: str = "TERMINATED"


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
    """What an action needs to know to run one attempt of a task.

    key: the task's, or `<task>.<number>` of an iteration. first: of this run or repair. lease: a descriptor for every
    process to inherit.
    """

    run_id: int
    task: Task
    key: str
    task_run_id: int
    attempt: int
    first: bool
    context: Context
    deadline: float | None
    limit_reason: str
    canceled: threading.Event
    lease: int


@dataclass(frozen=True)
class Acted:
    """What one attempt gave. retriable: whether trying again could change it."""

    ended: Ended
    values: dict[str, object] = field(default_factory=dict)
    outcome: str | None = None
    retriable: bool = True


Action = Callable[[TaskCall], Acted]
