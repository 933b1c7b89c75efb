"""Fields of declarations hold what they are declared to hold. Standard library only."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from math import isfinite
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from workflows.errors import DeclarationError

WORDS = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "True or False", "NoneType": "None",
    "Window": "days(-365, -1) for example", "Codes": "Codes(...)",
}  # fmt: skip


@cache
def kinds(of: type) -> dict[str, tuple[type, ...]]:
    """The fields of a kind of declaration that hold one value, and of which types; those of several are left out."""
    hints = get_type_hints(of)
    found = {one.name: hints[one.name] for one in fields(of)}
    each = {name: get_args(hint) if isinstance(hint, UnionType) else (hint,) for name, hint in found.items()}
    return {
        name: those
        for name, those in each.items()
        if all(isinstance(kind, type) and get_origin(kind) is None for kind in those)
    }


def fits(value: object, allowed: tuple[type, ...]) -> bool:
    """Whether a value is of one of the types: True is no number, a whole number is one, and NaN is none."""
    if isinstance(value, bool):
        return bool in allowed
    if isinstance(value, (int, float)) and float in allowed:
        return isfinite(value)
    return isinstance(value, allowed)


def typed(one: Any) -> None:
    """Raise DeclarationError unless every field that holds one value holds one of its type."""
    of: type = type(one)
    for name, allowed in kinds(of).items():
        if not fits(value := getattr(one, name), allowed):
            valid = " or ".join(WORDS.get(kind.__name__, kind.__name__) for kind in allowed)
            raise DeclarationError(of.__name__, name, value, valid)
