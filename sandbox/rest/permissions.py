"""Levels of principals on workspace objects, and who may use a service principal."""

from __future__ import annotations

from sandbox.provider.behaviour import PERMISSION_LEVELS, PRINCIPALS
from sandbox.rest.asking import DOCUMENTED, Ask, Object, Routes, invalid
from sandbox.rest.translate import answer, attributes

ROUTES = Routes()
_TYPE = "databricks_permissions"
# kind of object in a path -> (argument of databricks_permissions, what the API calls the object)
_OBJECTS = {
    kind: (argument, {"experiments": "mlflowExperiment", "sql/warehouses": "warehouses"}.get(kind, ""))
    for argument, (kind, _) in PERMISSION_LEVELS.items()
    if not argument.endswith("_path")
}
# the objects that must exist before anything is permitted on them
_KEPT = {"jobs": "databricks_job", "cluster-policies": "databricks_cluster_policy"}


def _parts(path: str) -> tuple[str, str]:
    kind, _, id_ = path.rpartition("/")
    if kind not in _OBJECTS or not id_:
        raise invalid(f"'{kind}' is no kind of object with permissions; valid: {', '.join(sorted(_OBJECTS))}")
    return kind, id_


def _entries(ask: Ask, path: str) -> list[Object]:
    found = ask.workspace.store.read(_TYPE, f"/{path}")
    return list(found.body.get("access_control") or []) if found else []


def _told(path: str, entries: list[Object]) -> Object:
    kind = _parts(path)[0]
    singular = kind[:-3] + "y" if kind.endswith("ies") else kind.removesuffix("s")
    shown = []
    for entry in entries:
        who = {name: entry[name] for name in PRINCIPALS if entry.get(name)}
        level = {"permission_level": entry["permission_level"], "inherited": False}
        shown.append(who | {"all_permissions": [level]})
    return {"object_id": f"/{path}", "object_type": _OBJECTS[kind][1] or singular, "access_control_list": shown}


@ROUTES.at("GET", "/api/2.0/permissions/<path:path>")
def get(ask: Ask, path: str) -> Object:
    """Who has which level."""
    kind, id_ = _parts(path)
    if kind in _KEPT:
        ask.resources.need(_KEPT[kind], id_)
    return _told(path, _entries(ask, path))


def _set(ask: Ask, path: str, entries: list[Object]) -> Object:
    kind, id_ = _parts(path)
    if kind in _KEPT:
        ask.resources.need(_KEPT[kind], id_)
    ask.caller.need_level(f"/{path}", "CAN_MANAGE")
    levels = PERMISSION_LEVELS[_OBJECTS[kind][0]][1]
    for entry in entries:
        level = entry.get("permission_level")
        if level not in levels:
            raise invalid(f"permission_level '{level}' is not valid for {kind}; valid: {', '.join(levels)}")
        if len([name for name in PRINCIPALS if entry.get(name)]) != 1:
            raise invalid(f"each entry needs exactly one of {', '.join(PRINCIPALS)}")
    if not entries:
        ask.workspace.store.delete(_TYPE, f"/{path}")
        return _told(path, [])
    given = {_OBJECTS[kind][0]: id_, "access_control": entries}
    ask.resources.put(_TYPE, f"/{path}", attributes(ask.resources.block(_TYPE), given))
    return _told(path, _entries(ask, path))


@ROUTES.at("PUT", "/api/2.0/permissions/<path:path>")
def put(ask: Ask, path: str) -> Object:
    """Set all levels."""
    return _set(ask, path, ask.objects("access_control_list"))


@ROUTES.at("PATCH", "/api/2.0/permissions/<path:path>", DOCUMENTED)
def patch(ask: Ask, path: str) -> Object:
    """Set the levels of some principals, leave the others."""
    given = ask.objects("access_control_list")
    named = [{one.get(name) for name in PRINCIPALS} - {None} for one in given]
    kept = [one for one in _entries(ask, path) if {one.get(name) for name in PRINCIPALS} - {None} not in named]
    return _set(ask, path, [*kept, *given])


_RULES = "databricks_access_control_rule_set"


@ROUTES.at("GET", "/api/2.0/preview/accounts/access-control/rule-sets")
def rules(ask: Ask) -> Object:
    """Who may use or manage a service principal; no rule when nothing was set."""
    name = ask.text("name")
    found = ask.resources.find(_RULES, name)
    if found is None:
        return {"name": name, "etag": "", "grant_rules": []}
    told = answer(ask.resources.block(_RULES), found.body, without={"id"})
    return {"grant_rules": [], **told}


@ROUTES.at("PUT", "/api/2.0/preview/accounts/access-control/rule-sets")
def set_rules(ask: Ask) -> Object:
    """Replace the rules; without any the set is empty again."""
    name, given = ask.text("name"), ask.body.get("rule_set")
    ask.caller.need_admin(f"change the rule set {name}")
    if not isinstance(given, dict):
        raise invalid("rule_set must be an object")
    if given.get("grant_rules"):
        block = ask.resources.block(_RULES)
        ask.resources.put(_RULES, name, attributes(block, {"name": name, "grant_rules": given["grant_rules"]}))
    else:
        ask.workspace.store.delete(_RULES, name)
    return rules(ask)
