"""Every resource type that the REST door keeps: those of the plugin door, and those that it only stores."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.provider.kinds import Context, Kind, fill
from sandbox.provider.registry import KINDS as MODELLED
from sandbox.provider.values import Object
from sandbox.store import new_hex, new_uuid


class Stored(Kind):
    """A resource that is stored and does nothing; ``identity`` gives its id and may fill what is computed."""

    def __init__(self, noun: str, identity: Callable[[Context, Object], str], *, overwrites: bool = False) -> None:
        self.noun, self._identity, self.overwrites = noun, identity, overwrites

    def identify(self, context: Context, body: Object) -> str:
        """As it was made to."""
        return self._identity(context, body)


def _numbered(counter: str, **computed: str) -> Callable[[Context, Object], str]:
    """A number; ``computed``: attributes that hold it too."""

    def identity(context: Context, body: Object) -> str:
        number = str(context.workspace.store.number(counter))
        fill(body, **dict.fromkeys(computed.values(), number))
        return number

    return identity


def _named(*names: str, between: str = "|") -> Callable[[Context, Object], str]:
    """The values of these attributes."""
    return lambda _, body: between.join(str(body[name]) for name in names)


def _owned(context: Context, body: Object) -> str:
    fill(body, owner=context.deployer, isolation_mode="ISOLATION_MODE_OPEN")
    return str(body["name"])


def _credential(context: Context, body: Object) -> str:
    fill(body, storage_credential_id=new_uuid())
    return _owned(context, body)


def _location(context: Context, body: Object) -> str:
    credential = context.need("databricks_storage_credential", body["credential_name"], "Storage credential")
    fill(body, credential_id=credential.get("storage_credential_id"))
    return _owned(context, body)


def _endpoint(_: Context, body: Object) -> str:
    fill(body, serving_endpoint_id=new_hex().lower())
    return str(body["name"])


def _scope(_: Context, body: Object) -> str:
    fill(body, backend_type="DATABRICKS")
    return str(body["name"])


def _workspace_file(context: Context, body: Object) -> str:
    fill(body, object_id=context.workspace.store.number("object"))
    return str(body["path"])


def _uuid(_: Context, body: Object) -> str:
    fill(body, lifecycle_state="ACTIVE")
    return new_uuid()


_STORED: dict[str, Kind] = {
    "databricks_alert": Stored("alert", _uuid),
    "databricks_external_location": Stored("external location", _location),
    "databricks_group": Stored("group", _numbered("principal")),
    "databricks_group_member": Stored("group member", _named("group_id", "member_id")),
    "databricks_instance_pool": Stored("instance pool", _numbered("pool", same="instance_pool_id")),
    "databricks_model_serving": Stored("serving endpoint", _endpoint),
    "databricks_notification_destination": Stored("notification destination", _numbered("destination")),
    "databricks_quality_monitor": Stored("monitor", _named("table_name")),
    "databricks_query": Stored("query", _uuid),
    "databricks_secret_acl": Stored("secret acl", _named("scope", "principal", between="|||"), overwrites=True),
    "databricks_secret_scope": Stored("secret scope", _scope),
    "databricks_sql_endpoint": Stored("SQL warehouse", _numbered("warehouse")),
    "databricks_storage_credential": Stored("storage credential", _credential),
    "databricks_workspace_file": Stored("workspace file", _workspace_file, overwrites=True),
}

# What the plugin door models stands for both doors; the rest is stored until it does.
KINDS: dict[str, Kind] = _STORED | MODELLED
