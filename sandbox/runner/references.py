"""Dynamic references: `{{job.run_id}}`, `{{tasks.train.values.run_id}}` and the like, and what they stand for.

Databricks passes a reference of a namespace that it does not know on as text; here it is refused: in a job that is
derived from declarations it is a mistake.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sandbox.errors import SandboxError

_Finder = Callable[[list[str]], str | None]
_REFERENCE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
# "Escape keys that contain special characters by surrounding the identifier with backticks."
_PART = re.compile(r"`([^`]*)`|([^.`]+)")
TIMES = "iso_date, iso_datetime, year, month, day, hour, minute, second, is_weekday, iso_weekday, timestamp_ms"
VALID = (
    "job.id, job.name, job.run_id, job.repair_count, job.start_time.<time>, job.parameters.<name>, job.trigger.type, "
    "job.trigger.file_arrival.location, task.name, task.run_id, task.execution_count, tasks.<task>.values.<key>, "
    "tasks.<task>.run_id, tasks.<task>.result_state, tasks.<task>.execution_count; in a for_each_task input, "
    f"input.<key>; <time> is one of {TIMES}"
)
_NO_INPUT = object()


class NoReferentError(SandboxError):
    """A reference to nothing."""


@dataclass(frozen=True)
class Upstreams:
    """What a task may refer to of another one."""

    run_id: int
    result: str | None
    values: dict[str, Any]
    attempts: int = 0


@dataclass(frozen=True)
class Context:
    """What references stand for in one attempt of one task. input: of an iteration of a `for_each_task`."""

    job_id: str
    job_name: str
    job_run_id: int
    started: float
    parameters: Mapping[str, str]
    task: str
    task_run_id: int
    execution_count: int
    tasks: Mapping[str, Upstreams] = field(default_factory=dict)
    repair_count: int = 0
    trigger: str = "MANUAL"
    file_location: str | None = None
    input: object = _NO_INPUT
    plain: bool = False

    def with_(self, **changes: Any) -> Context:
        """This context with other fields."""
        return replace(self, **changes)

    def resolve(self, text: str) -> str:
        """``text`` with every reference replaced; ``NoReferentError`` names the first that stands for nothing."""
        return _REFERENCE.sub(lambda found: self._value(found[1]), text)

    def operand(self, text: str) -> str:
        """As ``resolve``, for a condition.

        "Only numeric, string, and boolean values are allowed when referencing task values in an operand. Any other
        types will cause the condition expression to fail."
        """
        return replace(self, plain=True).resolve(text)

    def _value(self, reference: str) -> str:
        head, *rest = [quoted or plain for quoted, plain in _PART.findall(reference)] or [""]
        finders: dict[str, _Finder] = {
            "job": self._job, "task": self._task, "tasks": self._other, "input": self._input,
        }  # fmt: skip
        value = finders[head](rest) if head in finders else None
        if value is None:
            raise NoReferentError(f"reference '{{{{{reference}}}}}' stands for nothing; valid: {VALID}")
        return value

    def _job(self, rest: list[str]) -> str | None:
        if rest[:1] == ["parameters"] and len(rest) == 2:
            return self._parameter(rest[1])
        if rest[:1] == ["start_time"] and len(rest) == 2:
            return times(self.started).get(rest[1])
        return {
            "id": self.job_id,
            "name": self.job_name,
            "run_id": str(self.job_run_id),
            "repair_count": str(self.repair_count),
            # "The possible values are periodic, onetime, run_job_task, file_arrival, continuous, and table."
            "trigger.type": "onetime" if self.trigger == "MANUAL" else self.trigger.lower(),
            "trigger.file_arrival.location": self.file_location,
        }.get(".".join(rest))

    def _parameter(self, name: str) -> str:
        if name not in self.parameters:
            valid = ", ".join(sorted(self.parameters)) or "none"
            reference = f"{{{{job.parameters.{name}}}}}"
            raise NoReferentError(f"reference '{reference}' stands for nothing; parameters: {valid}")
        return self.parameters[name]

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
        if rest[1] != "values" or len(rest) < 3:
            known = {"run_id": str(other.run_id), "result_state": (other.result or "").lower()}
            return {**known, "execution_count": str(other.attempts)}.get(".".join(rest[1:]))
        key = ".".join(rest[2:])
        if key not in other.values:
            valid = ", ".join(sorted(other.values)) or "none"
            reference = f"{{{{tasks.{name}.values.{key}}}}}"
            raise NoReferentError(f"reference '{reference}' stands for nothing; values of '{name}': {valid}")
        value = other.values[key]
        if self.plain and not isinstance(value, str | int | float):
            said = f"value '{key}' of task '{name}' is {_text(value)[:60]}"
            raise SandboxError(f"{said}; an operand is a number, a string, true or false")
        return _text(value)

    def _input(self, rest: list[str]) -> str | None:
        value, path = self.input, "input"
        if value is _NO_INPUT:
            return None
        for key in rest:
            path += f".{key}"
            if not isinstance(value, dict) or key not in value:
                keys = sorted(map(str, value)) if isinstance(value, dict) else []
                valid = ", ".join(keys) or "none"
                raise NoReferentError(f"reference '{{{{{path}}}}}' stands for nothing; keys: {valid}")
            value = value[key]
        return _text(value)


def resolved_parameters(parameters: Mapping[str, str], context: Context) -> dict[str, str]:
    """Job parameters whose values refer to the job (`{{job.start_time.iso_date}}`); never to one another."""
    return {name: context.resolve(value) for name, value in parameters.items()}


def times(started: float) -> dict[str, str]:
    """The forms of a time, in UTC."""
    at = datetime.fromtimestamp(started, UTC)
    return {
        "iso_date": at.strftime("%Y-%m-%d"),
        "iso_datetime": at.strftime("%Y-%m-%dT%H:%M:%S"),
        "year": str(at.year),
        "month": str(at.month),
        "day": str(at.day),
        "hour": str(at.hour),
        "minute": str(at.minute),
        "second": str(at.second),
        "is_weekday": str(at.isoweekday() < 6).lower(),
        "iso_weekday": str(at.isoweekday()),
        "timestamp_ms": str(int(started * 1000)),
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
