from __future__ import annotations

from collections.abc import Iterator

import pytest
from grants_bench import CACHE, GrantsBench, grants_workspace

from sandbox.services import Services


@pytest.fixture(scope="session")
def grants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GrantsBench]:
    """One workspace with one Spark server for all tests of grants."""
    workspace = grants_workspace(tmp_path_factory.mktemp("grants") / "dbw-cdh-test")
    with Services(workspace, CACHE) as services:
        yield GrantsBench(workspace, services)
