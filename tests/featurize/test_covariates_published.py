"""The engine on public data: counts that others published, and the landmark counts that docs/features.md prints."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf

from jobs.featurize import engine
from jobs.featurize.cohort import landmark
from workflows.covariates import Covariate, code_rows, covariates
from workflows.declare import AnyOf, Codes, CountOf, days
from workflows.features import OfConcepts

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
GIBLEED, NAFLD = DATA / "omop_gibleed", DATA / "nafld_events"
TESTS = ("chol", "hdl", "sbp", "dbp", "smoke", "fib4")
pytestmark = [
    pytest.mark.spark,
    pytest.mark.clause("F1"),
    pytest.mark.skipif(not GIBLEED.is_dir() or not NAFLD.is_dir(), reason="../shared/data is not on this machine"),
]


def read(spark: SparkSession, folder: Path, name: str, query: str) -> DataFrame:
    """A query of the published files as a frame."""
    duckdb.sql(query).write_parquet(str(folder / f"{name}.parquet"))
    return spark.read.parquet(str(folder / f"{name}.parquet"))


def rows_of(table: DataFrame, some: tuple[Covariate, ...], key: str) -> dict[str, int]:
    """How many rows the long form has for each feature's name."""
    of = {one.covariate_id: one.feature.name.rpartition("_")[2] for one in some}
    counted = engine.long(table, some, key=key).where("value > 0").groupBy("covariate_id").count().collect()
    found = dict.fromkeys(of.values(), 0)
    for row in counted:
        found[of[row["covariate_id"]]] += row["count"]
    return found


def test_condition_counts_before_the_first_nsaid_are_the_published_ones_by_every_rule(
    spark: SparkSession, tmp_path: Path
):
    drugs, ancestors = GIBLEED / "drug_exposure.parquet", GIBLEED / "concept_ancestor.parquet"
    index = read(spark, tmp_path, "index", f"""
        SELECT person_id::BIGINT person_id, min(drug_exposure_start_date)::TIMESTAMP index_datetime
        FROM '{drugs}' JOIN '{ancestors}' ON drug_concept_id = descendant_concept_id
        WHERE ancestor_concept_id IN (1118084, 1124300) GROUP BY 1""")  # fmt: skip
    conditions = GIBLEED / "condition_occurrence.parquet"
    events = read(spark, tmp_path, "events", f"""
        SELECT person_id::BIGINT person_id, 'concept' vocabulary_id, condition_concept_id::VARCHAR concept_code,
               condition_start_date::TIMESTAMP event_start_datetime, condition_end_date::TIMESTAMP event_end_datetime
        FROM '{conditions}'""")  # fmt: skip
    observation = spark.read.parquet(str(GIBLEED / "observation_period.parquet"))
    concepts = duckdb.sql(f"SELECT DISTINCT condition_concept_id::VARCHAR FROM '{conditions}' ORDER BY 1").fetchall()
    sets = [Codes(f"c{code}", (("concept", code),)) for (code,) in concepts]

    features: list[OfConcepts] = []
    for one in sets:
        for rule, in_observation in (("start", False), ("start", True), ("overlap", False)):
            name = f"{rule}{'observed' if in_observation else ''}"
            given = {"rule": rule, "in_observation": in_observation}
            features += [
                AnyOf(one, days(-365, 0), because="published so", label=f"{one.name}_{name}0", **given),
                AnyOf(one, days(-365, -1), label=f"{one.name}_{name}1", **given),
            ]
    some = covariates(features, {})
    codes = code_rows(features, {})
    table = engine.wide(
        index.withColumn("row_id", sf.col("person_id")), events, codes, some, key="row_id", observation=observation
    )
    assert rows_of(table, some, "row_id") == {
        "start0": 4_637, "start1": 1_536, "startobserved0": 4_535, "startobserved1": 1_502,
        "overlap0": 4_706, "overlap1": 1_605,
    }  # fmt: skip
    base = index.select("person_id", sf.col("person_id").alias("row_id"), "index_datetime",
                        sf.to_date("index_datetime").alias("_index"))  # fmt: skip
    periods = engine.observed(base, observation, "row_id")
    assert (periods.count(), periods.where("_from IS NOT NULL").count()) == (2_694, 2_630)


