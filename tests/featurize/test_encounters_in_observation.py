"""Encounters in observation: "lookback not fully observed: counts unknown", both ends inclusive, the end ignored."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from random_features import PERIODS
from stays import MODEL, Stay, at, encounters, events

from jobs.featurize.features import feature_table
from workflows.declare import CountOf, Encounter, Example, StayDays, Visits, days, replace
from workflows.interpreter import differences
from workflows.sources.synthetic_omop import synthetic_omop

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1")]

WINDOW = days(-60, -1)
COLUMNS = ("visits_60_1", "stay_days_60_1", "count_inpatient_admission_60_1")
WHOLE = replace(MODEL, features=[
    Visits(WINDOW, in_observation=True), StayDays(WINDOW, in_observation=True),
    CountOf("inpatient_admission", WINDOW, in_observation=True),
])  # fmt: skip
# The index date is day 104. A stay of six days begins on day 44, the first of the window, a visit on day 60.
STAYS = [Stay(1, 100, 4), Stay(1, 44, 6), Stay(1, 60, 0, inpatient=False)]
SEEN, NONE = (2.0, 6.0, 1.0), (None, None, None)
CASES = {
    "the window is observed from its first day to the index date": ([(44, 104)], SEEN),
    "it is observed for longer": ([(0, 400)], SEEN),
    "one day of it is not": ([(45, 104)], NONE),
    "the index date is not": ([(0, 103)], NONE),
    "nothing ever is": ([], NONE),
    "two periods follow on each other": ([(0, 50), (51, 104)], SEEN),
    "a day lies between two periods": ([(0, 50), (52, 104)], NONE),
}


@pytest.mark.parametrize("case", CASES)
def test_what_the_unobserved_part_of_a_window_held_is_unknown(spark: SparkSession, case: str):
    periods, wanted = CASES[case]
    spans = [(at(first, 0).date(), at(last, 0).date()) for first, last in periods]
    observation = spark.createDataFrame([(1, *span) for span in spans], PERIODS)
    index = encounters(spark, STAYS, 3)
    rows = feature_table(index, events(spark, []), [], WHOLE, synthetic_omop, {}, observation)
    row = rows.orderBy("encounter_order").collect()[-1]
    assert tuple(row[f"f_{name}"] for name in COLUMNS) == wanted
    said = [Encounter(*(str(at(d, 9)) for d in (s.start, s.start + s.length)), s.inpatient) for s in STAYS]
    told = [(str(first), str(last)) for first, last in spans]
    example = Example(
        "one", str(at(104, 9)), encounters=said, observed=told, features=dict(zip(COLUMNS, wanted, strict=True))
    )
    assert differences(WHOLE, example, synthetic_omop) == []
