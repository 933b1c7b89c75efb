"""Sessions of the sandbox's own on a Spark Connect server: attaching tables and delivering data."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession


def connect(remote: str) -> SparkSession:
    """A new session; `remote` as of SPARK_REMOTE. A server of this machine answers within seconds, or it is gone."""
    from pyspark.sql.connect.client.retries import DefaultPolicy
    from pyspark.sql.connect.session import SparkSession as Remote

    spark = Remote.builder.remote(remote).create()
    # By default a call to a server that is gone is repeated for ten minutes, and closing any session waits for it.
    spark.client.set_retry_policies([DefaultPolicy(max_retries=8, backoff_multiplier=2, max_backoff=1000)])
    return spark


@contextmanager
def session(remote: str) -> Iterator[SparkSession]:
    """A session for the time of the `with`; `remote` as of SPARK_REMOTE."""
    spark = connect(remote)
    try:
        yield spark
    finally:
        with closing():
            spark.stop()


@contextmanager
def closing() -> Iterator[None]:
    """While a session ends, nothing is collected by Python.

    PySpark 4.0 would hand an answer that is collected then to the pool that it has just ended, and say so on standard
    error (apache/spark #51369).
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def release(remote: str) -> None:
    """End the session of a process that is gone, and its queries with it.

    The server itself takes some dead clients for waiting ones, and goes on with their queries. Not asked twice.
    """
    import grpc
    from pyspark.sql.connect.client.core import DefaultChannelBuilder
    from pyspark.sql.connect.proto import ReleaseSessionRequest, UserContext
    from pyspark.sql.connect.proto.base_pb2_grpc import SparkConnectServiceStub

    builder = DefaultChannelBuilder(remote)
    user = UserContext(user_id=builder.userId or "")
    request = ReleaseSessionRequest(session_id=builder.session_id or "", user_context=user)
    with builder.toChannel() as channel, suppress(grpc.RpcError):
        SparkConnectServiceStub(channel).ReleaseSession(request, timeout=10)
