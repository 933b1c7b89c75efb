"""Each safety rule of the Azure layer, proved by breaking it: what somebody might do, and what the synth then says."""

from __future__ import annotations

import copy

import pytest

from infra.azure.safety import TABLE, findings, refuse, value_at
from infra.azure.wiring import resources
from infra.stages import STAGES, StageName
from workflows.errors import DeclarationError

EVERY = pytest.mark.parametrize("stage", [name.value for name in StageName])
LAKE, VAULT, WORKSPACE = "azurerm_storage_account.lake", "azurerm_key_vault.main", "azurerm_databricks_workspace.main"
GONE = object()


def edited(document, address, path, value):
    """A copy of a document with one value set, or taken away with GONE. Numbers in a path are places in a list."""
    broken = copy.deepcopy(document)
    kind, name = address.split(".")
    part = broken["resource"].setdefault(kind, {})
    keys = [name, *path.split(".")] if path else [name]
    for key in keys[:-1]:
        part = part[int(key)] if isinstance(part, list) else part.setdefault(key, {})
    if value is GONE:
        del part[keys[-1]]
    else:
        part[keys[-1]] = value
    return broken


def found(document, stage="prod"):
    return [(one.address, one.field) for one in findings(document, STAGES[stage])]


@EVERY
def test_nothing_is_found_in_our_own_stacks(azure_documents, stage):
    assert findings(azure_documents[stage], STAGES[stage]) == []


# fmt: off
BROKEN = [
    # what somebody might do, resource, field, value -> resource, field that the finding names
    ("opens the lake to the Internet", LAKE, "public_network_access_enabled", True, None),
    ("lets the lake's firewall through", LAKE, "network_rules.default_action", "Allow", None),
    ("lets one address of the Internet in", LAKE, "network_rules.ip_rules", ["203.0.113.7"], None),
    ("lets every Azure service in", LAKE, "network_rules.bypass", ["AzureServices"], None),
    ("forgets the lake's firewall", LAKE, "network_rules", GONE, "network_rules.default_action"),
    ("hands out account keys", LAKE, "shared_access_key_enabled", True, None),
    ("forgets to close account keys", LAKE, "shared_access_key_enabled", GONE, None),
    ("serves blobs to everybody", LAKE, "allow_nested_items_to_be_public", True, None),
    ("serves one container to everybody", "azurerm_storage_container.zone_curated", "container_access_type", "blob", None),
    ("speaks old TLS", LAKE, "min_tls_version", "TLS1_0", None),
    ("keeps deleted files for a day", LAKE, "blob_properties.delete_retention_policy.days", 1, None),
    ("copies to another tenant", LAKE, "cross_tenant_replication_enabled", True, None),
    ("makes a flat store", LAKE, "is_hns_enabled", False, None),
    ("opens the vault to the Internet", VAULT, "public_network_access_enabled", True, None),
    ("gives rights in the vault by policy", VAULT, "rbac_authorization_enabled", False, None),
    ("lets the vault be purged", VAULT, "purge_protection_enabled", False, None),
    ("gives nodes public addresses", WORKSPACE, "custom_parameters.no_public_ip", False, None),
    ("opens the workspace to the Internet", WORKSPACE, "public_network_access_enabled", True, None),
    ("buys the standard workspace, which has no access control", WORKSPACE, "sku", "standard", None),
    ("opens the workspace's own storage", WORKSPACE, "default_storage_firewall_enabled", False, None),
    ("takes the nodes out of our network", WORKSPACE, "custom_parameters.virtual_network_id", GONE, None),
    ("puts nodes beside the endpoints", WORKSPACE, "custom_parameters.public_subnet_name", "${azurerm_subnet.endpoints.name}", None),
    ("takes a node subnet's delegation", "azurerm_subnet.host", "delegation", GONE, (WORKSPACE, "custom_parameters.public_subnet_name")),
    ("lets nodes out without the gateway", "azurerm_subnet.host", "default_outbound_access_enabled", True, None),
    ("takes a node subnet from the gateway", "azurerm_subnet_nat_gateway_association.container", "", GONE, ("azurerm_subnet.container", "azurerm_subnet_nat_gateway_association")),
    ("takes a subnet from the security group", "azurerm_subnet_network_security_group_association.endpoints", "", GONE, ("azurerm_subnet.endpoints", "azurerm_subnet_network_security_group_association")),
    ("takes the lake's door away", "azurerm_private_endpoint.lake_dfs", "", GONE, (LAKE, "azurerm_private_endpoint")),
    ("takes the vault's door away", "azurerm_private_endpoint.vault", "", GONE, (VAULT, "azurerm_private_endpoint")),
    ("takes the way to sign in away", "azurerm_private_endpoint.workspace_sign_in", "", GONE, (WORKSPACE, "azurerm_private_endpoint")),
    ("makes a door nobody finds", "azurerm_private_endpoint.vault", "private_dns_zone_group", GONE, None),
    ("stops the workspace's log", "azurerm_monitor_diagnostic_setting.workspace", "", GONE, (WORKSPACE, "azurerm_monitor_diagnostic_setting")),
    ("stops the lake's log", "azurerm_monitor_diagnostic_setting.lake", "enabled_log", GONE, (LAKE, "azurerm_monitor_diagnostic_setting")),
    ("forgets logs after a week", "azurerm_log_analytics_workspace.main", "retention_in_days", 7, None),
    ("lets who has a key write logs", "azurerm_log_analytics_workspace.main", "local_authentication_enabled", True, None),
    ("makes the pipelines owner", "azurerm_role_assignment.deploy_group", "role_definition_name", "Owner", (None, "role_definition_name")),
    ("gives the pipelines the whole group's data", "azurerm_role_assignment.deploy_state", "scope", "${azurerm_resource_group.main.id}", None),
    ("gives the connector the whole subscription's data", "azurerm_role_assignment.connector_lake", "scope", "/subscriptions/0", None),
    ("trusts every branch", "azurerm_federated_identity_credential.deploy", "subject", "repo:cdh/cdh-mlops:*", None),
    ("trusts every pull request", "azurerm_federated_identity_credential.deploy", "subject", "repo:cdh/cdh-mlops:pull_request", None),
    ("trusts tokens made for others", "azurerm_federated_identity_credential.deploy", "audience", ["api://other"], None),
    ("trusts an issuer without TLS", "azurerm_federated_identity_credential.deploy", "issuer", "http://cdh.example", None),
    ("deletes old files of tables", "azurerm_storage_management_policy.lake", "rule.1.filters.prefix_match", ["zone-curated/"], "rule.exports-leave.filters.prefix_match"),
    ("deletes old files of everything", "azurerm_storage_management_policy.lake", "rule.1.filters.prefix_match", GONE, "rule.exports-leave.filters.prefix_match"),
    ("takes prod's lock from the lake", "azurerm_management_lock.lake", "", GONE, (LAKE, "azurerm_management_lock")),
    ("lets terraform destroy prod's lake", LAKE, "lifecycle", GONE, "lifecycle.prevent_destroy"),
    ("lets terraform destroy prod's containers", "azurerm_storage_container.zone_features", "lifecycle.prevent_destroy", False, None),
    ("makes a lock that locks nothing", "azurerm_management_lock.lake", "lock_level", "None", None),
    ("writes a secret into code", "azurerm_key_vault_secret.kafka", "value", "x", ("azurerm_key_vault_secret.kafka", "type")),
    ("gives a vault policy", "azurerm_key_vault_access_policy.me", "object_id", "x", ("azurerm_key_vault_access_policy.me", "type")),
    ("writes a password into code", VAULT, "admin_password", "x", None),
    ("forgets a tag", LAKE, "tags.owner", GONE, None),
    ("forgets all tags", "azurerm_nat_gateway.main", "tags", GONE, "tags.owner"),
    ("leaves a tag empty", VAULT, "tags.cost_center", "", None),
    ("tags prod as dev", WORKSPACE, "tags.stage", "dev", None),
    ("does not say what a container holds", "azurerm_storage_container.zone_curated", "metadata.data_classification", GONE, None),
]
# fmt: on


