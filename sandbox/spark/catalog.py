"""What a Spark server knows of a warehouse: its catalog lives in memory, the tables are folders.

Zones and tables that terraform or another process made or removed since are attached and forgotten again.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession


# Not proved here: primary keys, tags, row filters, column masks. Why: local Delta has none of them. On Azure:
# `DESCRIBE TABLE EXTENDED`.
class Catalog:
    """Keeps one server's catalog equal to the folders ``warehouse/<schema>/<table>``; cheap when nothing changed."""

    def __init__(self, warehouse: Path) -> None:
        self._warehouse = warehouse
        self._schemas: set[str] = set()
        self._tables: set[tuple[str, str]] = set()

    def attach(self, spark: SparkSession) -> None:
        """Attach what is on disk and not known, forget what is known and gone."""
        schemas, tables = self._found()
        for schema in sorted(self._schemas - schemas):
            spark.sql(f"DROP SCHEMA IF EXISTS `{schema}` CASCADE")
        for schema in sorted(schemas - self._schemas):
            spark.sql(f"CREATE SCHEMA IF NOT EXISTS `{schema}` LOCATION '{_uri(self._warehouse / schema)}'")
        for schema, table in sorted(tables - self._tables):
            where = _uri(self._warehouse / schema / table)
            spark.sql(f"CREATE TABLE IF NOT EXISTS `{schema}`.`{table}` USING DELTA LOCATION '{where}'")
        for schema, table in sorted(self._tables - tables):
            if schema in schemas:
                spark.sql(f"DROP TABLE IF EXISTS `{schema}`.`{table}`")
        self._schemas, self._tables = schemas, tables

    def _found(self) -> tuple[set[str], set[tuple[str, str]]]:
        if not self._warehouse.is_dir():
            return set(), set()
        folders = (path for path in self._warehouse.iterdir() if path.is_dir())
        schemas = {folder.name for folder in folders if folder.name[0] not in "._"}
        logs = self._warehouse.glob("*/*/_delta_log/*0.json")
        # A log without its first files was checkpointed; `_last_checkpoint` is then there.
        checkpoints = self._warehouse.glob("*/*/_delta_log/_last_checkpoint")
        return schemas, {(path.parts[-4], path.parts[-3]) for path in (*logs, *checkpoints)}


def _uri(path: Path) -> str:
    return path.resolve().as_uri().replace("'", "%27")
