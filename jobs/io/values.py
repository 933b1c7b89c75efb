"""Task values: what a task tells the tasks after it. One port, two adapters."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Values(Protocol):
    """Where task values go."""

    def set(self, key: str, value: str) -> None:
        """Publish `value` under `key`; later tasks read it as `{{tasks.<task>.values.<key>}}`."""


class FileValues:
    """Task values as one JSON object a line of a file, which the job runner reads when the task has ended."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def set(self, key: str, value: str) -> None:
        """Append the value."""
        with self._file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"key": key, "value": value}) + "\n")


class WorkspaceValues:
    """Task values of a Databricks job."""

    def __init__(self, session: Callable[[], SparkSession]) -> None:
        self._session = session

    def set(self, key: str, value: str) -> None:
        """Hand the value to the job's own service."""
        from pyspark.dbutils import DBUtils  # exists on Databricks only

        DBUtils(self._session()).jobs.taskValues.set(key=key, value=value)
