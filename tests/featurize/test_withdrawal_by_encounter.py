"""Whose a row is, in every table of every source, and a withdrawal where most tables name the encounter alone."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from curated import request
from pyspark.sql import DataFrame, SparkSession

from jobs.featurize.columns import SQL_TYPES
from jobs.featurize.withdrawal import kept, key_sql, person_sql, visit_sql
from jobs.io.context import Task
from jobs.tasks.facts import _facts
from jobs.tasks.withdraw import _withdraw
from synthetic.sources.write import write
from workflows.declare import Featurization
from workflows.sources import named, names
from workflows.sources.premier import premier

pytestmark = [pytest.mark.spark, pytest.mark.clause("P4")]
NOBODY = {"concept", "provider", "providers", "cdm_source", "note_expected"}


@pytest.mark.parametrize("name", names())
def test_every_table_tells_whose_its_rows_are_by_columns_of_its_own(spark: SparkSession, name: str):
    source = named(name)
    for one in source.contracts:
        columns = [column.name for column in one.columns]
        frame = spark.createDataFrame([], ", ".join(f"`{c.name}` {SQL_TYPES[c.type]}" for c in one.columns))
        for table in (f"{name}.{one.table}", f"{name}_ra.rejected_{one.table}"):
            found = [of(source, table, columns) for of in (person_sql, visit_sql)]
            told = [expression for expression in found if expression is not None]
            assert bool(told) == (one.table not in NOBODY), table
            assert all(frame.selectExpr(key_sql(expression)).columns for expression in told)
        if found[0] is None and one.table not in NOBODY:
            assert source.encounters.table in source.made_from["fact_person"], "it tells whose the encounters are"


def test_rows_of_an_encounter_stay_out_with_its_person_and_where_nobody_is_known(spark: SparkSession):
    digest = hashlib.sha256(b"withdrawn|premier|7").hexdigest()
    tombstones = spark.createDataFrame([(digest,)], "person_digest string")
    stays = spark.createDataFrame([(1, 7), (2, 8)], "PAT_KEY long, MEDREC_KEY long")
    codes = spark.createDataFrame([(1, "a"), (2, "b"), (2, "c"), (3, "d")], "PAT_KEY long, CPT_CODE string")
    found = kept(codes, tombstones, premier, "premier.patcpt", {"patdemo": stays})
    assert sorted(tuple(row) for row in found.collect()) == [(2, "b"), (2, "c")]


@pytest.fixture
def hospital(spark: SparkSession) -> Iterator[SparkSession]:
    zones = ("premier", "premier_ra", "ml")
    for zone in zones:
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {zone}")
    yield spark
    for zone in zones:
        spark.sql(f"DROP SCHEMA IF EXISTS {zone} CASCADE")


@pytest.mark.nightly
def test_a_person_whom_only_encounters_name_leaves_every_table_and_stays_out_when_delivered_again(
    hospital: SparkSession, make_task: Callable[..., Task], tmp_path: Path
):
    write("premier", tmp_path / "delivery", events=1_000)
    tables = {
        path.stem: hospital.read.csv(str(path), header=True, escape='"')
        for path in sorted((tmp_path / "delivery").glob("*.csv"))
    }

    def save(frame: DataFrame, name: str) -> None:
        frame.coalesce(1).write.format("delta").mode("overwrite").saveAsTable(name)

    def facts() -> Counter[int | None]:
        declared = Featurization(name="premier", source="premier", cluster="ml_cpu", history=True)
        _facts(make_task(declared, table="fact_person", person_sample="1.0"))
        rows = hospital.table("premier_ra.fact_person").where("known_to IS NULL").groupBy("person_id").count()
        return Counter({row["person_id"]: row["count"] for row in rows.collect()})

    for name, frame in tables.items():
        save(frame, f"premier.{name}")
    save(tables["patcpt"].selectExpr("*", "'why' AS reason"), "premier_ra.rejected_patcpt")
    everyone = facts()
    (gone, _), *_ = everyone.most_common()
    visits = [row[0] for row in tables["patdemo"].where(f"MEDREC_KEY = '{gone}'").select("PAT_KEY").collect()]

    declared = Featurization(name="premier", source="premier", cluster="ml_cpu")
    _withdraw(make_task(declared, request=request(tmp_path, f"{gone}\n")))
    held = {f"premier.{name}": frame for name, frame in tables.items() if "PAT_KEY" in frame.columns}
    for name, frame in (held | {"premier_ra.rejected_patcpt": tables["patcpt"]}).items():
        others = frame.where(~frame["PAT_KEY"].isin(visits)).count()
        assert hospital.table(name).count() == others, name
    assert hospital.table("premier.patcpt").count() < tables["patcpt"].count()
    assert hospital.table("premier_ra.fact_person").where(f"person_id = {gone}").isEmpty()

    for name, frame in tables.items():
        save(frame, f"premier.{name}")
    assert facts() == Counter({person: count for person, count in everyone.items() if person != gone})
