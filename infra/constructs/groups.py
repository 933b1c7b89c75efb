"""What the groups of the roles may open in a workspace. The groups themselves come from the directory."""

from __future__ import annotations

from constructs import Construct

from infra.inputs import Inputs
from infra.names import Addresses
from infra.providers import Entitlements
from infra.roles import On, access
from infra.stages import Stage


# Not proved here: that the members of a dataset's group have what the role's own group has. Why: no directory is
# reachable. On Azure: one member of each role opens the workspace of each stage.
class Groups(Construct):
    """entitlements: by group. Nobody may create clusters or pools without a policy; the policy Personal Compute, which
    everybody has by default, is the account's to withhold (step 6 of docs/first-deployment.md)."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, inputs: Inputs, addresses: Addresses) -> None:
        super().__init__(scope, id_)
        self.entitlements: dict[str, Entitlements] = {}
        for one in access(On.WORKSPACE, stage):
            address = one.principal.replace("-", "_")
            made = Entitlements(
                self, address, group_id=str(inputs.groups[one.principal]),
                databricks_sql_access="databricks_sql_access" in one.rights,
                workspace_access="workspace_access" in one.rights,
                allow_cluster_create=False, allow_instance_pool_create=False,
            )  # fmt: skip
            addresses.place(made, address, f"the entitlements of {one.principal}")
            self.entitlements[one.principal] = made
