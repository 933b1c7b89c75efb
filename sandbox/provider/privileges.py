"""Which privileges Unity Catalog takes on which securable.

Written from knowledge, to be checked against "Unity Catalog privileges reference" (docs.databricks.com/data-governance/
unity-catalog/access-control/privileges-reference), privilege model 1.0.

The provider passes every text on, so a wrong one is refused by the
service, at apply.  A privilege of a contained object may be granted on what contains it, and is inherited.
"""

from __future__ import annotations

from sandbox.provider.rules import paths

_EVERYWHERE = paths("ALL_PRIVILEGES MANAGE")
_TABLE = _EVERYWHERE | paths("APPLY_TAG MODIFY REFRESH SELECT")
_VOLUME = _EVERYWHERE | paths("APPLY_TAG READ_VOLUME WRITE_VOLUME")
_FUNCTION = _EVERYWHERE | paths("EXECUTE")
_MODEL = _FUNCTION | paths("APPLY_TAG CREATE_MODEL_VERSION")
_SCHEMA = (
    _TABLE
    | _VOLUME
    | _MODEL
    | paths(
        "CREATE_FUNCTION CREATE_MATERIALIZED_VIEW CREATE_MODEL CREATE_TABLE CREATE_VOLUME EXTERNAL_USE_SCHEMA"
        " USE_SCHEMA"
    )
)

# argument of databricks_grants -> privileges; securables that are not here are not checked
PRIVILEGES: dict[str, frozenset[str]] = {
    "catalog": _SCHEMA | paths("BROWSE CREATE_SCHEMA USE_CATALOG"),
    "schema": _SCHEMA,
    "table": _TABLE,
    "volume": _VOLUME,
    "function": _FUNCTION,
    "model": _MODEL,
    "external_location": _EVERYWHERE
    | paths(
        "BROWSE CREATE_EXTERNAL_TABLE CREATE_EXTERNAL_VOLUME CREATE_FOREIGN_SECURABLE CREATE_MANAGED_STORAGE"
        " EXTERNAL_USE_LOCATION READ_FILES WRITE_FILES"
    ),
    "metastore": paths(
        "CREATE_CATALOG CREATE_CLEAN_ROOM CREATE_CONNECTION CREATE_EXTERNAL_LOCATION CREATE_PROVIDER CREATE_RECIPIENT"
        " CREATE_SHARE CREATE_SERVICE_CREDENTIAL CREATE_STORAGE_CREDENTIAL MANAGE_ALLOWLIST SET_SHARE_PERMISSION"
        " USE_MARKETPLACE_ASSETS USE_CONNECTION USE_PROVIDER USE_RECIPIENT USE_SHARE"
    ),
    "storage_credential": _EVERYWHERE | paths("CREATE_EXTERNAL_LOCATION CREATE_EXTERNAL_TABLE READ_FILES WRITE_FILES"),
}

# what ALL_PRIVILEGES does not stand for
NOT_IMPLIED = paths("ALL_PRIVILEGES EXTERNAL_USE_LOCATION EXTERNAL_USE_SCHEMA MANAGE READ_METADATA")


def spelled(privilege: str) -> str:
    """``use catalog`` -> ``USE_CATALOG``: the provider takes both."""
    return privilege.upper().replace(" ", "_")
