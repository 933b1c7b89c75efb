"""Reading a JSON document of which every field is known or refused by its path, with all refusals at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


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

    def only(self, path: str, given: Any, names: Sequence[str]) -> dict[str, Any]:
        """`given` as an object that has none but these fields; others are refused unless they say nothing."""
        if not isinstance(given, Mapping):
            self.refuse(path, given, "an object")
            return {}
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