@pytest.mark.parametrize(("what", "address", "path", "value", "named"), BROKEN, ids=[one[0] for one in BROKEN])
def test_the_synth_finds_it_when_somebody(azure_documents, what, address, path, value, named):
    del what
    place, field = named if isinstance(named, tuple) else (address, named or path)
    assert (place or address, field) in found(edited(azure_documents["prod"], address, path, value))


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.kind}.{row.field}" for row in TABLE])
def test_a_row_of_the_table_is_broken_by_its_absence_and_by_any_other_value(azure_documents, row):
    document = azure_documents["prod"]
    held = resources(document, row.kind)
    assert held, "a rule about nothing"
    for address, body in held.items():
        safe = value_at(body, row.field)
        others = [not safe] if isinstance(safe, bool) else [f"not {safe}", -1, None]
        for value in [GONE, *others]:
            found_now = found(edited(document, address, row.field, value))
            assert (address, row.field) in found_now, value
            assert all(one[0] == address for one in found_now), "one fault, one resource named"


def test_a_stage_that_does_not_keep_its_data_needs_no_lock(azure_documents):
    assert found(azure_documents["dev"], "dev") == []
    asked = {field for _, field in found(azure_documents["dev"], "prod")}
    assert {"azurerm_management_lock", "lifecycle.prevent_destroy"} <= asked


def test_a_secret_in_the_provider_or_the_backend_is_found(azure_documents):
    for part in ("provider", "terraform"):
        broken = copy.deepcopy(azure_documents["prod"])
        (broken["provider"]["azurerm"][0] if part == "provider" else broken["terraform"]["backend"]["azurerm"])[
            "client_secret"
        ] = "x"
        assert found(broken) == [(part, "client_secret")]


def test_an_unsafe_stack_is_refused_with_resource_field_value_and_the_safe_one(azure_documents):
    broken = edited(azure_documents["prod"], LAKE, "public_network_access_enabled", True)
    with pytest.raises(
        DeclarationError,
        match=r"azure-prod: azurerm_storage_account.lake: public_network_access_enabled = True is not valid; "
        r"valid: False \(reached through private endpoints only\)$",
    ):
        refuse(broken, STAGES["prod"])
    worse = edited(broken, VAULT, "purge_protection_enabled", False)
    with pytest.raises(DeclarationError, match=r"; 1 more$"):
        refuse(worse, STAGES["prod"])
    refuse(azure_documents["prod"], STAGES["prod"])


def test_the_synth_itself_refuses_what_it_wrote(azure_documents, tmp_path):
    import json

    from infra.synth import refuse_unsafe

    folder = tmp_path / "stacks" / "azure-prod"
    folder.mkdir(parents=True)
    broken = edited(azure_documents["prod"], WORKSPACE, "sku", "standard")
    (folder / "cdk.tf.json").write_text(json.dumps(broken))
    with pytest.raises(DeclarationError, match="sku = 'standard'"):
        refuse_unsafe(tmp_path, ["azure-prod"])
