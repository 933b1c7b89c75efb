"""`mlops serve`: who has a token, and what the command says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.people import people
from sandbox.workspace import Workspace

ROOT = Path(__file__).parents[2]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "dbw-cdh-dev")
    names = [
        "cdh-ml-data-science-analysts-uci130",
        "cdh-ml-feature-analysts-synthetic-omop",
        "cdh-ml-architects",
        "x-y",
    ]
    grant = [{"principal": name, "privileges": ["USE_CATALOG"]} for name in names]
    made.store.create("databricks_catalog", "cdh_dev", {"name": "cdh_dev"})
    made.store.create("databricks_grants", "catalog/cdh_dev", {"grant": grant})
    return made


def test_each_role_has_a_person_and_each_dataset_of_a_role_one_more(workspace):
    found = {one.user_name: one.groups for one in people(workspace)}
    assert [name for name in found if "-" not in name] == [f"r{i}@cdh.example" for i in range(1, 8)]
    assert found["r3@cdh.example"] == ("cdh-ml-data-science-analysts",)
    assert found["r3-uci130@cdh.example"] == ("cdh-ml-data-science-analysts", "cdh-ml-data-science-analysts-uci130")
    assert found["r5-synthetic-omop@cdh.example"][1] == "cdh-ml-feature-analysts-synthetic-omop"
    assert len(found) == 9


PROGRAM = """
import sys
from pathlib import Path
from cli.serve import serve_workspace
from sandbox.workspace import Workspace
serve_workspace("dev", Workspace(Path(sys.argv[1])), 0)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_where_it_listens_and_never_a_token_and_ends_when_asked(workspace, how):
    command = [sys.executable, "-u", "-c", PROGRAM, str(workspace.root)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as door:
        try:
            said = ""
            for line in door.stdout:
                said += line
                if "Ctrl-C" in line:
                    break
            door.send_signal(how)
            assert door.wait(30) == 0
        finally:
            door.kill()
    assert re.search(r"dbw-cdh-dev answers at http://127\.0\.0\.1:\d+", said), said
    assert "r3-uci130@cdh.example" in said
    assert "dapi" not in said
    assert "dapi" in (workspace.root / "tokens.json").read_text()
