"""What a finished demo left, to go on from or to break elsewhere: other tests look at the demo itself."""

from __future__ import annotations

import shutil
from pathlib import Path

from sandbox.workspace import Workspace


def copied(demo: Path, home: Path, *stages: str) -> None:
    """Workspaces of a finished demo, in another sandbox."""
    for stage in stages:
        one = Workspace.named(demo, f"dbw-cdh-{stage}")
        shutil.copytree(one.root, home / one.name, symlinks=True)
