"""The key vault of a stage: rights by role, nothing purged, reached privately."""

from __future__ import annotations

from constructs import Construct

from infra import names
from infra.azure.providers import KeyVault, KeyVaultNetworkAcls
from infra.azure.site import PLATFORM, Site
from infra.constructs.lifecycle import keeping
from infra.storage import Data


class Vault(Construct):
    """vault: empty. No secret is declared: its value would stand in the state; people set them by hand."""

    def __init__(self, scope: Construct, id_: str, *, site: Site) -> None:
        super().__init__(scope, id_)
        # A secret scope reads the vault from Databricks' own network, as a service that Azure trusts: the one bypass.
        self.vault = site.place("main", KeyVault(
            self, "vault", name=names.key_vault(site.stage, site.inputs.azure.name_suffix), location=site.location,
            resource_group_name=site.group, tenant_id=site.inputs.azure.tenant_id, sku_name="standard",
            rbac_authorization_enabled=True, purge_protection_enabled=True, soft_delete_retention_days=90,
            public_network_access_enabled=False, enabled_for_deployment=False, enabled_for_disk_encryption=False,
            enabled_for_template_deployment=False,
            network_acls=KeyVaultNetworkAcls(
                default_action="Deny", bypass="AzureServices", ip_rules=[], virtual_network_subnet_ids=[],
            ),
            tags=site.tags(zone=PLATFORM, data=Data.RESTRICTED), lifecycle=keeping(site.stage),
        ))  # fmt: skip
