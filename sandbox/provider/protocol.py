"""Schemas as terraform's plugin protocol wants them, and diagnostics."""

from __future__ import annotations

import json
from typing import Any

from tf.gen import tfplugin_pb2 as pb

_BLOCK_NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}
_OBJECT_NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}


def schema(found: dict[str, Any]) -> pb.Schema:
    """One schema (shape of ``terraform providers schema -json``) as a protobuf."""
    return pb.Schema(version=found["version"], block=_block(found["block"]))


def _block(block: dict[str, Any]) -> Any:
    return pb.Schema.Block(
        attributes=[_attribute(name, attribute) for name, attribute in block.get("attributes", {}).items()],
        block_types=[
            pb.Schema.NestedBlock(
                type_name=name,
                block=_block(nested["block"]),
                nesting=_BLOCK_NESTING[nested["nesting_mode"]],
                min_items=nested.get("min_items", 0),
                max_items=nested.get("max_items", 0),
            )
            for name, nested in block.get("block_types", {}).items()
        ],
    )


def _attribute(name: str, attribute: dict[str, Any]) -> Any:
    flags = {word: attribute.get(word, False) for word in ("required", "optional", "computed", "sensitive")}
    nested = attribute.get("nested_type")
    if nested is None:
        return pb.Schema.Attribute(name=name, type=json.dumps(attribute["type"]).encode(), **flags)
    inner = [_attribute(key, value) for key, value in nested["attributes"].items()]
    shape = pb.Schema.Object(attributes=inner, nesting=_OBJECT_NESTING[nested["nesting_mode"]])
    return pb.Schema.Attribute(name=name, nested_type=shape, **flags)


def attribute_path(steps: tuple[str | int, ...]) -> pb.AttributePath:
    """A path of names and list positions."""
    return pb.AttributePath(
        steps=[
            pb.AttributePath.Step(element_key_int=step)
            if isinstance(step, int)
            else pb.AttributePath.Step(attribute_name=step)
            for step in steps
        ]
    )


def error(summary: str, detail: str = "", steps: tuple[str | int, ...] = ()) -> pb.Diagnostic:
    """An error that terraform shows with the resource's address and, when ``steps`` is given, its attribute."""
    path = attribute_path(steps) if steps else None
    return pb.Diagnostic(severity=pb.Diagnostic.ERROR, summary=summary, detail=detail, attribute=path)
