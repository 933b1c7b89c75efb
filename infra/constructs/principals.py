"""The service principals of a stage, as its workspace knows them; the account has them, and who may run as one."""

from __future__ import annotations

from collections.abc import Mapping

from constructs import Construct

from infra.inputs import Inputs
from infra.names import Addresses
from infra.providers import ServicePrincipal
from infra.roles import Principal
from infra.stages import Stage


class Principals(Construct):
    """service_principals: the resources by principal. application_ids: what grants and jobs name them by.

    readers: application ids of the other stages' `sp-promote`, which read this stage's validation records.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, inputs: Inputs, addresses: Addresses) -> None:
        super().__init__(scope, id_)
        self.service_principals: dict[Principal, ServicePrincipal] = {}
        for principal in Principal:
            address = principal.value.replace("-", "_")
            # force: takes over the one that the account already has.
            made = ServicePrincipal(
                self, address, application_id=inputs.application_ids[stage.name][principal],
                display_name=f"{principal.value}-{stage.name.value}", force=True, workspace_access=True,
            )  # fmt: skip
            addresses.place(made, address, "principals")
            self.service_principals[principal] = made
        self.readers = tuple(inputs.application_ids[reader][Principal.PROMOTE] for reader in stage.read_by)
        self.application_ids: Mapping[Principal, str] = {
            one: made.application_id for one, made in self.service_principals.items()
        }
