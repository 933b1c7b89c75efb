"""The deployed grants as one JSON file beside the servers, written again whenever the store's change."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandbox.store import Resource, seen
from sandbox.whole import whole
from sandbox.workspace import Workspace

# Who is no principal of the workspace but the sandbox itself: attaches the catalog; delivers what the data manager's
# own tools would; terraform's provider, which makes experiments and models with the deployer's rights.
ATTACHES, DELIVERS, DEPLOYS = "sandbox", "data-manager", "deployer"
_SECURABLES = {"catalog": "databricks_catalog", "schema": "databricks_schema", "volume": "databricks_volume",
               "model": "databricks_registered_model"}  # fmt: skip
# What is asked of another workspace.
_ASKED = (*_SECURABLES.values(), "databricks_grant", "databricks_grants", "databricks_workspace_binding")
# The resources of a store by their type: (id, body).
_Kept = dict[str, list[tuple[str, dict[str, Any]]]]
_SAID_BY = ("service_principal_name", "group_name", "user_name")


def folder(workspace: Workspace) -> Path:
    """Where a workspace's grants, the owners of its tables and the record of checks lie."""
    return workspace.root / "grants"


class Published:
    """Keeps ``grants.json`` equal to the store, and to the stores beside it of whose catalogs some are bound here.

    Cheap when nothing changed, safe to use from several threads.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._seen: tuple[tuple[str, int, int], ...] | None = None

    @property
    def file(self) -> Path:
        """The published file."""
        return folder(self._workspace) / "grants.json"

    def refresh(self) -> None:
        """Write the file if the store changed since it was written."""
        with self._lock:
            state = self._state()
            if state == self._seen and self.file.exists():
                return
            text = json.dumps(grants_of(self._workspace), sort_keys=True, indent=1)
            if not self.file.exists() or self.file.read_text() != text:
                with whole(self.file) as half:
                    half.write_text(text)
            self._seen = state

    def _state(self) -> tuple[tuple[str, int, int], ...]:
        found = []
        for database in (self._workspace.database, *(one.database for one in _beside(self._workspace))):
            for file in (database, database.with_name(f"{database.name}-wal")):
                # sqlite removes the log when its last connection closes: another thread's, between a look and a look.
                with suppress(FileNotFoundError):
                    stat = file.stat()
                    found.append((str(file), stat.st_mtime_ns, stat.st_size))
        return tuple(found)


def grants_of(workspace: Workspace) -> dict[str, Any]:
    """Grants, owners and permissions as deployed; nothing of what is only declared."""
    kept = _kept(workspace.store.list() if workspace.exists else [])
    catalogs = kept.get("databricks_catalog", [])
    return {
        "catalog": catalogs[0][0] if catalogs else "",
        "warehouse": str(workspace.warehouse.resolve()),
        "volumes": str(workspace.volumes.resolve()),
        "trusted": [ATTACHES, DELIVERS, DEPLOYS],
        "owners": _owners(kept),
        "grants": _grants(kept),
        "bound": _bound(workspace, kept),
        "permissions": _levels(kept),
    }


# Not proved here: workspace bindings beyond queries of tables: lists, streams and `USE` of a bound catalog, one that
# is open to all or bound for writing too, bindings of locations and credentials. Why: a name of three parts is read
# where the other workspace keeps its tables, and that is all. On Azure: open `cdh_prod` from the dev workspace; it must
# not be there.
def _bound(workspace: Workspace, kept: _Kept) -> dict[str, dict[str, Any]]:
    """The catalogs that the workspaces beside this one bound to it: where their tables are, and who may read them.

    Who owns a single table is known where it was made and not asked: a reader has grants.
    """
    number = _number(kept)
    found: dict[str, dict[str, Any]] = {}
    for other in _beside(workspace) if number else ():
        # One that is being made or removed is looked at again, since it changes.
        with suppress(sqlite3.Error):
            theirs = _kept(seen(other.database, *_ASKED))
            for name in _catalogs(theirs) & _bindings(theirs).get(number, set()) - _catalogs(kept):
                found[name] = {
                    "warehouse": str(other.warehouse.resolve()),
                    "owners": _owners(theirs),
                    "grants": _grants(theirs),
                }
    return found


def _number(kept: _Kept) -> str:
    """The workspace's own: of the one that its catalog is bound to for writing; "" when that is not told."""
    bindings = _bindings(kept, "BINDING_TYPE_READ_WRITE")
    told = [number for number, names in bindings.items() if names & _catalogs(kept)]
    return told[0] if len(told) == 1 else ""


def _catalogs(kept: _Kept) -> set[str]:
    return {id_ for id_, _ in kept.get("databricks_catalog", [])}


def _bindings(kept: _Kept, *types: str) -> dict[str, set[str]]:
    """The catalogs that are bound to each workspace, by the workspace's number."""
    found: dict[str, set[str]] = {}
    for _, body in kept.get("databricks_workspace_binding", []):
        if body["securable_type"] == "catalog" and (not types or body["binding_type"] in types):
            found.setdefault(str(body["workspace_id"]), set()).add(body["securable_name"])
    return found


def _beside(workspace: Workspace) -> list[Workspace]:
    """The other workspaces of the same home, which need not be there a moment later."""
    databases = sorted(workspace.root.parent.glob(f"*/{workspace.database.name}"))
    return [Workspace(one.parent) for one in databases if one.parent.name != workspace.name]


def _kept(resources: Iterable[Resource]) -> _Kept:
    found: _Kept = {}
    for one in resources:
        found.setdefault(one.type, []).append((one.id, one.body))
    return found


def _owners(kept: _Kept) -> dict[str, str]:
    owners = (
        (kind, id_, body.get("owner")) for kind, type_ in _SECURABLES.items() for id_, body in kept.get(type_, [])
    )
    return {f"{kind}/{id_}": owner for kind, id_, owner in owners if owner}


def _grants(kept: _Kept) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for id_, body in kept.get("databricks_grants", []):
        for one in body["grant"]:
            found.setdefault(id_, {})[one["principal"]] = sorted(one["privileges"])
    for id_, body in kept.get("databricks_grant", []):
        found.setdefault(id_.rpartition("/")[0], {})[body["principal"]] = sorted(body["privileges"])
    return found


def _levels(kept: _Kept) -> dict[str, dict[str, str]]:
    """Permissions by what they are on: ``experiment/<name>``, ``job/<name>``, ``directory/<path>``."""
    known: dict[str, str] = {}
    for id_, body in kept.get("databricks_mlflow_experiment", []):
        known[f"/experiments/{id_}"] = f"experiment/{body['name']}"
    for id_, body in kept.get("databricks_job", []):
        known[f"/jobs/{id_}"] = f"job/{body['name']}"
    for _, body in kept.get("databricks_directory", []):
        known[f"/directories/{body['object_id']}"] = f"directory/{body['path']}"
    return {
        known[id_]: {
            next(entry[name] for name in _SAID_BY if entry.get(name)): entry["permission_level"]
            for entry in body["access_control"]
        }
        for id_, body in kept.get("databricks_permissions", [])
        if id_ in known
    }
