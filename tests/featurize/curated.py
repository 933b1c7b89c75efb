"""Zones for tests, and a small, right delivery of the synthetic source for them to spoil."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.featurize.columns import typed
from workflows.contract import Contract
from workflows.source import Source
from workflows.sources.synthetic_omop import synthetic_omop

PERSONS = 30
ZONES = (
    "synthetic_omop",
    "synthetic_omop_ra",
    "synthetic_notes",
    "synthetic_notes_ra",
    "uci130",
    "uci130_ra",
    "readmission",
    "readmission_uci130",
    "ml",
    "reference",
    "scratch",
)
Row = dict[str, str | None]


@contextmanager
def empty_zones(spark: SparkSession) -> Iterator[SparkSession]:
    """Empty zones of every source in use; gone again afterwards."""
    for zone in ZONES:
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {zone}")
    yield spark
    for zone in ZONES:
        spark.sql(f"DROP SCHEMA IF EXISTS {zone} CASCADE")


def rows() -> dict[str, list[Row]]:
    """Thirty persons with one stay and one condition each, all text as a CSV delivers it."""
    numbers = range(1, PERSONS + 1)
    return {
        "person": [
            {"person_id": str(n), "gender_concept_id": "8507" if n % 2 else "8532", "year_of_birth": str(1940 + n),
             "month_of_birth": "2", "day_of_birth": None}
            for n in numbers
        ],
        "observation_period": [
            {"observation_period_id": str(n), "person_id": str(n), "observation_period_start_date": "2021-01-01",
             "observation_period_end_date": "2021-12-31"}
            for n in numbers
        ],
        "visit_occurrence": [
            {"visit_occurrence_id": str(100 + n), "person_id": str(n), "visit_concept_id": "9201",
             "visit_start_datetime": f"2021-03-{n:02d} 08:00:00", "visit_end_datetime": f"2021-04-{n:02d} 09:30:00",
             "discharged_to_source_value": "home"}
            for n in numbers
        ],
        "condition_occurrence": [
            {"condition_occurrence_id": str(500 + n), "person_id": str(n),
             "condition_start_datetime": f"2021-03-{n:02d} 08:00:00", "visit_occurrence_id": str(100 + n),
             "condition_source_value": "I50.9"}
            for n in numbers
        ],
    }  # fmt: skip


def contract(table: str) -> Contract:
    """The contract of a table of the synthetic source."""
    return next(one for one in synthetic_omop.contracts if one.table == table)


def frame(spark: SparkSession, table: str, given: list[Row]) -> DataFrame:
    """Rows as the text columns of their table."""
    names = [column.name for column in contract(table).columns]
    return spark.createDataFrame(
        [tuple(row[name] for name in names) for row in given], ", ".join(f"{name} string" for name in names)
    )


def deliver(spark: SparkSession, tables: dict[str, DataFrame]) -> None:
    """Stand for the data manager: new versions of the curated tables."""
    for table, given in tables.items():
        writer = given.coalesce(1).write.format("delta").mode("overwrite").option("overwriteSchema", "true")
        writer.saveAsTable(f"synthetic_omop.{table}")


def request(tmp_path: Path, text: str, name: str = "ticket-1.txt") -> str:
    """A file of keys where the job `withdraw` looks for it; its name."""
    folder = tmp_path / "volumes" / "cdh_test" / "ml" / "landing" / "withdrawals"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return name


def typed_tables(spark: SparkSession, source: Source, rows: dict[str, list[dict[str, Any]]]) -> dict[str, DataFrame]:
    """Tables of any source as its contracts describe them, from rows as text; one without rows is empty."""
    made = {}
    for one in source.contracts:
        names = [column.name for column in one.columns]
        given = [tuple(None if row.get(n) is None else str(row[n]) for n in names) for row in rows.get(one.table, [])]
        schema = ", ".join(f"`{name}` string" for name in names)
        made[one.table] = typed(spark.createDataFrame(given, schema), one)
    return made
