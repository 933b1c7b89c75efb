"""The catalog of a stage and the zones in it."""

from __future__ import annotations

from collections.abc import Sequence

from constructs import Construct

from infra.constructs.access import Access
from infra.constructs.lifecycle import keeping
from infra.constructs.principals import Principals
from infra.names import Addresses
from infra.providers import Catalog, Schema
from infra.roles import On, Principal
from infra.stages import Stage
from infra.zones import ZonePlan


class Zone(Construct):
    """A schema with its grants."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, plan: ZonePlan, catalog: Catalog, owner: str,
                 access: Access, addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        self.schema = Schema(
            self, "schema", catalog_name=catalog.name, name=plan.name, comment=plan.comment, owner=owner,
            force_destroy=not stage.keep_data, lifecycle=keeping(stage),
        )  # fmt: skip
        addresses.place(self.schema, plan.name, f"the {plan.kind.value[0]} zone {plan.name}")
        access.grant(f"schema_{plan.name}", plan.kind, source=plan.source, securable=self.schema.id)


class Warehouse(Construct):
    """The stage's catalog, visible in its own workspace only, with all its zones. zones: by name."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, plans: Sequence[ZonePlan], principals: Principals,
                 access: Access, addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        owner = principals.application_ids[Principal.DEPLOY]
        # Owner and isolation are stated, so that a change behind terraform's back shows in the next plan.
        self.catalog = Catalog(
            self, "catalog", name=stage.catalog, comment=f"Machine learning of the CDC Data Hub, {stage.name} stage",
            owner=owner, isolation_mode="ISOLATED", force_destroy=not stage.keep_data, lifecycle=keeping(stage),
        )  # fmt: skip
        addresses.place(self.catalog, "cdh", "the catalog")
        access.grant("catalog_cdh", On.CATALOG, securable=self.catalog.name)
        self.zones = {
            plan.name: Zone(self, plan.name, stage=stage, plan=plan, catalog=self.catalog, owner=owner, access=access,
                            addresses=addresses)
            for plan in plans
        }  # fmt: skip
