"""The schemas of the catalog ``system``: which there are, switching one on and off."""

from __future__ import annotations

from sandbox.provider.account import SYSTEM_SCHEMAS
from sandbox.provider.unity import METASTORE
from sandbox.rest.asking import DOCUMENTED, Ask, Object, Routes, missing

ROUTES = Routes()
_TYPE = "databricks_system_schema"
_API = "/api/2.1/unity-catalog/metastores/<metastore>/systemschemas"


@ROUTES.at("GET", _API, DOCUMENTED)
def listed(ask: Ask, metastore: str) -> Object:
    """Each schema with its state."""
    _need(metastore)
    on = {item.body["schema"] for item in ask.resources.list(_TYPE)}
    states = {name: "ENABLE_COMPLETED" if name in on else "AVAILABLE" for name in SYSTEM_SCHEMAS}
    return {"schemas": [{"schema": name, "state": state} for name, state in states.items()]}


@ROUTES.at("PUT", f"{_API}/<schema>", DOCUMENTED)
def enable(ask: Ask, metastore: str, schema: str) -> Object:
    """Switch one on."""
    _need(metastore)
    ask.caller.need_admin("enable a system schema")
    ask.resources.put(_TYPE, f"{METASTORE}|{schema}", {"schema": schema})
    return {}


@ROUTES.at("DELETE", f"{_API}/<schema>", DOCUMENTED)
def disable(ask: Ask, metastore: str, schema: str) -> Object:
    """Switch one off."""
    _need(metastore)
    ask.caller.need_admin("disable a system schema")
    ask.resources.remove(_TYPE, f"{METASTORE}|{schema}")
    return {}


def _need(metastore: str) -> None:
    if metastore != METASTORE:
        raise missing("Metastore", metastore)
