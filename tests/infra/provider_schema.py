"""The stored schemas of the real providers, and how a body departs from them."""

from __future__ import annotations

import json
from functools import cache

import pytest
from infra_documents import ROOT, addresses

FACTS = ROOT.parent / "shared" / "data" / "provider_schema"
META = {"depends_on", "lifecycle", "provisioner", "count", "for_each", "provider"}


@cache
def facts(name: str) -> dict:
    file = FACTS / f"{name}.json"
    if not file.is_file():
        pytest.skip(f"the provider's facts are not at {file}")
    return json.loads(file.read_text(encoding="utf-8"))


def fits(value: object, kind: object) -> bool:
    """Whether a JSON value can be of a terraform type; a reference can be any primitive."""
    if isinstance(kind, list):
        outer, inner = kind
        if outer == "map":
            return isinstance(value, dict) and all(fits(one, inner) for one in value.values())
        return isinstance(value, list) and all(fits(one, inner) for one in value)
    if isinstance(value, str) and value.startswith("${"):
        return True
    expected = {"string": str, "bool": bool, "number": (int, float)}[str(kind)]
    return isinstance(value, expected) and (kind != "number" or not isinstance(value, bool))


def departures(block: dict, body: dict, where: str) -> list[str]:
    """Every way in which a body is not what the block's schema takes."""
    found = []
    attributes, blocks = block.get("attributes", {}), block.get("block_types", {})
    for name, value in body.items():
        if name in attributes:
            schema = attributes[name]
            if not (schema.get("required") or schema.get("optional")):
                found.append(f"{where}.{name} is for the provider to set")
            elif nested := schema.get("nested_type"):
                many = value if isinstance(value, list) else [value]
                if isinstance(value, list) != (nested["nesting_mode"] != "single"):
                    found.append(f"{where}.{name} is no {nested['nesting_mode']}")
                for one in many:
                    found += departures(nested, one, f"{where}.{name}")
            elif not fits(value, schema["type"]):
                found.append(f"{where}.{name} = {value!r} is no {schema['type']}")
        elif name in blocks:
            many = value if isinstance(value, list) else [value]
            if len(many) > blocks[name].get("max_items", len(many)):
                found.append(f"{where}.{name} is there {len(many)} times")
            for one in many:
                found += departures(blocks[name]["block"], one, f"{where}.{name}")
        else:
            found.append(f"{where}.{name} is unknown")
    for name, schema in attributes.items():
        if schema.get("required") and name not in body:
            found.append(f"{where}.{name} is missing")
    for name, schema in blocks.items():
        if schema.get("min_items") and name not in body:
            found.append(f"{where}.{name} is missing")
    return found


def all_departures(document: dict, provider: str) -> list[str]:
    """Of every resource of a document and of its provider; `provider` is `<name>-<version>`."""
    schema = facts(provider)
    found = []
    for address, body in addresses(document).items():
        own = {key: value for key, value in body.items() if key not in META}
        block = schema["resource_schemas"].get(address.split(".")[0], {}).get("block")
        found += [f"{address} is of an unknown type"] if block is None else departures(block, own, address)
    (configured,) = document["provider"][provider.split("-")[0]]
    return found + departures(schema["provider"]["block"], configured, "provider")
