"""What a reader finds on the page about a source's data."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fabricated import NOW, write
from reading import Reader

from report.quality import page
from report.stores import Stage, Tables

pytestmark = pytest.mark.clause("F5", "F8", "P8")


def check(table: str, check_id: str, state: str, severity: str, rows: int | None, of: int | None, **more: Any) -> dict:
    return {
        "job_run_id": "12", "checked_at": NOW, "table": table, "table_version": 3, "check_id": check_id,
        "check_version": "0123456789ab", "what": f"{check_id} is so", "severity": severity, "threshold": 0.01,
        "state": state, "reason": f"because {state}", "rows_at_fault": rows, "rows_checked": of,
        "share": rows / of if rows is not None and of else None, "table_rows": 2000, "findings": f"{table}@3",
    } | more  # fmt: skip


def figure(dimension: str, level: str, covariate: str, mean: float, ones: int | None) -> dict:
    return {
        "job_run_id": "13", "described_at": NOW, "table": "synthetic_omop_ra.feature_readmission", "table_version": 5,
        "dimension": dimension, "level": level, "persons": 700, "covariate": covariate, "with_value": 650, "ones": ones,
        "missing_share": 50 / 700, "mean": mean, "p10": 1.0 if ones is None else None, "p25": None, "p50": None,
        "p75": None, "p90": None,
    }  # fmt: skip


def there(warehouse: Path, *names: str, version: int = 3) -> None:
    """Tables that are at a version, as the checks say."""
    for name in names:
        for at in range(version + 1):
            write(warehouse, name, [{"at": at}])


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    warehouse = tmp_path_factory.mktemp("quality")
    visits, facts = "synthetic_omop.visit_occurrence", "synthetic_omop_ra.fact_person"
    there(warehouse, visits, facts)
    old = {"checked_at": NOW - timedelta(days=1), "table_version": 2}
    write(warehouse, "synthetic_omop_ra.quality", [
        check(visits, "end", "failed", "fatal", 999, 2000, **old),
        check(visits, "end", "passed", "fatal", 0, 2000), check(visits, "person", "failed", "convention", 42, 2000),
        check(visits, "value", "not applicable", "convention", 0, 0),
        check(visits, "care_site", "error", "convention", 0, 0), check(visits, "few", "failed", "convention", None, None),
        check(facts, "person_id_not_null", "passed", "fatal", 0, 2000),
    ])  # fmt: skip
    write(warehouse, "synthetic_omop_ra.statistics", [
        figure("all", "all", "f_any_diabetes", 0.2, 130), figure("all", "all", "f_length_of_stay", 6.25, None),
        figure("sex", "F", "f_any_diabetes", 0.25, 80),
        *(figure("month", month, "f_length_of_stay", mean, None) for month, mean in (("2025-01", 5.0), ("2025-02", 8.0), ("2025-04", 6.0))),
        figure("month", "2025-03", "f_any_diabetes", 0.2, 30),
    ])  # fmt: skip
    return Stage("dev", Tables(warehouse), (), None, {})


@pytest.fixture(scope="module")
def read(stage: Stage) -> Reader:
    return Reader(page(stage, "synthetic_omop", ["readmission"], synthetic=True))


def test_the_sentence_counts_the_newest_checks_and_says_whether_anything_stops(read: Reader):
    assert "6 checks of 2 tables: 1 error, 2 failed, 1 not applicable, 2 passed; nothing is fatal." in read.words


def test_every_check_stands_with_state_severity_counts_threshold_and_reason_and_the_worst_first(read: Reader):
    rows = read.table("visit_occurrence, version 3: every check")[1:]
    assert [row[1] for row in rows] == ["! error", "✕ failed", "✕ failed", "○ not applicable", "✓ passed"]
    person = next(row for row in rows if row[0].startswith("person is so"))
    assert person[2:] == ["convention", "42", "2,000", "2.1 %", "1.0 %", "because failed"]
    assert next(row for row in rows if row[0].startswith("few"))[3:6] == ["–", "–", "–"]
    assert "999" not in read.words, "the checks of an older version are not mixed in"


def test_the_four_states_are_told_apart_by_word_and_mark_and_explained(read: Reader):
    marks = {one["text"].split()[0] for one in read.all("span") if "state" in (one["attributes"].get("class") or "")}
    assert marks == {"!", "✕", "○", "✓"}
    for meaning in ("it could not be run", "it speaks of no row", "it was run and holds"):
        assert meaning in read.words


def test_covariates_are_shown_overall_by_group_and_by_month_with_a_gap_for_a_month_kept_back(read: Reader):
    overall = {row[0]: row[1:] for row in read.table("700 persons")[1:]}
    assert overall["any diabetes"][:3] == ["650", "7.1 %", "20.0 %"]
    assert overall["length of stay"][:4] == ["650", "7.1 %", "6.25", "1.0"]
    groups = {row[0]: row[1:] for row in read.table("by sex")}
    assert (groups["any diabetes"], groups["length of stay"]) == (["25.0 %"], ["–"])
    (picture,) = read.pictures("length of stay by month")
    assert "2025-02: 8; 2025-03: –; 2025-04: 6" in picture["inside"][1]["text"]


def test_the_codes_of_a_column_stand_in_one_line_with_their_leaves_unless_those_would_give_a_count_away(tmp_path: Path):
    def codes(column: str, **rows: int | None) -> list[dict]:
        return [
            check("s.t", f"{column}_codes_{name}", "not applicable" if count == -1 else "failed" if count != 0 else "passed",
                  "convention", 0 if count == -1 else count, 0 if count == -1 else 1000)
            for name, count in rows.items()
        ]  # fmt: skip

    some = {"wrong_vocabulary": 0, "format": 0, "spelling": 20, "retired": -1, "not_assessable": 0}
    write(tmp_path, "s_ra.quality", [
        *codes("seen", header=300, unknown=50, **some), *codes("kept", header=None, unknown=None, **some),
        *codes("unjudged", header=-1, unknown=-1, **(some | {"wrong_vocabulary": -1, "not_assessable": 1000})),
        *codes("older", header=300, **{name: rows for name, rows in some.items() if name != "spelling"}, unknown=50),
    ])  # fmt: skip
    read = Reader(page(Stage("dev", Tables(tmp_path), (), None, {}), "s", [], synthetic=False))
    lines = {row[0]: row[1:] for row in read.table("What the recorded codes are")[1:]}
    assert lines["s.t.seen"] == ["1,000", "63.0 %", "30.0 %", "5.0 %", "0 %", "0 %", "2.0 %", "not applicable", "0 %"]
    assert lines["s.t.older"] == ["1,000", "65.0 %", "30.0 %", "5.0 %", "0 %", "0 %", "–", "not applicable", "0 %"]
    assert lines["s.t.kept"][:4] == ["1,000", "–", "–", "–"]
    assert lines["s.t.unjudged"][1:3] == ["–", "not applicable"]
    assert "No model is declared on this source" in read.words


@pytest.mark.parametrize(
    ("findings", "says"),
    [
        (None, "✕ not approved: no Feature Analyst has approved this report."),
        ("s.t@3", "✓ approved: r5@cdh.example approved this report on 2026-03-01 09:00:00: “counts as last year”."),
        (
            "s.t@2",
            "an earlier report on 2026-03-01 09:00:00: “counts as last year”. Since then it says something else of s.t.",
        ),
    ],
)
def test_the_page_says_whether_just_this_report_is_approved(findings: str | None, says: str, tmp_path: Path):
    there(tmp_path, "s.t")
    write(tmp_path, "s_ra.quality", [check("s.t", "a", "passed", "fatal", 0, 40)])
    if findings is not None:
        word = {
            "job_run_id": "9", "source": "s", "tables": json.dumps({"s.t": findings}), "approved_by": "r5@cdh.example",
            "reason": "counts as last year", "approved_at": NOW,
        }  # fmt: skip
        write(
            tmp_path,
            "ml.data_approval",
            [word, word | {"source": "other", "tables": "{}", "approved_at": NOW + timedelta(days=1)}],
        )
    assert says in Reader(page(Stage("dev", Tables(tmp_path), (), None, {}), "s", [], synthetic=False)).words


def test_what_is_not_there_yet_is_said_with_the_job_that_makes_it(tmp_path: Path):
    words = Reader(page(Stage("dev", Tables(tmp_path), (), None, {}), "uci130", ["m"], synthetic=False)).words
    assert "Run uci130_featurize." in words
    assert "Run m_featurize." in words
    assert "no person's row is shown" in words


def test_a_fatal_fault_names_its_table(stage: Stage, tmp_path: Path):
    there(tmp_path, "s.t", "s.u")
    rows = [check("s.t", "a", "failed", "fatal", 20, 40), check("s.u", "a", "passed", "fatal", 0, 40)]
    write(tmp_path, "s_ra.quality", rows)
    assert (
        "nothing may be made from s.t."
        in Reader(page(Stage("dev", Tables(tmp_path), (), None, {}), "s", [], synthetic=False)).words
    )
