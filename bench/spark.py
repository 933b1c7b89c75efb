"""A Spark server for minutes of work, where the sandbox's is for seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from pyspark.sql import SparkSession

from sandbox.spark import server

CACHE = Path(__file__).parents[1] / ".cache"
JAVA = ["-Xmx4g", "-XX:TieredStopAtLevel=4", "-XX:-UseSerialGC", "-XX:+UseParallelGC", "-XX:ParallelGCThreads=2"]
SPARK = {
    "spark.sql.codegen.wholeStage": "true",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.files.maxPartitionBytes": "32m",
    # Spark compiles no stage of more than 100 columns unless told so.
    "spark.sql.codegen.maxFields": "2000",
}


@contextmanager
def connected(folder: Path, *options: str) -> Iterator[tuple[Any, psutil.Process]]:
    """A session of a server that keeps all it has in `folder`, and the server's process. options: of its Java."""
    running = server.start(CACHE, folder, folder / "warehouse", [*JAVA, *options])
    try:
        # The builder, and not the sandbox's short cut, tells Spark's functions which kind of session there is.
        spark = SparkSession.builder.remote(f"sc://{running.address()}/;user_id=bench").getOrCreate()
        try:
            for key, setting in SPARK.items():
                spark.conf.set(key, setting)
            yield spark, next(one for one in psutil.Process().children(recursive=True) if one.name() == "java")
        finally:
            # The builder gives the next measurement this session again unless it has ended.
            spark.stop()
    finally:
        running.stop()
