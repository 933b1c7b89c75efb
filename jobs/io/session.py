"""The one place that makes a Spark session and an MLflow client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobs.errors import TaskError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def spark_session(catalog: str, remote: str | None) -> SparkSession:
    """The session of this task: Spark Connect at `remote`, or the cluster's own with `catalog` selected."""
    from pyspark.sql import SparkSession

    if remote is not None:
        session = SparkSession.builder.remote(remote).getOrCreate()
    else:
        session = SparkSession.builder.getOrCreate()
        session.sql(f"USE CATALOG `{catalog}`")
    # Windows in days must not depend on where the cluster stands.
    session.conf.set("spark.sql.session.timeZone", "UTC")
    return session


def current() -> SparkSession:
    """The session that a notebook has already; raises TaskError where there is none."""
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is None:
        raise TaskError("there is no Spark session here; valid: a notebook's, or preview(..., spark=<session>)")
    return session


def tracking(uri: str | None, registry: str | None) -> Any:
    """The mlflow module, pointed at its tracking server and model registry."""
    import mlflow

    mlflow.set_tracking_uri(uri or "databricks")
    mlflow.set_registry_uri(registry or uri or "databricks-uc")
    return mlflow
