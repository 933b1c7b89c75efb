"""The storage of a stage as Unity Catalog sees it: a credential, and a location for each container of the lake."""

from __future__ import annotations

from constructs import Construct

from infra import names
from infra.constructs.access import Access
from infra.constructs.lifecycle import keeping
from infra.constructs.principals import Principals
from infra.inputs import Inputs
from infra.names import Addresses
from infra.providers import (
    ExternalLocation,
    StorageCredential,
    StorageCredentialAzureManagedIdentity,
)
from infra.roles import On, Principal
from infra.stages import Stage
from infra.storage import containers

ISOLATED = "ISOLATION_MODE_ISOLATED"


# Not proved here: that Unity Catalog reaches the lake through the access connector, past the firewall, and that prod
# reads the records of validation though their location is bound to validation alone. Why: a location is a row of a
# store here, and tables are folders. On Azure: step 7 of [the first deployment](first-deployment.md); in the prod
# workspace, as `sp-promote`, one query of `cdh_validation.ml`.
class Storage(Construct):
    """credential: the access connector's identity, which knows no secret. locations: by container.

    The metastore has them, for every workspace of the region: so they are isolated, and there in this one alone.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, inputs: Inputs, principals: Principals,
                 access: Access, addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        owner = principals.application_ids[Principal.DEPLOY]
        connector = names.access_connector_id(stage, inputs.subscription_id)
        self.credential = StorageCredential(
            self, "credential", name=names.storage_credential(stage), owner=owner, isolation_mode=ISOLATED,
            comment=f"The access connector of the {stage.name} stage",
            azure_managed_identity=StorageCredentialAzureManagedIdentity(access_connector_id=connector),
            lifecycle=keeping(stage),
        )  # fmt: skip
        addresses.place(self.credential, "cdh", "the storage credential")
        access.grant("credential_cdh", On.CREDENTIAL, securable=self.credential.name)
        self.locations: dict[str, ExternalLocation] = {}
        for container, data in containers(stage).items():
            address = container.replace("-", "_")
            made = self.locations[container] = ExternalLocation(
                self, address, name=names.external_location(stage, container), owner=owner, isolation_mode=ISOLATED,
                url=names.container_url(stage, inputs.azure.name_suffix, container),
                credential_name=self.credential.name, comment=f"The container {container}: {data.value} data",
                lifecycle=keeping(stage),
            )  # fmt: skip
            addresses.place(made, address, f"the external location {container}")
            access.grant(f"location_{address}", On.LOCATION, securable=made.name)

    def root(self, container: str, path: str = "") -> str:
        """Where something lies in a container: by reference, so that the location is there first."""
        return f"{self.locations[container].url}{path}"
