from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rest_bench import CACHE, PEOPLE, populated, write_table
from runner_bench import NoServers

from sandbox.rest.server import Served, serving
from sandbox.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = populated(Workspace(tmp_path / "dbw-cdh-test"))
    write_table(made, "ml", "predictions")
    write_table(made, "uci130_ra", "feature_length_of_stay")
    return made


@pytest.fixture
def served(workspace: Workspace) -> Iterator[Served]:
    with serving(workspace, CACHE, PEOPLE, services=NoServers()) as one:
        yield one
        one.door.running.wait(30)
