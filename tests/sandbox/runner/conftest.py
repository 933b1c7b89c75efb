from __future__ import annotations

from pathlib import Path

import pytest
from runner_bench import Bench, deployed


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(deployed(tmp_path / "dbw-cdh-test"), tmp_path)
