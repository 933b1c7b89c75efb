"""The catalog of a stage and the zones in it."""

from __future__ import annotations

from collections.abc import Sequence

from constructs import Construct

from infra import names
from infra.constructs.access import Access
from infra.constructs.lifecycle import keeping
from infra.constructs.principals import Principals
from infra.constructs.storage import Storage
from infra.inputs import Inputs
from infra.names import Addresses
from infra.providers import Catalog, Schema, WorkspaceBinding
from infra.roles import On, Principal
from infra.stages import Stage, StageName
from infra.storage import CATALOG
from infra.zones import ZonePlan, kept_days


class Zone(Construct):
    """A schema with its grants."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, plan: ZonePlan, catalog: Catalog, owner: str,
                 after: WorkspaceBinding, storage: Storage, access: Access, addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        self.schema = Schema(
            self, "schema", catalog_name=catalog.name, name=plan.name, comment=plan.comment, owner=owner,
            storage_root=storage.root(names.container(plan.kind), plan.name),
            properties={"as_of_days": str(kept_days(plan.kind, stage))},
            force_destroy=not stage.keep_data, lifecycle=keeping(stage), depends_on=[after],
        )  # fmt: skip
        addresses.place(self.schema, plan.name, f"the {plan.kind.value[0]} zone {plan.name}")
        access.grant(f"schema_{plan.name}", plan.kind, source=plan.source, securable=self.schema.id)


# Not proved here: that a stage can be destroyed whole, and made again. Why: whatever is bound to no workspace can be
# deleted here; a test holds the order. On Azure: `npx cdktf destroy dev`, then `deploy dev`, before dev is used.
class Warehouse(Construct):
    """The stage's catalog with all its zones, by name: there in its own workspace and, to be read, in its readers'.

    bindings: of the catalog, by address. Locations and credentials have none: the provider binds what it isolates to
    the workspace it works in, and a binding of ours would be destroyed before them; unseen, they cannot be deleted.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, inputs: Inputs, plans: Sequence[ZonePlan],
                 principals: Principals, storage: Storage, access: Access, addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        owner = principals.application_ids[Principal.DEPLOY]
        # Owner and isolation are stated, so that a change behind terraform's back shows in the next plan.
        self.catalog = Catalog(
            self, "catalog", name=stage.catalog, comment=f"Machine learning of the CDC Data Hub, {stage.name} stage",
            owner=owner, isolation_mode="ISOLATED", storage_root=storage.root(CATALOG),
            force_destroy=not stage.keep_data, lifecycle=keeping(stage),
        )  # fmt: skip
        addresses.place(self.catalog, "cdh", "the catalog")
        self.bindings: dict[str, WorkspaceBinding] = {}
        # What is in the catalog is destroyed while the workspace sees it; the catalog binds itself once more for that.
        own = self.bind("catalog_cdh", stage.name, inputs, addresses)
        access.grant("catalog_cdh", On.CATALOG, securable=self.catalog.name, after=own)
        for reader in stage.read_by:
            self.bind(f"catalog_cdh_{reader}", reader, inputs, addresses, mode="BINDING_TYPE_READ_ONLY")
        self.zones = {
            plan.name: Zone(self, plan.name, stage=stage, plan=plan, catalog=self.catalog, owner=owner, after=own,
                            storage=storage, access=access, addresses=addresses)
            for plan in plans
        }  # fmt: skip

    def bind(
        self, address: str, to: StageName, inputs: Inputs, addresses: Addresses, mode: str = "BINDING_TYPE_READ_WRITE"
    ) -> WorkspaceBinding:
        """Let a stage's workspace see the catalog."""
        made = self.bindings[address] = WorkspaceBinding(
            self, address, securable_name=self.catalog.name, securable_type="catalog", binding_type=mode,
            workspace_id=inputs.workspace_ids[to],
        )  # fmt: skip
        addresses.place(made, address, f"the binding {address}")
        return made
