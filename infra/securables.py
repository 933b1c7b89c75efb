"""What can be granted on what. The provider passes unknown privileges through, so the check is ours."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from workflows.errors import DeclarationError

# Unity Catalog: learn.microsoft.com/azure/databricks/data-governance/unity-catalog/manage-privileges/privileges.
# ALL_PRIVILEGES is left out on purpose: the service expands it, and the plan never comes to rest.
PRIVILEGES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "catalog": frozenset({"BROWSE", "USE_CATALOG"}),
        "external_location": frozenset({"CREATE_EXTERNAL_VOLUME", "CREATE_MANAGED_STORAGE"}),
        "schema": frozenset({"APPLY_TAG", "CREATE_TABLE", "MODIFY", "SELECT", "USE_SCHEMA"}),
        "storage_credential": frozenset({"CREATE_EXTERNAL_LOCATION"}),
        "volume": frozenset({"READ_VOLUME", "WRITE_VOLUME"}),
        "model": frozenset({"APPLY_TAG", "CREATE_MODEL_VERSION", "EXECUTE", "MANAGE"}),
        # Entitlements of a group on its workspace. Those that make compute are left out on purpose: nobody has them.
        "workspace": frozenset({"databricks_sql_access", "workspace_access", "workspace_consume"}),
    }
)

# Workspace objects: databricks_permissions, from the least to the most that a level allows.
LEVELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "job": ("CAN_VIEW", "CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"),
        "experiment": ("CAN_READ", "CAN_EDIT", "CAN_MANAGE"),
        "directory": ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"),
        "cluster-policy": ("CAN_USE",),
        "dashboard": ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"),
        "endpoint": ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"),
        # Of secret scopes, databricks_secret_acl.
        "secret-scope": ("READ", "WRITE", "MANAGE"),
        # "View warehouse monitoring tab" and the queries of others: not by CAN_USE.
        "warehouse": ("CAN_VIEW", "CAN_USE", "CAN_MONITOR", "CAN_MANAGE", "IS_OWNER"),
    }
)


def checked_right(securable: str, right: str, owner: str) -> str:
    """`right` if it exists for the kind of thing it is granted on."""
    valid = sorted(PRIVILEGES[securable]) if securable in PRIVILEGES else LEVELS[securable]
    if right not in valid:
        raise DeclarationError(owner, f"right on a {securable}", right, valid, "infra/roles.py")
    return right


def strongest(securable: str, levels: tuple[str, ...]) -> str:
    """The level that includes the others; a principal has one level on an object."""
    return max(levels, key=LEVELS[securable].index)
