"""Between the API's JSON and terraform's attributes: the names are the same but for lists of blocks."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sandbox.provider.values import Object, Schema
from sandbox.rest.asking import invalid

# block -> the API's name of the list
PLURALS = {
    "environment": "environments",
    "job_cluster": "job_clusters",
    "library": "libraries",
    "parameter": "parameters",
    "task": "tasks",
}


def attributes(block: Schema, given: Any, at: str = "") -> Object:
    """What the API's JSON sets of a block's attributes; ``ServiceError`` names a value of the wrong type.

    Names that the block does not have are left out.
    """
    if not isinstance(given, dict):
        raise invalid(f"{at or 'the body'} must be an object, got {given!r}")
    out: Object = {
        name: _value(attribute, given[name], f"{at}{name}")
        for name, attribute in block.get("attributes", {}).items()
        if given.get(name) is not None
    }
    for name, nested in block.get("block_types", {}).items():
        value = given.get(name, given.get(PLURALS.get(name, name)))
        if value is None:
            continue
        items = value if isinstance(value, list) else [value]
        inner = [attributes(nested["block"], one, f"{at}{name}.") for one in items]
        out[name] = inner[0] if nested["nesting_mode"] == "single" else inner
    return out


def answer(block: Schema, body: Object, single: Collection[str] = (), without: Collection[str] = ()) -> Object:
    """A block's attributes as the API's JSON; what is not set is left out.

    single: lists that are one object in the API though the schema does not limit them. without: names not told.
    """
    out: Object = {
        name: body[name]
        for name in block.get("attributes", {})
        if name not in without and body.get(name) not in (None, [], {})
    }
    for name, nested in block.get("block_types", {}).items():
        value = body.get(name)
        if not value or name in without:
            continue
        items = value if isinstance(value, list) else [value]
        inner = [answer(nested["block"], one) for one in items]
        one_only = nested.get("max_items") == 1 or nested["nesting_mode"] == "single" or name in single
        out[name if one_only else PLURALS.get(name, name)] = inner[0] if one_only else inner
    return out


def _value(attribute: Object, value: Any, at: str) -> Any:
    """The value as the schema has it: numbers may come as texts and texts as numbers, a list's one object bare."""
    kind = attribute.get("type")
    if isinstance(kind, list) and kind[0] in ("list", "set") and isinstance(value, dict):
        return [value]
    if isinstance(kind, list) and kind == ["map", "string"] and isinstance(value, dict):
        return {str(key): str(one) for key, one in value.items()}
    if kind == "string" and _is_number(value):
        return str(value)
    if kind == "number" and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    name = kind if isinstance(kind, str) else kind[0] if kind else "any"
    if not _FITS[name](value):
        raise invalid(f"{at} must be a {name}, got {value!r}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_FITS: dict[str, Callable[[Any], bool]] = {
    "any": lambda _: True,
    "bool": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "map": lambda value: isinstance(value, dict),
    "number": _is_number,
    "object": lambda value: isinstance(value, dict),
    "set": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
}
