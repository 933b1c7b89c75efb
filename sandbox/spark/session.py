"""Sessions of the sandbox's own on a Spark Connect server: attaching tables and delivering data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession


@contextmanager
def session(remote: str) -> Iterator[SparkSession]:
    """A session for the time of the `with`; `remote` as of SPARK_REMOTE."""
    from pyspark.sql.connect.session import SparkSession as Remote

    spark = Remote.builder.remote(remote).create()
    try:
        yield spark
    finally:
        spark.stop()
