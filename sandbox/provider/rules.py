"""The vocabulary of a resource type's behaviour: what neither the binding nor the schema says.

Paths are dotted, without list positions.  ``hidden`` names the differences that the real provider does not show, by
kind:

* ``removed``: leaving it out of the configuration (or its zero value) keeps what is there;
* ``case``: names that differ in upper and lower case only;
* ``json``: texts that are the same JSON;
* ``slash``: a trailing slash, or an empty value where the service chose one;
* ``prefix``: ``/Workspace`` before the same path;
* ``content``: kept by the file's own check of its content;
* ``skipped``: switching it on is an instruction for the next call only;
* ``location``: an Azure region, with or without blanks and capitals;
* ``server``: only the service writes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Behaviour:
    """The facts of one resource type; ``lowered`` are texts that the plan holds in lower case without blanks."""

    force_new: frozenset[str] = frozenset()
    defaults: dict[str, Any] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
    lowered: frozenset[str] = frozenset()
    conflicts: dict[str, frozenset[str]] = field(default_factory=dict)
    exactly_one: tuple[frozenset[str], ...] = ()
    at_least_one: tuple[frozenset[str], ...] = ()
    required_with: dict[str, frozenset[str]] = field(default_factory=dict)


def paths(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def among(names: frozenset[str], parent: str = "") -> dict[str, frozenset[str]]:
    """Each of ``names`` excludes all the others."""
    return {parent + name: frozenset(parent + other for other in names - {name}) for name in names}


def kinds(**found: str) -> dict[str, str]:
    """``kind="path path"`` as path -> kind."""
    return {path: kind for kind, listed in found.items() for path in listed.split()}


def below(prefix: str, table: dict[str, Any]) -> dict[str, Any]:
    """The same facts inside a block."""
    return {f"{prefix}.{path}": value for path, value in table.items()}
