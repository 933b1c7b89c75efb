"""Where one local workspace keeps its things.

The sandbox is for laptops and tests; on Azure a workspace is a Databricks workspace and none of this is used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sandbox.errors import NotDeployedError, NotSynthesizedError, SandboxError, UnknownStageError
from sandbox.store import Store

# In it a workspace's servers say whose they are: a port may change hands.
HEADER = "X-Sandbox-Workspace"


@dataclass(frozen=True)
class Workspace:
    """A folder that stands for one Databricks workspace."""

    root: Path

    @classmethod
    def named(cls, home: Path, name: str) -> Workspace:
        """The workspace ``name`` (such as ``dbw-cdh-dev``) below ``home`` (the repository's ``.sandbox``)."""
        if not name or "/" in name or name.startswith("."):
            raise SandboxError(f"'{name}' is no workspace name")
        return cls(Path(home) / name)

    @property
    def name(self) -> str:
        """The workspace's name: the name of its folder."""
        return self.root.name

    @property
    def exists(self) -> bool:
        """Whether anything was ever deployed here."""
        return self.database.exists()

    @property
    def database(self) -> Path:
        """The file of its store."""
        return self.root / "resources.sqlite"

    @cached_property
    def store(self) -> Store:
        """The resources that terraform keeps here; opening it makes the folder."""
        return Store(self.database)

    @property
    def warehouse(self) -> Path:
        """Delta tables: ``warehouse/<schema>/<table>``."""
        return self.root / "warehouse"

    @property
    def volumes(self) -> Path:
        """The folder that stands for ``/Volumes``: ``volumes/<catalog>/<schema>/<volume>``."""
        return self.root / "volumes"

    @property
    def mlflow(self) -> Path:
        """MLflow's database and artifacts."""
        return self.root / "mlflow"

    @property
    def runs(self) -> Path:
        """Job runs and their logs."""
        return self.root / "runs"

    @property
    def state(self) -> Path:
        """terraform's state file."""
        return self.root / "terraform.tfstate"

    @property
    def catalog(self) -> str:
        """Name of the workspace's one catalog; ``NotDeployedError`` when there is none."""
        found = self.store.list("databricks_catalog") if self.exists else []
        if not found:
            raise NotDeployedError(self.name)
        return str(found[0].body["name"])

    def volume_path(self, path: str) -> Path:
        """The local file that stands for ``/Volumes/...``; refuses any other path and one that leaves the folder."""
        local = (self.volumes / path.removeprefix("/Volumes/")).resolve()
        if not path.startswith("/Volumes/") or not local.is_relative_to(self.volumes.resolve()):
            raise SandboxError(f"'{path}' is no path below /Volumes/")
        return local


def stages(out: Path) -> dict[str, str]:
    """Stage -> workspace name, from ``cdktf.out``: the manifest's stacks whose databricks provider names a workspace.

    Raises ``NotSynthesizedError`` without a manifest.
    """
    found = ((stage, provider.get("azure_workspace_resource_id")) for stage, provider in _providers(out, "databricks"))
    above = accounts(out)
    return {stage: id_.rsplit("/", 1)[-1] for stage, id_ in found if id_ and stage not in above}


def account_of(provider: Mapping[str, Any]) -> str | None:
    """The folder that stands for the account of a databricks provider that speaks to one, not to a workspace."""
    host, account = provider.get("host"), provider.get("account_id")
    return f"account-{account}" if account and str(host or "").startswith("https://accounts.") else None


def accounts(out: Path) -> dict[str, str]:
    """Stack -> the folder that stands for its account; such a stack may reach its metastore through a workspace."""
    found = ((stack, account_of(provider)) for stack, provider in _providers(out, "databricks"))
    return {stack: account for stack, account in found if account}


def subscriptions(out: Path) -> dict[str, str]:
    """Stack -> the folder that stands for its Azure subscription, of the stacks with an azurerm provider."""
    found = ((stack, provider.get("subscription_id")) for stack, provider in _providers(out, "azurerm"))
    return {stack: f"azure-{subscription}" for stack, subscription in found if subscription}


def _providers(out: Path, name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(stack, its configuration of the provider) from ``cdktf.out``."""
    manifest = Path(out) / "manifest.json"
    if not manifest.exists():
        raise NotSynthesizedError(out)
    for stack, entry in json.loads(manifest.read_text())["stacks"].items():
        synthesized = json.loads((Path(out) / entry["synthesizedStackPath"]).read_text())
        for provider in _as_list(synthesized.get("provider", {}).get(name, [])):
            yield stack, provider


def workspace_of(home: Path, out: Path, stage: str) -> Workspace:
    """The workspace of a deployed stage; ``UnknownStageError`` or ``NotDeployedError``, which say what to do."""
    known = stages(out)
    if stage not in known:
        raise UnknownStageError(stage, sorted(known))
    workspace = Workspace.named(home, known[stage])
    if not workspace.exists or not workspace.store.list("databricks_catalog"):
        raise NotDeployedError(workspace.name, stage)
    return workspace


def _as_list(value: object) -> list[dict[str, str]]:
    return value if isinstance(value, list) else [value] if isinstance(value, dict) and value else []
