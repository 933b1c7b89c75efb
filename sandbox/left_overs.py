"""What was killed leaves behind: of a deployment a state that is cut off and resources that no state knows, of a Spark
server the files of a table that was never committed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.provider.registry import KINDS
from sandbox.whole import whole
from sandbox.workspace import Workspace


def mended(state: Path) -> bool:
    """Whether a state was cut off while terraform wrote it; its backup, if any, is in its place then.

    terraform writes its state in place, and a backup of the one before once a run, ahead of that. What the killed run
    made since is left over. The torn file is kept as `<name>.torn`. For whoever holds the stage's lock.
    """
    if not state.exists() or _read(state) is not None:
        return False
    state.replace(state.with_name(f"{state.name}.torn"))
    backup = state.with_name(f"{state.name}.backup")
    if backup.exists() and _read(backup) is not None:
        with whole(state) as half:
            shutil.copyfile(backup, half)
    return True


def forget_left_overs(workspace: Workspace) -> int:
    """Drop from the store what terraform's state does not know, and say how many that were.

    A deployment that is killed leaves resources that terraform would find "already existing" the next time. What they
    made (folders, experiments, models) stays and is taken over when they are made again.
    """
    if not workspace.exists:
        return 0
    known: set[tuple[str, str]] = set()
    # The account's stack writes to the workspace through which it reaches the metastore.
    for state in (*workspace.root.glob("*.tfstate"), *workspace.root.parent.glob("account-*/*.tfstate")):
        for resource in _resources(state):
            for instance in resource["instances"]:
                key = KINDS[resource["type"]].key if resource["type"] in KINDS else "id"
                known.add((resource["type"], str(instance["attributes"][key])))
    left = [item for item in workspace.store.list() if (item.type, item.id) not in known]
    for item in left:
        workspace.store.delete(item.type, item.id)
    return len(left)


def drop_first_writes(workspace: Workspace, own: Path) -> int:
    """Remove the tables that a killed server had begun to write and not committed, and say how many that were.

    Delta makes no table where files are, so that each later try would fail. Nothing is removed while another server
    than `own` (its folder) runs: it may be the one that writes.
    """
    if any(_runs(folder) for folder in own.parent.iterdir() if folder != own):
        return 0
    begun = [path for path in workspace.warehouse.glob("*/*") if path.is_dir() and not (path / "_delta_log").exists()]
    for path in begun:
        shutil.rmtree(path)
    return len(begun)


def _runs(server: Path) -> bool:
    """Whether the server of a folder, `PID-ID`, may still run: its scratch files are there and so is its process."""
    try:
        os.kill(int(server.name.partition("-")[0]), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return (server / "scratch").exists()


def _resources(state: Path) -> list[dict[str, Any]]:
    """The resources of a state file; ``SandboxError`` when terraform was killed while it wrote it."""
    read = _read(state)
    if read is None:
        raise SandboxError(
            f"{state}: terraform's state is no JSON: it was cut off while it was written; "
            f"deploy its stack again, which puts {state.name}.backup in its place"
        )
    found: list[dict[str, Any]] = read.get("resources", [])
    return found


def _read(state: Path) -> dict[str, Any] | None:
    """A state; None where it is cut off."""
    try:
        found: dict[str, Any] = json.loads(state.read_text() or "{}")
    except ValueError:
        return None
    return found
