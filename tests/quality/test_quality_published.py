"""What a quality report shows of counts, attacked by linear programming over all its totals and over two of its versions."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from jobs.quality.published import Published, published, shown_before
from jobs.quality.result import Behind, Result
from jobs.quality.table import SCHEMA, rows

pytestmark = pytest.mark.clause("F5", "F8")
SMALL = range(1, 11)
COLUMNS = ("a", "b", "c")


def table(columns: dict[str, tuple[int, int, int]], whole: int, rule: tuple[int, int]) -> list[Result]:
    """The checks of a table in which one row is one person: a column's empty, unreadable and not allowed values each,
    and a rule that speaks of `rule[0]` rows, of which `rule[1]` break it."""

    def result(check: str, broken: int, of: int, about: tuple[str, ...]) -> Result:
        behind = Behind(broken=broken, kept=of - broken, apart=whole - of)
        state = "not applicable" if of == 0 else "failed" if broken else "passed"
        return Result(
            table="t", check=check, what=check, severity="fatal", state=state, rows=broken, of=of, all_rows=whole,
            behind=behind, about=about,
        )  # fmt: skip

    made = []
    for name, (empty, unreadable, wrong) in columns.items():
        made += [
            result(f"{name}_not_null", empty, whole, (name,)),
            result(f"{name}_readable", unreadable, whole - empty, (name,)),
            result(f"{name}_allowed", wrong, whole - empty - unreadable, (name,)),
            result(f"{name}_filled", empty + unreadable, whole, (name,)),
        ]
    return [*made, result("rule", rule[1], rule[0], ())]


def relations(results: list[Result]) -> list[tuple[str, tuple[str, ...]]]:
    """What the contract says of the counts: a whole and its parts. All that an attacker who reads it can use."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for one in results:
        found += [
            ("all", (f"{one.check} of", f"{one.check} apart")),
            (f"{one.check} of", (f"{one.check} rows", f"{one.check} kept")),
        ]
    for name in COLUMNS:
        found += [
            (f"{name}_not_null kept", (f"{name}_readable of",)), (f"{name}_readable kept", (f"{name}_allowed of",)),
            (f"{name}_filled kept", (f"{name}_allowed of",)),
        ]  # fmt: skip
    return found


def truth(results: list[Result]) -> dict[str, int]:
    found = {"all": results[0].all_rows}
    for one in results:
        parts = {"of": one.of, "apart": one.all_rows - one.of, "rows": one.rows, "kept": one.of - one.rows}
        found |= {f"{one.check} {name}": value for name, value in parts.items()}
    return found


def attack(results: list[Result], shown: list[Published]) -> dict[str, tuple[float, float]]:
    """Bounds of the small counts by linear programming over what is shown; nothing is known of one that is not."""
    known: dict[str, int | None] = {"all": shown[0].all_rows}
    for one in shown:
        known |= {f"{one.result.check} of": one.of, f"{one.result.check} rows": one.rows}
    names = sorted(truth(results))
    at = {name: place for place, name in enumerate(names)}
    matrix = np.zeros((len(relations(results)), len(names)))
    for row, (whole, parts) in enumerate(relations(results)):
        matrix[row, at[whole]] -= 1
        for part in parts:
            matrix[row, at[part]] += 1
    bounds = [(0, 10_000) if (value := known.get(name)) is None else (value, value) for name in names]
    found = {}
    for name in (name for name, value in truth(results).items() if value in SMALL):
        goal = np.eye(len(names))[at[name]]
        ends = [
            linprog(sign * goal, A_eq=matrix, b_eq=np.zeros(len(matrix)), bounds=bounds, method="highs")
            for sign in (1, -1)
        ]
        found[name] = (ends[0].fun, -ends[1].fun)
    return found


def told(results: list[Result], shown: list[Published]) -> list[str]:
    """The counts of 1 to 10 persons of which an attacker knows that they are."""
    real = truth(results)
    bounds = attack(results, shown)
    return [name for name, (low, high) in bounds.items() if real[name] in SMALL and low > 1 - 1e-6 and high < 11 - 1e-6]


small_often = st.one_of(st.integers(0, 14), st.integers(0, 90))
tables = st.builds(
    lambda counts, more, of, broken: table(dict(zip(COLUMNS, counts, strict=True)), 270 + more, (of, min(of, broken))),
    st.lists(st.tuples(small_often, small_often, small_often), min_size=3, max_size=3),
    small_often, st.integers(0, 270), small_often,
)  # fmt: skip


