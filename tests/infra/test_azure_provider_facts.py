"""The Azure stacks against what the real azurerm provider takes: its schema, and what its schema does not say."""

from __future__ import annotations

import copy
import re

import pytest
from infra_documents import addresses
from provider_schema import META, all_departures, facts

from infra.azure.wiring import UNTAGGED
from infra.stages import StageName

EVERY = pytest.mark.parametrize("stage", [name.value for name in StageName])
SCHEMA, BEHAVIOUR = "azurerm-4.55.0", "azurerm-4.55.0-behaviour"


def paths(body: dict, before: str = "") -> set[str]:
    """Every attribute and block that a body states, as a dotted path without indices."""
    found = set()
    for name, value in body.items():
        if not before and name in META:
            continue
        found.add(before + name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and name not in ("tags", "metadata"):
                found |= paths(one, f"{before}{name}.")
    return found


def known_of(address: str) -> dict:
    return facts(BEHAVIOUR)["resources"].get(address.split(".")[0], {}).get("attributes", {})


def wrongly_stated(document: dict) -> list[str]:
    """What the behaviour table refuses or calls deprecated."""
    found = []
    for address, body in addresses(document).items():
        stated = paths(body)
        for path, known in known_of(address).items():
            others = {
                rule: {re.sub(r"\.\d+", "", other) for other in known.get(rule, [])}
                for rule in ("conflicts_with", "required_with", "exactly_one_of", "at_least_one_of")
            }
            parent = path.rpartition(".")[0]
            if path in stated:
                if known.get("deprecated"):
                    found.append(f"{address}.{path} is deprecated")
                if (others["conflicts_with"] - {path}) & stated:
                    found.append(f"{address}.{path} conflicts")
                if others["required_with"] and not others["required_with"] <= stated:
                    found.append(f"{address}.{path} lacks {sorted(others['required_with'] - stated)}")
            if others["exactly_one_of"] and (not parent or parent in stated):
                one = others["exactly_one_of"] | {path}
                if len(one & stated) != 1:
                    found.append(f"{address}: exactly one of {sorted(one)}")
    return sorted(set(found))


@EVERY
def test_every_azure_attribute_is_one_that_the_provider_takes(azure_documents, stage):
    assert all_departures(azure_documents[stage], SCHEMA) == []


@EVERY
def test_no_azure_attribute_is_deprecated_or_excludes_or_lacks_another(azure_documents, stage):
    assert wrongly_stated(azure_documents[stage]) == []


def test_a_deprecated_an_excluding_and_a_lonely_attribute_are_found(azure_documents):
    broken = copy.deepcopy(azure_documents["dev"])
    resource = broken["resource"]
    resource["azurerm_key_vault"]["main"]["enable_rbac_authorization"] = True
    del resource["azurerm_databricks_workspace"]["main"]["default_storage_firewall_enabled"]
    resource["azurerm_storage_container"]["landing"]["storage_account_name"] = "stcdh"
    del resource["azurerm_subnet"]["host"]["address_prefixes"]
    assert wrongly_stated(broken) == [
        "azurerm_databricks_workspace.main.access_connector_id lacks ['default_storage_firewall_enabled']",
        "azurerm_key_vault.main.enable_rbac_authorization conflicts",
        "azurerm_key_vault.main.enable_rbac_authorization is deprecated",
        "azurerm_key_vault.main.rbac_authorization_enabled conflicts",
        "azurerm_storage_container.landing.storage_account_name is deprecated",
        "azurerm_storage_container.landing: exactly one of ['storage_account_id', 'storage_account_name']",
        "azurerm_subnet.host: exactly one of ['address_prefixes', 'ip_address_pool']",
    ]


def test_an_unknown_azure_attribute_and_an_unknown_type_are_found(azure_documents):
    broken = copy.deepcopy(azure_documents["dev"])
    broken["resource"]["azurerm_key_vault"]["main"]["colour"] = "blue"
    broken["resource"]["azurerm_storage_account"]["lake"]["blob_properties"]["colour"] = "blue"
    broken["resource"]["azurerm_teapot"] = {"main": {}}
    broken["provider"]["azurerm"][0]["client_name"] = "x"
    assert sorted(all_departures(broken, SCHEMA)) == [
        "azurerm_key_vault.main.colour is unknown",
        "azurerm_storage_account.lake.blob_properties.colour is unknown",
        "azurerm_teapot.main is of an unknown type",
        "provider.client_name is unknown",
    ]


def test_what_counts_as_untagged_is_what_the_provider_cannot_tag(azure_documents):
    schemas = facts(SCHEMA)["resource_schemas"]
    used = {address.split(".")[0] for document in azure_documents.values() for address in addresses(document)}
    assert {kind for kind in used if "tags" not in schemas[kind]["block"]["attributes"]} == UNTAGGED


@EVERY
def test_no_sensitive_azure_attribute_is_stated(azure_documents, stage):
    for address, body in addresses(azure_documents[stage]).items():
        sensitive = {path for path, known in known_of(address).items() if known.get("sensitive")}
        assert not sensitive & paths(body), address
