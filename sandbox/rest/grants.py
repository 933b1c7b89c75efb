"""Grants on securables: what is stored, and what follows from it."""

from __future__ import annotations

from sandbox.privileges import Securable, spelled
from sandbox.rest.asking import DOCUMENTED, Ask, Object, Routes, denied, invalid
from sandbox.rest.tables import need_table
from sandbox.rest.unity import COLLECTIONS

ROUTES = Routes()
_API = "/api/2.1/unity-catalog"
_KINDS = {one.kind: one.type for one in COLLECTIONS}


def securable(ask: Ask, kind: str, name: str) -> Securable:
    """What a path names; it must exist. Unity Catalog counts models among the functions."""
    kind = kind.lower().replace("-", "_")
    if kind == "registered_model" or (kind == "function" and ask.resources.find("databricks_registered_model", name)):
        kind = "model"
    if kind in _KINDS:
        ask.resources.need(_KINDS[kind], name)
    elif kind == "table":
        need_table(ask.workspace, name)
    else:
        raise invalid(f"the sandbox keeps no grants on a {kind}; valid: {', '.join(sorted({*_KINDS, 'table'}))}")
    return Securable(kind, name)


def _granted(ask: Ask, on: Securable) -> dict[str, frozenset[str]]:
    return dict(ask.caller.privileges.grants.get(on, {}))


def _asked(ask: Ask, on: Securable) -> str:
    """The principal asked for; others than itself only for who manages the securable."""
    wanted = ask.query.get("principal", "")
    manages = ask.caller.admin or ask.caller.privileges.may_manage(ask.caller.name, on)
    if not manages and wanted not in ask.caller.names:
        whose = f"the grants of '{wanted}'" if wanted else "all grants (ask for a principal)"
        raise denied(f"User does not have MANAGE on {on}: {whose} cannot be shown.")
    return wanted


def _told(granted: dict[str, frozenset[str]]) -> Object:
    return {
        "privilege_assignments": [
            {"principal": name, "privileges": sorted(granted[name])} for name in sorted(granted) if granted[name]
        ]
    }


@ROUTES.at("GET", f"{_API}/permissions/<kind>/<path:name>")
def grants(ask: Ask, kind: str, name: str) -> Object:
    """What is granted on the securable itself."""
    on = securable(ask, kind, name)
    wanted = _asked(ask, on)
    return _told({who: what for who, what in _granted(ask, on).items() if wanted in ("", who)})


@ROUTES.at("PATCH", f"{_API}/permissions/<kind>/<path:name>")
def change_grants(ask: Ask, kind: str, name: str) -> Object:
    """Add and remove privileges of principals; the store has one entry a securable, as terraform keeps it."""
    on = securable(ask, kind, name)
    ask.caller.need_management(on)
    granted = _granted(ask, on)
    for change in ask.objects("changes"):
        who = change.get("principal")
        if not isinstance(who, str) or not who:
            raise invalid("a change needs a principal")
        added, removed = (frozenset(spelled(str(one)) for one in change.get(key) or []) for key in ("add", "remove"))
        granted[who] = (granted.get(who, frozenset()) | added) - removed
    granted = {who: granted[who] for who in sorted(granted) if granted[who]}
    rest = [{"principal": who, "privileges": sorted(granted[who])} for who in granted]
    id_ = f"{on.kind}/{on.name}"
    if rest:
        ask.resources.put("databricks_grants", id_, {on.kind: on.name, "grant": rest})
    else:
        ask.workspace.store.delete("databricks_grants", id_)
    return _told(granted)


@ROUTES.at("GET", f"{_API}/effective-permissions/<kind>/<path:name>", DOCUMENTED)
def effective(ask: Ask, kind: str, name: str) -> Object:
    """ "Includes inherited permissions from any parent securables"; of a principal also what its groups have."""
    on = securable(ask, kind, name)
    wanted = _asked(ask, on)
    found = ask.caller.privileges.effective(on)
    if wanted:
        found = {wanted: ask.caller.privileges.effective_for(wanted, on)}
    assignments = [
        {"principal": who, "privileges": [_effective(one, found[who][one]) for one in sorted(found[who])]}
        for who in sorted(found)
        if found[who]
    ]
    return {"privilege_assignments": assignments}


def _effective(privilege: str, source: Securable | None) -> Object:
    told: Object = {"privilege": privilege}
    if source is not None:
        told |= {"inherited_from_type": source.kind.upper(), "inherited_from_name": source.name}
    return told
