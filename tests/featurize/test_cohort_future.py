"""Index dates that have not come yet: stays that are planned or open, and facts with a mistyped day."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from cohort_world import ENCOUNTERS, EVENTS, PERIODS, SETS
from pyspark.sql import SparkSession

from jobs.featurize.cohort import selection
from jobs.featurize.entries import Facts
from workflows.cohorts import Cohort, Entry, EventsOf, InpatientStays, ObservationPeriods
from workflows.covariates import code_rows
from workflows.steps import FirstOfPerson

pytestmark = [pytest.mark.spark, pytest.mark.clause("F6")]

# Yesterday and today, by whatever clock; then what is to come.
TODAY = datetime.combine(date.today(), time(0, 5))
DAYS = [TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=20), datetime(9999, 12, 31)]


def facts(spark: SparkSession, entry: Entry) -> Facts:
    """Persons 0 to 3, each with a stay that ends, one that begins, an event and a period on one of DAYS."""
    born = ("F", date(1950, 6, 1))
    stays: list[Any] = []
    for person, day in enumerate(DAYS):
        begins, ends = (day, day) if getattr(entry, "index", "") == "admission" else (TODAY - timedelta(days=9), day)
        stays.append((person, person, person, begins, ends, 9, True, True, *born, None, True))
    events = [(person, day, None, "ICD10CM", "I50", "a") for person, day in enumerate(DAYS)]
    periods = [(person, day.date(), day.date(), *born, None) for person, day in enumerate(DAYS)]
    return Facts(
        encounters=spark.createDataFrame(stays, ENCOUNTERS), events=spark.createDataFrame(events, EVENTS),
        observation=spark.createDataFrame(periods, PERIODS),
        codes=code_rows([entry.criterion] if isinstance(entry, EventsOf) else [], {}),
    )  # fmt: skip


# What the steps leave: a stay that has not ended leaves nobody at risk, and one that has not begun is none.
@pytest.mark.parametrize(("entry", "left"), [
    (InpatientStays(), [4, 4, 2, 2]), (InpatientStays(index="admission"), [4, 2, 2]),
    (EventsOf(concepts=SETS[0]), [2, 2]), (ObservationPeriods(), [2, 2]),
], ids=["discharge", "admission", "events", "periods"])  # fmt: skip
def test_an_index_date_after_today_leaves_no_row(spark: SparkSession, entry: Entry, left: list[int]) -> None:
    chosen = selection(Cohort(entry=entry, steps=[FirstOfPerson()]), facts(spark, entry))
    assert [one.persons for one in chosen.attrition()] == left
    assert {row["person_id"] for row in chosen.members.collect()} == {0, 1}
