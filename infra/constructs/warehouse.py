"""The catalog of a stage and the zones in it."""

from __future__ import annotations

from collections.abc import Sequence

from constructs import Construct

from infra import names
from infra.constructs.access import Access
from infra.constructs.lifecycle import keeping
from infra.constructs.principals import Principals
from infra.constructs.storage import Bindings, Storage
from infra.names import Addresses
from infra.providers import Catalog, Schema
from infra.roles import On, Principal
from infra.stages import Stage
from infra.storage import CATALOG
from infra.zones import ZonePlan, kept_days


class Zone(Construct):
    """A schema with its grants."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, plan: ZonePlan, catalog: Catalog, owner: str,
                 storage: Storage, access: Access, addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        self.schema = Schema(
            self, "schema", catalog_name=catalog.name, name=plan.name, comment=plan.comment, owner=owner,
            storage_root=storage.root(names.container(plan.kind), plan.name),
            properties={"as_of_days": str(kept_days(plan.kind, stage))},
            force_destroy=not stage.keep_data, lifecycle=keeping(stage),
        )  # fmt: skip
        addresses.place(self.schema, plan.name, f"the {plan.kind.value[0]} zone {plan.name}")
        access.grant(f"schema_{plan.name}", plan.kind, source=plan.source, securable=self.schema.id)


class Warehouse(Construct):
    """The stage's catalog with all its zones, by name: there in its own workspace and, to be read, in its readers'."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, plans: Sequence[ZonePlan], principals: Principals,
                 storage: Storage, access: Access, bindings: Bindings, addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        owner = principals.application_ids[Principal.DEPLOY]
        # Owner and isolation are stated, so that a change behind terraform's back shows in the next plan.
        self.catalog = Catalog(
            self, "catalog", name=stage.catalog, comment=f"Machine learning of the CDC Data Hub, {stage.name} stage",
            owner=owner, isolation_mode="ISOLATED", storage_root=storage.root(CATALOG),
            force_destroy=not stage.keep_data, lifecycle=keeping(stage),
        )  # fmt: skip
        addresses.place(self.catalog, "cdh", "the catalog")
        access.grant("catalog_cdh", On.CATALOG, securable=self.catalog.name)
        bindings.bind("catalog_cdh", "catalog", self.catalog.name)
        for reader in stage.read_by:
            bindings.bind(f"catalog_cdh_{reader}", "catalog", self.catalog.name, to=reader)
        self.zones = {
            plan.name: Zone(self, plan.name, stage=stage, plan=plan, catalog=self.catalog, owner=owner, storage=storage,
                            access=access, addresses=addresses)
            for plan in plans
        }  # fmt: skip
