"""The stack of what the account and its metastore have once: deployed by an administrator of the account."""

from __future__ import annotations

from collections.abc import Iterable

from cdktf import AzurermBackend, TerraformStack
from constructs import Construct

from infra import layers, names
from infra.constructs.account import Admission, Costs, Metastore, Team
from infra.inputs import Inputs
from infra.names import Addresses
from infra.providers import DatabricksProvider
from infra.stages import STAGES

# The workspace through which the metastore is reached, and beside whose Azure layer's state the account's lies: one
# that is never taken down.
HOME = next(stage for stage in STAGES.values() if stage.keep_data)


# Not proved here: that the account takes the stack. Why: the stand-in has the schemas of its types and few rules of
# its service. On Azure: step 6 of [the first deployment](first-deployment.md); a second plan with exit code 0.
# Not proved here: signing in with a federated token. Why: no issuer of tokens is reachable. On Azure: let a pipeline
# of `dev` deploy; with the token of a pull request it must be refused.
class AccountStack(TerraformStack):
    """teams, admissions, costs by stage; metastore."""

    def __init__(self, scope: Construct, *, sources: Iterable[str], inputs: Inputs) -> None:
        super().__init__(scope, layers.ACCOUNT)
        declared, addresses = sorted(set(sources)), Addresses()
        # Pipelines read this container and cannot write it: nobody who deploys a stage changes the account.
        AzurermBackend(
            self, resource_group_name=names.state_group(HOME),
            storage_account_name=names.state_account(HOME, inputs.azure.name_suffix),
            container_name=names.AZURE_STATE, key=f"{layers.ACCOUNT}.tfstate", use_azuread_auth=True,
        )  # fmt: skip
        DatabricksProvider(self, "account", host=names.ACCOUNT_HOST, account_id=inputs.account_id)
        workspace = DatabricksProvider(
            self, "metastore", alias="metastore",
            azure_workspace_resource_id=names.workspace_resource_id(HOME, inputs.subscription_id),
        )  # fmt: skip
        self.teams, self.admissions, self.costs = {}, {}, {}
        for stage in STAGES.values():
            team = self.teams[stage] = Team(self, f"team_{stage.name}", stage=stage, inputs=inputs, addresses=addresses)
            self.admissions[stage] = Admission(
                self, f"admission_{stage.name}", stage=stage, sources=declared, inputs=inputs, team=team,
                addresses=addresses,
            )  # fmt: skip
            self.costs[stage] = Costs(
                self, f"costs_{stage.name}", stage=stage, inputs=inputs, team=team, addresses=addresses
            )
        self.metastore = Metastore(
            self, "metastore_objects", through=workspace, teams=self.teams, inputs=inputs,
            after=self.admissions[HOME].metastore, addresses=addresses,
        )  # fmt: skip
