"""What the runner asks for a task: its token, the volumes it may see, each path it is handed, each job it starts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sandbox.grants.policy import Need, within
from sandbox.grants.record import Door, issue
from sandbox.workspace import Workspace


def volume_needs(path: str) -> tuple[Need, ...]:
    """What it takes to read `/Volumes/<catalog>/<schema>/<volume>/...`; nothing for any other text."""
    parts = path.split("/")
    if not path.startswith("/Volumes/") or len(parts) < 5:
        return ()
    return within(Need("READ_VOLUME", "Volume", ".".join(parts[2:5])))


# Not proved here: READ VOLUME without WRITE VOLUME for the file calls of a task. Why: a volume is a folder of this
# machine; what Spark reads and writes on volumes is checked. On Azure: write a file to `artifacts` as `sp-train`; it
# must be refused.
# Not proved here: grants on compute (cluster policies, clusters, warehouses). Why: no compute is started. On Azure:
# start a job as each service principal.
class TaskDoor:
    """The check of a workspace's tasks, before and beside their processes."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._door = workspace, Door(workspace)

    def issue(self, principal: str, run: int, task: str) -> str:
        """As ``sandbox.grants.record.issue``."""
        return issue(self._workspace, principal, run, task)

    def start(self, principal: str, token: str, job: str) -> None:
        """Check that the principal may run another job; ``DeniedError`` names what is missing."""
        self._door.demand(principal, token, Need("CAN_MANAGE_RUN", "Job", job))

    def read(self, principal: str, token: str, paths: Iterable[str]) -> None:
        """Check READ VOLUME on each path below /Volumes; ``DeniedError`` names what is missing."""
        for path in paths:
            self._door.demand(principal, token, *volume_needs(path))

    def volumes(self, principal: str, token: str) -> Path:
        """A folder that stands for `/Volumes` in one task and holds only what its principal may read or write."""
        folder = self._workspace.runs / "volumes" / token
        policy = self._door.policy
        for volume in self._workspace.volumes.glob("*/*/*"):
            name = ".".join(volume.parts[-3:])
            open_to = [
                all(policy.allows(principal, need) for need in within(Need(privilege, "Volume", name)))
                for privilege in ("READ_VOLUME", "WRITE_VOLUME")
            ]
            if volume.is_dir() and any(open_to):
                link = folder.joinpath(*volume.parts[-3:])
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(volume.resolve())
        folder.mkdir(parents=True, exist_ok=True)
        return folder
