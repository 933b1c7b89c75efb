"""The record of checks: a JSON line for each distinct decision of a task, and which task a token belongs to."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.grants.policy import DeniedError, Need, Policy
from sandbox.grants.published import Published, folder
from sandbox.workspace import Workspace

# What Spark's check writes, and what the Python doors (MLflow, volumes) write.
_FILES = ("checks.jsonl", "checks-doors.jsonl")


@dataclass(frozen=True)
class Check:
    """One decision. owner: of the table at that moment. run, task: None where no task asked."""

    principal: str
    need: Need
    allowed: bool
    owner: str | None
    run: int | None
    task: str | None


def issue(workspace: Workspace, principal: str, run: int, task: str) -> str:
    """A token for one attempt of a task: its Spark session's id and its password at MLflow."""
    token = str(uuid.uuid4())
    _append(folder(workspace) / "tokens.jsonl", {"token": token, "principal": principal, "run": run, "task": task})
    return token


def tokens(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """Every token with principal, run and task."""
    return {str(line["token"]): line for line in _lines(folder(workspace) / "tokens.jsonl")}


def checks(workspace: Workspace) -> Iterator[Check]:
    """Every recorded decision."""
    known = tokens(workspace)
    for name in _FILES:
        for line in _lines(folder(workspace) / name):
            whose = known.get(str(line["token"]), {})
            need = Need(line["privilege"], line["type"], line["securable"])
            yield Check(line["principal"], need, line["allowed"], line["owner"], whose.get("run"), whose.get("task"))


class Door:
    """Decides for one of the Python doors by the grants as last published, and records."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._published = workspace, Published(workspace)
        self._lock = threading.Lock()
        self._seen: set[tuple[str, str, Need, bool]] = set()
        self._policy: tuple[int, Policy] | None = None

    @property
    def policy(self) -> Policy:
        """What is deployed now."""
        with self._lock:
            self._published.refresh()
            changed = self._published.file.stat().st_mtime_ns
            if self._policy is None or self._policy[0] != changed:
                self._policy = changed, Policy(json.loads(self._published.file.read_text()))
            return self._policy[1]

    def demand(self, principal: str, token: str, *needs: Need) -> None:
        """Return if the principal has all of it, else raise ``DeniedError``; either way the record says so."""
        policy = self.policy
        for need in needs:
            allowed = policy.allows(principal, need)
            key = (principal, token, need, allowed)
            with self._lock:
                if key not in self._seen:
                    self._seen.add(key)
                    line = {"at": time.time(), "principal": principal, "token": token, "privilege": need.privilege,
                            "type": need.type, "securable": need.name, "owner": None, "allowed": allowed}  # fmt: skip
                    _append(folder(self._workspace) / _FILES[1], line)
            if not allowed:
                raise DeniedError(need)


def _append(path: Path, line: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # One write in append mode: several processes write the same file.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, (json.dumps(line) + "\n").encode())
    finally:
        os.close(descriptor)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                # A process was killed while it wrote.
                continue
