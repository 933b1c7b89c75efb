"""One commit to a Delta table, made once more or refused where another task's came first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jobs.errors import TaskError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ATTEMPTS = 5
COLLISIONS = (
    "TABLE_OR_VIEW_ALREADY_EXISTS", "TABLE_ALREADY_EXISTS", "LOCATION_ALREADY_EXISTS",  # not that of a column
    "DELTA_PROTOCOL_CHANGED", "DELTA_METADATA_CHANGED", "DELTA_CONCURRENT",
    "DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION",  # another task has written its first files and is about to commit
)  # fmt: skip
USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"


def committed(session: SparkSession, name: str, token: str, write: Callable[[], object], *, again: bool) -> None:
    """One commit to the table `name` that carries `token`.

    again: try once more where another task's came first, and so none of it; otherwise, and in the end, raise.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with _marked(session, token):
                write()
            return
        except Exception as error:
            if not any(word in str(error) for word in COLLISIONS):
                raise
            if not again or attempt == ATTEMPTS:
                raise TaskError(
                    f"{name}: another task wrote it at the same time, and nothing of this one's is in it; run this job "
                    "again when no other run writes the table"
                ) from None
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
