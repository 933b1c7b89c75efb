"""Sessions of the sandbox's own on a Spark Connect server: attaching tables and delivering data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession


def connect(remote: str) -> SparkSession:
    """A new session; `remote` as of SPARK_REMOTE. A server of this machine answers within seconds, or it is gone."""
    from pyspark.sql.connect.client.retries import DefaultPolicy
    from pyspark.sql.connect.session import SparkSession as Remote

    _keep_the_pool()
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
        spark.stop()


def _keep_the_pool() -> None:
    """Sessions of this process end without the pool that all of them release their answers with.

    PySpark 4.0 ends that pool with each session that ends or is collected by Python, while others are about to use it:
    "cannot schedule new futures after shutdown" (apache/spark SPARK-55406, #51369).
    """
    from pyspark.sql.connect.client.reattach import ExecutePlanResponseReattachableIterator

    cast(Any, ExecutePlanResponseReattachableIterator).shutdown = staticmethod(lambda: None)


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
