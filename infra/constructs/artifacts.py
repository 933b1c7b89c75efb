"""The volumes of the `ml` zone, and on one of them everything that a task needs."""

from __future__ import annotations

from cdktf import TerraformResourceLifecycle
from constructs import Construct

from infra import names
from infra.constructs.access import Access
from infra.constructs.lifecycle import keeping
from infra.constructs.principals import Principals
from infra.constructs.storage import Storage
from infra.constructs.warehouse import Warehouse
from infra.delivery import Delivery
from infra.names import Addresses
from infra.providers import File, Volume
from infra.roles import On, Principal
from infra.stages import Stage


class Artifacts(Construct):
    """volumes: by name. wheel, requirements (by cluster), declarations (by name): the delivered files; paths: of each
    file by its address, as a reference.

    Sources are relative to the stack's folder, where terraform runs: the plan knows no path of any machine.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, delivery: Delivery, dist: str, storage: Storage,
                 warehouse: Warehouse, principals: Principals, access: Access,
                 addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        self.stage, self.dist, self.addresses = stage, dist, addresses
        self.volumes: dict[str, Volume] = {}
        # Every task asks for these; a reference is made once, since each is a call to jsii.
        self.paths: dict[str, str] = {}
        purposes = {
            names.ARTIFACTS: (On.ARTIFACTS, "Wheels, lock files and declarations, each named by its hash"),
            names.CHECKPOINTS: (On.CHECKPOINTS, "How far a stream has been read"),
            names.EXPORTS: (On.EXPORTS, "What leaves the platform; files leave after 90 days"),
            names.LANDING: (On.LANDING, "Where sources are delivered"),
        }
        for name, (on, comment) in purposes.items():
            # What the lake's lifecycle cools or deletes by age lies in a container of its own, apart from tables.
            root = storage.root(name, name) if name in storage.locations else None
            volume = self.volumes[name] = Volume(
                self, name, catalog_name=warehouse.catalog.name, schema_name=warehouse.zones[names.ML].schema.name,
                name=name, volume_type="MANAGED" if root is None else "EXTERNAL", storage_location=root,
                comment=comment, owner=principals.application_ids[Principal.DEPLOY], lifecycle=keeping(stage),
            )  # fmt: skip
            addresses.place(volume, name, f"the volume {name}")
            access.grant(f"volume_{name}", on, securable=volume.id)
        self.wheel = self.file("wheel", delivery.wheel_path)
        self.requirements = {
            cluster: self.file(f"requirements_{cluster}", path) for cluster, path in delivery.requirements_paths.items()
        }
        self.declarations = {
            declared: self.file(f"declaration_{declared}", path)
            for declared, path in delivery.declaration_paths.items()
        }

    def file(self, address: str, path: str) -> File:
        """One delivered file. A new version is there before its jobs change, and the old one leaves after."""
        made = File(
            self,
            address,
            path=f"{names.volume(self.stage, names.ARTIFACTS)}/{path}",
            source=f"{self.dist}/{path}",
            depends_on=[self.volumes[names.ARTIFACTS]],
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        self.addresses.place(made, address, f"the delivered file {address}")
        self.paths[address] = made.path
        return made
