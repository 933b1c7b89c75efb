"""A source's page speaks of what is there now, and says where it cannot."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from fabricated import NOW, write
from reading import Reader
from test_report_covariates import TABLE, figure
from test_report_quality import check, there

from report.quality import page
from report.stores import Run, Stage, Tables, TaskRun

pytestmark = pytest.mark.clause("F5", "F8")


def read(warehouse: Path, *runs: Run) -> Reader:
    return Reader(page(Stage("dev", Tables(warehouse), runs, None, {}), "s", ["m"], synthetic=False))


def reported(warehouse: Path, *tables: str) -> None:
    write(warehouse, "s_ra.quality", [check(table, "a", "passed", "fatal", 0, 40) for table in tables])


def approved(warehouse: Path, *tables: str) -> None:
    write(warehouse, "ml.data_approval", [
        {"job_run_id": "9", "source": "s", "tables": json.dumps({table: f"{table}@3" for table in tables}),
         "approved_by": "r5@cdh.example", "reason": "counts as last year", "approved_at": NOW}
    ])  # fmt: skip


def run(number: int, job: str, state: str) -> Run:
    tasks = (TaskRun("facts", state, 1.0, 2.0, reason="the disk is full" if state == "FAILED" else ""),)
    return Run(str(number), job, state, NOW.timestamp(), NOW.timestamp() + 60, tasks=tasks)


@pytest.mark.parametrize(
    ("version", "says"),
    [(5, "version 5 is there, version 3 was checked"), (None, "it is not there any more, version 3 was checked")],
)
def test_a_report_of_another_version_is_stale_by_table_and_approves_nothing(
    version: int | None, says: str, tmp_path: Path
) -> None:
    there(tmp_path, "s.u")
    if version is not None:
        there(tmp_path, "s.t", version=version)
    reported(tmp_path, "s.t", "s.u")
    approved(tmp_path, "s.t", "s.u")
    found = read(tmp_path)
    assert f"✕ stale: s.t: {says}." in found.words
    assert "s.u: " not in found.words
    assert "✕ stale: r5@cdh.example approved this report" in found.words
    assert "✓ approved" not in found.words
    assert "nothing is fatal" not in found.words
    assert "what is there now is not checked: s.t." in found.words


def test_a_table_that_came_after_its_check_is_stale(tmp_path: Path) -> None:
    there(tmp_path, "s.t", version=0)
    write(tmp_path, "s_ra.quality", [check("s.t", "table", "error", "fatal", 0, 0, table_version=None)])
    assert "version 0 is there, no table was there when it was checked" in read(tmp_path).words


def test_upkeep_makes_no_report_stale(tmp_path: Path) -> None:
    from deltalake import DeltaTable

    there(tmp_path, "s.t")
    reported(tmp_path, "s.t")
    DeltaTable(tmp_path / "s" / "t").optimize.compact()
    assert DeltaTable(tmp_path / "s" / "t").version() == 4
    assert "nothing is fatal" in read(tmp_path).words


@pytest.mark.parametrize("job", ["s_featurize", "m_featurize"])
def test_the_newest_run_that_failed_is_named_above_the_report_of_a_run_before(job: str, tmp_path: Path) -> None:
    there(tmp_path, "s.t")
    reported(tmp_path, "s.t")
    failed, fine, other = run(9, job, "FAILED"), run(8, job, "SUCCESS"), run(10, "t_featurize", "FAILED")
    words = read(tmp_path, fine, failed, other, run(11, job, "RUNNING")).words
    line = f"✕ failed: run 9 of {job}, the newest that ended, on 2026-03-01 09:01:00: facts: the disk is full."
    assert line in words
    assert "run 10" not in words
    assert "✕ failed: run" not in read(tmp_path, failed, fine).words


def test_a_run_that_failed_before_there_was_a_report_is_named(tmp_path: Path) -> None:
    assert "✕ failed: run 9 of s_featurize" in read(tmp_path, run(9, "s_featurize", "FAILED")).words


def test_statistics_of_an_older_version_are_said_to_be_of_it_and_why(tmp_path: Path) -> None:
    there(tmp_path, TABLE, version=5)
    write(tmp_path, "s_ra.statistics", [figure("all", "all", 2.0)])
    checks = {"table_version": 5, "checked_at": NOW + timedelta(days=1)}
    write(tmp_path, "s_ra.quality", [check(TABLE, "a", "passed", "fatal", 0, 40, **checks)])
    assert "Version 5: its statistics are kept back; below is version 3." in read(tmp_path).words
    later = checks | {"table_version": 6, "checked_at": NOW + timedelta(days=2)}
    write(tmp_path, "s_ra.quality", [check(TABLE, "a", "failed", "fatal", 20, 40, **later)])
    words = read(tmp_path).words
    assert "Version 6: it breaks its contract and was not described; below is version 3." in words


def test_a_checked_table_without_any_statistics_is_said_to_have_them_kept_back(tmp_path: Path) -> None:
    there(tmp_path, TABLE)
    reported(tmp_path, TABLE)
    words = read(tmp_path).words
    assert f"{TABLE}, version 3: its statistics are kept back." in words
    assert "a described feature table" not in words


def test_a_feature_table_that_no_model_makes_any_more_is_in_no_report(tmp_path: Path) -> None:
    retired, dropped = "s_ra.feature_old", TABLE
    there(tmp_path, "s.t", retired)
    reported(tmp_path, "s.t", retired, dropped)
    approved(tmp_path, "s.t", retired)
    found = read(tmp_path)
    assert retired not in found.words
    assert dropped not in found.words
    assert "✓ approved: r5@cdh.example" in found.words


def test_a_table_that_no_declaration_makes_any_more_is_in_no_report(tmp_path: Path) -> None:
    there(tmp_path, "s.t")
    reported(tmp_path, "s.t", "s.gone", "s_ra.fact_gone")
    approved(tmp_path, "s.t")
    stage = Stage("dev", Tables(tmp_path), (), None, {})
    words = Reader(page(stage, "s", ["m"], synthetic=False, declared={"s.t", "s_ra.fact_person"})).words
    assert "gone" not in words
    assert "✓ approved: r5@cdh.example" in words
