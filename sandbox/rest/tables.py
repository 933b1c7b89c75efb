"""Tables: the folders of the Delta warehouse, read with delta-rs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sandbox.errors import NotDeployedError
from sandbox.privileges import Securable
from sandbox.provider.unity import METASTORE
from sandbox.rest.asking import DOCUMENTED, Ask, Object, Routes, missing, page
from sandbox.workspace import Workspace

ROUTES = Routes()
_API = "/api/2.1/unity-catalog"
# Delta's names of types -> Spark's, where they differ
_SPARKS = {"long": "bigint", "integer": "int", "short": "smallint", "byte": "tinyint"}


def folders(workspace: Workspace) -> dict[str, Path]:
    """Full name -> folder of every table."""
    try:
        catalog = workspace.catalog
    except NotDeployedError:
        return {}
    found = sorted(workspace.warehouse.glob("*/*/_delta_log"))
    return {f"{catalog}.{path.parts[-3]}.{path.parts[-2]}": path.parent for path in found}


def need_table(workspace: Workspace, name: str) -> Path:
    """The folder of a table; RESOURCE_DOES_NOT_EXIST names it otherwise."""
    found = folders(workspace)
    if name not in found:
        raise missing("Table", name)
    return found[name]


@ROUTES.at("GET", f"{_API}/tables", DOCUMENTED)
def tables(ask: Ask) -> Object:
    """ "The caller must ... be the owner of (or have the SELECT privilege on) the table"; with include_browse also
    those that it only has BROWSE on.
    """
    schema = f"{ask.text('catalog_name')}.{ask.text('schema_name')}"
    ask.resources.need("databricks_schema", schema)
    browse = ask.flag("include_browse")
    found = []
    for name, folder in folders(ask.workspace).items():
        on = Securable("table", name)
        if name.rpartition(".")[0] != schema:
            continue
        if _reads(ask, on):
            found.append(_told(name, folder, whole=not ask.flag("omit_columns")))
        elif browse and ask.caller.sees("SELECT", on):
            found.append(_told(name, folder, whole=False) | {"browse_only": True})
    return page(ask, "tables", found, 50, 1000)


@ROUTES.at("GET", f"{_API}/tables/<name>", DOCUMENTED)
def table(ask: Ask, name: str) -> Object:
    """One table with its columns."""
    folder, on = need_table(ask.workspace, name), Securable("table", name)
    if not _reads(ask, on):
        if not (ask.flag("include_browse") and ask.caller.sees("SELECT", on)):
            ask.caller.need("SELECT", on)
        return _told(name, folder, whole=False) | {"browse_only": True}
    return _told(name, folder, whole=True)


@ROUTES.at("GET", f"{_API}/tables/<name>/exists", DOCUMENTED)
def exists(ask: Ask, name: str) -> Object:
    """Whether there is such a table that the caller may know of."""
    there = name in folders(ask.workspace) and ask.caller.sees("SELECT", Securable("table", name))
    return {"table_exists": there}


def _reads(ask: Ask, on: Securable) -> bool:
    held = ask.caller.privileges
    return ask.caller.admin or held.may_manage(ask.caller.name, on) or held.holds(ask.caller.name, "SELECT", on)


def _told(name: str, folder: Path, *, whole: bool) -> Object:
    catalog, schema, short = name.split(".")
    told: Object = {
        "name": short,
        "catalog_name": catalog,
        "schema_name": schema,
        "full_name": name,
        "table_type": "MANAGED",
        "data_source_format": "DELTA",
        "metastore_id": METASTORE,
    }
    if whole:
        from deltalake import DeltaTable

        delta = DeltaTable(folder)
        told |= {
            "storage_location": folder.resolve().as_uri(),
            "table_id": str(delta.metadata().id),
            "created_at": delta.metadata().created_time,
            "columns": [_column(i, json.loads(field.to_json())) for i, field in enumerate(delta.schema().fields)],
        }
    return told


def _column(position: int, field: Object) -> Object:
    text = _type(field["type"])
    return {
        "name": field["name"],
        "position": position,
        "nullable": field["nullable"],
        "type_text": text,
        "type_name": {"tinyint": "BYTE", "smallint": "SHORT", "bigint": "LONG"}.get(
            text, text.split("<")[0].split("(")[0].upper()
        ),
        "type_json": json.dumps(field),
        **({"comment": field["metadata"]["comment"]} if "comment" in field.get("metadata", {}) else {}),
    }


def _type(type_: Any) -> str:
    """Delta's type as Spark's SQL writes it."""
    if isinstance(type_, str):
        return _SPARKS.get(type_, type_)
    if type_["type"] == "array":
        return f"array<{_type(type_['elementType'])}>"
    if type_["type"] == "map":
        return f"map<{_type(type_['keyType'])},{_type(type_['valueType'])}>"
    return "struct<" + ",".join(f"{one['name']}:{_type(one['type'])}" for one in type_["fields"]) + ">"
