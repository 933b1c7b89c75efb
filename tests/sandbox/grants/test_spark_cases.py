"""What Spark refuses: each case is refused until exactly what the refusal names is granted, and then passes.

"Users must have ... USE SCHEMA on its parent schema and USE CATALOG on its parent catalog" (Unity Catalog privileges).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from grants_bench import CATALOG, GrantsBench, refused, streamed
from pyspark.errors import PySparkException

pytestmark = pytest.mark.spark

USE = [f"USE CATALOG {CATALOG}", f"USE SCHEMA {CATALOG}.raw"]
USE_ML = [f"USE CATALOG {CATALOG}", f"USE SCHEMA {CATALOG}.ml"]
READ = [*USE, "SELECT {table}"]
# "To overwrite an existing table, you must have: USE CATALOG on the catalog, USE SCHEMA on the schema, SELECT on the
# table, MODIFY on the table."
WRITE = [*READ, "MODIFY {table}"]
# "An object's owner has the ability to drop the object"; MANAGE "grants the ability to ... drop".
DROP = [*USE, "MANAGE {table}"]

SQL = {
    "a query": ("SELECT * FROM raw.{t}", READ),
    "a query that names Spark's catalog": ("SELECT * FROM spark_catalog.raw.{t}", READ),
    "a common table expression": ("WITH a AS (SELECT * FROM raw.{t}) SELECT count(*) FROM a", READ),
    "a subquery in a condition": ("SELECT 1 WHERE EXISTS (SELECT * FROM raw.{t})", READ),
    "a scalar subquery": ("SELECT (SELECT max(id) FROM raw.{t})", READ),
    "a join with itself": ("SELECT * FROM raw.{t} AS a JOIN raw.{t} AS b USING (id)", READ),
    "time travel": ("SELECT * FROM raw.{t} VERSION AS OF 0", READ),
    "a Delta path": ("SELECT * FROM delta.`{path}`", READ),
    "a Delta path at a version": ("SELECT * FROM delta.`{path}` VERSION AS OF 0", READ),
    "files of a table": ("SELECT * FROM parquet.`{path}`", READ),
    "a temporary view in SQL": ("CREATE TEMPORARY VIEW v AS SELECT * FROM raw.{t}", READ),
    "a cached table": ("CACHE TABLE raw.{t}", READ),
    "its history": ("DESCRIBE HISTORY raw.{t}", READ),
    "the history of a path": ("DESCRIBE HISTORY delta.`{path}`", READ),
    "its detail": ("DESCRIBE DETAIL raw.{t}", READ),
    "its plan": ("EXPLAIN SELECT * FROM raw.{t}", READ),
    "a query's columns": ("DESCRIBE QUERY SELECT * FROM raw.{t}", READ),
    "its changes": ("SELECT * FROM table_changes('raw.{t}', 1)", READ),
    "its columns": ("DESCRIBE TABLE raw.{t}", READ),
    "an insert": ("INSERT INTO raw.{t} VALUES (9)", WRITE),
    "an insert by path": ("INSERT INTO delta.`{path}` VALUES (9)", WRITE),
    "an overwriting insert": ("INSERT OVERWRITE raw.{t} VALUES (9)", WRITE),
    "an update": ("UPDATE raw.{t} SET id = 7 WHERE id = 1", WRITE),
    "an update by path": ("UPDATE delta.`{path}` SET id = 7 WHERE id = 1", WRITE),
    "a delete": ("DELETE FROM raw.{t} WHERE id = 1", WRITE),
    "a delete by path": ("DELETE FROM delta.`{path}` WHERE id = 1", WRITE),
    "a merge": (
        "MERGE INTO raw.{t} AS a USING (SELECT 3L AS id) AS b ON a.id = b.id WHEN MATCHED THEN DELETE",
        WRITE,
    ),
    "a new column": ("ALTER TABLE raw.{t} ADD COLUMN more INT", WRITE),
    "a property": ("ALTER TABLE raw.{t} SET TBLPROPERTIES ('a' = 'b')", WRITE),
    "a comment": ("COMMENT ON TABLE raw.{t} IS 'x'", WRITE),
    "optimize": ("OPTIMIZE raw.{t}", WRITE),
    "vacuum": ("VACUUM raw.{t}", WRITE),
    "restore": ("RESTORE TABLE raw.{t} TO VERSION AS OF 0", WRITE),
    "replace": ("CREATE OR REPLACE TABLE raw.{t} USING DELTA AS SELECT 1 AS id", WRITE),
    "drop": ("DROP TABLE raw.{t}", DROP),
    "a table made from another": (
        "CREATE TABLE ml.{t} USING DELTA AS SELECT * FROM raw.{t}",
        [*USE, "SELECT {table}", USE_ML[1], f"CREATE TABLE {CATALOG}.ml"],
    ),
    "a new empty table": ("CREATE TABLE ml.{t} (id INT) USING DELTA", [*USE_ML, f"CREATE TABLE {CATALOG}.ml"]),
    "a table laid over another's files": (
        "CREATE TABLE ml.{t} USING DELTA LOCATION '{path}'",
        [*WRITE, USE_ML[1], f"CREATE TABLE {CATALOG}.ml"],
    ),
    "a merge from a table": (
        "MERGE INTO delta.`{path}` AS a USING raw.{t} AS b ON a.id = b.id WHEN MATCHED THEN DELETE",
        WRITE,
    ),
}

FRAMES: dict[str, tuple[Callable[[Any, str, str], Any], list[str]]] = {
    "a frame of a table": (lambda spark, t, path: spark.table(f"raw.{t}").count(), READ),
    "a frame of its log": (lambda spark, t, path: spark.read.text(f"{path}/_delta_log").count(), READ),
    "its list of columns": (lambda spark, t, path: spark.catalog.listColumns(f"raw.{t}"), READ),
    "only its schema": (lambda spark, t, path: spark.table(f"raw.{t}").columns, READ),
    "a frame of a path": (lambda spark, t, path: spark.read.format("delta").load(path).count(), READ),
    "a frame of its files": (lambda spark, t, path: spark.read.parquet(path).count(), READ),
    "a temporary view of a frame": (
        lambda spark, t, path: spark.table(f"raw.{t}").createOrReplaceTempView("v"),
        READ,
    ),
    "an overwriting save": (
        lambda spark, t, path: spark.range(3).write.format("delta").mode("overwrite").saveAsTable(f"raw.{t}"),
        WRITE,
    ),
    "an appending save": (
        lambda spark, t, path: spark.range(3).write.format("delta").mode("append").saveAsTable(f"raw.{t}"),
        WRITE,
    ),
    "a save by path": (lambda spark, t, path: spark.range(3).write.format("delta").mode("append").save(path), WRITE),
    "insertInto": (lambda spark, t, path: spark.range(3).write.insertInto(f"raw.{t}"), WRITE),
    "writeTo": (lambda spark, t, path: spark.range(3).writeTo(f"raw.{t}").append(), WRITE),
    "a first save": (
        lambda spark, t, path: spark.range(3).write.format("delta").saveAsTable(f"ml.{t}"),
        [*USE_ML, f"CREATE TABLE {CATALOG}.ml"],
    ),
    "a stream, whose state lies on a volume": (
        lambda spark, t, path: (
            streamed(spark, t, str(Path(path).parents[2] / "volumes" / CATALOG / "ml" / "state"))
            .toTable(f"ml.{t}")
            .awaitTermination()
        ),
        [*READ, USE_ML[1], f"CREATE TABLE {CATALOG}.ml", f"WRITE VOLUME {CATALOG}.ml.state"],
    ),
}


def expected(needs: list[str], table: str) -> list[str]:
    return [need.format(table=f"{CATALOG}.raw.{table}") for need in needs]


@pytest.mark.clause("P5")
@pytest.mark.parametrize("case", SQL)
def test_a_statement_passes_with_exactly_what_its_refusals_name(grants: GrantsBench, case: str):
    statement, needs = SQL[case]
    table, principal = grants.table(), grants.principal()
    path = grants.workspace.warehouse.resolve() / "raw" / table
    with grants.session(principal) as spark:
        told = statement.format(t=table, path=path)
        assert grants.granted_until_it_passes(principal, lambda: spark.sql(told).collect()) == expected(needs, table)


@pytest.mark.parametrize("case", FRAMES)
def test_a_frame_passes_with_exactly_what_its_refusals_name(grants: GrantsBench, case: str):
    act, needs = FRAMES[case]
    table, principal = grants.table(), grants.principal()
    path = str(grants.workspace.warehouse / "raw" / table)
    with grants.session(principal) as spark:
        found = grants.granted_until_it_passes(principal, lambda: act(spark, table, path))
    assert found == expected(needs, table)


@pytest.mark.parametrize("catalog", ["other", "mine"])
def test_another_catalog_is_not_there_for_one_who_may_do_everything(grants: GrantsBench, catalog: str):
    table, principal = grants.table(), grants.principal()
    grants.grant(principal, "ALL_PRIVILEGES", "Catalog", CATALOG)
    with grants.session(principal) as spark:
        spark.conf.set("spark.sql.catalog.mine", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        assert spark.table(f"raw.{table}").count() == 5
        with pytest.raises(PySparkException):
            spark.sql(f"SELECT * FROM {catalog}.raw.{table}").collect()


def test_a_schema_is_made_by_who_may_create_schemas_and_dropped_by_who_manages_it(grants: GrantsBench):
    principal = grants.principal()
    grants.grant(principal, "USE CATALOG", "Catalog", CATALOG)
    with grants.session(principal) as spark:
        made, dropped = (
            refused(lambda told=told: spark.sql(told)) for told in ("CREATE SCHEMA s", "DROP SCHEMA raw CASCADE")
        )
    assert f"does not have CREATE SCHEMA on Catalog '{CATALOG}'. SQLSTATE: 42501" in made
    assert f"does not have MANAGE on Schema '{CATALOG}.raw'. SQLSTATE: 42501" in dropped


def test_files_on_a_volume_need_the_volumes_privileges(grants: GrantsBench):
    principal, volume = grants.principal(), f"{CATALOG}.ml.landing"
    folder = grants.workspace.volumes / CATALOG / "ml" / "landing"
    with grants.session(principal) as spark:
        read = grants.granted_until_it_passes(principal, lambda: spark.read.csv(str(folder / "a.csv")).count())
        write = grants.granted_until_it_passes(principal, lambda: spark.range(2).write.parquet(str(folder / "out")))
    assert read == [*USE_ML, f"READ VOLUME {volume}"]
    assert write == [f"WRITE VOLUME {volume}"]


# No grant opens these: paths of no table and no volume, and commands that nobody thought through.
NEVER = {
    "a file of the machine": "SELECT * FROM text.`/etc/hostname`",
    "a directory": "INSERT OVERWRITE DIRECTORY '{warehouse}/../out' USING parquet SELECT 1 AS a",
    "a table outside": "CREATE TABLE ml.outside USING DELTA LOCATION '{warehouse}/../out' AS SELECT 1 AS a",
    "a clone": "CREATE TABLE ml.c SHALLOW CLONE raw.{t}",
    "a function": "CREATE FUNCTION ml.f AS 'x.Y'",
    "a jar": "ADD JAR '/tmp/x.jar'",
}


@pytest.mark.parametrize("case", NEVER)
def test_what_no_grant_opens_is_refused_to_one_who_may_do_everything(grants: GrantsBench, case: str):
    table, principal = grants.table(), grants.principal()
    grants.grant(principal, "ALL_PRIVILEGES", "Catalog", CATALOG)
    statement = NEVER[case].format(t=table, warehouse=grants.workspace.warehouse.resolve())
    with grants.session(principal) as spark:
        told = refused(lambda: spark.sql(statement).collect())
    assert told is not None
    assert "[INSUFFICIENT_PERMISSIONS] Insufficient privileges: " in told
