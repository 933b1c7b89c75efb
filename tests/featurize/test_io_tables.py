"""Delta tables with versions and lineage: one write, one commit, one row that says who wrote it from what."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf

from jobs.errors import TaskError
from jobs.io.frames import frame
from jobs.io.lineage import LINEAGE, Provenance
from jobs.io.tables import Tables

pytestmark = pytest.mark.spark


def of(spark: SparkSession, task: str = "333") -> Tables:
    return Tables(lambda: spark, Provenance("22", task, "abc", "req", "dec"))


@pytest.fixture
def tables(zones: SparkSession) -> Tables:
    return of(zones)


@pytest.mark.clause("C4")
def test_a_replaced_table_keeps_its_older_versions_readable(tables: Tables, zones: SparkSession):
    assert tables.version("scratch.a") is None
    assert not tables.exists("scratch.a")
    first = tables.replace("scratch.a", zones.range(3), {})
    second = tables.replace("scratch.a", zones.range(5).withColumn("more", sf.lit("x")), {"scratch.b": 4})
    assert (first, second, tables.version("scratch.a")) == (0, 1, 1)
    assert tables.read("scratch.a", first).count() == 3
    assert tables.read("scratch.a").columns == ["id", "more"]
    assert tables.inputs("scratch.a") == {"scratch.a": 1}


@pytest.mark.clause("P7")
def test_every_written_version_has_one_lineage_row_with_its_inputs(tables: Tables, zones: SparkSession):
    tables.replace("scratch.a", zones.range(3), {"uci130.encounter": 7})
    tables.append("scratch.a", zones.range(2))
    tables.merge("scratch.m", zones.range(4).withColumn("v", sf.lit(1)), ["id"], {"scratch.a": 1})
    tables.flush()
    tables.flush()
    rows = zones.table(LINEAGE).orderBy("object", "version").collect()
    assert [(row["object"], row["version"], json.loads(row["inputs"])) for row in rows] == [
        ("scratch.a", 0, {"uci130.encounter": 7}), ("scratch.a", 1, {}), ("scratch.m", 0, {"scratch.a": 1}),
    ]  # fmt: skip
    assert {(row["job_run_id"], row["task_run_id"], row["commit"]) for row in rows} == {("22", "333", "abc")}
    history = zones.sql("DESCRIBE HISTORY scratch.a").orderBy("version").collect()
    noted = [json.loads(row["userMetadata"]) for row in history]
    assert [note["inputs"] for note in noted] == [{"uci130.encounter": 7}, {}], "the data carry their lineage too"


def test_a_merge_updates_known_keys_and_inserts_the_others(tables: Tables, zones: SparkSession):
    tables.merge("scratch.m", zones.range(3).withColumn("v", sf.lit("old")), ["id"])
    version = tables.merge("scratch.m", zones.range(2, 5).withColumn("v", sf.lit("new")), ["id"])
    assert version == 1
    found = {row["id"]: row["v"] for row in tables.read("scratch.m").collect()}
    assert found == {0: "old", 1: "old", 2: "new", 3: "new", 4: "new"}


def test_what_is_at_hand_is_what_was_there_unless_it_is_too_much(tables: Tables, zones: SparkSession):
    tables.replace("scratch.a", zones.range(3).withColumn("v", sf.lit("x")), {})
    there = tables.read("scratch.a")
    kept, none = tables.at_hand(there, 3), tables.at_hand(there.where("id > 5"), 3)
    tables.replace("scratch.a", zones.range(9).withColumn("v", sf.lit("x")), {})
    assert kept is not None
    assert none is not None
    assert sorted(map(tuple, kept.collect())) == [(0, "x"), (1, "x"), (2, "x")]
    assert (none.dtypes, none.collect()) == (there.dtypes, [])
    assert tables.at_hand(tables.read("scratch.a"), 8) is None


def test_a_write_that_fails_leaves_the_previous_version_and_no_lineage(tables: Tables, zones: SparkSession):
    tables.replace("scratch.a", zones.range(3), {})
    breaks = zones.range(50).select(sf.expr("id / (id - 40)").alias("id"))
    with pytest.raises(Exception, match="DIVIDE_BY_ZERO"):
        tables.replace("scratch.a", breaks, {})
    tables.flush()
    assert tables.version("scratch.a") == 0
    assert tables.read("scratch.a").count() == 3
    assert zones.table(LINEAGE).count() == 1


def test_a_version_is_that_of_the_own_commit_even_when_another_writer_followed(tables: Tables, zones: SparkSession):
    other = of(zones, "444")
    tables.replace("scratch.a", zones.range(1), {})
    token = tables._token({})
    tables._saved("scratch.a", zones.range(2), "append", token)
    other.append("scratch.a", zones.range(3))
    assert tables._recorded("scratch.a", token, {}) == 1


def three_at_once(spark_remote: str, write: Callable[[Tables, int], object]) -> None:
    """Three tasks, each with a session of its own, begin to write at the same time."""
    from sandbox.spark.session import session

    begin = threading.Barrier(3)

    def task(number: int) -> None:
        with session(spark_remote) as own:
            tables = of(own, str(number))
            begin.wait()
            write(tables, number)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(task, range(3)))


def test_tasks_that_write_the_first_lineage_rows_at_once_lose_none(zones: SparkSession, spark_remote: str):
    def write(tables: Tables, number: int) -> None:
        tables.note(f"scratch.t{number}", 0, {})
        tables.flush()

    three_at_once(spark_remote, write)
    assert {row["task_run_id"] for row in zones.table(LINEAGE).collect()} == {"0", "1", "2"}


def test_tasks_that_merge_the_first_rows_of_a_table_at_once_have_each_key_once(zones: SparkSession, spark_remote: str):
    three_at_once(spark_remote, lambda tables, number: tables.merge(
        "scratch.m", tables._session().range(number, number + 3).withColumn("v", sf.lit(number)), ["id"]
    ))  # fmt: skip
    assert sorted(row["id"] for row in zones.table("scratch.m").collect()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("there", [True, False], ids=["replaced", "made"])
def test_a_task_whose_table_another_has_replaced_meanwhile_fails_by_its_name_and_leaves_nothing(
    there: bool, tables: Tables, zones: SparkSession, spark_remote: str, tmp_path: Path
):
    from sandbox.spark.session import session

    begun, done = str(tmp_path / "begun"), str(tmp_path / "done")

    def slowly(some: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        Path(begun).touch()
        while not Path(done).exists():
            time.sleep(0.05)
        yield from some

    if there:
        tables.replace("scratch.a", zones.range(3), {})
    with session(spark_remote) as own, ThreadPoolExecutor(1) as pool:
        late = of(own, "444")
        writes = pool.submit(late.replace, "scratch.a", own.range(4).coalesce(1).mapInPandas(slowly, "id long"), {})
        try:
            while not Path(begun).exists():
                assert not writes.done()
                time.sleep(0.05)
            assert (tables.read("scratch.a").count() if there else tables.exists("scratch.a")) == (
                3 if there else False
            )
            first = tables.replace("scratch.a", zones.range(7), {})
        finally:
            Path(done).touch()
        with pytest.raises(TaskError, match=r"^scratch\.a: another task wrote it .*; run this job again when no other"):
            writes.result()
        late.flush()
        tables.flush()
        assert (tables.version("scratch.a"), tables.read("scratch.a").count()) == (first, 7)
        wrote = {(row["version"], row["task_run_id"]) for row in zones.table(LINEAGE).collect()}
        assert wrote == {(version, "333") for version in range(first + 1)}
        assert late.replace("scratch.a", own.range(4), {}) == first + 1
    assert tables.read("scratch.a").count() == 4


def test_tasks_that_replace_a_table_at_once_leave_only_whole_versions_and_each_its_own(
    tables: Tables, zones: SparkSession, spark_remote: str
):
    def rows(session: SparkSession, of: int) -> DataFrame:
        return session.range(0, 60, 1, 6).withColumn("v", sf.lit(of))

    tables.replace("scratch.a", rows(zones, 0), {})
    wrote: dict[int, int] = {0: 0}

    def write(tables: Tables, number: int) -> None:
        for turn in range(3):
            if number == 0:
                seen = tables.read("scratch.a").groupBy("v").count().collect()
                assert [row["count"] for row in seen] == [60], "a reader sees one version, whole"
                continue
            own = 10 * number + turn
            # Nothing but the error that names the table may come of it.
            with suppress(TaskError):
                wrote[tables.replace("scratch.a", rows(tables._session(), own), {})] = own

    three_at_once(spark_remote, write)
    assert sorted(wrote) == list(range(len(wrote)))
    assert len(wrote) > 1
    for version, number in wrote.items():
        assert {row["v"] for row in tables.read("scratch.a", version).collect()} == {number}
        assert tables.read("scratch.a", version).count() == 60


@pytest.mark.parametrize("name", ["a", "cdh_dev.ml.a", "ml.a; DROP TABLE x", "Ml.a"])
def test_only_schema_and_table_name_a_table(tables: Tables, name: str):
    with pytest.raises(TaskError, match=r"valid: schema\.table"):
        tables.read(name)


def test_a_missing_input_says_which_table_and_what_to_do(tables: Tables):
    with pytest.raises(TaskError, match=r"table scratch\.nothing does not exist; run the job that writes it first"):
        tables.inputs("scratch.nothing")


def properties(spark: SparkSession, name: str) -> dict[str, str]:
    return {row["key"]: row["value"] for row in spark.sql(f"SHOW TBLPROPERTIES {name}").collect()}


@pytest.mark.clause("P7")
def test_a_table_keeps_its_log_and_its_files_as_long_as_its_zone_says(zones: SparkSession):
    """docs.delta.io, "Table properties": delta.logRetentionDuration, delta.deletedFileRetentionDuration."""
    kept = Tables(lambda: zones, Provenance("22", "333", "abc", "req", "dec"), {"scratch": 365, "ml": 1095})
    kept.replace("scratch.a", zones.range(3), {})
    kept.append("scratch.b", zones.range(3))
    kept.merge("scratch.m", zones.range(3), ["id"])
    kept.flush()
    for name, days in (("scratch.a", 365), ("scratch.b", 365), ("scratch.m", 365), (LINEAGE, 1095)):
        found = properties(zones, name)
        for one in ("delta.logRetentionDuration", "delta.deletedFileRetentionDuration"):
            assert found[one] == f"interval {days} days", (name, one)
    longer = Tables(lambda: zones, Provenance("22", "334", "abc", "req", "dec"), {"scratch": 730})
    longer.append("scratch.b", zones.range(2))
    longer.replace("scratch.a", zones.range(2), {})
    for name in ("scratch.a", "scratch.b"):
        assert properties(zones, name)["delta.logRetentionDuration"] == "interval 365 days", "a table keeps its own"


@pytest.mark.clause("P3", "C4")
def test_a_table_counts_as_made_only_by_the_same_definition_from_the_same_inputs_with_nothing_since(
    tables: Tables, zones: SparkSession
):
    assert tables.commits.made("scratch.a", "definition", {}) is None
    tables.replace("scratch.b", zones.range(3), {})
    tables.replace("scratch.a", zones.range(3), {"scratch.b": 4}, {"content": "definition"})
    assert tables.commits.made("scratch.a", "definition", {"scratch.b": 4}) == 0
    assert tables.commits.made("scratch.a", "definition", {"scratch.b": 5}) is None
    assert tables.commits.made("scratch.a", "another", {"scratch.b": 4}) is None
    zones.sql("DELETE FROM scratch.a WHERE id = 1").collect()
    assert tables.commits.made("scratch.a", "definition", {"scratch.b": 4}) is None


@pytest.mark.clause("P3", "C4")
def test_upkeep_by_the_platform_makes_no_new_version_and_what_it_replaced_is_read_from_it(
    tables: Tables, zones: SparkSession
):
    """Microsoft Learn, "Predictive optimization": OPTIMIZE and VACUUM run without being asked for."""
    tables.replace("scratch.b", zones.range(3), {})
    tables.replace("scratch.a", zones.range(3).coalesce(1), {"scratch.b": 4}, {"content": "definition"})
    tables.append("scratch.a", zones.range(3, 5).coalesce(1), {"scratch.b": 4}, {"content": "definition"})
    zones.sql("OPTIMIZE scratch.a").collect()
    zones.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    try:
        zones.sql("VACUUM scratch.a RETAIN 0 HOURS").collect()
    finally:
        zones.conf.unset("spark.databricks.delta.retentionDurationCheck.enabled")
    done = [row["operation"] for row in zones.sql("DESCRIBE HISTORY scratch.a").collect()]
    assert "OPTIMIZE" in done, done
    another = of(zones)
    assert another.inputs("scratch.a") == {"scratch.a": 1}
    assert another.commits.made("scratch.a", "definition", {"scratch.b": 4}) == 1
    assert another.read("scratch.a", 1).count() == 5


def test_a_table_is_read_as_it_was_at_any_moment_since_it_was_made(tables: Tables, zones: SparkSession):
    for size in (3, 4):
        tables.replace("scratch.a", zones.range(size), {})
    first, second = sorted(row["timestamp"] for row in zones.sql("DESCRIBE HISTORY scratch.a").collect())
    moments = [moment.astimezone(UTC) for moment in (first, second, second + timedelta(days=900))]
    assert [tables.read("scratch.a", at=moment).count() for moment in moments] == [3, 4, 4]
    with pytest.raises(TaskError, match=r"scratch\.a has no version that is as old as 1999-01-01"):
        tables.read("scratch.a", at=datetime(1999, 1, 1, tzinfo=UTC))


def test_a_frame_of_no_rows_has_the_columns_that_were_declared(zones: SparkSession):
    kinds = {"name": "string", "size": "long", "x": "double", "there": "boolean", "at": "timestamp"}
    task = SimpleNamespace(spark=zones)
    types = ["string", "bigint", "double", "boolean", "timestamp"]
    for rows in (pd.DataFrame(columns=list(kinds)), pd.DataFrame({"name": ["a"], "size": [1], "x": [0.5],
                 "there": [True], "at": [datetime(2026, 1, 1, tzinfo=UTC)]})):  # fmt: skip
        made = frame(task, rows, kinds)  # type: ignore[arg-type]
        assert made.dtypes == list(zip(kinds, types, strict=True))
        assert made.count() == len(rows)
