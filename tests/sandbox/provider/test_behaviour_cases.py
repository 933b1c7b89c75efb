"""Every recorded fact about a modelled type, asked of the stand-in itself: validate, plan and schema answers."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from provider_project import FACTS, ROOT
from tf.gen import tfplugin_pb2 as pb

from sandbox.provider.registry import PROVIDERS
from sandbox.provider.servicer import Servicer, Settings
from sandbox.provider.values import UNKNOWN, Object, conform, decode, encode

RECORDED = {"databricks": "databricks-1.99.0", "azurerm": "azurerm-4.55.0"}
Case = tuple[str, str, str]  # provider, type, dotted path


def facts_of(fact: str) -> list[Case]:
    found: list[Case] = []
    for provider, file in RECORDED.items():
        path = FACTS / f"{file}-behaviour.json"
        if path.is_file():
            resources = json.loads(path.read_text())["resources"]
            found += [
                (provider, type_name, name)
                for type_name in PROVIDERS[provider].kinds
                for name, attribute in resources.get(type_name, {"attributes": {}})["attributes"].items()
                if fact in attribute
            ]
    return found


def value_of(case: Case, fact: str) -> Any:
    provider, type_name, path = case
    recorded = json.loads((FACTS / f"{RECORDED[provider]}-behaviour.json").read_text())
    return recorded["resources"][type_name]["attributes"][path][fact]


@pytest.fixture(scope="module")
def servicers() -> dict[str, Servicer]:
    return {name: Servicer(Settings(None, ROOT / ".cache"), provider) for name, provider in PROVIDERS.items()}


def sample(kind: Any, number: int) -> Any:
    """A value of a terraform type; another number gives another value."""
    if isinstance(kind, list):
        outer, inner = kind
        if outer == "object":
            return {name: sample(item, number) for name, item in inner.items()}
        return {"a": sample(inner, number)} if outer == "map" else [sample(inner, number)]
    return {"string": f"value{number}", "number": number, "bool": bool(number % 2)}[kind]


def least(block: Any) -> Object:
    """What the block requires."""
    attributes = block.get("attributes", {}).items()
    out: Object = {name: sample(item["type"], 3) for name, item in attributes if item.get("required")}
    for name, nested in block.get("block_types", {}).items():
        if nested.get("min_items"):
            out[name] = [least(nested["block"])]
    return out


def with_path(block: Any, path: list[str], number: int) -> Object:
    """The least object of the block that holds a value at the path."""
    name, *rest = path
    out = least(block)
    if name in block.get("attributes", {}):
        return out | {name: sample(block["attributes"][name]["type"], number)}
    nested = block["block_types"][name]
    inner = with_path(nested["block"], rest, number) if rest else least(nested["block"])
    return out | {name: inner if nested["nesting_mode"] == "single" else [inner]}


def without(value: Any, path: list[str]) -> Any:
    """The value with null at the path."""
    if isinstance(value, list):
        return [without(item, path) for item in value]
    name, *rest = path
    return value | {name: without(value[name], rest) if rest else None}


def doubled(value: Any, path: list[str]) -> Any:
    """The value with the one block at the path there twice, once with other values."""
    name, *rest = path
    items = value[name]
    if rest:
        return value | {name: [doubled(items[0], rest)]}
    return value | {name: [*items, {key: f"other {item}" for key, item in items[0].items()}]}


def merged(one: Object, other: Object) -> Object:
    out = copy.deepcopy(one)
    for name, value in other.items():
        both_blocks = isinstance(value, list) and value and isinstance(value[0], dict) and out.get(name)
        out[name] = [merged(out[name][0], value[0])] if both_blocks else value
    return out


def block_of(servicer: Servicer, type_name: str, path: str) -> bool:
    """Whether the path is a block; an attribute otherwise."""
    block = servicer._block(type_name)
    for name in path.split("."):
        if name in block.get("attributes", {}):
            return False
        block = block["block_types"][name]["block"]
    return True


def plan(servicer: Servicer, type_name: str, prior: Object | None, given: Object) -> Any:
    block = servicer._block(type_name)
    config = conform(block, given)
    proposed = config if prior is None else {**config, "id": prior.get("id")}
    values = {"prior_state": prior, "proposed_new_state": proposed, "config": config}
    wired = {name: pb.DynamicValue(msgpack=encode(value)) for name, value in values.items()}
    return servicer.PlanResourceChange(pb.PlanResourceChange.Request(type_name=type_name, **wired), None)


def errors(servicer: Servicer, type_name: str, given: Object) -> list[str]:
    config = pb.DynamicValue(msgpack=encode(conform(servicer._block(type_name), given)))
    request = pb.ValidateResourceConfig.Request(type_name=type_name, config=config)
    return [f"{item.summary} {item.detail}" for item in servicer.ValidateResourceConfig(request, None).diagnostics]


def named(path: Any) -> str:
    return ".".join(step.attribute_name for step in path.steps if step.attribute_name)


def at(value: Any, path: str) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from at(item, path)
        return
    name, _, rest = path.partition(".")
    found = value[name]
    if rest:
        yield from at(found, rest)
    else:
        yield found


def describe(case: Case) -> str:
    return f"{case[1]}.{case[2]}"


@pytest.mark.parametrize("case", facts_of("force_new"), ids=describe)
def test_a_change_of_it_replaces(case: Case, servicers):
    provider, type_name, path = case
    servicer = servicers[provider]
    block, parts = servicer._block(type_name), path.split(".")
    if block_of(servicer, type_name, path):
        # of a block, the older SDK compares the number
        before, after = with_path(block, parts[:-1], 1) if parts[1:] else least(block), with_path(block, parts, 1)
        if before == after:  # it is required, so there is one more
            after = doubled(after, parts)
    else:
        before, after = with_path(block, parts, 1), with_path(block, parts, 2)
    prior = decode(plan(servicer, type_name, None, before).planned_state.msgpack)
    prior = _known(prior)
    answer = plan(servicer, type_name, prior, after)
    assert any(path.startswith(named(found)) for found in answer.requires_replace), answer
    assert not plan(servicer, type_name, prior, before).requires_replace


def _known(value: Any) -> Any:
    """What is computed has some value."""
    if value is UNKNOWN:
        return None
    if isinstance(value, dict):
        return {name: _known(item) for name, item in value.items()}
    return [_known(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("case", facts_of("default"), ids=describe)
def test_left_out_it_has_its_default(case: Case, servicers):
    provider, type_name, path = case
    servicer = servicers[provider]
    parents = path.split(".")[:-1]
    block = servicer._block(type_name)
    given = with_path(block, parents, 1) if parents else least(block)
    if parents and not block_of(servicer, type_name, ".".join(parents)):
        given = without(given, path.split("."))
    planned = decode(plan(servicer, type_name, None, given).planned_state.msgpack)
    assert list(at(planned, path)) == [value_of(case, "default")]


@pytest.mark.parametrize("case", facts_of("conflicts_with"), ids=describe)
def test_it_is_refused_together_with_what_excludes_it(case: Case, servicers):
    provider, type_name, path = case
    servicer = servicers[provider]
    block = servicer._block(type_name)
    for other in value_of(case, "conflicts_with"):
        other = other.replace(".0.", ".")
        if other == path:
            continue
        given = merged(with_path(block, path.split("."), 1), with_path(block, other.split("."), 1))
        found = errors(servicer, type_name, given)
        assert any("Conflicting configuration arguments" in text and other in text for text in found), other


@pytest.mark.parametrize("fact", ["exactly_one_of", "at_least_one_of"])
def test_one_of_a_group_is_needed_and_of_some_only_one_is_taken(fact: str, servicers):
    cases = facts_of(fact)
    assert len(cases) > 20 or not FACTS.is_dir()
    for case in cases:
        provider, type_name, path = case
        servicer = servicers[provider]
        block = servicer._block(type_name)
        group = [name.replace(".0.", ".") for name in value_of(case, fact)]
        parents = path.split(".")[:-1]
        none = with_path(block, parents, 1) if parents else {}
        shown = ",".join(sorted(group))
        assert any(f"one of `{shown}` must be specified" in text for text in errors(servicer, type_name, none)), case
        both = merged(with_path(block, group[0].split("."), 1), with_path(block, group[1].split("."), 1))
        told = any(f"only one of `{shown}` can be specified" in text for text in errors(servicer, type_name, both))
        assert told == (fact == "exactly_one_of"), case


@pytest.mark.parametrize("case", facts_of("required_with"), ids=describe)
def test_it_is_refused_without_what_it_needs(case: Case, servicers):
    provider, type_name, path = case
    servicer = servicers[provider]
    found = errors(servicer, type_name, with_path(servicer._block(type_name), path.split("."), 1))
    assert any("must be specified" in text and path in text for text in found)


@pytest.mark.parametrize("provider", RECORDED)
def test_what_is_sensitive_is_marked_in_the_schema_that_terraform_gets(provider: str, servicers, tmp_path: Path):
    schemas = servicers[provider].GetProviderSchema(pb.GetProviderSchema.Request(), None).resource_schemas
    count = 0
    for _, type_name, path in (case for case in facts_of("sensitive") if case[0] == provider):
        block = schemas[type_name].block
        *parents, name = path.split(".")
        for parent in parents:
            block = next((item.block for item in block.block_types if item.type_name == parent), None)
            if block is None:
                break
        if block is not None:  # inside a computed object the protocol has no place for it
            assert next(item for item in block.attributes if item.name == name).sensitive, (type_name, path)
            count += 1
    assert count > 10 or not FACTS.is_dir()
