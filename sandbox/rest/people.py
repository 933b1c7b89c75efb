"""Who is there: the caller, service principals, groups and their members (SCIM)."""

from __future__ import annotations

import re
import uuid

from werkzeug.wrappers import Response

from sandbox.rest.asking import DOCUMENTED, Ask, Object, Routes, invalid, json_answer
from sandbox.rest.unity import WORKSPACE_ID
from sandbox.store import Resource

ROUTES = Routes()
_SCIM = "/api/2.0/preview/scim/v2"
_GROUP, _MEMBER, _PRINCIPAL = "databricks_group", "databricks_group_member", "databricks_service_principal"
_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:"
_MEMBER_PATH = re.compile(r'members\[value eq "([^"]+)"\]')
# SCIM's word for an entitlement -> terraform's attribute
ENTITLEMENTS = {
    "allow-cluster-create": "allow_cluster_create",
    "allow-instance-pool-create": "allow_instance_pool_create",
    "databricks-sql-access": "databricks_sql_access",
    "workspace-access": "workspace_access",
    "workspace-consume": "workspace_consume",
}


@ROUTES.at("GET", f"{_SCIM}/Me")
def me(ask: Ask) -> Response:
    """The caller with its groups."""
    principal = ask.caller.principal
    ids = {item.body["display_name"]: item.id for item in ask.resources.list(_GROUP)}
    groups = [
        {"display": name, "value": ids.get(name, _number(name))}
        for name in sorted(ask.caller.names - {principal.name, "account users"})
    ]
    told = {
        "id": _number(principal.name),
        "userName": principal.name,
        "displayName": principal.label,
        "active": True,
        "groups": groups,
    }
    response = json_answer(told)
    response.headers["X-Databricks-Org-Id"] = str(WORKSPACE_ID)
    return response


def _number(name: str) -> str:
    """A number for who is known by name only; the same every time."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name).int >> 75)


def _principal(ask: Ask, found: Resource) -> Object:
    told: Object = {
        "schemas": [_SCHEMA + "ServicePrincipal"],
        "id": found.id,
        "applicationId": found.body["application_id"],
        "displayName": found.body["display_name"],
        "active": bool(found.body["active"]),
        "entitlements": _entitlements(found),
    }
    if found.body.get("external_id"):
        told["externalId"] = found.body["external_id"]
    names = ask.caller.privileges.groups.get(str(found.body["application_id"]), frozenset())
    groups = [item for item in ask.resources.list(_GROUP) if item.body["display_name"] in names]
    if groups:
        told["groups"] = [{"display": item.body["display_name"], "value": item.id} for item in groups]
    return told


def _entitlements(found: Resource) -> list[Object]:
    return [{"value": word} for word, attribute in ENTITLEMENTS.items() if found.body.get(attribute)]


def _given(body: Object) -> Object:
    """Terraform's attributes of a SCIM body."""
    words = {str(one["value"]) for one in body.get("entitlements") or [] if one.get("value") is not None}
    unknown = words - ENTITLEMENTS.keys()
    if unknown:
        raise invalid(f"entitlement '{min(unknown)}' is unknown; valid: {', '.join(ENTITLEMENTS)}")
    given: Object = {attribute: word in words for word, attribute in ENTITLEMENTS.items()}
    names = {"displayName": "display_name", "externalId": "external_id", "applicationId": "application_id"}
    given |= {ours: body[theirs] for theirs, ours in names.items() if body.get(theirs) is not None}
    return given


@ROUTES.at("POST", f"{_SCIM}/ServicePrincipals")
def create_principal(ask: Ask) -> Response:
    """Make a service principal; it has a token from now on."""
    ask.caller.need_admin("create a service principal")
    made = ask.resources.create(_PRINCIPAL, _given(ask.body) | {"active": ask.body.get("active", True)})
    ask.tokens.issue()
    return json_answer(_principal(ask, ask.resources.need(_PRINCIPAL, str(made["id"]))), 201)


@ROUTES.at("GET", f"{_SCIM}/ServicePrincipals", DOCUMENTED)
def principals(ask: Ask) -> Object:
    """Every service principal; a filter ``applicationId eq "..."`` or ``displayName eq "..."`` is applied."""
    found = [_principal(ask, item) for item in ask.resources.list(_PRINCIPAL)]
    return _listed(ask, _filtered(ask, found))


@ROUTES.at("GET", f"{_SCIM}/ServicePrincipals/<id_>")
def get_principal(ask: Ask, id_: str) -> Object:
    """One service principal."""
    return _principal(ask, ask.resources.need(_PRINCIPAL, id_))


