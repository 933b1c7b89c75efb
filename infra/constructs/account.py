"""What the account has once for all workspaces: service principals, who is let in where, and what is paid by which tag.

Groups are never created here: Entra has them, and the account gives each a number.
"""

from __future__ import annotations

from collections.abc import Iterable

from cdktf import Token
from constructs import Construct

from infra import names
from infra.account_providers import (
    BudgetPolicy,
    BudgetPolicyCustomTags,
    Grant,
    MetastoreAssignment,
    MwsPermissionAssignment,
    ServicePrincipalFederationPolicy,
    ServicePrincipalFederationPolicyOidcPolicy,
    SystemSchema,
)
from infra.constructs.lifecycle import keeping
from infra.inputs import Inputs, wrong
from infra.names import Addresses
from infra.providers import (
    AccessControlRuleSet,
    AccessControlRuleSetGrantRules,
    DatabricksProvider,
    ServicePrincipal,
)
from infra.roles import On, Principal, access
from infra.stages import Stage

# What the usage, audit and lineage queries read. `billing` is there without being asked for.
SYSTEM_SCHEMAS = ("access", "compute", "lakeflow", "query", "serving")
# What a stage's deployer makes in the metastore; on what it made, it is the owner.
DEPLOYS = ("CREATE_CATALOG", "CREATE_EXTERNAL_LOCATION", "CREATE_STORAGE_CREDENTIAL")
FEDERATION = "cdh-pipelines"


def groups(stage: Stage, sources: Iterable[str]) -> list[str]:
    """The groups that have anything in a stage, by the matrix of `infra.roles`: of roles, and of datasets."""
    everyone = {one.principal for on in On for source in (None, *sources) for one in access(on, stage, source)}
    return sorted(one for one in everyone if not isinstance(one, Principal))


class Team(Construct):
    """The service principals of a stage by principal, and who may run a job as one of them.

    The stage lets them into its workspace. federation: `sp-deploy` is who the pipelines' token says, without a secret.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, inputs: Inputs, addresses: Addresses) -> None:
        super().__init__(scope, id_)
        self.service_principals: dict[Principal, ServicePrincipal] = {}
        for principal in Principal:
            address = f"{principal.value.replace('-', '_')}_{stage.name}"
            # force: takes over one that Entra has already synchronised into the account.
            made = self.service_principals[principal] = ServicePrincipal(
                self, address, application_id=inputs.application_ids[stage.name][principal],
                display_name=f"{principal.value}-{stage.name}", force=True,
            )  # fmt: skip
            addresses.place(made, address, f"a service principal of {stage.name}")
        # A job that runs as a service principal needs its deployer to be a user of it: being its manager is not enough.
        deployer = f"servicePrincipals/{self.service_principals[Principal.DEPLOY].application_id}"
        self.rule_sets: dict[Principal, AccessControlRuleSet] = {}
        for principal, made in self.service_principals.items():
            address = f"{principal.value.replace('-', '_')}_{stage.name}"
            rules = self.rule_sets[principal] = AccessControlRuleSet(
                self, f"{address}_users",
                name=f"accounts/{inputs.account_id}/servicePrincipals/{made.application_id}/ruleSet/default",
                grant_rules=[AccessControlRuleSetGrantRules(role="roles/servicePrincipal.user", principals=[deployer])],
            )  # fmt: skip
            addresses.place(rules, address, f"who may run a job as {principal} of {stage.name}")
        address = f"sp_deploy_{stage.name}"
        self.federation = ServicePrincipalFederationPolicy(
            self, "federation", policy_id=FEDERATION,
            service_principal_id=Token.as_number(self.service_principals[Principal.DEPLOY].id),
            oidc_policy=ServicePrincipalFederationPolicyOidcPolicy(
                issuer=inputs.azure.ci_issuer, subject=inputs.ci_subjects[stage.name], audiences=[inputs.account_id],
            ),
        )  # fmt: skip
        addresses.place(self.federation, address, f"the pipelines of {stage.name}")


class Admission(Construct):
    """Who is let into a stage's workspace, by address: the groups as users, `sp-deploy` as its admin."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, sources: Iterable[str], inputs: Inputs, team: Team,
                 addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        workspace = inputs.workspace_ids[stage.name]
        self.metastore = MetastoreAssignment(
            self, "metastore", metastore_id=inputs.metastore_id, workspace_id=workspace, lifecycle=keeping(stage)
        )
        addresses.place(self.metastore, stage.name.value, f"the metastore of {stage.name}")
        deployer = Token.as_number(team.service_principals[Principal.DEPLOY].id)
        admitted = {Principal.DEPLOY.value: (deployer, "ADMIN")}
        for group in groups(stage, sources):
            if group not in inputs.groups:
                raise wrong("account", f"groups.{group}", None, "the group's number; a declared source needs it")
            admitted[group] = (inputs.groups[group], "USER")
        self.assignments: dict[str, MwsPermissionAssignment] = {}
        for who, (number, level) in admitted.items():
            address = f"{stage.name}_{who.replace('-', '_')}"
            made = self.assignments[address] = MwsPermissionAssignment(
                self, address, principal_id=number, workspace_id=workspace, permissions=[level],
                # A workspace takes principals of the account once it has a metastore.
                depends_on=[self.metastore],
            )  # fmt: skip
            addresses.place(made, address, f"{who} in {stage.name}")


