"""Who asks, and what they may: privileges of Unity Catalog, levels of workspace objects, administrators."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from sandbox import privileges
from sandbox.privileges import Privileges, Securable
from sandbox.rest.asking import denied
from sandbox.rest.tokens import ADMINS, Principal
from sandbox.store import Store

# From the least to the most, over all kinds of objects: each includes those before it that the object knows.
_LEVELS = (
    "CAN_VIEW", "CAN_READ", "CAN_USE", "CAN_QUERY", "CAN_ATTACH_TO", "CAN_RUN", "CAN_RESTART", "CAN_MONITOR",
    "CAN_MANAGE_RUN", "CAN_EDIT", "CAN_MANAGE_STAGING_VERSIONS", "CAN_MANAGE_PRODUCTION_VERSIONS", "CAN_MANAGE",
    "IS_OWNER",
)  # fmt: skip


class Caller:
    """One principal during one request: what the store says now."""

    def __init__(self, principal: Principal, store: Store, groups: Mapping[str, frozenset[str]]) -> None:
        self.principal, self._store, self._groups = principal, store, groups

    @property
    def name(self) -> str:
        """How grants and permissions name the principal."""
        return self.principal.name

    @property
    def admin(self) -> bool:
        """Whether it is in the group of the workspace's administrators."""
        return ADMINS in self.names

    @cached_property
    def privileges(self) -> Privileges:
        """The stored grants with all memberships."""
        return privileges.stored(self._store, self._groups)

    @cached_property
    def names(self) -> frozenset[str]:
        """The principal and its groups."""
        return self.privileges.names(self.name)

    def need(self, privilege: str, on: Securable) -> None:
        """PERMISSION_DENIED in Unity Catalog's words when the privilege is missing."""
        lacks = self.privileges.missing(self.name, privilege, on)
        if lacks:
            raise denied(str(lacks))

    def need_management(self, on: Securable) -> None:
        """PERMISSION_DENIED unless an administrator, an owner, or with MANAGE."""
        if not (self.admin or self.privileges.may_manage(self.name, on)):
            raise denied(f"User does not have MANAGE on {on}.")

    def sees(self, privilege: str, on: Securable) -> bool:
        """Whether it may know of a securable: by its own privilege, by BROWSE, or because it manages it."""
        return (
            self.admin
            or self.privileges.holds(self.name, privilege, on)
            or self.privileges.holds(self.name, "BROWSE", on)
            or self.privileges.may_manage(self.name, on)
        )

    def need_admin(self, what: str) -> None:
        """PERMISSION_DENIED unless an administrator."""
        if not self.admin:
            raise denied(f"{self.principal.label} cannot {what}: only an administrator of the workspace can.")

    def has_level(self, object_id: str, level: str) -> bool:
        """Whether the permissions of an object (``/jobs/1001``) give at least ``level``."""
        if self.admin:
            return True
        found = self._store.read("databricks_permissions", object_id)
        return any(
            _LEVELS.index(str(entry["permission_level"])) >= _LEVELS.index(level)
            for entry in (found.body.get("access_control") or [] if found else [])
            if {entry.get(key) for key in ("user_name", "group_name", "service_principal_name")} & self.names
        )

    def need_level(self, object_id: str, level: str) -> None:
        """PERMISSION_DENIED that names object and level."""
        if not self.has_level(object_id, level):
            raise denied(f"User {self.principal.label} does not have {level} permission on {object_id}.")
