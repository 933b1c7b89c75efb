"""Rules about how an Azure stack's resources hang together: each yields what breaks it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.stages import Stage

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A resource's field whose value is not safe, and which would be."""

    address: str
    field: str
    value: object
    valid: str


TAGS = ("cost_center", "data_classification", "owner", "stage", "system", "zone")
# The types in use that Azure lets nobody tag.
UNTAGGED = frozenset({
    "azurerm_consumption_budget_resource_group", "azurerm_federated_identity_credential", "azurerm_management_lock",
    "azurerm_monitor_diagnostic_setting", "azurerm_nat_gateway_public_ip_association", "azurerm_role_assignment",
    "azurerm_storage_container", "azurerm_storage_management_policy", "azurerm_subnet",
    "azurerm_subnet_nat_gateway_association", "azurerm_subnet_network_security_group_association",
})  # fmt: skip
# The roles that the layer may give: none can change the layer, or give a role.
ROLES = frozenset({"Key Vault Secrets User", "Reader", "Storage Blob Data Contributor", "Storage Blob Data Reader"})
# What holds persons' data, secrets or evidence, and through which parts it is reached.
DOORS: Mapping[str, frozenset[str]] = {
    "azurerm_databricks_workspace": frozenset({"browser_authentication", "databricks_ui_api"}),
    "azurerm_key_vault": frozenset({"vault"}),
    "azurerm_storage_account": frozenset({"blob", "dfs"}),
}
KEPT = (*DOORS, "azurerm_log_analytics_workspace")
LOGGED = (*KEPT, "azurerm_network_security_group")
# What terraform may delete by age: deliveries are there again at their source, exports at their reader.
MAY_AGE = frozenset({"exports/", "landing/"})
SECRET = re.compile(r"password|secret|token|access_key|connection_string", re.IGNORECASE)


def resources(document: Document, kind: str) -> dict[str, Mapping[str, Any]]:
    """The resources of one type by address."""
    return {f"{kind}.{name}": body for name, body in document["resource"].get(kind, {}).items()}


def everything(document: Document) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(type, address, body) of every resource."""
    for kind in document["resource"]:
        for address, body in resources(document, kind).items():
            yield kind, address, body


def reference(address: str, field: str = "id") -> str:
    """How another resource refers to a field of this one."""
    return f"${{{address}.{field}}}"


def one(block: Any) -> Mapping[str, Any]:
    """A block that is there once."""
    return block[0] if isinstance(block, list) else block or {}


def tagged(document: Document, stage: Stage) -> Iterator[Finding]:
    """Whatever can be tagged carries each tag; a container, which cannot, says the same in its metadata."""
    for kind, address, body in everything(document):
        field = "metadata" if kind == "azurerm_storage_container" else "tags"
        if kind in UNTAGGED and field == "tags":
            continue
        tags = body.get(field) or {}
        for tag in TAGS:
            if not tags.get(tag):
                yield Finding(address=address, field=f"{field}.{tag}", value=tags.get(tag), valid="a value")
        if tags.get("stage") not in (None, stage.name.value):
            yield Finding(address=address, field=f"{field}.stage", value=tags["stage"], valid=stage.name.value)


def guarded(document: Document, _: Stage) -> Iterator[Finding]:
    """Each subnet is under a security group, and one that nodes are injected into leaves by the NAT gateway."""
    for kind, all_of_them in (
        ("azurerm_subnet_network_security_group_association", True),
        ("azurerm_subnet_nat_gateway_association", False),
    ):
        under = {body["subnet_id"] for body in resources(document, kind).values()}
        for address, body in resources(document, "azurerm_subnet").items():
            if (all_of_them or body.get("delegation")) and reference(address) not in under:
                yield Finding(address=address, field=kind, value=None, valid="one of its own")


def injected(document: Document, _: Stage) -> Iterator[Finding]:
    """A workspace's nodes are in two subnets that are delegated to Databricks."""
    delegated = {
        reference(address, "name")
        for address, body in resources(document, "azurerm_subnet").items()
        if one(one(body.get("delegation")).get("service_delegation")).get("name") == "Microsoft.Databricks/workspaces"
    }
    for address, body in resources(document, "azurerm_databricks_workspace").items():
        custom = one(body.get("custom_parameters"))
        for field in ("public_subnet_name", "private_subnet_name"):
            if custom.get(field) not in delegated:
                yield Finding(address=address, field=f"custom_parameters.{field}", value=custom.get(field),
                              valid=f"a delegated subnet: {', '.join(sorted(delegated))}")  # fmt: skip
        if not custom.get("virtual_network_id"):
            yield Finding(address=address, field="custom_parameters.virtual_network_id", value=None,
                          valid="our virtual network")  # fmt: skip


