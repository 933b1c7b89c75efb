"""MLflow in this process, without its warnings."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def quiet_mlflow() -> Iterator[None]:
    """MLflow imported: it warns about its own types while that happens, and would report its use to its makers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # The stores come with the first client: which file of a worker that is, is chance.
            for name in ("mlflow.pyfunc", "mlflow.store.tracking.sqlalchemy_store",
                         "mlflow.store.model_registry.sqlalchemy_store"):  # fmt: skip
                importlib.import_module(name)
        yield
