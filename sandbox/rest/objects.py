"""Folders and files of the workspace."""

from __future__ import annotations

import base64

from sandbox.errors import ServiceError
from sandbox.rest.asking import DOCUMENTED, Ask, Object, Routes, invalid
from sandbox.store import Resource

ROUTES = Routes()
_FOLDER, _FILE = "databricks_directory", "databricks_workspace_file"


@ROUTES.at("POST", "/api/2.0/workspace/mkdirs")
def make_folder(ask: Ask) -> Object:
    """Make a folder; one that is there is left as it is."""
    path = _path(ask)
    ask.caller.need_admin(f"make the folder {path}")
    if not ask.resources.find(_FOLDER, path):
        ask.resources.create(_FOLDER, {"path": path})
    return {}


@ROUTES.at("GET", "/api/2.0/workspace/get-status")
def status(ask: Ask) -> Object:
    """What a path is."""
    return _told(_object(ask, _path(ask)))


@ROUTES.at("GET", "/api/2.0/workspace/list", DOCUMENTED)
def listing(ask: Ask) -> Object:
    """What is in a folder."""
    path = _path(ask).rstrip("/")
    found = [
        _told(item)
        for name in (_FOLDER, _FILE)
        for item in ask.resources.list(name)
        if item.id.rpartition("/")[0] == path
    ]
    return {"objects": found} if found else {}


@ROUTES.at("POST", "/api/2.0/workspace/import")
def upload(ask: Ask) -> Object:
    """Write a workspace file."""
    path, content = _path(ask), ask.body.get("content", "")
    ask.caller.need_admin(f"write the file {path}")
    try:
        base64.b64decode(content, validate=True)
    except (TypeError, ValueError):
        raise invalid("content must be base64") from None
    if ask.resources.find(_FILE, path):
        if not ask.flag("overwrite"):
            raise ServiceError("RESOURCE_ALREADY_EXISTS", f"Path ({path}) already exists.")
        ask.resources.change(_FILE, path, {"content_base64": content})
    else:
        ask.resources.create(_FILE, {"path": path, "content_base64": content})
    return {}


@ROUTES.at("POST", "/api/2.0/workspace/delete")
def delete(ask: Ask) -> Object:
    """Remove a file, or a folder: with all that is in it when that is asked for."""
    found = _object(ask, _path(ask))
    ask.caller.need_admin(f"remove {found.id}")
    inside = [item for item in ask.resources.list(_FILE) if item.id.startswith(f"{found.id}/")]
    if found.type == _FOLDER and inside and not ask.flag("recursive"):
        raise ServiceError("DIRECTORY_NOT_EMPTY", f"Folder {found.id} is not empty: {inside[0].id}")
    for item in inside:
        ask.resources.remove(_FILE, item.id)
    ask.resources.remove(found.type, found.id, **({"delete_recursive": True} if ask.flag("recursive") else {}))
    return {}


def _path(ask: Ask) -> str:
    path = ask.text("path")
    if not path.startswith("/"):
        raise invalid(f"Path ({path}) doesn't start with '/'")
    return path.removeprefix("/Workspace") or "/"


def _object(ask: Ask, path: str) -> Resource:
    found = ask.resources.find(_FOLDER, path) or ask.resources.find(_FILE, path)
    if found is None:
        raise ServiceError("RESOURCE_DOES_NOT_EXIST", f"Path ({path}) doesn't exist.")
    return found


def _told(found: Resource) -> Object:
    kind = "DIRECTORY" if found.type == _FOLDER else "FILE"
    return {"path": found.id, "object_type": kind, "object_id": int(found.body["object_id"] or 0)}
