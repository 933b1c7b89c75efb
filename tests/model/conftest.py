"""MLflow in this process, without its warnings; and one Spark Connect server for the tests that need tables."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from sandbox.spark import archive, server
from sandbox.spark.jars import ensure_jars
from sandbox.spark.session import session

CACHE = Path(__file__).resolve().parents[2] / ".cache"


@pytest.fixture(scope="session")
def quiet_mlflow() -> Iterator[None]:
    """MLflow imported: it warns about its own types while that happens, and would report its use to its makers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module("mlflow.pyfunc")
        yield


@pytest.fixture(scope="module")
def spark_remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    ensure_jars(CACHE)
    folder = tmp_path_factory.mktemp("spark")
    running = server.start(CACHE, folder, folder / "warehouse", archive.archive_options(CACHE))
    try:
        yield f"sc://{running.address()}/;user_id=tests"
    finally:
        running.stop()


@pytest.fixture(scope="module")
def spark(spark_remote: str) -> Iterator[SparkSession]:
    # Spark's functions ask the environment which kind of session they build columns for.
    with pytest.MonkeyPatch.context() as patch, session(spark_remote) as one:
        patch.setenv("SPARK_CONNECT_MODE_ENABLED", "1")
        one.conf.set("spark.sql.session.timeZone", "UTC")
        yield one
