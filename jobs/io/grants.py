"""Privileges on a zone, given and taken through the workspace's own door."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient


def workspace_client() -> WorkspaceClient:
    """The official client, as the principal that runs the task."""
    from databricks.sdk import WorkspaceClient

    return WorkspaceClient()


class Grants:
    """What one principal has on zones, beside what is deployed; the next deployment takes what is still there."""

    def __init__(self, client: Callable[[], WorkspaceClient] = workspace_client) -> None:
        self._client = client

    def give(self, zone: str, principal: str, privileges: Sequence[str]) -> None:
        """Add privileges on `catalog.schema`."""
        self._change(zone, principal, add=privileges)

    def take(self, zone: str, principal: str, privileges: Sequence[str]) -> None:
        """Remove privileges on `catalog.schema`."""
        self._change(zone, principal, remove=privileges)

    def _change(self, zone: str, principal: str, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        from databricks.sdk.service.catalog import PermissionsChange, Privilege

        change = PermissionsChange(
            principal=principal, add=[Privilege(one) for one in add], remove=[Privilege(one) for one in remove]
        )
        self._client().grants.update("schema", zone, changes=[change])
