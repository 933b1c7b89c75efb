"""The Databricks workspace of a stage, in our network, with no door to the Internet."""

from __future__ import annotations

from constructs import Construct

from infra import names
from infra.azure.network import NODES, Network
from infra.azure.providers import DatabricksWorkspace, DatabricksWorkspaceCustomParameters
from infra.azure.site import PLATFORM, Site
from infra.constructs.lifecycle import keeping
from infra.storage import Data


class Workspace(Construct):
    """workspace. own_storage: the Azure id of the account that Databricks keeps for itself, behind its own firewall."""

    def __init__(self, scope: Construct, id_: str, *, site: Site, network: Network, connector: str) -> None:
        """connector: the Azure id of the access connector, by which the workspace reaches its own storage."""
        super().__init__(scope, id_)
        stage, suffix = site.stage, site.inputs.azure.name_suffix
        host, container = NODES
        own_storage = names.workspace_storage(stage, suffix)
        self.workspace = site.place("main", DatabricksWorkspace(
            self, "workspace", name=stage.workspace, location=site.location, resource_group_name=site.group,
            sku="premium", managed_resource_group_name=names.managed_group(stage),
            public_network_access_enabled=False, network_security_group_rules_required="NoAzureDatabricksRules",
            infrastructure_encryption_enabled=True, default_storage_firewall_enabled=True,
            access_connector_id=connector,
            custom_parameters=DatabricksWorkspaceCustomParameters(
                no_public_ip=True, virtual_network_id=network.virtual_network.id,
                public_subnet_name=network.subnets[host].name,
                private_subnet_name=network.subnets[container].name,
                public_subnet_network_security_group_association_id=network.guards[host].id,
                private_subnet_network_security_group_association_id=network.guards[container].id,
                storage_account_name=own_storage,
            ),
            # Databricks writes to the network while it makes a workspace: nothing else may at that time.
            depends_on=[*network.guards.values(), *network.exits.values()],
            tags=site.tags(zone=PLATFORM, data=Data.RESTRICTED), lifecycle=keeping(stage),
        ))  # fmt: skip
        group = self.workspace.managed_resource_group_id
        self.own_storage = f"{group}/providers/Microsoft.Storage/storageAccounts/{own_storage}"
