"""What a reader finds on a source's page about its covariates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fabricated import NOW, write
from reading import Reader, inner

from report.covariates import calendar
from report.quality import page
from report.stores import Stage, Tables

pytestmark = pytest.mark.clause("F5", "F8")
TABLE = "s_ra.feature_m"


def figure(dimension: str, level: str, mean: float, **more: Any) -> dict:
    return {
        "job_run_id": "13", "described_at": NOW, "table": TABLE, "table_version": 3,
        "dimension": dimension, "level": level, "persons": 700, "covariate": "f_stay", "with_value": 650, "ones": None,
        "missing_share": 50 / 700, "mean": mean, "p10": 0.04, "p25": None, "p50": 1.5, "p75": None, "p90": None,
    } | more  # fmt: skip


def read(warehouse: Path, *figures: dict) -> Reader:
    write(warehouse, "s_ra.statistics", list(figures))
    return Reader(page(Stage("dev", Tables(warehouse), (), None, {}), "s", ["m"], synthetic=False))


def test_lines_do_not_join_over_months_that_no_row_is_of(tmp_path: Path) -> None:
    means = {"2024-11": 1.0, "2024-12": 2.0, "2025-05": 3.0, "2025-06": 4.0, "unknown": 5.0}
    found = read(tmp_path, figure("all", "all", 2.0), *(figure("month", at, mean) for at, mean in means.items()))
    (picture,) = found.pictures("stay by month")
    assert picture["inside"][1]["text"] == "2024-11: 1; 2024-12: 2; 2025-01 to 2025-04: –; 2025-05: 3; 2025-06: 4"
    assert len(inner(picture, "path")) == 2, "a line within each of the two spans, and none between them"
    assert "A gap is a month of which nothing is shown" in found.words


def test_a_calendar_has_every_month_and_nothing_else() -> None:
    assert calendar({"2025-02", "2024-11", "unknown"}) == ["2024-11", "2024-12", "2025-01", "2025-02"]
    assert calendar({"unknown"}) == []


def test_a_small_quantile_is_not_shown_as_0(tmp_path: Path) -> None:
    (row,) = read(tmp_path, figure("all", "all", 0.004)).table("700 persons")[1:]
    assert row[3:7] == ["0.004", "0.04", "–", "1.5"]
