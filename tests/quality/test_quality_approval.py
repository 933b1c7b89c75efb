"""A quality report is approved by a person, in just the version that it has; separation of duties and staleness."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.quality.approval import Report, current, newest, refusals
from jobs.quality.published import published
from jobs.quality.result import Result
from jobs.quality.table import SCHEMA, rows

pytestmark = pytest.mark.clause("F8")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = [part.split()[0] for part in SCHEMA.split(", ")]
RESULT = Result(
    table="t", check="c", what="c", severity="fatal", state="passed", rows=0, of=300, all_rows=300, version="v1"
)
REPORT = Report(findings={"s.t": "a", "s_ra.feature_m": "b"}, versions={"s.t": 3, "s_ra.feature_m": 7}, stopping=())
GIVEN: dict[str, Any] = {
    "now": {"s.t": 3, "s_ra.feature_m": 7}, "source": "s", "approved_by": "r5@cdh.example", "reason": "counts as last year",
    "principal": "sp-featurize-dev",
}  # fmt: skip


def lines(result: Result, version: int, at: datetime, table: str = "s.t") -> list[dict[str, Any]]:
    shown = published([result], of_persons=True)
    made = rows(shown, job_run_id="1", checked_at=at, table=table, version=version)
    return [dict(zip(NAMES, line, strict=True)) for line in made]


def test_a_whole_report_is_approved_by_a_person_with_a_reason():
    assert refusals(REPORT, **GIVEN) == []


@pytest.mark.parametrize(
    ("report", "changes", "says"),
    [
        (Report(findings={}, versions={}, stopping=()), {}, "s has no quality report: run s's featurize job"),
        (replace(REPORT, stopping=("s.t",)), {}, "s.t breaks its contract: have it delivered again"),
        (
            REPORT,
            {"now": {"s.t": 4, "s_ra.feature_m": 7}},
            "the report speaks of version 3 of s.t, version 4 is there: run s's featurize job again",
        ),
        (
            REPORT,
            {"now": {"s.t": 3, "s_ra.feature_m": 8}},
            "version 7 of s_ra.feature_m, version 8 is there: run m's featurize job, or drop the table where m is retired",
        ),
        (REPORT, {"now": {"s.t": None, "s_ra.feature_m": 7}}, "version 3 of s.t, it is not there any more: run s's"),
        (
            replace(REPORT, stopping=("s_ra.feature_m",)),
            {"now": {"s.t": 3, "s_ra.feature_m": 8}},
            "s_ra.feature_m broke its contract in version 7, and version 8 is there, which was not checked: run m's",
        ),
        (REPORT, {"approved_by": " "}, "approved_by is empty"),
        (REPORT, {"approved_by": "SP-Featurize-dev"}, "is the service principal that made the report"),
        (REPORT, {"reason": "ok"}, "reason = 'ok' is not valid: 10 letters or more"),
    ],
)
def test_what_stands_against_an_approval_is_said_with_what_to_do(report: Report, changes: dict[str, Any], says: str):
    (found,) = refusals(report, **GIVEN | changes)
    assert says in found


def test_only_the_newest_checks_of_a_table_make_its_report():
    bad = replace(RESULT, state="failed", rows=20)
    found = newest([*lines(bad, 1, NOW), *lines(RESULT, 2, NOW + timedelta(hours=1)), *lines(bad, 5, NOW, "s.u")])
    assert (found.versions, found.stopping) == ({"s.t": 2, "s.u": 5}, ("s.u",))


def test_a_fact_table_that_broke_its_contract_is_to_be_made_anew_and_not_to_be_delivered():
    facts = Report(findings={"s_ra.fact_person": "a"}, versions={"s_ra.fact_person": 2}, stopping=("s_ra.fact_person",))
    (stayed,) = refusals(facts, **GIVEN | {"now": {"s_ra.fact_person": 2}})
    assert stayed == "s_ra.fact_person broke its contract in version 2: run s's featurize job again"
    (gave_way,) = refusals(facts, **GIVEN | {"now": {"s_ra.fact_person": 3}})
    assert "in version 2, and version 3 is there, which was not checked: run s's featurize job again" in gave_way


def test_tables_that_nothing_makes_any_more_are_in_no_report():
    names = (
        "s.t",
        "s.undeclared",
        "s_ra.fact_person",
        "s_ra.fact_undeclared",
        "s_ra.feature_m",
        "s_ra.feature_dropped",
    )
    made = [line for name in names for line in lines(RESULT, 2, NOW, name)]
    found = current(
        made, source="s", declared={"s.t", "s_ra.fact_person"}, there=lambda name: name != "s_ra.feature_dropped"
    )
    assert [row["table"] for row in found] == ["s.t", "s_ra.fact_person", "s_ra.feature_m"]


@pytest.mark.parametrize(
    "other",
    [
        (replace(RESULT, state="failed", rows=20), 2), (replace(RESULT, version="v2"), 2), (RESULT, 3),
        (replace(RESULT, of=200), 2), (replace(RESULT, threshold=0.5), 2), (replace(RESULT, check="d"), 2),
    ],
)  # fmt: skip
def test_a_report_that_says_anything_else_has_other_findings_and_the_same_report_has_the_same(other):
    first, again = (newest(lines(RESULT, 2, at)).findings for at in (NOW, NOW + timedelta(days=1)))
    assert first == again
    assert newest(lines(other[0], other[1], NOW)).findings != first
