"""What is published of counts of persons, attacked: by enumeration of all that could be, and by linear programming."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from jobs.quality.cohort import Shown, attrition
from jobs.release import Sum, nested, release

SMALL = range(1, 11)


def breakdown(name: str, groups: list[int]) -> tuple[dict[str, int], Sum]:
    """Groups of one dimension and their sum."""
    cells = {f"{name}{n}": size for n, size in enumerate(groups)}
    return cells, Sum("all", tuple(cells))


def attack(published: dict[str, int | None], sums: list[Sum], hidden_least: int = 1) -> dict[str, tuple[float, float]]:
    """Bounds of each suppressed cell by linear programming: the attacker's own code, all cells as variables."""
    names = list(published)
    at = {name: n for n, name in enumerate(names)}
    matrix = np.zeros((len(sums), len(names)))
    for row, one in enumerate(sums):
        matrix[row, at[one.whole]] -= 1
        for part in one.parts:
            matrix[row, at[part]] += 1
    bounds = [(hidden_least, None) if value is None else (value, value) for value in published.values()]
    found = {}
    for name in names:
        if published[name] is None:
            goal = np.zeros(len(names))
            goal[at[name]] = 1
            low, high = (
                linprog(sign * goal, A_eq=matrix, b_eq=np.zeros(len(sums)), bounds=bounds, method="highs")
                for sign in (1, -1)
            )
            found[name] = (low.fun, float("inf") if high.status == 3 else -high.fun)
    return found


def within(bounds: tuple[float, float]) -> bool:
    return bounds[0] > 1 - 1e-6 and bounds[1] < 11 - 1e-6


@pytest.mark.parametrize(
    ("groups", "suppressed"),
    [
        ([50, 60], 0), ([0, 60], 0), ([11, 11], 0), ([3, 60, 70], 2), ([10, 11, 400], 2), ([5, 5, 5], 3),
        ([3, 5, 60], 3), ([4, 4, 4, 60], 4), ([5, 5, 5, 60], 3), ([6, 6, 30], 2), ([1, 1, 30], 3), ([2, 0, 40], 2),
    ],
)  # fmt: skip
def test_a_breakdown_hides_what_the_rest_would_give_away_and_no_more(groups: list[int], suppressed: int):
    cells, whole = breakdown("g", groups)
    published = release({"all": sum(groups)} | cells, [whole])
    assert list(published.values()).count(None) == suppressed, published
    assert all(value in (None, count) for value, count in zip(published.values(), [sum(groups), *groups], strict=True))


@settings(max_examples=40)
@given(st.lists(st.integers(0, 30), min_size=2, max_size=4))
def test_no_enumeration_of_what_could_be_finds_a_small_cell_in_one_breakdown(groups: list[int]):
    cells, whole = breakdown("g", groups)
    published = release({"all": sum(groups)} | cells, [whole])
    hidden = [name for name in cells if published[name] is None]
    if published["all"] is None or not hidden:
        return
    rest = published["all"] - sum(value or 0 for name, value in published.items() if name != "all")
    worlds = [world for world in itertools.product(range(1, rest + 1), repeat=len(hidden)) if sum(world) == rest]
    for place, name in enumerate(hidden):
        possible = {world[place] for world in worlds}
        assert cells[name] in possible
        assert cells[name] not in SMALL or max(possible) > 10


@settings(max_examples=40)
@given(st.data())
def test_no_linear_program_bounds_a_small_cell_of_several_breakdowns_of_one_total(data: st.DataObject):
    # From 60 on no breakdown consists of small cells only; then each needs one more hidden cell at the most.
    total = data.draw(st.integers(60, 400), "total")
    counts, sums = {"all": total}, []
    for dimension in "abc":
        cuts = sorted(data.draw(st.lists(st.integers(0, total), min_size=1, max_size=6), dimension))
        groups = [high - low for low, high in itertools.pairwise([0, *cuts, total])]
        cells, whole = breakdown(dimension, groups)
        counts |= cells
        sums.append(whole)
    published = release(counts, sums)
    assert not [name for name, bounds in attack(published, sums).items() if counts[name] in SMALL and within(bounds)]
    primary = sum(count in SMALL for count in counts.values())
    assert sum(value is None for value in published.values()) <= 2 * primary


