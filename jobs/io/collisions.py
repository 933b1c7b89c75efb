"""One commit to a Delta table, made once more where another task's came first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ATTEMPTS = 5
COLLISIONS = (
    "ALREADY_EXISTS", "DELTA_PROTOCOL_CHANGED", "DELTA_METADATA_CHANGED", "DELTA_CONCURRENT",
    "DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION",  # another task has written its first files and is about to commit
)  # fmt: skip
USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"


def committed(session: SparkSession, token: str, write: Callable[[], object], *, again: bool) -> None:
    """One commit that carries `token`. again: try once more where another task's came first, and so none of it."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with _marked(session, token):
                write()
            return
        except Exception as error:
            if not again or attempt == ATTEMPTS or not any(word in str(error) for word in COLLISIONS):
                raise
        time.sleep(0.1 * 2**attempt)


@contextmanager
def _marked(session: SparkSession, token: str) -> Iterator[None]:
    """Commits carry `token` meanwhile, and no later one does."""
    # The session's setting, as the writer's option does not reach the commit that creates a table.
    session.conf.set(USER_METADATA, token)
    try:
        yield
    finally:
        session.conf.unset(USER_METADATA)
