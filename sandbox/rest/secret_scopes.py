"""Secret scopes and who may read them; the sandbox keeps no secret."""

from __future__ import annotations

from sandbox.rest.asking import DOCUMENTED, Ask, Object, Routes, missing
from sandbox.rest.translate import answer, attributes

ROUTES = Routes()
_SCOPE, _ACL = "databricks_secret_scope", "databricks_secret_acl"


@ROUTES.at("POST", "/api/2.0/secrets/scopes/create")
def create_scope(ask: Ask) -> Object:
    """Make a scope: a name; the sandbox keeps no secret."""
    name = ask.text("scope")
    ask.caller.need_admin(f"create the secret scope {name}")
    given = {"name": name, "initial_manage_principal": ask.body.get("initial_manage_principal")}
    vault = ask.body.get("backend_azure_keyvault") or ask.body.get("keyvault_metadata")
    block = ask.resources.block(_SCOPE)
    ask.resources.create(_SCOPE, attributes(block, given | ({"keyvault_metadata": vault} if vault else {})))
    return {}


@ROUTES.at("GET", "/api/2.0/secrets/scopes/list")
def scopes(ask: Ask) -> Object:
    """Every scope."""
    found = [answer(ask.resources.block(_SCOPE), item.body, without={"id"}) for item in ask.resources.list(_SCOPE)]
    return {"scopes": found} if found else {}


@ROUTES.at("POST", "/api/2.0/secrets/scopes/delete")
def delete_scope(ask: Ask) -> Object:
    """Remove a scope with who may read it."""
    name = ask.text("scope")
    ask.caller.need_admin(f"remove the secret scope {name}")
    ask.resources.remove(_SCOPE, name)
    for item in ask.resources.list(_ACL):
        if item.body["scope"] == name:
            ask.workspace.store.delete(_ACL, item.id)
    return {}


@ROUTES.at("POST", "/api/2.0/secrets/acls/put")
def put_acl(ask: Ask) -> Object:
    """Give a principal a permission on a scope."""
    scope, principal = ask.text("scope"), ask.text("principal")
    ask.caller.need_admin(f"give permissions on the secret scope {scope}")
    ask.resources.need(_SCOPE, scope)
    given = {"scope": scope, "principal": principal, "permission": ask.text("permission")}
    ask.resources.put(_ACL, f"{scope}|||{principal}", given)
    return {}


@ROUTES.at("GET", "/api/2.0/secrets/acls/get")
def get_acl(ask: Ask) -> Object:
    """The permission of one principal."""
    found = ask.resources.find(_ACL, f"{ask.text('scope')}|||{ask.text('principal')}")
    if found is None:
        raise missing("Permission of", ask.text("principal"))
    return {"principal": found.body["principal"], "permission": found.body["permission"]}


@ROUTES.at("GET", "/api/2.0/secrets/acls/list", DOCUMENTED)
def acls(ask: Ask) -> Object:
    """The permissions on a scope."""
    ask.resources.need(_SCOPE, ask.text("scope"))
    found = [item.body for item in ask.resources.list(_ACL) if item.body["scope"] == ask.text("scope")]
    return {"items": [{"principal": one["principal"], "permission": one["permission"]} for one in found]}


@ROUTES.at("POST", "/api/2.0/secrets/acls/delete")
def delete_acl(ask: Ask) -> Object:
    """Take a permission away."""
    ask.caller.need_admin(f"take permissions on the secret scope {ask.text('scope')} away")
    ask.resources.remove(_ACL, f"{ask.text('scope')}|||{ask.text('principal')}")
    return {}
