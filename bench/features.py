"""The feature engine against what Spark needs merely to scan and join the same rows, one query a feature, and DuckDB.

Seconds of processor time, so that what else runs on the machine matters little; each is the best of four turns, since
the first ones are also the compiler's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import psutil
from pyspark.sql import DataFrame
from pyspark.sql import functions as sf

from bench.result import Result
from bench.spark import connected
from jobs.featurize import engine
from workflows.covariates import CodeRow, Covariate, code_rows, covariates
from workflows.declare import AnyOf, Codes, CountOf, DaysSince, LatestOf, MeanOf, days
from workflows.features import OfConcepts

KINDS = [*[AnyOf] * 10, *[CountOf] * 8, *[DaysSince] * 4, *[LatestOf] * 4, *[MeanOf] * 4]
WINDOWS = [days(-30, -1), days(-90, -1), days(-180, -1), days(-365, -1)]
CODES = 1_000
FLOOR, A_QUERY_EACH, TEN_TIMES_EVENTS, TEN_TIMES_FEATURES, MEMORY = 3.0, 0.2, 11.0, 2.0, 6.0
DUCKDB_AIM = 4.0
TURNS = 4


def made(folder: Path, events: int, persons: int) -> None:
    """Events in no order of persons, and one index date a person."""
    duckdb.sql(f"""
        SELECT (hash(i) % {persons})::BIGINT person_id,
               TIMESTAMP '2020-01-01' + to_days((hash(i + 1e9::BIGINT) % 700)::INT) event_start_datetime,
               'ICD10CM' vocabulary_id, 'C' || (hash(i + 2e9::BIGINT) % {CODES}) concept_code,
               (hash(i + 3e9::BIGINT) % 10000) / 100.0 value_as_number
        FROM range({events}) t(i)""").write_parquet(str(folder / f"events{events}.parquet"))
    duckdb.sql(f"""
        SELECT i::BIGINT person_id, i::BIGINT row_id,
               TIMESTAMP '2021-06-30' + to_days((hash(i) % 150)::INT) index_datetime
        FROM range({persons}) t(i)""").write_parquet(str(folder / "index.parquet"))


def declared(sets: int, matching: float) -> tuple[Covariate, ...]:
    """Three features for each of the concept sets, which hold the share `matching` of all events between them."""
    held = int(CODES * matching)
    every = [
        Codes(f"s{n}", tuple(("ICD10CM", f"C{code}") for code in range(n, held, min(sets, held)))) for n in range(sets)
        if n < held
    ]  # fmt: skip
    found: list[OfConcepts] = []
    for n in range(3 * sets):
        kind, one, window = KINDS[n % 30], every[n % len(every)], WINDOWS[(n + n // 30) % 4]
        found.append(kind(one, window, label=f"{one.name}_{n}"))
    return covariates({covariates([one], {})[0].covariate_id: one for one in found}.values(), {})


def kinds(some: Sequence[Covariate]) -> list[list[Covariate]]:
    """The features of each aggregation."""
    found: dict[str, list[Covariate]] = {}
    for one in some:
        found.setdefault(one.feature.aggregation, []).append(one)
    return list(found.values())


def floor(index: DataFrame, events: DataFrame, codes: DataFrame) -> DataFrame:
    """What any feature needs at least: the events of any concept set beside their person's index date."""
    met = events.join(sf.broadcast(codes), ["vocabulary_id", "concept_code"]).join(index, "person_id")
    day = sf.datediff(sf.to_date("event_start_datetime"), sf.to_date("index_datetime"))
    return met.agg(sf.count("*"), sf.sum(day), sf.sum("value_as_number"), sf.max("event_start_datetime"))


def in_duckdb(folder: Path, events: int, some: Sequence[Covariate]) -> Callable[[], Any]:
    """The same features by one DuckDB query with filtered aggregates."""
    sql = {
        "any": "coalesce(bool_or({w}), false)", "count": "count(*) FILTER ({w})",
        "days_since": "-max(day) FILTER ({w})", "latest": "arg_max(value, (moment, value)) FILTER ({w})",
        "mean": "avg(value) FILTER ({w})",
    }  # fmt: skip
    columns = []
    for number, one in enumerate(some):
        window = one.feature.window
        assert window is not None
        inside = f"list_contains(sets, '{one.set_name}') AND day BETWEEN {window.start} AND {window.end}"
        columns.append(sql[one.feature.aggregation].format(w=inside) + f" AS c{number}")
    connection = duckdb.connect(config={"threads": 2, "memory_limit": "4GB"})
    codes = [(row[1], row[3]) for row in code_rows([one.feature for one in some], {})]
    connection.execute("CREATE TABLE rows (name VARCHAR, code VARCHAR)")
    connection.executemany("INSERT INTO rows VALUES (?, ?)", codes)
    connection.execute("CREATE TABLE codes AS SELECT code, list(name) AS sets FROM rows GROUP BY code")
    query = f"""
        CREATE OR REPLACE TEMP TABLE found AS SELECT row_id, {", ".join(columns)} FROM (
          SELECT row_id, sets, value_as_number AS value, event_start_datetime AS moment,
                 date_diff('day', index_datetime::DATE, event_start_datetime::DATE) AS day
          FROM '{folder}/events{events}.parquet' JOIN codes ON code = concept_code
          JOIN '{folder}/index.parquet' USING (person_id)) GROUP BY row_id"""
    return lambda: connection.execute(query)


