"""A deployed job as the runner sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.errors import SandboxError
from sandbox.runner.notices import Notices


@dataclass(frozen=True)
class Dependency:
    """An upstream task; ``outcome`` ("true" or "false") when it must be a condition that ended so."""

    task_key: str
    outcome: str | None


@dataclass(frozen=True)
class Compute:
    """What a task's job cluster says of its environment."""

    environment: dict[str, str] = field(default_factory=dict)
    spark_conf: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """One task; ``action`` is the block named ``kind``. Times in seconds, 0 = no limit.

    nested: what a `for_each_task` runs for each input. warn_after: of its health rule.
    """

    key: str
    kind: str
    action: dict[str, Any]
    depends_on: tuple[Dependency, ...]
    run_if: str
    max_retries: int
    retry_wait: float
    retry_on_timeout: bool
    timeout: float
    wheel: str
    requirements: str
    compute: Compute
    notices: Notices
    warn_after: float | None = None
    disabled: bool = False
    nested: Task | None = None


@dataclass(frozen=True)
class Trigger:
    """What starts a job by itself. kind: `schedule`, `periodic`, `file_arrival` or `table_update`."""

    kind: str
    settings: dict[str, Any]
    paused: bool


@dataclass(frozen=True)
class Job:
    """One deployed job; tasks in an order in which each comes after what it depends on.

    at_once: how many runs may be active; queue: whether one more waits or is skipped. warn_after: of its health rule.
    """

    id: str
    name: str
    run_as: str
    parameters: dict[str, str]
    timeout: float
    at_once: int
    queue: bool
    notices: Notices
    warn_after: float | None
    trigger: Trigger | None
    tasks: tuple[Task, ...] = field(repr=False)

    def task(self, key: str) -> Task:
        """The task named ``key``; ``SandboxError`` lists the valid ones."""
        for task in self.tasks:
            if task.key == key:
                return task
        valid = ", ".join(task.key for task in self.tasks)
        raise SandboxError(f"job '{self.name}' has no task '{key}'; valid: {valid}")

    @property
    def leaves(self) -> list[str]:
        """The tasks that no other depends on."""
        inner = {one.task_key for task in self.tasks for one in task.depends_on}
        return [task.key for task in self.tasks if task.key not in inner]

    def with_followers(self, keys: Iterable[str]) -> set[str]:
        """These tasks and all that depend on them, through others too."""
        found = set(keys)
        for task in self.tasks:
            if any(one.task_key in found for one in task.depends_on):
                found.add(task.key)
        return found

    def with_parameters(self, given: Mapping[str, str]) -> dict[str, str]:
        """The job's parameters with ``given`` over their defaults; an unknown one is refused with the valid ones."""
        for name in given:
            if name not in self.parameters:
                valid = ", ".join(sorted(self.parameters)) or "none"
                raise SandboxError(f"job '{self.name}' has no parameter '{name}'; valid: {valid}")
        return {**self.parameters, **{name: str(value) for name, value in given.items()}}
