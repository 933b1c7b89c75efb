"""Schemas derived from the binding, against those that the real provider printed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from provider_project import ROOT

from sandbox.provider import derive
from sandbox.provider.registry import KINDS

FAR = ("databricks_app", "databricks_policy_info", "databricks_database_instance")


@pytest.fixture(scope="module")
def derived() -> dict[str, Any]:
    return derive.schemas(ROOT / ".cache" / "provider")


def without_descriptions(block: dict[str, Any]) -> dict[str, Any]:
    """The stored schemas lost every key named "description", the attributes of that name too."""
    attributes = {}
    for name, attribute in block.get("attributes", {}).items():
        if name != "description":
            nested = attribute.get("nested_type")
            attributes[name] = attribute | ({"nested_type": without_descriptions(nested)} if nested else {})
            if "type" in attribute:
                attributes[name]["type"] = _without(attribute["type"])
    blocks = {
        name: nested | {"block": without_descriptions(nested["block"])}
        for name, nested in block.get("block_types", {}).items()
    }
    rest = {key: value for key, value in block.items() if key not in ("attributes", "block_types")}
    return rest | ({"attributes": attributes} if attributes else {}) | ({"block_types": blocks} if blocks else {})


def _without(kind: Any) -> Any:
    """A type whose objects have no member named "description"."""
    if isinstance(kind, list):
        return [_without(inner) for inner in kind]
    if isinstance(kind, dict):
        return {name: _without(inner) for name, inner in kind.items() if name != "description"}
    return kind


@pytest.mark.parametrize("type_name", [*KINDS, *FAR])
def test_the_derived_schema_is_the_real_providers(type_name, derived, facts):
    real = json.loads((facts / "databricks-1.99.0.json").read_text())["resource_schemas"][type_name]
    ours = derived["resources"][type_name]
    assert ours["version"] == real["version"]
    assert without_descriptions(ours["block"]) == without_descriptions(real["block"])


def test_all_resource_types_are_derived_equal_to_the_real_ones(derived, facts):
    real = json.loads((facts / "databricks-1.99.0.json").read_text())["resource_schemas"]
    assert derived["resources"].keys() == real.keys()
    different = [
        name
        for name, schema in real.items()
        if without_descriptions(derived["resources"][name]["block"]) != without_descriptions(schema["block"])
    ]
    assert different == []


def test_the_providers_own_configuration_is_derived(derived, facts):
    real = json.loads((facts / "databricks-1.99.0.json").read_text())["provider"]
    assert without_descriptions(derived["provider"]["block"]) == without_descriptions(real["block"])


def test_nesting_and_flags_are_as_the_documentation_says(derived):
    job = derived["resources"]["databricks_job"]["block"]
    assert job["block_types"]["task"]["nesting_mode"] == "list"
    assert "max_items" not in job["block_types"]["task"]
    assert job["block_types"]["run_as"]["max_items"] == 1
    assert job["attributes"]["url"] == {"computed": True, "type": "string"}
    assert job["attributes"]["tags"]["type"] == ["map", "string"]
    grants = derived["resources"]["databricks_grants"]["block"]["block_types"]["grant"]
    assert grants["nesting_mode"] == "set"
    assert grants["min_items"] == 1
    assert grants["block"]["attributes"]["privileges"] == {"required": True, "type": ["set", "string"]}


def test_the_derived_schemas_are_kept_by_the_bindings_hash(tmp_path):
    first = derive.schemas(tmp_path)
    kept = list(tmp_path.iterdir())
    assert [path.name.startswith("databricks-15.16.1-") for path in kept] == [True]
    kept[0].write_text(json.dumps({"read": "from the cache"}))
    assert derive.schemas(tmp_path) == {"read": "from the cache"}
    kept[0].write_text("{ half")
    assert derive.schemas(tmp_path) == first