def processor(process: psutil.Process, workers: bool = True) -> dict[int, float]:
    """Seconds of processor time that a process has used, and each of its workers."""
    every = [process, *(process.children(recursive=True) if workers else ())]
    return {one.pid: sum(one.cpu_times()[:2]) for one in every}


def peak(process: psutil.Process) -> float:
    """The most memory that a process and its workers held, each for itself, in GiB."""
    every = [process, *process.children(recursive=True)]
    told = [Path(f"/proc/{one.pid}/status").read_text(encoding="utf-8") for one in every]
    return sum(int(one.partition("VmHWM:")[2].split()[0]) for one in told) / 2**20


def cost(process: psutil.Process, work: Callable[[], Any], turns: int = TURNS, *, workers: bool = True) -> float:
    """The least that `work` costs the process, and its workers unless told otherwise."""
    costs = []
    for _ in range(turns):
        begun = processor(process, workers)
        work()
        # Of each by itself: Spark ends a worker that was idle, and what that one had used goes with it.
        costs.append(sum(used - begun.get(one, 0.0) for one, used in processor(process, workers).items()))
    return min(costs)


class Bench:
    """One server, its data and its measurements."""

    def __init__(self, spark: Any, process: psutil.Process, folder: Path) -> None:
        self.spark, self.process, self.folder = spark, process, folder

    def frames(self, events: int, some: Sequence[Covariate]) -> tuple[DataFrame, DataFrame, list[CodeRow]]:
        codes = code_rows([one.feature for one in some], {})
        read = self.spark.read.parquet
        return read(f"{self.folder}/index.parquet"), read(f"{self.folder}/events{events}.parquet"), codes

    def ours(self, events: int, some: Sequence[Covariate]) -> Callable[[], Any]:
        index, facts, codes = self.frames(events, some)

        def work() -> None:
            table = engine.wide(index, facts, codes, some, key="row_id", dates=engine.dates_of(index))
            table.write.format("noop").mode("overwrite").save()

        return work

    def floor(self, events: int, some: Sequence[Covariate]) -> Callable[[], Any]:
        index, facts, codes = self.frames(events, some)
        known = self.spark.createDataFrame({row[2:4] for row in codes}, "vocabulary_id string, concept_code string")
        return floor(index, facts, known).collect

    def one_by_one(self, events: int, some: Sequence[Covariate]) -> float:
        """One query a feature: the first of each kind, as many times as there are of it."""
        return sum(len(alike) * cost(self.process, self.ours(events, alike[:1])) for alike in kinds(some))

    def measured(self, events: int) -> Iterator[Result]:
        """Every claim, for `events` events and a tenth of them."""
        # First, so that what follows finds a server that is warm.
        few = cost(self.process, self.ours(events // 10, declared(10, 1.0)))
        for matching in (0.1, 1.0):
            some, name = declared(10, matching), f"features, {matching:.0%} of events matching"
            ours = cost(self.process, self.ours(events, some))
            least = cost(self.process, self.floor(events, some))
            yield Result(name, ours, least, "Spark's scan and join of the same rows", FLOOR)
            each = self.one_by_one(events, some)
            told = f"{len(some)} queries, one a feature ({len(kinds(some))} measured, each times its kind's features)"
            yield Result(name, ours, each, told, A_QUERY_EACH)
            other = cost(psutil.Process(), in_duckdb(self.folder, events, some), workers=False)
            yield Result(name, ours, other, f"DuckDB (aim {DUCKDB_AIM:g})", None)
        yield Result("ten times the events", ours, few, "a tenth of the events", TEN_TIMES_EVENTS)
        many = cost(self.process, self.ours(events, declared(100, 1.0)))
        yield Result("ten times the features", many, ours, "a tenth of the features", TEN_TIMES_FEATURES)
        yield Result("peak memory of the Spark server and its workers, GiB", peak(self.process), 1.0, "1 GiB", MEMORY)


def results(events: int = 10_000_000, persons: int = 200_000) -> Iterator[Result]:
    """Every claim about features; fewer events for a first look."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        made(folder, events, persons)
        made(folder, events // 10, persons)
        with connected(folder) as (spark, process):
            yield from Bench(spark, process, folder).measured(events)
