"""Values on the wire between terraform and the provider: msgpack, with a mark for what is not known yet."""

from __future__ import annotations

from typing import Any

import msgpack

from sandbox.errors import SandboxError


class _Unknown:
    def __repr__(self) -> str:
        return "(known after apply)"

    def __deepcopy__(self, memo: object) -> _Unknown:
        return self


UNKNOWN = _Unknown()
Schema = dict[str, Any]
Object = dict[str, Any]


class MalformedValueError(SandboxError):
    """A message that is no value of the schema: a defect of the sandbox, or another program at its socket."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"malformed message about {what}: {reason}; nothing was changed")


def decode(data: bytes) -> Any:
    """A terraform value as Python: objects are dicts, lists and sets are lists, unknown values are ``UNKNOWN``."""
    return msgpack.unpackb(data, ext_hook=lambda *_: UNKNOWN, strict_map_key=False) if data else None


def decode_object(what: str, block: Schema, data: bytes) -> Any:
    """An object of the schema, or None; ``MalformedValueError`` when it has not the schema's shape."""
    try:
        value = decode(data)
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        raise MalformedValueError(what, f"{len(data)} bytes are no value ({type(error).__name__})") from None
    if value is not None:
        _check(what, block, value, "")
    return value


def _check(what: str, block: Schema, value: Any, at: str) -> None:
    attributes, blocks = block.get("attributes", {}), block.get("block_types", {})
    if not isinstance(value, dict):
        raise MalformedValueError(what, f"{at or 'it'} is a {type(value).__name__}, not an object")
    different = value.keys() ^ (attributes.keys() | blocks.keys())
    if different:
        raise MalformedValueError(what, f"{at}{min(map(str, different))} is missing or unknown")
    for name, nested in blocks.items():
        items = value[name]
        if items is UNKNOWN or (nested["nesting_mode"] == "single" and items is None):
            continue
        for item in items if isinstance(items, list) else [items]:
            _check(what, nested["block"], item, f"{at}{name}.")


def encode(value: Any) -> bytes:
    """The reverse of ``decode``."""
    packed: bytes = msgpack.packb(value, default=_pack_unknown)
    return packed


def _pack_unknown(value: Any) -> Any:
    if value is UNKNOWN:
        return msgpack.ExtType(0, b"\x00")
    raise TypeError(f"a {type(value).__name__} is no terraform value")


def conform(block: Schema, value: Object) -> Object:
    """``value`` with exactly the attributes and blocks of the schema, so that terraform can read it."""
    out: Object = {name: value.get(name) for name in block.get("attributes", {})}
    for name, nested in block.get("block_types", {}).items():
        given = value.get(name)
        if nested["nesting_mode"] == "single":
            out[name] = conform(nested["block"], given) if given is not None else None
        else:
            out[name] = [conform(nested["block"], item) for item in given or []]
    return out


def settle(value: Any) -> Any:
    """``value`` with every value that is still unknown replaced by null: what the service does not say."""
    if value is UNKNOWN:
        return None
    if isinstance(value, dict):
        return {key: settle(item) for key, item in value.items()}
    return [settle(item) for item in value] if isinstance(value, list) else value


def is_zero(value: Any) -> bool:
    """Whether the older SDK takes the value for "not set": null, empty, 0 or false."""
    return value is not UNKNOWN and not value
