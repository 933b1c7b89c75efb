"""What is expected of a model before anyone trains it: the interval of its AUROC, its events, its codes by year."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from jobs.model.feasibility import NOTHING, Width, coverage, expected, lies_in, outcome, standard_error
from jobs.model.intervals import Estimate, Persons, clustered

pytestmark = pytest.mark.clause("13", "F5")


def spread(auroc: float, events: int, others: int) -> float:
    """The standard deviation of the AUROC of normal scores, by the chances of two of one kind beside one of the other."""
    apart = np.sqrt(2) * norm.ppf(auroc)
    two_events = quad(lambda x: norm.pdf(x) * norm.sf(x - apart) ** 2, -10, 12)[0]
    two_others = quad(lambda x: norm.pdf(x - apart) * norm.cdf(x) ** 2, -10, 12)[0]
    of_pairs = (events - 1) * (two_events - auroc**2) + (others - 1) * (two_others - auroc**2)
    return float(np.sqrt((auroc * (1 - auroc) + of_pairs) / (events * others)))


SIZES = [(30, 300), (100, 100), (100, 900), (900, 100), (200, 19_800), (50, 100_000), (100_000, 50)]


@pytest.mark.parametrize("auroc", [0.6, 0.7, 0.8])
@pytest.mark.parametrize(("events", "others"), SIZES)
def test_the_standard_error_is_that_of_normal_scores_whichever_are_few(auroc: float, events: int, others: int):
    assert standard_error(auroc, events, others) == pytest.approx(spread(auroc, events, others), rel=0.02)
    assert np.isnan(standard_error(auroc, 0, others))


def test_the_standard_deviation_that_it_is_held_against_is_that_of_drawn_scores():
    draw, apart = np.random.default_rng(0), np.sqrt(2) * norm.ppf(0.8)
    some = zip(draw.normal(apart, 1.0, (1_500, 200)), draw.normal(0.0, 1.0, (1_500, 40)), strict=True)
    found = [(one[:, None] > other).mean() for one, other in some]
    assert np.mean(found) == pytest.approx(0.8, abs=0.005)
    assert np.std(found) == pytest.approx(spread(0.8, 200, 40), rel=0.05)


def width(one: Width | Estimate) -> float:
    return one.high - one.low


def test_the_interval_narrows_with_events_and_ends_at_one():
    wide, narrow = width(expected(0.7, 25, 100)), width(expected(0.7, 100, 400))
    assert wide / narrow == pytest.approx(2, rel=0.02)
    assert expected(0.99, 3, 3).high == 1.0


def rows(known: int, waiting: int, events: int) -> pd.DataFrame:
    outcomes = [1] * events + [0] * (known - events) + [None] * waiting
    return pd.DataFrame({
        "person_id": np.arange(known + waiting), "outcome": pd.array(outcomes, dtype="Int32"),
        "outcome_known": [True] * known + [False] * waiting,
    })  # fmt: skip


def test_events_are_counted_and_the_interval_is_that_of_the_test_side():
    found = outcome(rows(1_000, 100, 200), 0.25)
    assert (found.known, found.events, found.persons, found.persons_with) == (1_000, 200, 1_000, 200)
    assert [one.auroc for one in found.widths] == [0.6, 0.7, 0.8]
    assert found.widths[1] == expected(0.7, 50, 200)
    assert found.by_person == found.widths, "nobody returns"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("persons", "each", "heavy"), [(400, 8, False), (1_500, 2, False), (800, 4, True)])
def test_the_interval_of_an_evaluation_lies_between_that_of_rows_and_that_of_persons(
    persons: int, each: int, heavy: bool, seed: int
):
    draw = np.random.default_rng(seed)
    # Few return often, most do not.
    sizes = np.minimum(1 + draw.geometric(1 / each, persons), 40) if heavy else np.full(persons, each)
    person = np.repeat(np.arange(persons), sizes)
    risk = draw.normal(0.0, 1.0, persons)[person]
    event = (draw.random(person.size) < 1 / (1 + np.exp(1.5 - risk))).astype("int64")
    # The score knows most of what a person's rows share, and little of each row.
    score = 1 / (1 + np.exp(1.5 - risk - draw.normal(0.0, 0.3, person.size)))
    measured = clustered(event, score, Persons(person, 1))["auroc"]
    found = outcome(pd.DataFrame({"person_id": person, "outcome": event, "outcome_known": True}), 1.0)
    assert found.by_person[1] == expected(0.7, event_persons := len(set(person[event == 1])), persons)
    # Drawn scores are normal in part only.
    assert width(expected(measured.value, int(event.sum()), int((1 - event).sum()))) < 1.1 * width(measured)
    assert width(measured) < width(expected(measured.value, event_persons, persons))


@pytest.mark.parametrize(("known", "waiting", "events"), [(1_000, 0, 7), (1_000, 0, 993), (1_000, 4, 200), (9, 0, 3)])
def test_few_persons_hide_every_number_that_would_give_them_away(known: int, waiting: int, events: int):
    assert outcome(rows(known, waiting, events), 0.25) == NOTHING


def test_few_persons_hide_rows_that_are_many():
    # Twenty rows are not known, and they are of four persons who have no other.
    table = rows(1_000, 20, 200)
    table.loc[1_000:, "person_id"] = [9_000, 9_001, 9_002, 9_003] * 5
    assert outcome(table, 0.25) == NOTHING
    # Three hundred events of seven persons.
    table = rows(1_000, 0, 300)
    table.loc[:299, "person_id"] = np.arange(300) % 7
    assert outcome(table, 0.25) == NOTHING


@pytest.mark.parametrize(
    ("again", "events_again", "shown"), [(0, 0, True), (30, 30, True), (6, 0, False), (60, 5, False)]
)
def test_persons_are_not_told_where_few_return(again: int, events_again: int, shown: bool):
    # The first rows have the event. Rows of who has another row, with and without it.
    table = rows(1_000, 0, 300)
    table.loc[: events_again - 1, "person_id"] = 299
    table.loc[300 : 299 + again - events_again, "person_id"] = np.arange(again - events_again) + 900
    found = outcome(table, 0.25)
    assert (found.known, found.events) == (1_000, 300)
    assert found.widths == outcome(rows(1_000, 0, 300), 0.25).widths
    assert (found.persons, found.persons_with) == ((1_000 - again, 300 - events_again) if shown else (None, None))
    assert bool(found.by_person) == shown


CODES = [
    ("chronic", "failure", "ICD10CM", "I50", None, None),
    ("chronic", "failure", "ICD10CM", "I11.0", None, None),
    ("", "own", "LOINC", "1-2", None, None),
]


@settings(max_examples=15, derandomize=True)
@given(seed=st.integers(0, 1_000_000), persons=st.integers(5, 120))
def test_coverage_by_year_is_a_plain_count_and_hides_few_persons_and_their_complement(seed: int, persons: int):
    draw = np.random.default_rng(seed)
    size = persons * 6
    pairs = [("ICD10CM", "I50.9"), ("ICD10CM", "I50"), ("ICD10CM", "I11.0"), ("ICD10CM", "I11.9"), ("ICD9CM", "I50"),
             ("LOINC", "1-2"), ("None", None)]  # fmt: skip
    chosen = [pairs[n] for n in draw.choice(len(pairs), size, p=[0.1, 0.05, 0.05, 0.3, 0.2, 0.02, 0.28])]
    events = pd.DataFrame({
        "person_id": draw.integers(0, persons, size), "vocabulary_id": [v for v, _ in chosen],
        "concept_code": [c for _, c in chosen], "known_to": pd.NaT,
        "event_start_datetime": pd.to_datetime([None if y == 2020 else f"{y}-06-01" for y in draw.choice([2018, 2019, 2020, 2022], size)]),
    })  # fmt: skip
    members = {"chronic.failure": {"I50.9", "I50", "I11.0"}, "own": {"1-2"}}
    plain: dict[tuple[str, int], set[int]] = {}
    everyone: dict[int, set[int]] = {}
    for one in events.dropna(subset=["event_start_datetime"]).itertuples():
        everyone.setdefault(one.event_start_datetime.year, set()).add(one.person_id)
        for name, codes in members.items():
            if one.vocabulary_id in ("ICD10CM", "LOINC") and one.concept_code in codes:
                plain.setdefault((name, one.event_start_datetime.year), set()).add(one.person_id)
    found = coverage(events, CODES)
    assert {one.concept_set_name for one in found} == set(members)
    for one in found:
        whole, part = len(everyone.get(one.year, ())), len(plain.get((one.concept_set_name, one.year), ()))
        if 1 <= whole <= 10 or 1 <= part <= 10 or 1 <= whole - part <= 10:
            assert one.persons is None
        else:
            assert one.persons in (part, None)
        assert one.of in (whole, None)
        assert one.of is None or not 1 <= one.of <= 10


def year_of(*persons: tuple[str, int], year: int = 2021) -> pd.DataFrame:
    """So many persons with each code of ICD-10-CM, in one year."""
    codes = [code for code, count in persons for _ in range(count)]
    return pd.DataFrame({
        "person_id": np.arange(len(codes)), "event_start_datetime": pd.Timestamp(year, 6, 1), "known_to": pd.NaT,
        "vocabulary_id": "ICD10CM", "concept_code": codes,
    })  # fmt: skip


LEFT = ("", "lvf", "ICD10CM", "I50.1", None, None)
HEART = ("", "hf", "ICD10CM", "I50", None, None)
THEN = date(2015, 10, 1)


@pytest.mark.parametrize(("left", "other", "shown"), [
    # 20 of 25 with heart failure have that of the left side: five have another. All but these are 35 of 60.
    (20, 5, {"hf": 25, "lvf": None}), (20, 15, {"hf": 35, "lvf": 20}), (20, 0, {"hf": 20, "lvf": 20}),
    (5, 20, {"hf": 25, "lvf": None}),
])  # fmt: skip
def test_a_concept_set_within_another_is_a_part_of_it(left: int, other: int, shown: dict[str, int | None]):
    found = coverage(year_of(("I50.1", left), ("I50.9", other), ("N39.0", 60 - left - other)), [HEART, LEFT])
    assert {one.concept_set_name: one.persons for one in found} == shown
    assert {one.of for one in found} == {60}


@pytest.mark.parametrize(("inner", "outer", "lies"), [
    ([LEFT], [HEART], True), ([HEART], [LEFT], False), ([LEFT, HEART], [HEART], True),
    ([(*LEFT[:2], "ICD9CM", *LEFT[3:])], [HEART], False), ([LEFT], [(*HEART[:4], THEN, None)], False),
    ([(*LEFT[:4], THEN, None)], [(*HEART[:4], THEN, None)], True), ([LEFT], [(*HEART[:4], None, THEN)], False),
])  # fmt: skip
def test_a_set_lies_in_another_by_vocabulary_code_and_days(inner: list[tuple], outer: list[tuple], lies: bool):
    assert lies_in(inner, outer) is lies


def test_sets_apart_do_not_hide_each_other():
    some = [*[("", f"set{n}", "ICD10CM", f"A0{n}", None, None) for n in range(6)], HEART, LEFT]
    events = year_of(("I50.1", 40), ("I50.9", 30), *((f"A0{n}", (3, 12, 50)[n % 3]) for n in range(6)))
    shown = {one.concept_set_name: one.persons for one in coverage(events, some)}
    assert shown == {"hf": 70, "lvf": 40} | {f"set{n}": (None, 12, 50)[n % 3] for n in range(6)}


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_a_planned_or_mistyped_day_adds_no_year_nor_does_a_year_without_an_event(zone: str | None):
    today = pd.Timestamp(date.today())
    days = [pd.Timestamp(2018, 6, 1), pd.Timestamp(2021, 6, 1), today, pd.Timestamp(9999, 12, 31, unit="s")]
    days.append(today + pd.Timedelta(days=1))
    starts = pd.Series(np.repeat(np.array(days, dtype="datetime64[s]"), 60)).dt.tz_localize(zone)
    events = pd.concat([year_of(("I50.1", 60))] * len(days), ignore_index=True).assign(event_start_datetime=starts)
    found = [(one.year, one.persons, one.of) for one in coverage(events, [HEART])]
    assert found == [(year, 60, 60) for year in (2018, 2021, today.year)]


def test_without_a_dated_event_there_is_no_year():
    none = pd.DataFrame({"person_id": [1], "event_start_datetime": pd.to_datetime([None]), "vocabulary_id": ["LOINC"],
                         "concept_code": ["1-2"], "known_to": pd.NaT})  # fmt: skip
    assert coverage(none, CODES) == []
