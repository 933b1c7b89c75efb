"""The service principals of a stage, and who may run a job as one of them."""

from __future__ import annotations

from collections.abc import Mapping

from constructs import Construct

from infra.inputs import Inputs
from infra.names import Addresses
from infra.providers import AccessControlRuleSet, AccessControlRuleSetGrantRules, ServicePrincipal
from infra.roles import Principal
from infra.stages import Stage


class Principals(Construct):
    """service_principals, rule_sets: the resources by principal. application_ids: what grants and jobs name them by."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, inputs: Inputs, addresses: Addresses) -> None:
        super().__init__(scope, id_)
        self.service_principals: dict[Principal, ServicePrincipal] = {}
        self.rule_sets: dict[Principal, AccessControlRuleSet] = {}
        for principal in Principal:
            address = principal.value.replace("-", "_")
            # force: takes over one that Entra has already synchronised into the account.
            made = ServicePrincipal(
                self, address, application_id=inputs.application_ids[stage.name][principal],
                display_name=f"{principal.value}-{stage.name.value}", force=True, workspace_access=True,
            )  # fmt: skip
            addresses.place(made, address, "principals")
            self.service_principals[principal] = made
        self.application_ids: Mapping[Principal, str] = {
            one: made.application_id for one, made in self.service_principals.items()
        }
        # A job that runs as a service principal needs its deployer to be a user of it: being its manager is not enough.
        deployer = f"servicePrincipals/{self.application_ids[Principal.DEPLOY]}"
        for principal, application_id in self.application_ids.items():
            address = principal.value.replace("-", "_")
            rules = AccessControlRuleSet(
                self, f"{address}_users",
                name=f"accounts/{inputs.account_id}/servicePrincipals/{application_id}/ruleSet/default",
                grant_rules=[
                    AccessControlRuleSetGrantRules(role="roles/servicePrincipal.user", principals=[deployer]),
                ],
            )  # fmt: skip
            addresses.place(rules, address, "principals")
            self.rule_sets[principal] = rules
