"""Dynamic references: `{{job.run_id}}`, `{{tasks.train.values.run_id}}` and the like, and what they stand for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.errors import SandboxError

_Finder = Callable[[list[str]], str | None]
_REFERENCE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
VALID = (
    "job.id, job.name, job.run_id, job.start_time.iso_date, job.start_time.iso_datetime, job.start_time.timestamp_ms, "
    "job.parameters.<name>, task.name, task.run_id, task.execution_count, tasks.<task>.values.<key>, "
    "tasks.<task>.run_id, tasks.<task>.result_state"
)


class NoReferentError(SandboxError):
    """A reference to nothing."""


@dataclass(frozen=True)
class Upstreams:
    """What a task may refer to of another one."""

    run_id: int
    result: str | None
    values: dict[str, Any]


@dataclass(frozen=True)
class Context:
    """What references stand for in one attempt of one task."""

    job_id: str
    job_name: str
    job_run_id: int
    started: float
    parameters: Mapping[str, str]
    task: str
    task_run_id: int
    execution_count: int
    tasks: Mapping[str, Upstreams] = field(default_factory=dict)

    def resolve(self, text: str) -> str:
        """``text`` with every reference replaced; ``NoReferentError`` names the first that stands for nothing."""
        return _REFERENCE.sub(lambda found: self._value(found[1]), text)

    def _value(self, reference: str) -> str:
        head, *rest = reference.split(".")
        finders: dict[str, _Finder] = {"job": self._job, "task": self._task, "tasks": self._other}
        value = finders[head](rest) if head in finders else None
        if value is None:
            raise NoReferentError(f"reference '{{{{{reference}}}}}' stands for nothing; valid: {VALID}")
        return value

    def _job(self, rest: list[str]) -> str | None:
        if rest[:1] == ["parameters"] and len(rest) == 2:
            if rest[1] not in self.parameters:
                valid = ", ".join(sorted(self.parameters)) or "none"
                name = f"{{{{job.parameters.{rest[1]}}}}}"
                raise NoReferentError(f"reference '{name}' stands for nothing; parameters: {valid}")
            return self.parameters[rest[1]]
        start = datetime.fromtimestamp(self.started, UTC)
        return {
            "id": self.job_id,
            "name": self.job_name,
            "run_id": str(self.job_run_id),
            "start_time.iso_date": start.strftime("%Y-%m-%d"),
            "start_time.iso_datetime": start.strftime("%Y-%m-%dT%H:%M:%S"),
            "start_time.timestamp_ms": str(int(self.started * 1000)),
        }.get(".".join(rest))

    def _task(self, rest: list[str]) -> str | None:
        known = {"name": self.task, "run_id": str(self.task_run_id), "execution_count": str(self.execution_count)}
        return known.get(".".join(rest))

    def _other(self, rest: list[str]) -> str | None:
        if len(rest) < 2:
            return None
        name = rest[0]
        if name not in self.tasks:
            valid = ", ".join(sorted(self.tasks)) or "none"
            raise NoReferentError(f"reference to task '{name}' stands for nothing; tasks that ended before: {valid}")
        other = self.tasks[name]
        if rest[1:] == ["run_id"]:
            return str(other.run_id)
        if rest[1:] == ["result_state"]:
            return (other.result or "").lower()
        if rest[1] != "values" or len(rest) < 3:
            return None
        key = ".".join(rest[2:])
        if key not in other.values:
            valid = ", ".join(sorted(other.values)) or "none"
            reference = f"{{{{tasks.{name}.values.{key}}}}}"
            raise NoReferentError(f"reference '{reference}' stands for nothing; values of '{name}': {valid}")
        value = other.values[key]
        return value if isinstance(value, str) else json.dumps(value)
