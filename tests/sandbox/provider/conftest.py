from __future__ import annotations

from pathlib import Path

import pytest
from provider_project import FACTS, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def facts() -> Path:
    if not FACTS.is_dir():
        pytest.skip("../shared/data/provider_schema is not here")
    return FACTS