@ROUTES.at("PUT", f"{_SCIM}/ServicePrincipals/<id_>")
def put_principal(ask: Ask, id_: str) -> Object:
    """Change it; its application id stays."""
    ask.caller.need_admin("change a service principal")
    given = _given(ask.body) | {"active": ask.body.get("active", True)}
    given.pop("application_id", None)
    ask.resources.change(_PRINCIPAL, id_, given)
    return _principal(ask, ask.resources.need(_PRINCIPAL, id_))


@ROUTES.at("DELETE", f"{_SCIM}/ServicePrincipals/<id_>")
def delete_principal(ask: Ask, id_: str) -> Response:
    """Remove it; its token ends with it."""
    ask.caller.need_admin("remove a service principal")
    ask.resources.remove(_PRINCIPAL, id_)
    return Response(status=204)


def _group(ask: Ask, found: Resource) -> Object:
    told: Object = {
        "schemas": [_SCHEMA + "Group"],
        "id": found.id,
        "displayName": found.body["display_name"],
        "entitlements": _entitlements(found),
        "members": [
            {"value": item.body["member_id"]}
            for item in ask.resources.list(_MEMBER)
            if str(item.body["group_id"]) == found.id
        ],
    }
    if found.body.get("external_id"):
        told["externalId"] = found.body["external_id"]
    return told


@ROUTES.at("POST", f"{_SCIM}/Groups")
def create_group(ask: Ask) -> Response:
    """Make a group of the workspace."""
    ask.caller.need_admin("create a group")
    made = ask.resources.create(_GROUP, _given(ask.body))
    return json_answer(_group(ask, ask.resources.need(_GROUP, str(made["id"]))), 201)


@ROUTES.at("GET", f"{_SCIM}/Groups", DOCUMENTED)
def groups(ask: Ask) -> Object:
    """Every group of the workspace; the roles' groups are the account's and not among them."""
    return _listed(ask, _filtered(ask, [_group(ask, item) for item in ask.resources.list(_GROUP)]))


@ROUTES.at("GET", f"{_SCIM}/Groups/<id_>")
def get_group(ask: Ask, id_: str) -> Object:
    """One group with its members."""
    return _group(ask, ask.resources.need(_GROUP, id_))


@ROUTES.at("PATCH", f"{_SCIM}/Groups/<id_>")
def patch_group(ask: Ask, id_: str) -> Object:
    """Add and remove members."""
    ask.resources.need(_GROUP, id_)
    ask.caller.need_admin("change the members of a group")
    for one in ask.objects("Operations"):
        path, values = str(one.get("path", "")), one.get("value") or []
        if one.get("op") == "add" and path == "members" and isinstance(values, list):
            for value in values:
                if not ask.resources.find(_MEMBER, f"{id_}|{value['value']}"):
                    ask.resources.create(_MEMBER, {"group_id": id_, "member_id": str(value["value"])})
        elif one.get("op") == "remove" and (member := _MEMBER_PATH.fullmatch(path)):
            ask.workspace.store.delete(_MEMBER, f"{id_}|{member[1]}")
        else:
            raise invalid(
                f"operation {one.get('op')} on '{path}' is not known; valid: add members, remove members[value eq ...]"
            )
    return _group(ask, ask.resources.need(_GROUP, id_))


@ROUTES.at("DELETE", f"{_SCIM}/Groups/<id_>")
def delete_group(ask: Ask, id_: str) -> Response:
    """Remove a group with its memberships."""
    ask.caller.need_admin("remove a group")
    ask.resources.remove(_GROUP, id_)
    for item in ask.resources.list(_MEMBER):
        if str(item.body["group_id"]) == id_:
            ask.workspace.store.delete(_MEMBER, item.id)
    return Response(status=204)


def _filtered(ask: Ask, found: list[Object]) -> list[Object]:
    text = ask.query.get("filter", "")
    if not text:
        return found
    asked = re.fullmatch(r'(applicationId|displayName)\s+eq\s+"?([^"]*)"?', text.strip())
    if not asked:
        raise invalid(f'filter \'{text}\' is not known; valid: applicationId eq "...", displayName eq "..."')
    return [one for one in found if str(one.get(asked[1])) == asked[2]]


def _listed(ask: Ask, found: list[Object]) -> Object:
    """A page of SCIM: ``count`` entries from ``startIndex`` (from 1) on; clients ask until one is empty."""
    start = max(1, ask.number("startIndex", 1))
    shown = found[start - 1 : start - 1 + ask.number("count", 100)]
    return {"Resources": shown, "totalResults": len(found), "itemsPerPage": len(shown), "startIndex": start}
