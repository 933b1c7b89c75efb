from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rest_bench import CACHE, PEOPLE, populated, write_table

from sandbox.rest.server import Served, serving
from sandbox.workspace import Workspace


class NoServers:
    """Stands for the servers where no task uses them."""

    mlflow_uri = "http://127.0.0.1:1"

    def attach(self) -> None: ...

    def spark_remote(self, user: str) -> str:
        return f"sc://127.0.0.1:1/;user_id={user}"

    def spark_death(self, remote: str) -> str | None:
        return None

    def end_session(self, remote: str) -> None:
        pass


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
