"""What Azure itself refuses to delete."""

from __future__ import annotations

from collections.abc import Mapping

from constructs import Construct

from infra.azure.providers import ManagementLock
from infra.azure.site import Site


class Locks(Construct):
    """locks: by what they are on; none in a stage that does not keep its data.

    terraform's own refusal guards against a plan; this one also against the portal and every other tool.
    """

    def __init__(self, scope: Construct, id_: str, *, site: Site, on: Mapping[str, str]) -> None:
        """on: address -> Azure id of a thing that holds data or evidence."""
        super().__init__(scope, id_)
        self.locks: dict[str, ManagementLock] = {}
        for address, target in on.items() if site.stage.keep_data else ():
            self.locks[address] = site.place(address, ManagementLock(
                self, address, name=site.name("lock", address), scope=target, lock_level="CanNotDelete",
                notes="Holds data or evidence. An owner of the subscription removes this lock, on paper first.",
            ))  # fmt: skip
