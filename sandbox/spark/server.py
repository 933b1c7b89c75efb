"""Start of a Spark Connect server, tuned for a laptop: seconds of start-up and a small heap before throughput.

The Java program is started directly with the class path that `spark-submit` would give it: that saves two JVM starts.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sandbox.process import environment, java
from sandbox.server import Server
from sandbox.spark.extension import CATALOG, CLASS, extension
from sandbox.spark.jars import SPARK_HOME, jars

_HEAP = "1500m"
# What Spark needs opened on Java 17 (org.apache.spark.launcher.JavaModuleOptions).
_OPENED = [
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.io",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.base/sun.nio.cs",
    "java.base/sun.security.action",
    "java.base/sun.util.calendar",
    "java.security.jgss/sun.security.krb5",
]
_JVM = [
    f"-Xmx{_HEAP}",
    "-Xss4m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    # With one compiler the default is 48 MiB. A demo fills them, and a JVM without room for code stops Spark.
    "-XX:ReservedCodeCacheSize=240m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Xshare:auto",
    "-Duser.timezone=UTC",
    "-Djdk.reflect.useDirectMethodHandle=false",
    "-Dio.netty.tryReflectionSetAccessible=true",
    f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.properties')}",
    *(f"--add-opens={module}=ALL-UNNAMED" for module in _OPENED),
]
_SPARK = {
    "spark.app.name": "sandbox",
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.connect.grpc.binding.address": "127.0.0.1",
    # 0: the operating system picks a port while binding it.
    "spark.connect.grpc.binding.port": "0",
    # A query whose process is gone ends after seconds, not minutes: a stream of answers lasts this long until its
    # client has to ask for the next one, and a query that nobody asks about is ended.
    "spark.connect.execute.reattachable.senderMaxStreamDuration": "10s",
    "spark.connect.execute.manager.detachedTimeout": "5s",
    "spark.connect.execute.manager.maintenanceInterval": "2s",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    # Small data: compiling a Java class for each stage of a query costs more than it saves.
    "spark.sql.codegen.wholeStage": "false",
    "spark.databricks.delta.snapshotPartitions": "1",
    # Rows that a task brings along are written as one file; what is computed, as one a partition.
    "spark.sql.leafNodeDefaultParallelism": "1",
    # Statistics for data skipping cost a pass over each file that is written; tables here are a file or two.
    "spark.databricks.delta.stats.collect": "false",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
}


def class_path(cache: Path) -> str:
    """The jars of Spark, of Delta and of the check; a class archive only fits the class path it was made with."""
    paths = [*sorted((SPARK_HOME / "jars").glob("*.jar")), *jars(cache), extension(cache)]
    return os.pathsep.join(str(path) for path in paths)


def start(cache: Path, folder: Path, warehouse: Path, options: list[str], grants: Path | None = None) -> Server:
    """A server that keeps its tables below ``warehouse`` and its log and scratch files in ``folder``.

    options: further options of the Java machine (the class archive). grants: the folder of the workspace's grants
    (``sandbox.grants``), which every plan is then checked against; without it nothing is checked.
    """
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    cores = max(2, min(4, os.cpu_count() or 2))
    settings = {
        **_SPARK,
        "spark.master": f"local[{cores}]",
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(warehouse),
        "spark.pyspark.python": sys.executable,
    }
    if grants is not None:
        settings["spark.sql.extensions"] += f",{CLASS}"
        settings["spark.sql.catalog.spark_catalog"] = CATALOG
        settings["spark.sandbox.grants"] = str(grants)
    command = [java(), *_JVM, f"-Djava.io.tmpdir={scratch}", *options]
    command += [f"-D{name}={value}" for name, value in settings.items()]
    command += ["org.apache.spark.sql.connect.service.SparkConnectServer"]
    env = environment(
        CLASSPATH=class_path(cache),
        SPARK_HOME=str(SPARK_HOME),
        SPARK_LOCAL_IP="127.0.0.1",
        PYSPARK_PYTHON=sys.executable,
        TMPDIR=str(scratch),
    )
    log = folder / "spark.log"
    # Spark's own words when it ends its context, after which the JVM lives on and a query waits for ever.
    return Server("the Spark server", command, env=env, log=log, patience=180, fatal="stopping SparkContext")