@settings(max_examples=25)
@given(tables)
def test_no_linear_program_over_a_tables_checks_tells_of_one_to_ten_persons(results: list[Result]):
    shown = published(results, of_persons=True)
    assert told(results, shown) == []
    real = truth(results)
    primary = sum(value in SMALL for value in real.values())
    kept_back = {f"{one.result.check} rows" for one in shown if one.rows is None}
    kept_back |= {f"{one.result.check} of" for one in shown if one.of is None}
    # How many values can be read stands in two places: of how many one check speaks, and how many keep the other.
    kept_back -= {f"{name}_filled rows" for name in COLUMNS if f"{name}_allowed of" in kept_back}
    if shown[0].all_rows is not None:
        assert len(kept_back) <= 2 * primary


def test_without_the_guard_the_attacker_wins():
    results = table({"a": (40, 3, 0), "b": (0, 0, 0), "c": (0, 0, 0)}, 300, (0, 0))
    naive = [
        Published(result=one, rows=None if one.rows in SMALL else one.rows, of=one.of, all_rows=one.all_rows)
        for one in results
    ]
    assert "a_readable rows" in told(results, naive), "260 have a value, 257 can be read: 3 cannot"
    assert told(results, published(results, of_persons=True)) == []


@settings(max_examples=40)
@given(tables, st.integers(1, 10), st.sampled_from(COLUMNS))
def test_two_versions_of_which_one_has_a_few_more_persons_do_not_differ_by_a_few(results, more, column):
    grown = {name: [one for one in results if one.check.startswith(f"{name}_")] for name in COLUMNS}
    counts = {name: (some[0].rows, some[1].rows, some[2].rows) for name, some in grown.items()}
    counts[column] = (counts[column][0] + more, *counts[column][1:])
    rule = next(one for one in results if one.check == "rule")
    later = table(counts, results[0].all_rows + more, (rule.of, rule.rows))
    first = published(results, of_persons=True)
    names = [part.split()[0] for part in SCHEMA.split(", ")]
    lines = rows(first, job_run_id="1", checked_at=datetime(2026, 1, 1, tzinfo=UTC), table="s.t", version=1)
    before = shown_before(dict(zip(names, line, strict=True)) for line in lines)["s.t"]
    second = published(later, of_persons=True, before=before)
    for old, new in zip(first, second, strict=True):
        for one, other in ((old.rows, new.rows), (old.of, new.of), (old.all_rows, new.all_rows)):
            assert one is None or other is None or abs(one - other) not in SMALL
    assert second[0].all_rows is None or first[0].all_rows is None
    assert told(later, second) == []


@pytest.mark.parametrize(
    ("behind", "rows_shown"),
    [
        (Behind(broken=20, kept=200, apart=0), 25), (Behind(broken=10, kept=200, apart=0), None),
        (Behind(broken=200, kept=10, apart=0), None), (Behind(broken=11, kept=11, apart=0), 25),
    ],
)  # fmt: skip
def test_many_rows_of_few_persons_are_few(behind: Behind, rows_shown: int | None):
    result = Result(
        table="t", check="c", what="c", severity="fatal", state="failed", rows=25, of=400, all_rows=400, behind=behind
    )
    (one,) = published([result], of_persons=True)
    assert (one.rows, one.share) == (rows_shown, None if rows_shown is None else 25 / 400)
    # Alike whether those who break it are few or those who keep it: the difference would tell which.
    assert str(one) == f"t: c: {'rows, how many is not shown' if rows_shown is None else '25 rows'}"
    (public,) = published([result], of_persons=False)
    assert public.rows == 25


def test_a_check_has_a_state_a_reason_and_a_version_in_its_row_and_no_two_columns_are_mixed_up():
    results = table({"a": (0, 30, 0), "b": (0, 0, 0), "c": (0, 0, 0)}, 300, (0, 0))
    shown = published(results, of_persons=True)
    names = [part.split()[0] for part in SCHEMA.split(", ")]
    lines = rows(shown, job_run_id="7", checked_at=datetime(2026, 1, 1, tzinfo=UTC), table="s.t", version=4)
    by_check = {row["check_id"]: row for row in (dict(zip(names, line, strict=True)) for line in lines)}
    bad = by_check["a_readable"]
    assert (bad["table"], bad["table_version"], bad["job_run_id"]) == ("s.t", 4, "7")
    assert (bad["state"], bad["rows_at_fault"], bad["rows_checked"], bad["share"], bad["table_rows"]) == (
        "failed", 30, 300, 0.1, 300,
    )  # fmt: skip
    assert bad["reason"] == "rows break it, and none may"
    assert (by_check["rule"]["state"], by_check["rule"]["reason"]) == ("not applicable", "it speaks of no row")
    assert all(state in ("passed", "failed", "not applicable") for state in (row["state"] for row in by_check.values()))
    assert len(set(itertools.chain.from_iterable([line] for line in by_check))) == len(results)
