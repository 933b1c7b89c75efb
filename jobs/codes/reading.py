"""Reading a JSON document of which every field is known or refused by its path, with all refusals at once."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.errors import TaskError

DEEPEST = 50


def document(file: Path) -> Any:
    """What a JSON file holds."""
    try:
        read = json.loads(file.read_text(encoding="utf-8-sig"))
    except RecursionError as error:
        raise TaskError(f"{file.name} is nested too deeply; valid: {DEEPEST} levels") from error
    except (OSError, ValueError) as error:
        raise TaskError(f"{file.name} is not a JSON file that can be read ({error})") from error
    level, depth = [read], 0
    while level := [one for some in level for one in inside(some)]:
        if (depth := depth + 1) > DEEPEST:
            raise TaskError(f"{file.name} is nested too deeply; valid: {DEEPEST} levels")
    return read


def inside(value: Any) -> Collection[Any]:
    """What an object or a list holds."""
    return value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()


@dataclass(frozen=True)
class Unknown:
    """Something that the import does not know: where, what stands there, what would be valid."""

    path: str
    value: Any
    valid: str

    def __str__(self) -> str:
        value = json.dumps(self.value, ensure_ascii=False)
        return (
            f"{self.path} = {value if len(value) <= 120 else value[:117] + '...'} is not supported; valid: {self.valid}"
        )


@dataclass
class Reading:
    """A document while it is read: what is in it, what of it is unknown so far, and what a reader should know."""

    definition: Mapping[str, Any]
    unknown: list[Unknown] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, path: str, value: Any, valid: str) -> None:
        """Remember something that is not supported."""
        self.unknown.append(Unknown(path, value, valid))

    def object(self, path: str, value: Any) -> Mapping[str, Any]:
        """`value` if it is an object."""
        if not isinstance(value, Mapping):
            self.refuse(path, value, "an object")
            return {}
        return value

    def array(self, path: str, value: Any) -> list[Any]:
        """`value` if it is a list; null is an empty one."""
        if value is not None and not isinstance(value, list):
            self.refuse(path, value, "a list")
        return value if isinstance(value, list) else []

    def boolean(self, path: str, value: Any) -> bool:
        """`value` if it is true or false; null is false."""
        if value is not None and not isinstance(value, bool):
            self.refuse(path, value, "true or false")
        return value is True

    def integer(self, path: str, value: Any) -> int | None:
        """`value` if it is a whole number."""
        if type(value) is not int:
            self.refuse(path, value, "a whole number")
            return None
        return value

    def string(self, path: str, value: Any) -> str:
        """`value` if it is a text; null is an empty one."""
        if value is not None and not isinstance(value, str):
            self.refuse(path, value, "a text")
        return value if isinstance(value, str) else ""

    def only(self, path: str, given: Any, names: Sequence[str], *, optional: bool = False) -> dict[str, Any]:
        """`given` as an object that has none but these fields; others are refused unless they say nothing.

        optional: null is an object without fields.
        """
        given = self.object(path, {} if given is None and optional else given)
        for name, value in given.items():
            if name not in names and asked(value):
                self.refuse(f"{path}.{name}", value, ", ".join(names) or "nothing")
        return {name: value for name, value in given.items() if name in names}

    def one_of(self, path: str, value: Any, valid: Sequence[Any], default: Any) -> Any:
        """`value` if it is valid, else `default` with the value refused."""
        if value is None:
            return default
        if value not in valid:
            self.refuse(path, value, ", ".join(map(str, valid)))
            return default
        return value

    def number(self, path: str, value: Any, most: int, default: int = 0) -> int:
        """`value` if it is a whole number from 0."""
        if value is None:
            return default
        if type(value) is not int or not 0 <= value <= most:
            self.refuse(path, value, f"a whole number of days from 0 to {most:,}")
            return default
        return value


def asked(value: Any) -> bool:
    """Whether a field says anything: what is empty or false asks for nothing."""
    if isinstance(value, Mapping):
        return any(asked(one) for name, one in value.items() if name != "Type")
    if isinstance(value, list):
        return bool(value)
    return value is not None and value is not False and value != ""
