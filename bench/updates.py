"""Applying 1 % new events to facts and features against making both anew.

Seconds of processor time of the Spark server, as in `bench.features`, of the last of some turns: a server that is warm.
The new events are of the last days, as such are; the index dates, one a person, are spread over five months, so that
few of them can see the new events. Beside it stands the worse case: new events of any day, which many can see; one new
event; and what Spark and Delta need for such an update at the least, with no feature computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf

from bench.features import cost, declared
from bench.result import Result
from bench.spark import connected
from jobs.featurize import engine, refresh
from jobs.featurize.columns import typed
from jobs.featurize.facts import fact_person
from jobs.io.lineage import Provenance
from jobs.io.tables import Tables
from jobs.tasks.history import applied_to, note
from workflows.covariates import CodeRow, code_rows
from workflows.sources.synthetic_omop import synthetic_omop

BOUND = 0.1
CURATED, FACTS, KEY = "synthetic_omop.condition_occurrence", "synthetic_omop_ra.fact_person", "visit_occurrence_id"
# Of the events, the share that belongs to any concept set, as in `bench.features`.
MATCHING = {"bench.features_some": 0.1, "bench.features_all": 1.0}
# The first updates also compile what later ones find compiled, as the first build does for the one that is measured.
DAYS, LAST, TURNS = 700, 7, 8
# Spark keeps 100 compiled classes, fewer than one update needs: it would compile them all again each time.
KEEPS = "-Dspark.sql.codegen.cache.maxEntries=2000"


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
        self.some = {name: declared(10, matching) for name, matching in MATCHING.items()}
        # The index rows that were made again last, by feature table.
        self.again: dict[str, DataFrame] = {}
        self.index = spark.range(persons).selectExpr(
            "id AS person_id", "id AS visit_occurrence_id",
            "timestamp'2021-06-30' + make_interval(0, 0, 0, cast(pmod(xxhash64(id), 150) AS int)) AS index_datetime",
        )  # fmt: skip

    def cost(self, work: Any) -> float:
        """Seconds of processor time that `work` takes."""
        return cost(self.process, work, 1)

    def facts(self) -> None:
        """The facts, made anew."""
        versions = self.tables.inputs(CURATED)
        contract = synthetic_omop.contract("condition_occurrence")
        curated = {contract.table: typed(self.tables.read(CURATED), contract)}
        frame = fact_person(curated, synthetic_omop, person_sample=1.0, versions={contract.table: versions[CURATED]})
        self.tables.replace(FACTS, frame, versions, note(synthetic_omop, 1.0, versions))

    def codes(self, name: str) -> list[CodeRow]:
        """The codes of a feature table's concept sets."""
        return code_rows([one.feature for one in self.some[name]], {})

    def dates(self) -> engine.Dates | None:
        """The first and last index date, which a job asks its members' table for."""
        return engine.dates_of(self.index)

    def features(self, name: str) -> None:
        """A feature table, made anew."""
        facts = self.tables.read(FACTS)
        self.kept(name, engine.wide(self.index, facts, self.codes(name), self.some[name], key=KEY, dates=self.dates()))

    def kept(self, name: str, made: DataFrame) -> None:
        """Write a feature table, with the index dates that it is of."""
        self.tables.replace(name, self.index.join(made, KEY), {})

    def follow(self) -> None:
        """The facts, brought up to the newest version of the curated table."""
        said, newest = self.tables.commits.noted(FACTS, "made_by"), self.tables.inputs(CURATED)
        feed = self.tables.changes(CURATED, said["inputs"][CURATED] + 1, newest[CURATED])
        applied_to(self.tables, synthetic_omop, FACTS, {"condition_occurrence": feed}, newest, said, 1.0)

    def refresh(self, name: str, since: int) -> None:
        """A feature table, brought up to the newest version of the facts."""
        newest, previous, some = self.tables.inputs(FACTS)[FACTS], self.tables.read(name), self.some[name]
        changed = self.tables.changes(FACTS, since + 1, newest)
        anew = self.tables.at_hand(refresh.again(self.index, previous, changed, some, key=KEY), self.persons)
        assert anew is not None
        self.again[name] = anew
        facts = self.tables.read(FACTS, newest)
        kept = refresh.Kept(previous=previous, anew=anew)
        self.kept(name, refresh.wide(kept, facts, self.codes(name), some, key=KEY, dates=self.dates()))

    def least(self, name: str) -> float:
        """What an update needs at the least: read the feed, append as many facts, look once through all facts for the
        persons whose features are made again, write the features of the others."""
        newest = self.tables.inputs(CURATED)[CURATED]
        facts, again = self.tables.read(FACTS), sf.broadcast(self.again[name])
        new = facts.where(f"source_version = {newest}").toArrow()
        columns = ("person_id", "event_start_datetime", "vocabulary_id", "concept_code", "value_as_number")
        works = [
            self.tables.changes(CURATED, newest, newest).write.format("noop").mode("overwrite").save,
            partial(self.spark.createDataFrame(new).write.format("delta").mode("append").saveAsTable, "bench.new"),
            facts.select(*columns).join(again.select("person_id").distinct(), "person_id", "left_semi")
            .write.format("noop").mode("overwrite").save,
            partial(
                self.tables.read(name).join(again.select(KEY), KEY, "left_anti")
                .write.format("delta").mode("overwrite").saveAsTable, "bench.stays",
            ),
        ]  # fmt: skip
        return sum(cost(self.process, work, TURNS) for work in works)

    def turn(self, first: int, day: str, rows: int | None = None) -> dict[str, float]:
        """What new events of some days, 1 % unless told otherwise, cost: of the facts, and of each feature table."""
        late = delivered(self.spark, first, self.events // 100 if rows is None else rows, self.persons, day)
        late.write.format("delta").mode("append").saveAsTable(CURATED)
        since = self.tables.inputs(FACTS)[FACTS]
        costs = {FACTS: self.cost(self.follow)}
        return costs | {name: self.cost(partial(self.refresh, name, since)) for name in MATCHING}

    def anew(self) -> dict[str, float]:
        """What making each table anew costs."""
        return {FACTS: self.cost(self.facts)} | {name: self.cost(partial(self.features, name)) for name in MATCHING}

    def measured(self) -> Iterator[Result]:
        """The updates, then all tables anew from the same rows; they must be equal."""
        rows = delivered(self.spark, 0, self.events, self.persons, f"pmod(xxhash64(id, 3), {DAYS - TURNS * LAST})")
        rows.write.format("delta").saveAsTable(CURATED)
        self.anew()
        for turn in range(TURNS):
            day = f"{DAYS - LAST * (TURNS - turn)} + pmod(xxhash64(id, 3), {LAST})"
            late = self.turn(self.events + turn * (self.events // 100), day)
        least = {name: self.least(name) for name in MATCHING}
        single = self.turn(3 * self.events, f"{DAYS - 1}", rows=1)
        spread = self.turn(2 * self.events, f"pmod(xxhash64(id, 3), {DAYS})")
        updated, anew = self.digest(), self.anew()
        if updated != self.digest():
            raise AssertionError("the updates and the rebuild make different tables")
        for name, matching in MATCHING.items():
            told = f"the least of an update of the last days, {matching:.0%} of events matching: feed, scan and files"
            yield Result(told, least[name], anew[FACTS] + anew[name], "making both anew", None)
        kinds = (("1 % new events of the last days", late, BOUND), ("1 % new events of any day", spread, None),
                 ("one new event", single, None))  # fmt: skip
        for which, costs, bound in kinds:
            for name, matching in MATCHING.items():
                told = f"updating facts and features with {which}, {matching:.0%} of events matching"
                yield Result(told, costs[FACTS] + costs[name], anew[FACTS] + anew[name], "making both anew", bound)
            yield Result(f"updating facts with {which}", costs[FACTS], anew[FACTS], "making them anew", None)

    def digest(self) -> list[Any]:
        """The content of all tables, but for the version of the source that brought a row."""
        found = []
        for name in (FACTS, *MATCHING):
            frame = self.tables.read(name).drop("source_version")
            found.append(frame.select(sf.count("*"), sf.sum(sf.xxhash64(*sorted(frame.columns)) % 1_000_003)).first())
        return found


def results(events: int = 10_000_000, persons: int = 200_000) -> Iterator[Result]:
    """The claim about updates; fewer events for a first look."""
    with TemporaryDirectory() as name, connected(Path(name), KEEPS) as (spark, process):
        # On Azure they are collected; by them a MERGE passes over files that it cannot touch.
        spark.conf.set("spark.databricks.delta.stats.collect", "true")
        spark.conf.set("spark.databricks.delta.properties.defaults.enableChangeDataFeed", "true")
        for schema in ("synthetic_omop", "synthetic_omop_ra", "bench"):
            spark.sql(f"CREATE SCHEMA {schema}")
        yield from Updates(spark, process, events, persons).measured()
