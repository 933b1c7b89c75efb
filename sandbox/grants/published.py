"""The deployed grants as one JSON file beside the servers, written again whenever the store's change."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandbox.whole import whole
from sandbox.workspace import Workspace

# Who is no principal of the workspace but the sandbox itself: attaches the catalog; delivers what the data manager's
# own tools would; terraform's provider, which makes experiments and models with the deployer's rights.
ATTACHES, DELIVERS, DEPLOYS = "sandbox", "data-manager", "deployer"
_SECURABLES = {"catalog": "databricks_catalog", "schema": "databricks_schema", "volume": "databricks_volume",
               "model": "databricks_registered_model"}  # fmt: skip
_SAID_BY = ("service_principal_name", "group_name", "user_name")


def folder(workspace: Workspace) -> Path:
    """Where a workspace's grants, the owners of its tables and the record of checks lie."""
    return workspace.root / "grants"


class Published:
    """Keeps ``grants.json`` equal to the store; cheap when nothing changed, safe to use from several threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._seen: tuple[tuple[int, int], ...] | None = None

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

    def _state(self) -> tuple[tuple[int, int], ...]:
        database = self._workspace.root / "resources.sqlite"
        found = []
        for file in (database, database.with_name(f"{database.name}-wal")):
            # sqlite removes the log when its last connection closes: between a look and a look, another thread does.
            with suppress(FileNotFoundError):
                stat = file.stat()
                found.append((stat.st_mtime_ns, stat.st_size))
        return tuple(found)


def grants_of(workspace: Workspace) -> dict[str, Any]:
    """Grants, owners and permissions as deployed; nothing of what is only declared."""
    kept: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for one in workspace.store.list() if workspace.exists else []:
        kept.setdefault(one.type, []).append((one.id, one.body))
    owners = {
        f"{kind}/{id_}": body.get("owner") for kind, type_ in _SECURABLES.items() for id_, body in kept.get(type_, [])
    }
    catalogs = kept.get("databricks_catalog", [])
    return {
        "catalog": catalogs[0][0] if catalogs else "",
        "warehouse": str(workspace.warehouse.resolve()),
        "volumes": str(workspace.volumes.resolve()),
        "trusted": [ATTACHES, DELIVERS, DEPLOYS],
        "owners": {name: owner for name, owner in owners.items() if owner},
        "grants": _grants(kept),
        "permissions": _levels(kept),
    }


def _grants(kept: dict[str, list[tuple[str, dict[str, Any]]]]) -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for id_, body in kept.get("databricks_grants", []):
        for one in body["grant"]:
            found.setdefault(id_, {})[one["principal"]] = sorted(one["privileges"])
    for id_, body in kept.get("databricks_grant", []):
        found.setdefault(id_.rpartition("/")[0], {})[body["principal"]] = sorted(body["privileges"])
    return found


def _levels(kept: dict[str, list[tuple[str, dict[str, Any]]]]) -> dict[str, dict[str, str]]:
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
