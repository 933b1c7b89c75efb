"""Features and outcomes against a plain Python reading of their declaration."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as sf
from stays import CODES, EVENT_SCHEMA, MODEL, Record, Stay, at, encounters, events, made

from jobs.featurize.cohort import completed_years, of_model, selection
from jobs.featurize.entries import Facts
from workflows.concept_sets import set_names
from workflows.declare import (
    AnyOf,
    AtIndex,
    CountOf,
    Demographics,
    Derived,
    Encounter,
    Example,
    InpatientStays,
    Recorded,
    StayDays,
    Visits,
    days,
    replace,
)
from workflows.interpreter import differences
from workflows.models.readmission_uci130 import readmission_uci130
from workflows.sources.synthetic_omop import synthetic_omop
from workflows.sources.uci130 import uci130

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1", "7", "11")]


def expected(stays: list[Stay], records: list[Record], known: int) -> dict[int, dict[str, Any]]:
    """What the declaration says, one stay and one day at a time."""
    ordered = sorted(range(len(stays)), key=lambda n: (stays[n].start + stays[n].length, n))
    place = {n: k for k, n in enumerate(ordered, 1)}
    last = max((stays[n].start for n in ordered if place[n] <= known), default=-1)
    rows = {}
    for n, one in enumerate(stays):
        if not (one.inpatient and one.at_risk):
            continue
        index = one.start + one.length
        others = [s.start - index for m, s in enumerate(stays) if s.person == one.person and s.inpatient and m != n]
        mine = [(r.day - index, CODES[r.code]) for r in records if r.person == one.person]
        hit = {name for day, name in mine if name and -60 <= day <= -1}
        matured = place[n] <= known and index + 30 <= last
        rows[n] = {
            "f_length_of_stay": float(one.length),
            "f_count_inpatient_admission_90_7": float(sum(-90 <= day <= -7 for day in others)),
            **{f"f_any_chronic_conditions_{name}": float(name in hit) for name in set_names("chronic_conditions")},
            "outcome_known": matured,
            "outcome": int(any(1 <= day <= 30 for day in others)) if matured else None,
        }
    return rows


STAYS = st.lists(
    st.builds(
        Stay,
        person=st.integers(1, 4),
        start=st.integers(0, 200),
        length=st.integers(0, 20),
        inpatient=st.sampled_from([True, True, True, False]),
        at_risk=st.sampled_from([True, True, True, False]),
    ),
    min_size=1,
    max_size=40,
)
RECORDS = st.lists(
    st.builds(Record, person=st.integers(1, 4), day=st.integers(0, 220), code=st.sampled_from(sorted(CODES))),
    max_size=40,
)


@settings(max_examples=12, derandomize=True, suppress_health_check=list(HealthCheck))
@given(stays=STAYS, records=RECORDS, known=st.integers(0, 40))
def test_features_and_outcomes_are_what_a_plain_reading_of_the_declaration_says(
    spark: SparkSession, stays: list[Stay], records: list[Record], known: int
):
    table = made(spark, encounters(spark, stays, known), events(spark, records))
    found = {row["visit_occurrence_id"]: row.asDict() for row in table.collect()}
    wanted = expected(stays, records, known)
    assert {n: {name: row[name] for name in wanted[n]} for n, row in found.items()} == wanted


@pytest.mark.parametrize(
    ("day", "inside"), [(-61, False), (-60, True), (-1, True), (0, False), (1, False)], ids=lambda value: str(value)
)
def test_both_ends_of_a_window_are_inside_and_the_index_day_is_not(spark: SparkSession, day: int, inside: bool):
    stays = [Stay(1, 100, 0), Stay(2, 200, 0)]
    row = (
        made(spark, encounters(spark, stays, 2), events(spark, [Record(1, 100 + day, "I50.9")]))
        .orderBy("person_id")
        .first()
    )
    assert row is not None
    assert row["f_any_chronic_conditions_heart_failure"] == float(inside)


def test_the_time_at_risk_starts_on_day_one_and_ends_on_day_thirty(spark: SparkSession):
    pairs = {1: 0, 2: 1, 3: 30, 4: 31}
    stays = [Stay(person, 50, 0) for person in pairs] + [Stay(person, 50 + gap, 2) for person, gap in pairs.items()]
    stays.append(Stay(9, 300, 0))
    rows = made(spark, encounters(spark, stays, len(stays)), events(spark, [])).collect()
    first = {row["person_id"]: row["outcome"] for row in rows if row["visit_occurrence_id"] < 4}
    assert first == {1: 0, 2: 1, 3: 1, 4: 0}


# An open stay may have an end far in the future, and so may a mistyped one or one that is planned: nobody has seen
# those days.
@pytest.mark.parametrize("others", [
    [Stay(9, 300, 2)], [Stay(9, 300, 36_525)], [Stay(9, 300, 2_900_000)], [Stay(8, 36_525, 1), Stay(9, 300, 2)],
])  # fmt: skip
def test_an_outcome_is_known_once_the_time_at_risk_is_over_when_the_last_stay_begins_however_it_ends(
    spark: SparkSession, others: list[Stay]
):
    stays = [Stay(1, 260, 10), Stay(2, 260, 11), Stay(3, 290, 1), *others]
    rows = made(spark, encounters(spark, stays, len(stays)), events(spark, [])).orderBy("person_id").collect()
    # A stay that has not ended leaves no row.
    unknown = [(None, False)] * (sum(one.start + one.length < 365 for one in stays) - 1)
    assert [(row["outcome"], row["outcome_known"]) for row in rows] == [(0, True), *unknown]


def test_the_index_stay_is_no_event_of_its_own_past(spark: SparkSession):
    stays = [Stay(1, 10, 5), Stay(1, 40, 20)]
    rows = made(spark, encounters(spark, stays, 2), events(spark, [])).orderBy("encounter_order").collect()
    assert [row["f_count_inpatient_admission_90_7"] for row in rows] == [0.0, 1.0]


def test_numbers_are_doubles_categories_are_strings_and_the_table_has_the_declared_columns_only(spark: SparkSession):
    table = made(spark, encounters(spark, [Stay(1, 5, 1)], 1), events(spark, []))
    conditions = [(f"f_any_chronic_conditions_{name}", "double") for name in set_names("chronic_conditions")]
    assert table.dtypes == [
        ("person_id", "bigint"), ("visit_occurrence_id", "bigint"), ("encounter_order", "bigint"),
        ("index_datetime", "timestamp"), ("f_age", "double"), ("f_sex", "string"), ("f_length_of_stay", "double"),
        *conditions, ("f_count_inpatient_admission_90_7", "double"), ("outcome", "int"), ("outcome_known", "boolean"),
    ]  # fmt: skip


def test_age_is_in_completed_years(spark: SparkSession):
    cases = [
        ("1950-06-15", "2020-06-14", 69), ("1950-06-15", "2020-06-15", 70), ("2000-02-29", "2021-02-28", 20),
        ("2000-02-29", "2021-03-01", 21), ("2000-02-29", "2024-02-29", 24), ("2020-12-31", "2021-01-01", 0),
    ]  # fmt: skip
    table = spark.createDataFrame(cases, "born string, day string, wanted int")
    rows = table.select("wanted", completed_years(sf.to_date("born"), sf.to_date("day")).alias("age")).collect()
    assert [row["age"] for row in rows] == [wanted for _, _, wanted in cases]


def test_attrition_counts_encounters_and_persons_after_each_rule(spark: SparkSession):
    stays = [Stay(1, 5, 1), Stay(1, 50, 1, at_risk=False), Stay(2, 5, 1, inpatient=False), Stay(3, 9, 1, at_risk=False)]
    adults = replace(MODEL, cohort=InpatientStays(minimum_age=71))
    steps = [
        (s.step, s.reason, s.encounters, s.persons)
        for s in selection(of_model(adults), Facts(encounters=encounters(spark, stays, 4))).attrition()
    ]
    assert steps == [
        (0, "all encounters", 4, 3), (1, "inpatient stay", 3, 2), (2, "leaves the person at risk", 1, 1),
        (3, "71 years or older", 0, 0),
    ]  # fmt: skip


def test_without_dates_events_count_on_the_index_encounter_itself(spark: SparkSession):
    model = replace(
        readmission_uci130,
        outcome=Recorded("readmitted", equals="<30"),
        features=[Demographics(), AnyOf("icd9_chapters", because="diagnoses of the stay")],
    )
    schema = (
        "person_id long, visit_occurrence_id long, encounter_order long, visit_start_datetime timestamp, "
        "visit_end_datetime timestamp, is_inpatient_visit boolean, is_at_risk boolean, sex string, birth_date date, "
        "age_band string, outcome_known boolean, outcome_readmitted string"
    )
    rows = [
        (1, 11, 1, None, None, True, True, "F", None, "[70-80)", True, "<30"),
        (1, 12, 2, None, None, True, True, "F", None, "[70-80)", True, ">30"),
        (1, 13, 3, None, None, True, True, "F", None, "[70-80)", False, None),
    ]
    facts = [(1, 11, None, "ICD9CM", "250.02"), (1, 12, None, "ICD9CM", "V45"), (1, 12, None, "ICD9CM", "139.8"),
             (1, 13, None, "ICD10CM", "428")]  # fmt: skip
    table = made(spark, spark.createDataFrame(rows, schema), spark.createDataFrame(facts, EVENT_SCHEMA), model, uci130)
    found = {row["visit_occurrence_id"]: row.asDict() for row in table.collect()}
    prefix = "f_any_icd9_chapters_"
    on = {n: {k.removeprefix(prefix) for k, v in row.items() if k.startswith(prefix) and v} for n, row in found.items()}
    assert on == {11: {"endocrine"}, 12: {"supplementary", "infectious"}, 13: set()}
    assert [found[n]["outcome"] for n in (11, 12, 13)] == [1, 0, None]
    assert {row["f_age_band"] for row in found.values()} == {"[70-80)"}


def test_visits_days_in_hospital_and_derived_columns_leave_the_index_stay_out(spark: SparkSession):
    model = replace(
        MODEL,
        features=[
            AtIndex("length_of_stay", because="known at discharge"),
            Visits(days(-90, -1)),
            StayDays(days(-90, -1)),
            CountOf("chronic_conditions.heart_failure", days(-60, -1)),
            Derived("share_in_hospital", "ratio", ("stay_days_90_1", "visits_90_1")),
            Derived("stayed_again", "at_least", ("share_in_hospital",), threshold=2),
            AnyOf("chronic_conditions.diabetes", days(-60, 0), because="coded by discharge"),
        ],
    )
    # The index stay is from day 100 to 104; before it a stay of six days, a visit without one, and one too long ago.
    stays = [Stay(1, 100, 4), Stay(1, 40, 6), Stay(1, 60, 0, inpatient=False), Stay(1, 5, 3)]
    records = [Record(1, 50, "I50.9"), Record(1, 60, "I11.0"), Record(1, 43, "I50"), Record(1, 104, "E11.9")]
    table = made(spark, encounters(spark, stays, 4), events(spark, records), model)
    row = table.orderBy("encounter_order").collect()[-1].asDict()
    assert {name: value for name, value in row.items() if name.startswith("f_")} == {
        "f_length_of_stay": 4.0, "f_visits_90_1": 2.0, "f_stay_days_90_1": 6.0,
        "f_count_chronic_conditions_heart_failure_60_1": 2.0, "f_share_in_hospital": 3.0, "f_stayed_again": 1.0,
        "f_any_chronic_conditions_diabetes": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(("lag", "length"), [(0, 6.0 + 11.0), (7, 6.0)])
def test_the_days_of_a_stay_are_known_after_its_end_and_the_lag(spark: SparkSession, lag: int, length: float):
    source, model = replace(synthetic_omop, lag=lag), replace(MODEL, features=[StayDays(days(-90, -1))])
    # The index date is day 104; of the others one ended on day 98, six days before it, and one seven days before it.
    stays = [Stay(1, 100, 4), Stay(1, 87, 11), Stay(1, 91, 6)]
    row = (
        made(spark, encounters(spark, stays, 3), events(spark, []), model, source)
        .orderBy("encounter_order")
        .collect()[-1]
    )
    assert row["f_stay_days_90_1"] == length
    said = [Encounter(*(str(at(day, 9)) for day in (one.start, one.start + one.length))) for one in stays]
    example = Example("one", str(at(104, 9)), encounters=said, features={"stay_days_90_1": length})
    assert differences(model, example, source) == []
