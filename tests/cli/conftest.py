"""A small workspace, and a client of its REST door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from runner_bench import Bench, NoServers, deployed

from cli.client import Opened, of_sandbox


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(deployed(tmp_path / "dbw-cdh-test"), tmp_path)
    r3 = "cdh-ml-data-science-analysts"
    grant = [{"principal": r3, "privileges": ["USE_CATALOG"]}]
    made.workspace.store.create("databricks_grants", "schema/cdh_test.ml", {"grant": grant})
    return made


@pytest.fixture
def workspace(bench: Bench) -> Iterator[Opened]:
    with of_sandbox(bench.workspace, services=NoServers()) as found:
        yield found
