"""A declaration as canonical JSON and back: sorted keys, no white space, one text for one meaning."""

from __future__ import annotations

import hashlib
import json
from dataclasses import is_dataclass
from typing import Any

from workflows import cohorts, declare, features, gates, methods, steps, time, updates, values
from workflows.declare import Declaration
from workflows.errors import DeclarationError

KINDS: dict[str, type] = {
    kind.__name__: kind
    for module in (cohorts, declare, features, gates, methods, steps, time, updates, values)
    for kind in vars(module).values()
    if isinstance(kind, type) and is_dataclass(kind)
}


def encoded(value: Any) -> Any:
    """`value` as JSON types; a part of a declaration becomes an object that names its kind."""
    if isinstance(value, methods.Choice):
        return {"kind": "Choice", "values": [encoded(v) for v in value.values]}
    if is_dataclass(value):
        return {"kind": type(value).__name__} | {k: encoded(v) for k, v in declare.public_fields(value).items()}
    if isinstance(value, (list, tuple)):
        return [encoded(v) for v in value]
    return value


def decoded(value: Any) -> Any:
    """The inverse of `encoded`; lists become tuples, as the declarations hold them."""
    if isinstance(value, list):
        return tuple(decoded(v) for v in value)
    if not isinstance(value, dict):
        return value
    kind = KINDS.get(value.get("kind", ""))
    if kind is None:
        raise DeclarationError("canonical JSON", "kind", value.get("kind"), sorted(KINDS))
    parts = {k: decoded(v) for k, v in value.items() if k != "kind"}
    return methods.Choice(*parts["values"]) if kind is methods.Choice else kind(**parts)


def canonical(declaration: Declaration) -> str:
    """The one text of a declaration."""
    return json.dumps(encoded(declaration), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(declaration: Declaration) -> str:
    """SHA-256 of the canonical text, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(declaration).encode()).hexdigest()


def parse(text: str) -> Declaration:
    """The declaration a canonical text stands for."""
    declaration = decoded(json.loads(text))
    if not isinstance(declaration, (declare.Model, declare.Featurization, declare.Reference)):
        raise DeclarationError(
            "canonical JSON", "kind", type(declaration).__name__, ["Featurization", "Model", "Reference"]
        )
    return declaration
