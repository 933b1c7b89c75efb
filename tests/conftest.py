"""One Spark Connect server and session for all tests that need tables, as the sandbox starts them for jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CACHE = Path(__file__).resolve().parents[1] / ".cache"
# How Spark evaluates expressions. Over tables of thirty rows a third of its work was to compile Java for each query;
# demos, services and `compiled` tests run the code that it generates elsewhere.
CODE = "spark.sql.codegen.factoryMode"

# No test says how long anything takes: a busy machine is no fault.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What `--dist loadgroup` keeps on one worker: a file; of the demos, all, which share one, and one `cdktf.out`."""
    for item in items:
        file, _, _ = item.nodeid.partition("::")
        item.add_marker(pytest.mark.xdist_group("demo" if file.startswith("tests/demo/") else file))


@pytest.fixture(scope="session")
def spark_remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from sandbox.spark import archive, server
    from sandbox.spark.jars import ensure_jars

    ensure_jars(CACHE)
    folder = tmp_path_factory.mktemp("spark")
    options = [*archive.archive_options(CACHE), f"-D{CODE}=NO_CODEGEN"]
    running = server.start(CACHE, folder, folder / "warehouse", options)
    try:
        yield f"sc://{running.address()}/;user_id=tests"
    finally:
        running.stop()


@pytest.fixture(scope="session")
def spark(spark_remote: str) -> Iterator[SparkSession]:
    from sandbox.spark.session import session

    # Spark's functions ask the environment which kind of session they build columns for.
    with pytest.MonkeyPatch.context() as patch, session(spark_remote) as one:
        patch.setenv("SPARK_CONNECT_MODE_ENABLED", "1")
        one.conf.set("spark.sql.session.timeZone", "UTC")
        yield one


@pytest.fixture
def compiled(spark: SparkSession) -> Iterator[None]:
    """Expressions are compiled, as by default: what many rows need."""
    spark.conf.set(CODE, "FALLBACK")
    yield
    spark.conf.unset(CODE)
