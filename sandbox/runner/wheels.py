"""Deployed wheels, unpacked once by content and compiled, so that a task starts without a step of installation."""

from __future__ import annotations

import compileall
import hashlib
import os
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.workspace import Workspace

_LOCK = threading.Lock()


def unpacked(workspace: Workspace, wheel: str) -> Path:
    """Folder with the contents of the wheel at this volume path; ``SandboxError`` when it is missing or broken."""
    path = existing(workspace, wheel)
    with _LOCK:
        folder = workspace.root / "wheels" / hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            half = Path(tempfile.mkdtemp(dir=folder.parent))
            try:
                with zipfile.ZipFile(path) as archive:
                    archive.extractall(half)
            except zipfile.BadZipFile as error:
                shutil.rmtree(half)
                raise SandboxError(f"'{wheel}' is no wheel: {error}") from None
            compileall.compile_dir(half, quiet=2, stripdir=str(half), prependdir=str(folder))
            _publish(half, folder)
    return folder


def existing(workspace: Workspace, path: str) -> Path:
    """The file at a volume path; ``SandboxError`` when there is none."""
    local = workspace.volume_path(path)
    if not local.is_file():
        raise SandboxError(f"library '{path}' does not exist on its volume")
    return local


def _publish(half: Path, folder: Path) -> None:
    """Give the folder its name in one step; another runner may have been faster."""
    try:
        os.rename(half, folder)
    except OSError:
        shutil.rmtree(half)
        if not folder.exists():
            raise
