"""Groups and their members, secret scopes and who may read them, where notifications go."""

from __future__ import annotations

from sandbox.errors import ServiceError
from sandbox.provider.kinds import Context, Kind, fill
from sandbox.provider.values import Object

_PERMISSIONS = ("MANAGE", "WRITE", "READ")


class Group(Kind):
    """A group of the workspace; the roles' groups come from Entra and are never created by a stage."""

    noun = "group"
    takes_all = True

    def identify(self, context: Context, body: Object) -> str:
        """A number; the name is taken once."""
        name = body["display_name"]
        if name in {item.body["display_name"] for item in context.workspace.store.list("databricks_group")}:
            raise ServiceError("RESOURCE_ALREADY_EXISTS", f"Group with name {name} already exists.")
        id_ = str(context.workspace.store.number("principal"))
        fill(body, acl_principal_id=f"groups/{name}", url=f"sandbox://{context.workspace.name}/groups/{id_}")
        return id_


class GroupMember(Kind):
    """That a user, a service principal or a group is in a group."""

    noun = "group member"
    takes_all = True

    def identify(self, context: Context, body: Object) -> str:
        """``<group id>|<member id>``."""
        context.need("databricks_group", body["group_id"], "Group")
        return f"{body['group_id']}|{body['member_id']}"

    def present(self, context: Context, body: Object) -> Object | None:
        """Gone with its group."""
        return body if context.workspace.store.read("databricks_group", body["group_id"]) else None


class SecretScope(Kind):
    """A secret scope: its name; the sandbox keeps no secret."""

    noun = "secret scope"

    def identify(self, context: Context, body: Object) -> str:
        """Its name."""
        if context.workspace.store.read("databricks_secret_scope", body["name"]):
            raise ServiceError("RESOURCE_ALREADY_EXISTS", f"Scope {body['name']} already exists!")
        fill(body, backend_type="AZURE_KEYVAULT" if body.get("keyvault_metadata") else "DATABRICKS")
        return str(body["name"])

    def remove(self, context: Context, body: Object) -> None:
        """With its access list, as the service does."""
        for id_ in context.names("databricks_secret_acl", f"{body['name']}|||"):
            context.workspace.store.delete("databricks_secret_acl", id_)


class SecretAcl(Kind):
    """The permission of one principal on one scope."""

    noun = "secret acl"
    takes_all = True
    overwrites = True

    def identify(self, context: Context, body: Object) -> str:
        """``<scope>|||<principal>``; the permission is the service's to check, not the provider's."""
        context.need("databricks_secret_scope", body["scope"], "Scope")
        if body["permission"] not in _PERMISSIONS:
            message = f"permission '{body['permission']}' is unknown; valid: {', '.join(_PERMISSIONS)}"
            raise ServiceError("INVALID_PARAMETER_VALUE", message)
        return f"{body['scope']}|||{body['principal']}"


class NotificationDestination(Kind):
    """Where messages go; the secrets of its configuration are never given back by the service."""

    noun = "notification destination"

    def identify(self, context: Context, body: Object) -> str:
        """A number, and the kind of its one configuration."""
        given = [name for name, value in (body["config"] or [{}])[0].items() if value]
        fill(body, destination_type=given[0].removeprefix("generic_").upper() if given else None)
        return str(context.workspace.store.number("destination"))
