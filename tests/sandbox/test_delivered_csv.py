"""A delivered CSV is read as it is written, or one line names the file and what is wrong, and quotes no row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from sandbox.delivery import DeliveryError, _read, _write

pytestmark = [pytest.mark.spark, pytest.mark.clause("9")]
HEADER = "person,said,unit\n"


@pytest.fixture
def zone(spark: SparkSession) -> Iterator[str]:
    spark.sql("CREATE SCHEMA IF NOT EXISTS delivered")
    yield "delivered"
    spark.sql("DROP SCHEMA IF EXISTS delivered CASCADE")


def delivered(spark: SparkSession, zone: str, path: Path) -> list[tuple[str | None, ...]]:
    _write(spark, zone, "t", _read(spark, "t", [path]), [path])
    return [tuple(row) for row in spark.table(f"{zone}.t").collect()]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        # A thousands comma without quotes: the unit would be 200, and the last value nowhere.
        ("p-1,1,200,mg\n", "the row that ends in line 2 has 4 values, its header 3"),
        ("p-1,x,mg\np-2,y\n", "the row that ends in line 3 has 2 values, its header 3"),
        ('p-1,"x\ny",mg\np-2,y\n', "the row that ends in line 4 has 2 values, its header 3"),
        ("p-1,x,mg\np-2,y,m", "it ends in the middle of a line"),
        # The rest of the file would be this value.
        ('p-1,x,"mg\np-2,y,mg\n', "line 3: unexpected end of data"),
    ],
)
def test_a_row_that_does_not_fit_and_a_cut_end_are_told_by_file_and_line(
    rows: str, said: str, spark: SparkSession, zone: str, tmp_path: Path
):
    path = tmp_path / "t.csv"
    path.write_text(HEADER + rows)
    with pytest.raises(DeliveryError) as refused:
        delivered(spark, zone, path)
    assert str(refused.value) == f"t.csv cannot be read: {said}; deliver it again"


@pytest.mark.parametrize(
    ("rows", "read"),
    [
        (
            'p-1,"line 1\nline 2, ""quoted""",mg\np-2,,\n',
            [("p-1", 'line 1\nline 2, "quoted"', "mg"), ("p-2", None, None)],
        ),
        # Both halves would be rows of three values.
        ('p-1,x,"mg\na,b,c"\n', [("p-1", "x", "mg\na,b,c")]),
        ('p-1,5" tube,mg\r\n\r\np-2,y,g\r\n', [("p-1", '5" tube', "mg"), ("p-2", "y", "g")]),
        (f'p-1,"{"long " * 50_000}\n",mg\n', [("p-1", "long " * 50_000 + "\n", "mg")]),
        ("", []),
    ],
)
def test_line_breaks_and_quotes_in_values_stay_in_them(
    rows: str, read: list[tuple[str | None, ...]], spark: SparkSession, zone: str, tmp_path: Path
):
    path = tmp_path / "t.csv"
    path.write_bytes((HEADER.replace("\n", "\r\n" if "\r\n" in rows else "\n") + rows).encode())
    assert sorted(delivered(spark, zone, path)) == read
