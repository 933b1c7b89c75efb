"""The identities of a stage, which know no secret, and what each may do."""

from __future__ import annotations

from constructs import Construct

from infra import names
from infra.azure.providers import (
    DatabricksAccessConnector,
    DatabricksAccessConnectorIdentity,
    FederatedIdentityCredential,
    RoleAssignment,
    UserAssignedIdentity,
)
from infra.azure.site import PLATFORM, Site
from infra.storage import Data

# The audience that Entra expects of a federated token, in every tenant.
AUDIENCE = "api://AzureADTokenExchange"


class Identities(Construct):
    """connector: Unity Catalog's way to the lake. deploy: the pipelines' identity, trusted by who issued their token.

    The connector's identity is the system's: it goes with the connector, and nobody else can be given it.
    """

    def __init__(self, scope: Construct, id_: str, *, site: Site) -> None:
        super().__init__(scope, id_)
        self.site = site
        tags = site.tags(zone=PLATFORM, data=Data.INTERNAL)
        self.connector = site.place("lake", DatabricksAccessConnector(
            self, "connector", name=names.access_connector(site.stage), location=site.location,
            resource_group_name=site.group, tags=tags,
            identity=DatabricksAccessConnectorIdentity(type="SystemAssigned"),
        ))  # fmt: skip
        self.deploy = site.place("deploy", UserAssignedIdentity(
            self, "deploy", name=site.name("id", "deploy"), location=site.location, resource_group_name=site.group,
            tags=tags,
        ))  # fmt: skip
        self.federation = site.place("deploy", FederatedIdentityCredential(
            self, "federation", name=site.name("fc", "deploy"), resource_group_name=site.group,
            parent_id=self.deploy.id, issuer=site.inputs.azure.ci_issuer,
            subject=site.inputs.ci_subjects[site.stage.name], audience=[AUDIENCE],
        ))  # fmt: skip

    def may(self, address: str, role: str, *, on: str, principal: str) -> RoleAssignment:
        """Give a service principal a role on one resource and what is in it. on: its Azure id."""
        # The type is stated, or Azure looks for a principal that its directory may not have copied yet.
        return self.site.place(address, RoleAssignment(
            self, f"may_{address}", scope=on, role_definition_name=role, principal_id=principal,
            principal_type="ServicePrincipal",
        ))  # fmt: skip

    def work(self, *, group: str, lake: str, vault: str) -> None:
        """Every role of the layer. group, lake, vault: Azure ids.

        The pipelines read the group and write the state of the workspace layer. They cannot change this layer: who
        does needs the rights of an owner, which no pipeline has, so a stolen pipeline removes no lock and no log.
        """
        state = names.state_account_id(
            self.site.stage, self.site.inputs.subscription_id, self.site.inputs.azure.name_suffix
        )
        containers = f"{state}/blobServices/default/containers"
        deploy = self.deploy.principal_id
        self.may("connector_lake", "Storage Blob Data Contributor", on=lake,
                 principal=self.connector.identity.principal_id)  # fmt: skip
        self.may("databricks_vault", "Key Vault Secrets User", on=vault,
                 principal=self.site.inputs.azure.databricks_object_id)  # fmt: skip
        self.may("deploy_group", "Reader", on=group, principal=deploy)
        self.may("deploy_state", "Storage Blob Data Contributor", on=f"{containers}/{names.STATE}", principal=deploy)
        self.may("deploy_azure_state", "Storage Blob Data Reader", on=f"{containers}/{names.AZURE_STATE}",
                 principal=deploy)  # fmt: skip
