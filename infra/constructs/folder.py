"""Folders of the workspace, which every experiment, alert and dashboard is made in: nothing makes a missing one."""

from __future__ import annotations

from constructs import Construct

from infra import names
from infra.constructs.access import Access
from infra.names import Addresses
from infra.providers import Directory
from infra.roles import On
from infra.stages import Stage


class Folder(Construct):
    """directory: one folder with its permissions. path: where it is, known once it is there."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, on: On, path: str, access: Access,
                 addresses: Addresses, inside: Folder | None = None) -> None:  # fmt: skip
        super().__init__(scope, id_)
        self.directory: Directory = Directory(
            self, "directory", path=path, delete_recursive=not stage.keep_data,
            depends_on=[inside.directory] if inside else None,
        )  # fmt: skip
        # The path is asked for after the address is set: a reference keeps the address that it first had.
        addresses.place(self.directory, id_, f"the folder {path}")
        self.path: str = self.directory.path
        access.permit(f"folder_{id_}", on, directory_path=self.path)


class Folders(Construct):
    """experiments, and inside it status, alerts, monitors: the tree below the shared folder of the platform."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, access: Access, addresses: Addresses) -> None:
        super().__init__(scope, id_)
        self.experiments = top = Folder(
            self, "cdh", stage=stage, on=On.FOLDER, path=names.FOLDER, access=access, addresses=addresses
        )
        self.status, self.alerts, self.monitors = (
            Folder(self, address, stage=stage, on=on, path=path, access=access, addresses=addresses, inside=top)
            for address, on, path in (
                ("status", On.STATUS, names.STATUS_FOLDER),
                ("alerts", On.ALERTS, names.ALERTS_FOLDER),
                ("monitors", On.MONITORS, names.MONITORS_FOLDER),
            )
        )