def published() -> list[tuple[int, int, dict[str, int]]]:
    """The landmark table of docs/features.md: years, at risk, and with a value of each test in the year before."""
    text = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
    rows = [[int(cell.replace(",", "")) for cell in re.findall(r"[\d,]+", line)] for line in text.splitlines()
            if re.match(r"\| \d year", line)]  # fmt: skip
    return [(years, at_risk, dict(zip(TESTS, rest, strict=True))) for years, at_risk, *rest in rows]


def in_duckdb(years: int) -> tuple[int, int, dict[str, int]]:
    """A row of that table by one query of the files as they are, which knows days only."""
    day, subjects, values = 365 * years, NAFLD / "nafld1.parquet", NAFLD / "nafld2.parquet"
    at_risk = f"SELECT id FROM '{subjects}' WHERE futime >= {day}"
    measured = f"SELECT id FROM '{values}' WHERE test = ? AND days >= {day - 365} AND days < {day}"
    connection = duckdb.connect()
    counted = {
        name: connection.execute(f"SELECT count(*) FROM ({at_risk}) WHERE id IN ({measured})", [name]).fetchall()[0][0]
        for name in TESTS
    }
    return years, connection.execute(f"SELECT count(*) FROM ({at_risk})").fetchall()[0][0], counted


def test_laboratory_values_before_index_and_landmarks_are_the_published_counts(spark: SparkSession, tmp_path: Path):
    subjects, values = NAFLD / "nafld1.parquet", NAFLD / "nafld2.parquet"
    start = "TIMESTAMP '2000-01-01'"
    index = read(spark, tmp_path, "index", f"""
        SELECT id::BIGINT person_id, {start} index_datetime,
               ({start} + to_days(coalesce(futime, 0)::INT))::DATE followed_until
        FROM (SELECT id FROM '{subjects}' UNION SELECT id FROM '{values}') LEFT JOIN '{subjects}' USING (id)""")  # fmt: skip
    events = read(spark, tmp_path, "events", f"""
        SELECT id::BIGINT person_id, 'NAFLD test' vocabulary_id, test concept_code,
               {start} + to_days(days::INT) event_start_datetime, value value_as_number FROM '{values}'""")  # fmt: skip
    assert events.count() == 400_123
    # The day after the last value of all sees every one of them.
    moments = {0: index, 9_999: index.withColumn("index_datetime", sf.lit("2022-01-01").cast("timestamp"))}
    moments |= {365 * years: landmark(index, 365 * years) for years in (1, 3, 5)}
    frames = [frame.select("person_id", (sf.col("person_id") * 10_000 + day).alias("row_id"), "index_datetime")
              for day, frame in moments.items()]  # fmt: skip
    every = frames[0]
    for frame in frames[1:]:
        every = every.unionAll(frame)
    sets = [Codes(name, (("NAFLD test", name),)) for name in TESTS]
    features = [CountOf(one, days(*span)) for one in sets for span in ((-365, -1), (-20_000, -1))]
    some = covariates(features, {})
    codes = code_rows(features, {})
    table = engine.wide(every, events.distinct(), codes, some, key="row_id")
    counted = table.groupBy((sf.col("row_id") % 10_000).alias("day")).agg(
        sf.count("*").alias("rows"),
        *(sf.count_if(sf.col(f"f_count_{name}_365_1") > 0).alias(name) for name in TESTS),
        sum(sf.sum(f"f_count_{name}_20000_1") for name in TESTS).alias("events"),  # type: ignore[union-attr]
    )
    found = {row["day"]: row.asDict() for row in counted.collect()}
    assert {name: found[0][name] for name in TESTS} == {
        "chol": 7_362, "hdl": 7_362, "sbp": 1_292, "dbp": 1_292, "smoke": 478, "fib4": 371,
    }  # fmt: skip
    assert found[9_999]["events"] == 400_123 - 3_817
    ours = [
        (years, found[365 * years]["rows"], {name: found[365 * years][name] for name in TESTS}) for years in (1, 3, 5)
    ]
    assert ours == published(), "the engine and the page"
    assert ours == [in_duckdb(years) for years in (1, 3, 5)], "the engine and a query of the files as they are"
