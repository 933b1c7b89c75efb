"""What a person would say they want to do, and which right on which kind of thing lets them.

Unity Catalog's part is its documentation's table of privileges; the levels of workspace objects are its list of
access control levels, from the least to the most.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

OWNER = "OWNER"

# A securable of Unity Catalog -> the securables it lies in, nearest first.
LIES_IN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "catalog": (),
        "schema": ("catalog",),
        "table": ("schema", "catalog"),
        "volume": ("schema", "catalog"),
        "model": ("schema", "catalog"),
        "external_location": (),
        "storage_credential": (),
    }
)
USAGE: Mapping[str, str] = MappingProxyType({"catalog": "USE_CATALOG", "schema": "USE_SCHEMA"})

# A workspace object -> its levels; a level includes those before it.
LEVELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "alert": ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"),
        "cluster-policy": ("CAN_USE",),
        "dashboard": ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"),
        "directory": ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"),
        "endpoint": ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"),
        "experiment": ("CAN_READ", "CAN_EDIT", "CAN_MANAGE"),
        "job": ("CAN_VIEW", "CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"),
        "secret-scope": ("READ", "WRITE", "MANAGE"),
        # "View warehouse monitoring tab" and the queries of others: not by CAN_USE.
        "warehouse": ("CAN_VIEW", "CAN_USE", "CAN_MONITOR", "CAN_MANAGE", "IS_OWNER"),
    }
)

# The entitlements of a group or a service principal on the workspace: attributes that are true or false.
ENTITLEMENTS = (
    "allow_cluster_create", "allow_instance_pool_create", "databricks_sql_access", "workspace_access",
    "workspace_consume",
)  # fmt: skip

# What identifies the object in databricks_permissions -> its kind.
TARGETS: Mapping[str, str] = MappingProxyType(
    {
        "alert_v2_id": "alert",
        "cluster_policy_id": "cluster-policy",
        "dashboard_id": "dashboard",
        "directory_id": "directory",
        "directory_path": "directory",
        "experiment_id": "experiment",
        "job_id": "job",
        "serving_endpoint_id": "endpoint",
        "sql_endpoint_id": "warehouse",
    }
)

# fmt: off
VERBS: Mapping[str, Mapping[str, str]] = MappingProxyType({
    "find": {"catalog": "BROWSE", "external_location": "BROWSE"},
    "use": {"catalog": "USE_CATALOG", "schema": "USE_SCHEMA", "cluster-policy": "CAN_USE", "warehouse": "CAN_USE"},
    "read": {"table": "SELECT", "volume": "READ_VOLUME", "secret-scope": "READ", "external_location": "READ_FILES",
             "storage_credential": "READ_FILES"},
    "view": {"job": "CAN_VIEW", "experiment": "CAN_READ", "directory": "CAN_READ", "dashboard": "CAN_READ",
             "endpoint": "CAN_VIEW", "warehouse": "CAN_VIEW", "alert": "CAN_READ"},
    "write": {"table": "MODIFY", "volume": "WRITE_VOLUME", "experiment": "CAN_EDIT", "directory": "CAN_EDIT",
              "dashboard": "CAN_EDIT", "alert": "CAN_EDIT", "secret-scope": "WRITE", "external_location": "WRITE_FILES",
              "storage_credential": "WRITE_FILES"},
    "create": {"schema": "CREATE_TABLE", "external_location": "CREATE_EXTERNAL_VOLUME",
               "storage_credential": "CREATE_EXTERNAL_LOCATION"},
    "create-cluster": {"workspace": "allow_cluster_create"},
    "create-foreign": {"external_location": "CREATE_FOREIGN_SECURABLE"},
    "create-function": {"schema": "CREATE_FUNCTION"},
    "create-model": {"schema": "CREATE_MODEL"},
    "create-pool": {"workspace": "allow_instance_pool_create"},
    "create-schema": {"catalog": "CREATE_SCHEMA"},
    "create-table": dict.fromkeys(("external_location", "storage_credential"), "CREATE_EXTERNAL_TABLE"),
    "create-view": {"schema": "CREATE_MATERIALIZED_VIEW"},
    "create-volume": {"schema": "CREATE_VOLUME"},
    "refresh": {"table": "REFRESH"},
    "use-outside": {"schema": "EXTERNAL_USE_SCHEMA", "external_location": "EXTERNAL_USE_LOCATION"},
    "store": {"external_location": "CREATE_MANAGED_STORAGE"},
    "register": {"model": "CREATE_MODEL_VERSION"},
    "tag": {"catalog": "APPLY_TAG", "schema": "APPLY_TAG", "table": "APPLY_TAG", "volume": "APPLY_TAG",
            "model": "APPLY_TAG"},
    "execute": {"model": "EXECUTE", "endpoint": "CAN_QUERY"},
    "run": {"job": "CAN_MANAGE_RUN", "directory": "CAN_RUN", "dashboard": "CAN_RUN", "alert": "CAN_RUN"},
    "monitor": {"warehouse": "CAN_MONITOR"},
    "open": {"workspace": "workspace_access"},
    "query": {"workspace": "databricks_sql_access"},
    "consume": {"workspace": "workspace_consume"},
    # Unity Catalog lets nobody but its owner set an alias of a model.
    "set-alias": {"model": OWNER},
    "manage": {**dict.fromkeys(LIES_IN, "MANAGE"), "job": "CAN_MANAGE", "experiment": "CAN_MANAGE",
               "directory": "CAN_MANAGE", "dashboard": "CAN_MANAGE", "endpoint": "CAN_MANAGE",
               "warehouse": "CAN_MANAGE", "alert": "CAN_MANAGE", "secret-scope": "MANAGE"},
    "own": {**dict.fromkeys((one for one in LIES_IN if one != "table"), OWNER), "job": "IS_OWNER",
            "warehouse": "IS_OWNER"},
})
# fmt: on


def includes(kind: str, level: str, needed: str) -> bool:
    """Whether a right on a kind of thing gives another: a level includes the lesser ones, a privilege only itself."""
    known = LEVELS.get(kind)
    if known is None:
        return level == needed
    return level in known and needed in known and known.index(level) >= known.index(needed)