def reached(document: Document, _: Stage) -> Iterator[Finding]:
    """What is closed has a private endpoint for each part that is used, in a DNS zone."""
    doors: dict[str, set[str]] = {}
    for address, body in resources(document, "azurerm_private_endpoint").items():
        connection = one(body["private_service_connection"])
        parts = connection.get("subresource_names", [])
        doors.setdefault(connection.get("private_connection_resource_id", ""), set()).update(parts)
        if not one(body.get("private_dns_zone_group")).get("private_dns_zone_ids"):
            yield Finding(address=address, field="private_dns_zone_group", value=None, valid="the zone of its part")
    for kind, parts in DOORS.items():
        for address in resources(document, kind):
            for part in sorted(parts - doors.get(reference(address), set())):
                yield Finding(address=address, field="azurerm_private_endpoint", value=None, valid=f"one for {part}")


def logged(document: Document, _: Stage) -> Iterator[Finding]:
    """The logs of what holds data or evidence go to the stage's workspace for logs."""
    settings = list(resources(document, "azurerm_monitor_diagnostic_setting").values())
    kept = {body["target_resource_id"].removesuffix("/blobServices/default") for body in settings
            if body.get("enabled_log") and body.get("log_analytics_workspace_id")}  # fmt: skip
    for kind in LOGGED:
        for address in resources(document, kind):
            if reference(address) not in kept:
                yield Finding(address=address, field="azurerm_monitor_diagnostic_setting", value=None,
                              valid="one with enabled_log and log_analytics_workspace_id")  # fmt: skip


def least(document: Document, _: Stage) -> Iterator[Finding]:
    """Only roles that change nothing of the layer are given, and only the group's reader sees more than one thing."""
    for address, body in resources(document, "azurerm_role_assignment").items():
        role, scope = body.get("role_definition_name"), body.get("scope", "")
        if role not in ROLES:
            yield Finding(address=address, field="role_definition_name", value=role, valid=", ".join(sorted(ROLES)))
        wide = "azurerm_resource_group." in scope or re.fullmatch(
            r"/subscriptions/[^/]+(/resourceGroups/[^/]+)?", scope
        )
        if wide and role != "Reader":
            yield Finding(address=address, field="scope", value=scope, valid="the id of one resource")


def trusted(document: Document, _: Stage) -> Iterator[Finding]:
    """A federated credential trusts one exact subject, for the one audience."""
    for address, body in resources(document, "azurerm_federated_identity_credential").items():
        if body.get("audience") != ["api://AzureADTokenExchange"]:
            yield Finding(address=address, field="audience", value=body.get("audience"),
                          valid="['api://AzureADTokenExchange']")  # fmt: skip
        if not str(body.get("issuer", "")).startswith("https://"):
            yield Finding(address=address, field="issuer", value=body.get("issuer"), valid="an https address")
        if not body.get("subject") or re.search(r"[*?]|:pull_request$", body["subject"]):
            yield Finding(address=address, field="subject", value=body.get("subject"),
                          valid="one protected environment, without a wildcard")  # fmt: skip


def ageing(document: Document, _: Stage) -> Iterator[Finding]:
    """No lifecycle rule touches a zone: a Delta table's oldest file can hold its newest version's rows."""
    for address, body in resources(document, "azurerm_storage_management_policy").items():
        for rule in body.get("rule", []):
            prefixes = set(one(rule.get("filters")).get("prefix_match") or [""])
            if not prefixes <= MAY_AGE:
                yield Finding(address=address, field=f"rule.{rule['name']}.filters.prefix_match",
                              value=sorted(prefixes), valid=", ".join(sorted(MAY_AGE)))  # fmt: skip


def locked(document: Document, stage: Stage) -> Iterator[Finding]:
    """In a stage that keeps its data, what holds data or evidence is locked, and terraform refuses to destroy it."""
    if not stage.keep_data:
        return
    scopes = {body["scope"] for body in resources(document, "azurerm_management_lock").values()}
    for kind in (*KEPT, "azurerm_storage_container"):
        for address, body in resources(document, kind).items():
            if kind in KEPT and reference(address) not in scopes:
                yield Finding(address=address, field="azurerm_management_lock", value=None, valid="one on it")
            if one(body.get("lifecycle")).get("prevent_destroy") is not True:
                yield Finding(address=address, field="lifecycle.prevent_destroy", value=None, valid="True")


def secretless(document: Document, _: Stage) -> Iterator[Finding]:
    """No resource, provider or backend states a secret; a key vault's value would stand in the state."""
    for kind in ("azurerm_key_vault_secret", "azurerm_key_vault_access_policy"):
        for address in resources(document, kind):
            yield Finding(address=address, field="type", value=kind, valid="no secret and no access policy in code")
    parts = [(address, body) for _, address, body in everything(document)]
    parts += [("provider", document["provider"]), ("terraform", document["terraform"])]
    for address, body in parts:
        for field in sorted(set(re.findall(r'"(\w+)": ', json.dumps(body)))):
            if SECRET.search(field) and not field.endswith("_enabled"):
                yield Finding(address=address, field=field, value="...", valid="no secret in code")


Check = Callable[[Document, Stage], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    tagged, guarded, injected, reached, logged, least, trusted, ageing, locked, secretless,
)  # fmt: skip
