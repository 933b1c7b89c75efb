"""The Azure layer of a stage. The workspace layer above refers to nothing here: both take their names from `names`."""

from __future__ import annotations

from cdktf import AzurermBackend, TerraformOutput, TerraformStack
from constructs import Construct

from infra import names
from infra.azure.endpoints import Door, Endpoints
from infra.azure.identity import Identities
from infra.azure.lake import Lake
from infra.azure.locks import Locks
from infra.azure.network import Network
from infra.azure.providers import (
    AzurermProvider,
    AzurermProviderFeatures,
    AzurermProviderFeaturesDatabricksWorkspace,
    AzurermProviderFeaturesKeyVault,
    AzurermProviderFeaturesResourceGroup,
    AzurermProviderFeaturesStorage,
    ResourceGroup,
)
from infra.azure.site import PLATFORM, Site
from infra.azure.vault import Vault
from infra.azure.watch import Logs, Spending, Watched
from infra.azure.workspace import Workspace
from infra.constructs.lifecycle import keeping
from infra.inputs import Inputs
from infra.names import Addresses
from infra.stages import Stage
from infra.storage import Data


# Not proved here: that names are free, quotas suffice and the policies of the tenant allow it. Why: no subscription
# is reachable. On Azure: `terraform apply` of `azure-dev`.
class AzureStack(TerraformStack):
    """group, network, identities, lake, vault, workspace, endpoints, logs, spending, locks."""

    def __init__(self, scope: Construct, *, stage: Stage, inputs: Inputs) -> None:
        super().__init__(scope, names.azure_stack(stage))
        self.addresses = Addresses()
        self.reach(stage, inputs)
        unplaced = Site(stage=stage, inputs=inputs, addresses=self.addresses, group="")
        self.group = unplaced.place("main", ResourceGroup(
            self, "group", name=names.resource_group(stage), location=unplaced.location,
            tags=unplaced.tags(zone=PLATFORM, data=Data.RESTRICTED), lifecycle=keeping(stage),
        ))  # fmt: skip
        site = Site(stage=stage, inputs=inputs, addresses=self.addresses, group=self.group.name)
        self.network = Network(self, "network", site=site)
        self.identities = Identities(self, "identities", site=site)
        connector = self.identities.connector.id
        self.lake = Lake(self, "lake", site=site, connector=connector)
        self.vault = Vault(self, "vault", site=site)
        self.workspace = Workspace(self, "workspace", site=site, network=self.network, connector=connector)
        lake, vault = self.lake.account.id, self.vault.vault.id
        workspace = self.workspace.workspace.id
        self.identities.work(group=self.group.id, lake=lake, vault=vault)
        # The workspace's come first: none may be made while the workspace still is (terraform-provider-azurerm#17649).
        self.endpoints = Endpoints(self, "endpoints", site=site, network=self.network, doors=(
            Door(address="workspace", target=workspace, leads_to="databricks_ui_api"),
            Door(address="workspace_sign_in", target=workspace, leads_to="browser_authentication"),
            Door(address="workspace_storage_dfs", target=self.workspace.own_storage, leads_to="dfs"),
            Door(address="workspace_storage_blob", target=self.workspace.own_storage, leads_to="blob"),
            Door(address="lake_dfs", target=lake, leads_to="dfs"),
            Door(address="lake_blob", target=lake, leads_to="blob"),
            Door(address="vault", target=vault, leads_to="vault"),
        ))  # fmt: skip
        self.logs = Logs(self, "logs", site=site)
        for watched in (
            Watched(address="lake", target=f"{lake}/blobServices/default", metric="Transaction"),
            Watched(address="vault", target=vault, metric="AllMetrics"),
            Watched(address="workspace", target=workspace),
            Watched(address="network", target=self.network.security_group.id),
            Watched(address="logs", target=self.logs.workspace.id, logs="audit"),
        ):
            self.logs.watch(watched)
        self.spending = Spending(self, "spending", site=site, group=self.group.id)
        self.locks = Locks(self, "locks", site=site, on={
            "lake": lake, "logs": self.logs.workspace.id, "vault": vault, "workspace": workspace,
        })  # fmt: skip
        self.tell(stage)

    def reach(self, stage: Stage, inputs: Inputs) -> None:
        """Backend and provider. Credentials come from the environment of who deploys: a sign-in or a federated token.

        Registering resource providers needs rights on the subscription, so it is a step of the first deployment.
        """
        AzurermBackend(
            self, resource_group_name=names.state_group(stage),
            storage_account_name=names.state_account(stage, inputs.azure.name_suffix),
            container_name=names.AZURE_STATE, key=f"{names.azure_stack(stage)}.tfstate", use_azuread_auth=True,
        )  # fmt: skip
        AzurermProvider(
            self, "azurerm", subscription_id=inputs.subscription_id, tenant_id=inputs.azure.tenant_id,
            storage_use_azuread=True, resource_provider_registrations="none",
            features=[AzurermProviderFeatures(
                # The storage account of the workspace itself would stay otherwise, and its group keep its name.
                databricks_workspace=[AzurermProviderFeaturesDatabricksWorkspace(force_delete=not stage.keep_data)],
                key_vault=[AzurermProviderFeaturesKeyVault(
                    purge_soft_delete_on_destroy=False, recover_soft_deleted_key_vaults=True,
                )],
                resource_group=[AzurermProviderFeaturesResourceGroup(prevent_deletion_if_contains_resources=True)],
                # The accounts are closed to where terraform runs, and it needs nothing that is behind their door.
                storage=[AzurermProviderFeaturesStorage(data_plane_available=False)],
            )],
        )  # fmt: skip

    def tell(self, stage: Stage) -> None:
        """Outputs: the ids that Azure gives and that no name leads to, for `mlops inputs`."""
        TerraformOutput(self, "deploy_application_id", value=self.identities.deploy.client_id)
        TerraformOutput(self, "stage", value=stage.name.value)
        TerraformOutput(self, "workspace_id", value=self.workspace.workspace.workspace_id)
        TerraformOutput(self, "workspace_url", value=self.workspace.workspace.workspace_url)
