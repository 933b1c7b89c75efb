"""The published grants are read by threads while others open and close the store."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path

import pytest
from grants_bench import CATALOG, NUMBER, bind, grants_workspace

from sandbox.grants.policy import Need, Policy
from sandbox.grants.published import Published, grants_of
from sandbox.store import seen


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


def test_of_a_bound_catalog_only_what_is_deployed_in_its_own_workspace_counts_and_only_to_read(tmp_path: Path):
    here = grants_workspace(tmp_path / "dbw-here")
    there = grants_workspace(tmp_path / "dbw-there", "cdh_there", number=8)
    bind(there, "cdh_there", NUMBER, "BINDING_TYPE_READ_ONLY")
    for store, principal in ((here.store, "sp-granted-here"), (there.store, "sp-granted-there")):
        everything = {"grant": [{"principal": principal, "privileges": ["ALL_PRIVILEGES"]}]}
        store.create("databricks_grants", "catalog/cdh_there", everything)
    policy, table = Policy(grants_of(here)), "cdh_there.ml.record"
    read, write = Need("SELECT", "Table", table), Need("MODIFY", "Table", table)
    assert policy.allows("sp-granted-there", read)
    # Who made a table of that name is told of this workspace's tables.
    assert not policy.allows("sp-granted-here", read, owner="sp-granted-here")
    # The sandbox itself passes every grant, and not a binding.
    assert policy.allows("data-manager", read)
    assert not policy.allows("sp-granted-there", write, owner="sp-granted-there")
    assert not policy.allows("data-manager", write)
    assert policy.allows("data-manager", Need("MODIFY", "Table", f"{CATALOG}.raw.t"))


def test_a_workspace_whose_own_catalog_does_not_tell_its_number_has_nothing_bound(tmp_path: Path):
    here = grants_workspace(tmp_path / "dbw-here")
    there = grants_workspace(tmp_path / "dbw-there", "cdh_there", number=8)
    bind(there, "cdh_there", NUMBER, "BINDING_TYPE_READ_ONLY")
    assert list(grants_of(here)["bound"]) == ["cdh_there"]
    assert grants_of(there)["bound"] == {}, "what is bound to one is not bound to the other"
    bind(here, CATALOG, 9, "BINDING_TYPE_READ_WRITE")
    assert grants_of(here)["bound"] == {}


def test_the_published_grants_follow_the_stores_beside_the_workspace_and_a_look_makes_none(tmp_path: Path):
    here = grants_workspace(tmp_path / "dbw-here")
    (tmp_path / "dbw-empty").mkdir()
    published = Published(here)
    published.refresh()
    there = grants_workspace(tmp_path / "dbw-there", "cdh_there", number=8)
    for binds in ({"cdh_there"}, set[str]()):
        if binds:
            bind(there, "cdh_there", NUMBER, "BINDING_TYPE_READ_ONLY")
        else:
            there.store.delete("databricks_catalog", "cdh_there")
        published.refresh()
        assert json.loads(published.file.read_text())["bound"].keys() == binds
    assert seen(tmp_path / "dbw-gone" / "resources.sqlite", "databricks_catalog") == []
    assert not (tmp_path / "dbw-gone").exists()
    assert list((tmp_path / "dbw-empty").iterdir()) == []
