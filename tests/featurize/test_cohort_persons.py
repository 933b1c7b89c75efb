"""Who a person of a cohort of events is: as was known by the index date, whatever encounters come later."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from cohort_world import ENCOUNTERS
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.featurize.cohort import of_model, selection
from jobs.featurize.entries import Facts, as_of
from workflows.codes import Codes
from workflows.cohorts import Cohort, EventsOf, InpatientStays, used
from workflows.covariates import code_rows
from workflows.declare import Demographics, replace
from workflows.models.readmission import readmission
from workflows.sources import named
from workflows.steps import AgeAtIndex, SexIs

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1", "F6")]
NOON = datetime(2021, 6, 30, 12)
HEART = EventsOf(concepts=Codes("heart", (("ICD10CM", "I50"),)))
# person, day of start, order, sex, birth
Stay = tuple[int, int, int, str | None, date | None]


def day(number: int) -> datetime:
    return NOON + timedelta(days=number)


def encounters(stays: list[Stay]) -> list[tuple[object, ...]]:
    return [
        (person, key, order, day(start), day(start + 2), 2, True, True, sex, born, None, True)
        for key, (person, start, order, sex, born) in enumerate(stays)
    ]


def plain(stays: list[Stay], person: int, index: int) -> tuple[str | None, date | None]:
    """The last that is known until the day, else the first after it, each of both by itself."""
    ordered = sorted((start, order, key) for key, (who, start, order, *_) in enumerate(stays) if who == person)
    found: list[object] = []
    for place in (3, 4):
        told = [(start, stays[key][place]) for start, _, key in ordered if stays[key][place] is not None]
        before = [value for start, value in told if start <= index]
        found.append(before[-1] if before else next((value for _, value in told), None))
    return found[0], found[1]  # type: ignore[return-value]


BORN = st.sampled_from([None, date(1959, 1, 10), date(1959, 12, 1), date(1940, 2, 29)])
STAYS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(-3, 3), st.integers(1, 4), st.sampled_from([None, "F", "M"]), BORN),
    min_size=1, max_size=9,
)  # fmt: skip


@settings(max_examples=12)
@given(stays=STAYS)
def test_a_person_is_who_the_last_encounter_until_the_index_date_says(spark: SparkSession, stays: list[Stay]) -> None:
    asked = [(person, number) for person in (1, 2, 3) for number in (-2, 0, 2)]
    index = spark.createDataFrame([(p, day(n)) for p, n in asked], "person_id long, index_datetime timestamp")
    rows = as_of(index, spark.createDataFrame(encounters(stays), ENCOUNTERS)).collect()
    found = {(row["person_id"], row["index_datetime"]): (row["sex"], row["birth_date"]) for row in rows}
    assert len(rows) == len(asked)
    assert found == {(p, day(n)): plain(stays, p, n) for p, n in asked}


def test_the_age_of_a_birth_that_is_made_of_ages_is_the_one_recorded_by_then(spark: SparkSession) -> None:
    """Born in January 1959; a hospital says 60 years at the first stay and 61 at the second."""
    stays: list[Stay] = [(1, 0, 1, "F", date(1961, 6, 30)), (1, 500, 2, "F", date(1961, 11, 12))]
    event = [(1, day(1), None, "ICD10CM", "I50", "a")]
    events = spark.createDataFrame(
        event, "person_id long, event_start_datetime timestamp, event_end_datetime timestamp, vocabulary_id string, "
        "concept_code string, source_table string",
    )  # fmt: skip
    for seen in (stays, stays[:1]):
        there = spark.createDataFrame(encounters(seen), ENCOUNTERS)
        facts = Facts(encounters=there, events=events, codes=code_rows([HEART.criterion], {}))
        chosen = selection(Cohort(entry=HEART, steps=[AgeAtIndex(minimum=60)]), facts)
        assert chosen.members.count() == 1, seen


def test_nobody_is_too_old_for_a_cohort_that_says_how_old_at_least(spark: SparkSession) -> None:
    """Sources that hide old ages move births back by centuries (MIMIC: 300 years)."""
    stays: list[Stay] = [(1, 0, 1, "F", date(1721, 1, 1)), (2, 0, 2, "F", date(1895, 1, 1)), (3, 0, 3, "F", None)]
    facts = Facts(encounters=spark.createDataFrame(encounters(stays), ENCOUNTERS))
    chosen = selection(of_model(replace(readmission, cohort=InpatientStays(minimum_age=18))), facts)
    assert sorted(row["person_id"] for row in chosen.members.collect()) == [1, 2]


@pytest.mark.parametrize(("source", "entry", "read"), [
    ("omop", HEART, True), ("omop", InpatientStays(), False), ("premier", HEART, False), ("abfm", HEART, False),
])  # fmt: skip
def test_persons_of_events_are_told_by_the_observation_periods_where_a_source_has_them(source, entry, read) -> None:
    cohort = Cohort(entry=entry, steps=[SexIs(sex="F")])
    model = replace(readmission, source=source, cohort=cohort, features=[Demographics()], examples=[])
    assert (f"{source}_ra.fact_observation_period" in used(named(source), cohort, model.features)) is read
