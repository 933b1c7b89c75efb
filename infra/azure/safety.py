"""What a synthesised Azure stack must hold, whoever wrote its constructs: checked on every synth, refused if broken.

Most rules are a row of the table: a resource type, a field, the values that are safe. Where a field that is absent
would mean Azure's own, open default, absence breaks the rule too. The others are functions of `infra.azure.wiring`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.azure import wiring
from infra.azure.wiring import Finding, resources
from infra.stages import Stage
from workflows.errors import DeclarationError


@dataclass(frozen=True, kw_only=True)
class Must:
    """In each resource of `kind`, the field (a dotted path) has one of the safe values."""

    kind: str
    field: str
    safe: tuple[object, ...]
    because: str


def must(kind: str, field: str, *safe: object, because: str) -> Must:
    """A row of the table."""
    return Must(kind=f"azurerm_{kind}", field=field, safe=safe, because=because)


CLOSED = "reached through private endpoints only"
NO_KEYS = "who reaches it is known by name: no key opens it"
SIGN_IN = "nothing is open to who does not sign in"
RECOVER = "what is deleted by mistake can be had back"
# fmt: off
TABLE: tuple[Must, ...] = (
    must("storage_account", "public_network_access_enabled", False, because=CLOSED),
    must("storage_account", "network_rules.default_action", "Deny", because=CLOSED),
    must("storage_account", "network_rules.bypass", ["None"], because=CLOSED),
    must("storage_account", "network_rules.ip_rules", [], because=CLOSED),
    must("storage_account", "network_rules.virtual_network_subnet_ids", [], because=CLOSED),
    must("storage_account", "allow_nested_items_to_be_public", False, because=SIGN_IN),
    must("storage_account", "shared_access_key_enabled", False, because=NO_KEYS),
    must("storage_account", "default_to_oauth_authentication", True, because=NO_KEYS),
    must("storage_account", "local_user_enabled", False, because=NO_KEYS),
    must("storage_account", "sftp_enabled", False, because=NO_KEYS),
    must("storage_account", "nfsv3_enabled", False, because=NO_KEYS),
    must("storage_account", "cross_tenant_replication_enabled", False, because="no copy leaves the tenant"),
    must("storage_account", "allowed_copy_scope", "AAD", "PrivateLink", because="no copy leaves the tenant"),
    must("storage_account", "min_tls_version", "TLS1_2", because="encrypted on the way"),
    must("storage_account", "https_traffic_only_enabled", True, because="encrypted on the way"),
    must("storage_account", "infrastructure_encryption_enabled", True, because="encrypted twice at rest"),
    must("storage_account", "is_hns_enabled", True, because="Unity Catalog asks for a hierarchical namespace"),
    must("storage_account", "blob_properties.delete_retention_policy.days", *range(7, 366), because=RECOVER),
    must("storage_account", "blob_properties.container_delete_retention_policy.days", *range(7, 366), because=RECOVER),
    must("storage_container", "container_access_type", "private", because=SIGN_IN),
    must("key_vault", "public_network_access_enabled", False, because=CLOSED),
    must("key_vault", "network_acls.default_action", "Deny", because=CLOSED),
    must("key_vault", "network_acls.ip_rules", [], because=CLOSED),
    must("key_vault", "network_acls.virtual_network_subnet_ids", [], because=CLOSED),
    must("key_vault", "rbac_authorization_enabled", True, because="rights by role, in one place"),
    must("key_vault", "enabled_for_deployment", False, because="rights by role, in one place"),
    must("key_vault", "enabled_for_disk_encryption", False, because="rights by role, in one place"),
    must("key_vault", "enabled_for_template_deployment", False, because="rights by role, in one place"),
    must("key_vault", "purge_protection_enabled", True, because=RECOVER),
    must("key_vault", "soft_delete_retention_days", *range(7, 91), because=RECOVER),
    must("databricks_workspace", "sku", "premium", because="access control and private links need it"),
    must("databricks_workspace", "public_network_access_enabled", False, because=CLOSED),
    must("databricks_workspace", "network_security_group_rules_required", "NoAzureDatabricksRules", because=CLOSED),
    must("databricks_workspace", "custom_parameters.no_public_ip", True, because="no node has a public address"),
    must("databricks_workspace", "default_storage_firewall_enabled", True, because=CLOSED),
    must("databricks_workspace", "infrastructure_encryption_enabled", True, because="encrypted twice at rest"),
    must("databricks_access_connector", "identity.type", "SystemAssigned", because="nobody else can be given it"),
    must("subnet", "default_outbound_access_enabled", False, because="nodes leave through the NAT gateway"),
    must("log_analytics_workspace", "local_authentication_enabled", False, because=NO_KEYS),
    must("log_analytics_workspace", "internet_ingestion_enabled", False, because="only Azure writes logs"),
    must("log_analytics_workspace", "retention_in_days", *range(30, 731), because="what happened can be looked up"),
    must("private_endpoint", "private_service_connection.is_manual_connection", False, because="a door that opens"),
    must("private_dns_zone_virtual_network_link", "registration_enabled", False, because="nothing names itself"),
    must("management_lock", "lock_level", "CanNotDelete", "ReadOnly", because="what a lock is for"),
)
# fmt: on


def value_at(body: Mapping[str, Any], path: str) -> Any:
    """What is at a dotted path; a block that may be there once stands in a list of one, or by itself."""
    found: Any = body
    for part in path.split("."):
        if isinstance(found, list):
            found = found[0] if len(found) == 1 else None
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def same(value: object, safe: object) -> bool:
    """Equal, and of one type: 1 is not True."""
    return type(value) is type(safe) and value == safe


def table_findings(document: Mapping[str, Any]) -> Iterator[Finding]:
    """Where a document breaks a row of the table."""
    for row in TABLE:
        for address, body in resources(document, row.kind).items():
            value = value_at(body, row.field)
            if not any(same(value, safe) for safe in row.safe):
                shown = f"{row.safe[0]!r}" if len(row.safe) < 3 else f"{row.safe[0]} to {row.safe[-1]}"
                yield Finding(address=address, field=row.field, value=value, valid=f"{shown} ({row.because})")


def findings(document: Mapping[str, Any], stage: Stage) -> list[Finding]:
    """Everything in the document of a stage's Azure stack that is not safe, in the order of its addresses."""
    found = [*table_findings(document), *(one for check in wiring.CHECKS for one in check(document, stage))]
    return sorted(found, key=lambda one: (one.address, one.field))


def refuse(document: Mapping[str, Any], stage: Stage) -> None:
    """Raise what is first of a stack's findings, with how many more there are."""
    if found := findings(document, stage):
        first = found[0]
        more = f"; {len(found) - 1} more" if len(found) > 1 else ""
        raise DeclarationError(first.address, first.field, first.value, first.valid + more, f"azure-{stage.name}")
