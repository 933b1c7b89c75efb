"""Applying 1 % new events to facts and features against making both anew.

Seconds of processor time of the Spark server, as in `bench.features`. The new events are of the last days, as such
are; the index dates, one a person, are spread over five months, so that few of them can see the new events.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf

from bench.features import CACHE, JAVA, SPARK, declared, processor
from bench.result import Result
from jobs.featurize import engine, refresh
from jobs.featurize.columns import typed
from jobs.featurize.facts import fact_person
from jobs.io.tables import Provenance, Tables
from jobs.tasks.history import applied_to, note
from sandbox.spark import server
from workflows.covariates import CODE_SCHEMA, code_rows
from workflows.sources.synthetic_omop import synthetic_omop

BOUND = 0.1
CURATED, FACTS, FEATURES = "synthetic_omop.condition_occurrence", "synthetic_omop_ra.fact_person", "bench.features"
# The first updates also compile what later ones find compiled, as the first build does for the one that is measured.
DAYS, LAST, TURNS = 700, 7, 4


def delivered(spark: SparkSession, first: int, rows: int, persons: int, day: str) -> DataFrame:
    """Conditions with ids from `first` on; day: SQL of the day, counted from the first."""
    return spark.range(first, first + rows).selectExpr(
        "id AS condition_occurrence_id", f"pmod(xxhash64(id), {persons}) AS person_id",
        f"timestamp'2020-01-01' + make_interval(0, 0, 0, cast({day} AS int)) AS condition_start_datetime",
        "id AS visit_occurrence_id", "concat('C', pmod(xxhash64(id, 2), 1000)) AS condition_source_value",
    )  # fmt: skip


class Updates:
    """One server, its tables and what each way costs."""

    def __init__(self, spark: Any, process: psutil.Process, events: int, persons: int) -> None:
        self.spark, self.process, self.events, self.persons = spark, process, events, persons
        self.tables = Tables(lambda: spark, Provenance("bench", "bench", "bench", "bench", "bench"))
        self.some = declared(10, 0.1)
        self.concepts = spark.createDataFrame(code_rows([one.feature for one in self.some], {}), CODE_SCHEMA)
        self.index = spark.range(persons).selectExpr(
            "id AS person_id", "id AS visit_occurrence_id",
            "timestamp'2021-06-30' + make_interval(0, 0, 0, cast(pmod(xxhash64(id), 150) AS int)) AS index_datetime",
        )  # fmt: skip

    def cost(self, work: Any) -> float:
        """Seconds of processor time that `work` takes."""
        begun = processor(self.process)
        work()
        return processor(self.process) - begun

    def facts(self) -> None:
        """The facts, made anew."""
        versions = self.tables.inputs(CURATED)
        contract = synthetic_omop.contract("condition_occurrence")
        curated = {contract.table: typed(self.tables.read(CURATED), contract)}
        frame = fact_person(curated, synthetic_omop, person_sample=1.0, versions={contract.table: versions[CURATED]})
        self.tables.replace(FACTS, frame, versions, note(synthetic_omop, 1.0, versions))

    def features(self) -> None:
        """The features, made anew."""
        made = engine.wide(self.index, self.tables.read(FACTS), self.concepts, self.some, key="visit_occurrence_id")
        self.kept(made)

    def kept(self, made: DataFrame) -> None:
        """Write a feature table, with the index dates that it is of."""
        self.tables.replace(FEATURES, self.index.join(made, "visit_occurrence_id"), {})

    def update(self) -> None:
        """The facts and the features, brought up to the newest version of the curated table."""
        said, newest, before = (
            self.tables.commits.noted(FACTS, "made_by"),
            self.tables.inputs(CURATED),
            self.tables.version(FACTS),
        )
        feed = self.tables.changes(CURATED, said["inputs"][CURATED] + 1, newest[CURATED])
        after = applied_to(self.tables, synthetic_omop, FACTS, {"condition_occurrence": feed}, newest, said, 1.0)
        assert before is not None
        changed = self.tables.changes(FACTS, before + 1, after)
        made = refresh.wide(
            self.index, self.tables.read(FACTS, after), self.concepts, self.some, key="visit_occurrence_id",
            previous=self.tables.read(FEATURES), changed=changed,
        )  # fmt: skip
        self.kept(made)

    def measured(self) -> Iterator[Result]:
        """The update, then both tables anew from the same rows; they must be equal."""
        rows = delivered(self.spark, 0, self.events, self.persons, f"pmod(xxhash64(id, 3), {DAYS - TURNS * LAST})")
        rows.write.format("delta").saveAsTable(CURATED)
        self.facts()
        self.features()
        new, updates = self.events // 100, []
        for turn in range(TURNS):
            day = f"{DAYS - LAST * (TURNS - turn)} + pmod(xxhash64(id, 3), {LAST})"
            late = delivered(self.spark, self.events + turn * new, new, self.persons, day)
            late.write.format("delta").mode("append").saveAsTable(CURATED)
            updates.append(self.cost(self.update))
        updated, update = self.digest(), min(updates)
        anew = self.cost(self.facts) + self.cost(self.features)
        if updated != self.digest():
            raise AssertionError("the update and the rebuild make different tables")
        yield Result("updating facts and features with 1 % new events", update, anew, "making both anew", BOUND)

    def digest(self) -> list[Any]:
        """The content of both tables, but for the version of the source that brought a row."""
        found = []
        for name in (FACTS, FEATURES):
            frame = self.tables.read(name).drop("source_version")
            found.append(frame.select(sf.count("*"), sf.sum(sf.xxhash64(*sorted(frame.columns)) % 1_000_003)).first())
        return found


def results(events: int = 10_000_000, persons: int = 200_000) -> Iterator[Result]:
    """The claim about updates; fewer events for a first look."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        running = server.start(CACHE, folder, folder / "warehouse", JAVA)
        try:
            spark = SparkSession.builder.remote(f"sc://{running.address()}/;user_id=bench").getOrCreate()
            for key, setting in SPARK.items():
                spark.conf.set(key, setting)
            # On Azure they are collected; by them a MERGE passes over files that it cannot touch.
            spark.conf.set("spark.databricks.delta.stats.collect", "true")
            spark.conf.set("spark.databricks.delta.properties.defaults.enableChangeDataFeed", "true")
            for schema in ("synthetic_omop", "synthetic_omop_ra", "bench"):
                spark.sql(f"CREATE SCHEMA {schema}")
            process = next(one for one in psutil.Process().children(recursive=True) if one.name() == "java")
            yield from Updates(spark, process, events, persons).measured()
        finally:
            running.stop()
