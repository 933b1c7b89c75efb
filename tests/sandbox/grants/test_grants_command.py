"""`python -m sandbox.grants` reads a workspace and makes none."""

from __future__ import annotations

from pathlib import Path

import pytest
from grants_bench import grants_workspace

from sandbox.grants.__main__ import main
from sandbox.workspace import Workspace


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where one workspace was deployed."""
    grants_workspace(tmp_path / "home" / "dbw-cdh-test")
    return tmp_path / "home"


def test_a_line_is_printed_for_each_grant_of_a_workspace(home, monkeypatch, capsys):
    store = (workspace := Workspace(home / "dbw-cdh-test")).store
    store.create("databricks_service_principal", "1", {"application_id": "a", "display_name": "sp-train"})
    store.create("databricks_grants", "schema/c.s", {"grant": [{"principal": "a", "privileges": ["SELECT"]}]})
    monkeypatch.setattr("sys.argv", ["grants", str(workspace.root)])
    main()
    (line,) = capsys.readouterr().out.splitlines()
    assert line.split() == ["sp-train", "SELECT", "schema/c.s", "nobody", "asked"]


@pytest.mark.parametrize(("folder", "said"), [("dbw-cdh-tset", "dbw-cdh-tset is no workspace"), ("", "home is no workspace")])  # fmt: skip
def test_a_folder_without_a_workspace_is_refused_with_those_there_are_and_is_not_made(
    home, folder, said, monkeypatch, capsys
):
    before = sorted(home.rglob("*"))
    monkeypatch.setattr("sys.argv", ["grants", str(home / folder)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert f"{said}; valid: {home / 'dbw-cdh-test'}" in told
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize(("typed", "code"), [("--help", 0), ("--workspace", 2)])
def test_an_option_makes_no_folder(typed, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["grants", typed])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert not list(tmp_path.iterdir())
