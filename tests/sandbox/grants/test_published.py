"""The published grants are read by threads while others open and close the store."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path

import pytest
from grants_bench import grants_workspace

from sandbox.grants.published import Published


def test_a_write_ahead_log_that_another_thread_takes_away_between_two_looks_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """sqlite: "When the last connection to a database closes, that connection does one last checkpoint and then
    deletes the WAL and its associated shared-memory file" (Write-Ahead Logging, 2.1)."""
    workspace = grants_workspace(tmp_path / "dbw-cdh-test")
    log = workspace.root / "resources.sqlite-wal"
    assert not log.exists(), "the last connection closed"
    monkeypatch.setattr(Path, "exists", lambda path: path == log or os.path.exists(path))
    published = Published(workspace)
    published.refresh()
    assert json.loads(published.file.read_text())["catalog"] == "cdh_test"


def test_a_change_is_published_while_others_hold_the_store_open(tmp_path: Path):
    workspace = grants_workspace(tmp_path / "dbw-cdh-test")
    published = Published(workspace)
    published.refresh()
    with closing(workspace.store._connect()):
        grant = [{"principal": "sp-new", "privileges": ["USE_CATALOG"]}]
        workspace.store.create("databricks_grants", "catalog/cdh_test", {"grant": grant})
        published.refresh()
        assert json.loads(published.file.read_text())["grants"] == {"catalog/cdh_test": {"sp-new": ["USE_CATALOG"]}}
