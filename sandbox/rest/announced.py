"""Lets other processes find a workspace's REST door that is open: its address, in a file beside the store."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.whole import whole
from sandbox.workspace import HEADER, Workspace

# What the door answers here says whose it is.
METADATA = "/.well-known/databricks-config"
_SECONDS = 2


def identity(workspace: Workspace) -> str:
    """What the door of a workspace says in ``HEADER``."""
    return str(workspace.root.resolve())


@contextmanager
def announced(workspace: Workspace, host: str) -> Iterator[None]:
    """For the time of the ``with`` others find the door at ``host``."""
    path = workspace.root / "door.json"
    with whole(path) as half:
        half.write_text(json.dumps({"host": host, "pid": os.getpid()}))
    try:
        yield
    finally:
        if _told(workspace) == host:
            path.unlink(missing_ok=True)


def living(workspace: Workspace) -> str | None:
    """The address of the workspace's door if one is announced and answers as this workspace's, or None."""
    host = _told(workspace)
    if host is None or not host.startswith("http://127.0.0.1:"):
        return None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(host + METADATA, timeout=_SECONDS) as answer:
            return host if answer.headers.get(HEADER) == identity(workspace) else None
    except OSError:
        return None


def _told(workspace: Workspace) -> str | None:
    try:
        found = json.loads((workspace.root / "door.json").read_text())
        return str(found["host"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
