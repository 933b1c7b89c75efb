"""What a rule is, and the stacks as rules see them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Body = Mapping[str, Any]
REFERENCE = re.compile(r"\$\{((?:databricks|azurerm)_\w+\.\w+)\.\w+\}")


@dataclass(frozen=True)
class Found:
    """Something a rule is about. valid: what would be right."""

    address: str
    field: str
    value: object
    valid: str


@dataclass(frozen=True)
class Stack:
    """A synthesized stack: kind -> name -> body."""

    name: str
    resources: Mapping[str, Mapping[str, Body]]

    def all(self, *kinds: str) -> Iterator[tuple[str, Body]]:
        """(address, body) of each resource of these kinds; of all without any."""
        for kind in kinds or sorted(self.resources):
            for name, body in sorted(self.resources.get(kind, {}).items()):
                yield f"{kind}.{name}", body

    def at(self, value: object) -> tuple[str, Body] | None:
        """(address, body) of the resource of this stack that a value refers to."""
        match = REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            return None
        kind, _, name = match[1].partition(".")
        body = self.resources.get(kind, {}).get(name)
        return None if body is None else (match[1], body)


@dataclass(frozen=True)
class Rule:
    """check: what it finds in a stack. thread: who suffered from it."""

    id: str
    sentence: str
    thread: str
    check: Callable[[Stack], Iterable[Found]]


def listed(value: object) -> list[Any]:
    """A block as the list it may be: one block is synthesized as an object."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