class Costs(Construct):
    """What serverless compute of a stage is paid by: a budget policy with the stage's tags, and who may use it."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, inputs: Inputs, team: Team,
                 addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        tags = {"cost_center": inputs.azure.cost_center, "stage": stage.name.value, "system": names.SYSTEM}
        self.policy = BudgetPolicy(
            self, "policy", policy_name=f"cdh-{stage.name}", binding_workspace_ids=[inputs.workspace_ids[stage.name]],
            custom_tags=[BudgetPolicyCustomTags(key=key, value=value) for key, value in tags.items()],
        )  # fmt: skip
        addresses.place(self.policy, stage.name.value, f"the budget policy of {stage.name}")
        users = [f"servicePrincipals/{one.application_id}" for one in team.service_principals.values()]
        self.users = AccessControlRuleSet(
            self, "users", name=f"accounts/{inputs.account_id}/budgetPolicies/{self.policy.policy_id}/ruleSet/default",
            grant_rules=[AccessControlRuleSetGrantRules(role="roles/budgetPolicy.user", principals=users)],
        )  # fmt: skip
        addresses.place(self.users, f"budget_policy_{stage.name}", f"who spends in {stage.name}")


class Metastore(Construct):
    """The system schemas, and what each stage's deployer may make in the metastore: both reached through a workspace.

    The metastore is the region's, not ours alone: `databricks_grant` states what one principal has and leaves the
    others' alone, where `databricks_grants` would take it away from them.
    """

    def __init__(self, scope: Construct, id_: str, *, through: DatabricksProvider, teams: dict[Stage, Team],
                 inputs: Inputs, after: MetastoreAssignment, addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        self.schemas: dict[str, SystemSchema] = {}
        for name in SYSTEM_SCHEMAS:
            self.schemas[name] = SystemSchema(self, name, schema=name, provider=through, depends_on=[after])
            addresses.place(self.schemas[name], name, f"the system schema {name}")
        self.grants: dict[Stage, Grant] = {}
        for stage, team in teams.items():
            made = self.grants[stage] = Grant(
                self, f"deploys_{stage.name}", metastore=inputs.metastore_id, privileges=list(DEPLOYS),
                principal=team.service_principals[Principal.DEPLOY].application_id, provider=through,
                depends_on=[after],
            )  # fmt: skip
            addresses.place(made, f"metastore_sp_deploy_{stage.name}", f"what {stage.name} makes in the metastore")
