"""Writes to the table of a catalog that is bound read-only, each with the words of its refusal.

t: the table's name, path: its folder, schema: the folder it is in, own: a table of the zone raw of this workspace.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from grants_bench import streamed

THERE = "cdh_there"
TABLE = f"{THERE}.ml.record"
IS_READ_ONLY = f"Catalog '{THERE}' is bound read-only to the current workspace"
ANY_FILE = "does not have permission MODIFY on any file"
UNKNOWN = "the sandbox does not know what"
# Spark's own refusals of a name whose catalog it does not have: nothing gets so far as to be checked.
NO_NAME = (
    "requires a single-part namespace|Nested databases are not supported|Couldn't find a catalog|"
    "has more than 2 name parts|v1Table call is not expected"
)
ROW = "(SELECT 1L AS id) AS b ON a.id = b.id"

SQL: dict[str, list[str]] = {
    IS_READ_ONLY: [
        "INSERT INTO {t} VALUES (9)",
        "INSERT OVERWRITE {t} VALUES (9)",
        "UPDATE {t} SET id = 7 WHERE id = 1",
        "DELETE FROM {t} WHERE id = 1",
        f"MERGE INTO {{t}} AS a USING {ROW} WHEN MATCHED THEN DELETE",
        "MERGE INTO {t} AS a USING raw.{own} AS b ON a.id = b.id WHEN NOT MATCHED THEN INSERT *",
        "ALTER TABLE {t} ADD COLUMN more INT",
        "ALTER TABLE {t} SET TBLPROPERTIES ('a' = 'b')",
        "ALTER TABLE {t} ADD CONSTRAINT c CHECK (id < 99)",
        "COMMENT ON TABLE {t} IS 'x'",
        "COMMENT ON SCHEMA cdh_there.ml IS 'x'",
        "OPTIMIZE {t}",
        "VACUUM {t}",
        "RESTORE TABLE {t} TO VERSION AS OF 0",
        "TRUNCATE TABLE {t}",
        "INSERT INTO delta.`{path}` VALUES (9)",
        "UPDATE delta.`{path}` SET id = 7",
        "DELETE FROM delta.`{path}`",
        f"MERGE INTO delta.`{{path}}` AS a USING {ROW} WHEN MATCHED THEN DELETE",
        "VACUUM delta.`{path}`",
        "DROP TABLE delta.`{path}`",
        "CREATE OR REPLACE TABLE delta.`{path}` (id INT) USING DELTA",
        "CREATE TABLE delta.`{path}_new` (id INT) USING DELTA",
        "CREATE TABLE ml.over USING DELTA LOCATION '{path}'",
        "CREATE TABLE ml.over USING DELTA OPTIONS (path '{path}')",
        "CREATE TABLE ml.over USING DELTA LOCATION '{path}_new' AS SELECT 1 AS id",
        "ALTER TABLE raw.{own} SET LOCATION '{path}'",
    ],
    ANY_FILE: [
        "CREATE SCHEMA over LOCATION '{schema}'",
        "ALTER SCHEMA raw SET LOCATION '{schema}'",
    ],
    UNKNOWN: [
        "ALTER TABLE {t} RENAME TO cdh_there.ml.new",
        "INSERT OVERWRITE DIRECTORY '{path}' USING parquet SELECT 1 AS id",
    ],
    NO_NAME: [
        "DROP TABLE {t}",
        "CREATE OR REPLACE TABLE {t} USING DELTA AS SELECT 1 AS id",
        "CREATE TABLE cdh_there.ml.new (id INT) USING DELTA",
        "CREATE TABLE cdh_there.ml.new USING DELTA AS SELECT 1 AS id",
        "CREATE TABLE cdh_there.ml.new SHALLOW CLONE raw.{own}",
        "CREATE VIEW cdh_there.ml.new AS SELECT 1 AS id",
        "CREATE SCHEMA cdh_there.new",
        "DROP SCHEMA cdh_there.ml CASCADE",
    ],
}  # fmt: skip
STATEMENTS = {statement: why for why, statements in SQL.items() for statement in statements}

Act = Callable[[Any, str, str], Any]
FRAMES: dict[str, tuple[Act, str]] = {
    "an append": (lambda spark, path, own: saved(spark, "append").saveAsTable(TABLE), NO_NAME),
    "an overwrite": (lambda spark, path, own: saved(spark, "overwrite").saveAsTable(TABLE), NO_NAME),
    "insertInto": (lambda spark, path, own: spark.range(2).write.insertInto(TABLE), NO_NAME),
    "writeTo": (lambda spark, path, own: spark.range(2).writeTo(TABLE).append(), IS_READ_ONLY),
    "a new table": (lambda spark, path, own: spark.range(2).writeTo(f"{TABLE}_new").using("delta").create(), NO_NAME),
    "an append by path": (lambda spark, path, own: saved(spark, "append").save(path), IS_READ_ONLY),
    "a new table by path": (lambda spark, path, own: saved(spark, "error").save(f"{path}_new"), IS_READ_ONLY),
    "files by path": (lambda spark, path, own: spark.range(2).write.parquet(f"{path}_new"), IS_READ_ONLY),
    "a table of its own there": (
        lambda spark, path, own: saved(spark, "error").option("path", f"{path}_new").saveAsTable("ml.over"),
        IS_READ_ONLY,
    ),
    "a delete through a view": (
        lambda spark, path, own: (
            spark.table(TABLE).createOrReplaceTempView("over"),
            spark.sql("DELETE FROM over").collect(),
        ),
        IS_READ_ONLY,
    ),
    "a stream": (lambda spark, path, own: beside(spark, own).toTable(TABLE).awaitTermination(), NO_NAME),
    "the state of a stream": (
        lambda spark, path, own: streamed(spark, own, f"{path}/_state").toTable(f"raw.{own}_more").awaitTermination(),
        IS_READ_ONLY,
    ),
    "a stream by path": (lambda spark, path, own: beside(spark, own).start(path).awaitTermination(), IS_READ_ONLY),
}


def saved(spark: Any, mode: str) -> Any:
    return spark.range(2).write.format("delta").mode(mode)


def beside(spark: Any, own: str) -> Any:
    """What is there of a table of this workspace, as a stream that keeps its state beside it."""
    where = spark.sql(f"DESCRIBE DETAIL raw.{own}").first().location
    return streamed(spark, own, f"{where}_checkpoint")