@settings(max_examples=40)
@given(st.data())
def test_two_published_versions_do_not_differ_by_a_few_persons(data: st.DataObject):
    sizes = st.lists(st.integers(0, 60), min_size=4, max_size=4)
    first = data.draw(sizes, "first")
    second = [max(0, one + data.draw(st.integers(-12, 12), "change")) for one in first]
    (old, whole), (new, _) = breakdown("g", first), breakdown("g", second)
    before = release({"all": sum(first)} | old, [whole])
    after = release({"all": sum(second)} | new, [whole], before=before)
    for name, value in after.items():
        if value is not None and before[name] is not None:
            assert abs(value - before[name]) not in SMALL
    bounds = attack(after, [whole])
    assert not [name for name, one in bounds.items() if new.get(name, sum(second)) in SMALL and within(one)]


@settings(max_examples=40)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(0, 300))
def test_what_a_rule_removed_is_not_found_by_subtraction(removed: list[int], left: int):
    counts = [left + sum(removed[n:]) for n in range(len(removed) + 1)]
    shown = [value for value in nested(counts) if value is not None]
    assert all(value not in SMALL for value in shown)
    assert all(before - after not in SMALL for before, after in itertools.pairwise(shown))


def test_an_attrition_shows_no_count_that_differs_by_a_few_from_any_that_was_shown_before():
    assert nested([1000, 700, 400], [{1000}, {700}, {400}]) == [1000, 700, 400]
    assert nested([1003, 703, 400], [{1000}, {700}, {400}]) == [None, None, 400]
    # Not the last version alone: 1000, then 1012, and now 1002.
    assert nested([1002, 700], [{1000, 1012}, {700}]) == [None, 700]
    assert nested([1020, 700], [set(), {700}]) == [1020, 700]


def test_what_another_report_shows_of_an_attrition_is_not_what_it_hides():
    # The statistics tell how many persons are left: hiding that here would hide nothing.
    assert nested([1000, 700, 695]) == [1000, 700, None]
    assert nested([1000, 700, 695], elsewhere=[2]) == [1000, None, 695]


COHORT = [(1000, 900), (700, 650), (695, 645)]


@pytest.mark.parametrize(
    ("steps", "members", "source", "shown"),
    [
        # Five encounters of five persons leave last, and the statistics show the persons that are left.
        (COHORT, Shown(), set(), [(1000, 900), None, (695, 645)]),
        # They show none of them where five more than before are left; the report on the features still shows the 695.
        (COHORT, Shown(persons=frozenset({640})), set(), [(1000, 900), None, None]),
        (COHORT, Shown(encounters=frozenset({690}), persons=frozenset({640})), set(), [(1000, 900), (700, 650), None]),
        # The report on the facts shows the first, that on the features the last: then that one does not.
        ([(1000, 900), (995, 895)], Shown(), {1000}, [None, None]),
        ([(1000, 900), (900, 820)], Shown(), {1000}, [(1000, 900), (900, 820)]),
        # Six persons return: their number is that of encounters less persons.
        ([(1000, 900), (700, 694)], Shown(), set(), [(1000, 900), (700, None)]),
        # Nobody returns; and of those who left, six did.
        ([(1000, 1000), (700, 700)], Shown(), set(), [(1000, 1000), (700, 700)]),
        ([(1000, 994), (700, 700)], Shown(), set(), [(1000, None), (700, 700)]),
        # Six more return than an earlier run showed, though both counts moved by more than that.
        ([(1000, 900)], Shown.of({(900, 806)}), set(), [(1000, None)]),
        ([(1000, 900)], Shown.of({(900, None), (None, 806)}), set(), [(1000, 900)]),
    ],
)
def test_a_cohort_tells_of_few_neither_by_its_steps_nor_beside_its_reports(
    steps: list[tuple[int, int]], members: Shown, source: set[int], shown: list[tuple[int, int | None] | None]
):
    assert attrition(steps, [Shown()] * len(steps), members, source) == shown


def test_an_attrition_keeps_what_it_can():
    assert nested([1000, 700, 400]) == [1000, 700, 400]
    assert sum(value is None for value in nested([1000, 995, 900, 899])) == 2


def test_a_sum_that_does_not_add_up_and_an_unknown_cell_are_refused():
    with pytest.raises(ValueError, match="its parts do not add up"):
        release({"all": 3, "a": 1}, [Sum("all", ("a",))])
    with pytest.raises(ValueError, match="cell 'b' is not valid; valid: a, all"):
        release({"all": 1, "a": 1}, [Sum("all", ("a", "b"))])
