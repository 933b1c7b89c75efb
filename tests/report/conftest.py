"""One fabricated set of stages, shared by the tests that only read it."""

from __future__ import annotations

import fabricated
import pytest
from reading import Reader

from report.build import page
from report.stores import Stage
from report.story import Step


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> list[Stage]:
    root = tmp_path_factory.mktemp("warehouses")
    return [
        fabricated.development(root / "dev"),
        fabricated.validation(root / "validation"),
        fabricated.production(root / "prod"),
    ]


@pytest.fixture(scope="session")
def synthetic(stages: list[Stage]) -> str:
    story = [
        Step("dev", "deployed", "34 resources", seconds=12.0),
        Step("prod", "promoted version 1", by="pi@cdh.example"),
    ]
    return page(stages, "readmission", "synthetic_omop", synthetic=True, question="Who <comes> back?", story=story)


@pytest.fixture(scope="session")
def real(stages: list[Stage]) -> str:
    return page(stages, "readmission", "synthetic_omop", synthetic=False)


@pytest.fixture(scope="session")
def read(synthetic: str) -> Reader:
    return Reader(synthetic)
