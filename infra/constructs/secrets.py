"""Secrets that jobs read and nobody declares: the stage's key vault, seen from its workspace."""

from __future__ import annotations

from constructs import Construct

from infra import names
from infra.constructs.access import Access
from infra.inputs import Inputs
from infra.names import Addresses
from infra.providers import SecretAcl, SecretScope, SecretScopeKeyvaultMetadata
from infra.roles import On, access
from infra.stages import Stage


# Not proved here: that the scope reaches the vault. Why: the sandbox keeps no secret. On Azure: as `sp-serve`,
# `dbutils.secrets.list("cdh")`; as an analyst the same, which must be refused.
class Secrets(Construct):
    """scope: backed by the vault that the Azure layer makes, found by its name. acls: by principal.

    People set the vault's secrets (credentials to publish by JDBC or Kafka) by hand; in no state is a value of one.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, inputs: Inputs, permitted: Access,
                 addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        suffix = inputs.azure.name_suffix
        self.scope = SecretScope(
            self, "scope", name=names.PLATFORM,
            keyvault_metadata=SecretScopeKeyvaultMetadata(
                resource_id=names.key_vault_id(stage, inputs.subscription_id, suffix),
                dns_name=names.key_vault_address(stage, suffix),
            ),
        )  # fmt: skip
        addresses.place(self.scope, names.PLATFORM, "the secret scope")
        self.acls: dict[str, SecretAcl] = {}
        for one in access(On.SECRETS, stage):
            address = one.principal.replace("-", "_")
            acl = SecretAcl(
                self, address, scope=self.scope.name, principal=permitted.named(one.principal),
                permission=one.rights[0],
            )  # fmt: skip
            addresses.place(acl, address, f"the right of {one.principal} on the secrets")
            self.acls[one.principal] = acl
