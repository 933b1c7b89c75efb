"""What a feature looks like on facts: counted by hand, in a notebook's own words, and nothing of a few persons."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from cohort_world import PERIODS
from curated import empty_zones
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.bins import MISSING, Numbers, edges, of_levels, of_numbers, published
from jobs.errors import TaskError
from jobs.preview import Preview, distribution, newest, preview, safe
from workflows.declare import (
    AnyOf,
    AtIndex,
    Charlson,
    Codes,
    Cohort,
    CountOf,
    Demographics,
    EventsOf,
    LatestOf,
    Model,
    days,
    replace,
)
from workflows.models.readmission import readmission

ROOT = Path(__file__).parents[2]
YEAR = days(-365, -1)
COLD = Codes("cold", (("ICD10CM", "J00"), ("ICD10CM", "J06")))
RARE = Codes("rare", (("ICD10CM", "Z99"),))
MODEL: Model = replace(
    readmission,
    features=[
        Demographics(), AtIndex("discharged_to", because="known at discharge"), AnyOf(COLD, YEAR), AnyOf(RARE, YEAR),
        CountOf(COLD, YEAR), LatestOf(COLD, YEAR), LatestOf(COLD, YEAR, unit="mg/dL", label="mg"),
        CountOf("inpatient_admission", YEAR),
    ],
)  # fmt: skip
PERSONS = range(1, 61)
ENCOUNTERS = (
    "person_id long, visit_occurrence_id long, encounter_order long, visit_start_datetime timestamp, "
    "visit_end_datetime timestamp, length_of_stay long, is_inpatient_visit boolean, is_at_risk boolean, sex string, "
    "birth_date date, age_band string, outcome_known boolean, attr_length_of_stay int, attr_discharged_to string"
)
EVENTS = (
    "person_id long, visit_occurrence_id long, event_start_datetime timestamp, event_end_datetime timestamp, "
    "vocabulary_id string, concept_code string, value_as_number double, unit_source_value string"
)


@pytest.fixture(scope="module")
def facts(spark: SparkSession) -> Iterator[SparkSession]:
    """Sixty persons, each with an old stay and a newest one ten months later; what the old one holds counts for no one."""
    old, new = datetime(2020, 1, 10), datetime(2021, 6, 30)
    stays, events = [], []
    for person in PERSONS:
        sex, born = "F" if person <= 40 else "M", date(1930 + person, 1, 1)
        home = None if person <= 15 else "home"
        for number, ended in enumerate((old, new)):
            stays.append((person, person * 10 + number, person * 10 + number, ended - timedelta(days=4), ended, 4, True,
                          True, sex, born, None, True, 4, home if number else "old"))  # fmt: skip
        events.append((person, None, old - timedelta(days=3), None, "ICD10CM", "J06.9", 99.0, None))
        if person <= 30:  # one event each of J00, of the first twenty a second, of J06.0
            events.append(
                (
                    person,
                    None,
                    new - timedelta(days=9),
                    None,
                    "ICD10CM",
                    "J00",
                    float(person),
                    "MG/DL" if person <= 18 else "mmol/L",
                )
            )
        if person <= 14 or person in (31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42):
            events.append((person, None, new - timedelta(days=20), None, "ICD10CM", "J06.0", None, None))
        if person <= 5:
            events.append((person, None, new - timedelta(days=2), None, "ICD10CM", "Z99.1", None, None))
        events.append((person, None, new + timedelta(days=1), None, "ICD10CM", "J00", 1000.0, None))
    with empty_zones(spark) as session:
        made = {"encounter_index": (stays, ENCOUNTERS), "person": (events, EVENTS), "observation_period": ([], PERIODS)}
        for name, (rows, schema) in made.items():
            session.createDataFrame(rows, schema).write.format("delta").saveAsTable(f"synthetic_omop_ra.fact_{name}")
        yield session


@pytest.fixture(scope="module")
def found(facts: SparkSession) -> dict[str, Preview]:
    return {one.column: one for one in preview(MODEL, spark=facts)}


def values(one: Preview) -> dict[str, int | None]:
    return {
        value: None if pd.isna(count) else int(count) for value, count, _ in one.distribution.itertuples(index=False)
    }


# From the fixture, by hand: 60 persons; J00 by 30 and J06 by 14 of them and 12 others, so 42 with a cold.
DISTRIBUTIONS = {
    "sex": {"F": 40, "M": 20, MISSING: 0},
    "discharged_to": {"home": 45, MISSING: 15},
    "any_cold": {"no": 18, "yes": 42, MISSING: 0},
    "count_cold_365_1": {"0": 18, "1": 28, "2": 14, "3 and above": 0, MISSING: 0},
    "any_rare": {"no or yes": 60, MISSING: 0},
    "count_inpatient_admission_365_1": {"0": 60, "1 and above": 0, MISSING: 0},
}


@pytest.mark.spark
@pytest.mark.clause("F1")
@pytest.mark.parametrize("column", DISTRIBUTIONS)
def test_the_distribution_is_of_persons_at_their_newest_index_date(found, column):
    assert values(found[column]) == DISTRIBUTIONS[column]


@pytest.mark.spark
def test_the_codes_that_matched_are_counted_and_few_persons_are_not_shown(found):
    codes = {name: [tuple(None if pd.isna(cell) else cell for cell in row) for row in one.codes.itertuples(index=False)]
             for name, one in found.items()}  # fmt: skip
    # Without J00 are 12 of those with a cold, without J06.0 are 16: both may be told.
    assert codes["any_cold"] == [("ICD10CM", "J00", 30), ("ICD10CM", "J06.0", 26)]
    # No event of J06.0 has a value, so that none gave the latest one.
    assert codes["latest_cold_365_1"] == [("ICD10CM", "J00", 30)]
    assert codes["count_cold_365_1"] == codes["any_cold"]
    assert codes["any_rare"] == [("ICD10CM", "Z99.1", None)]
    assert codes["sex"] == []
    # Of 30 with J00 and a value, 18 have it in mg/dL.
    assert codes["latest_cold_mg"] == [("ICD10CM", "J00", 18)]
    assert values(found["latest_cold_mg"])[MISSING] == 42


@pytest.mark.spark
def test_the_sentence_says_what_it_is_and_how_it_lies(found):
    assert found["any_cold"].sentence == (
        "any cold in days -365..-1 of the index date; nothing seen means zero; 60 persons, each at the newest "
        "index date; yes for 70%."
    )
    assert "25% without a value" in found["discharged_to"].sentence
    # Fewer than 44 persons have a value: no quartile of them has 11 beyond it.
    assert "median" not in found["latest_cold_365_1"].sentence
    assert "never measured" in found["latest_cold_365_1"].sentence
    # Born in 1931 to 1990: 90 to 31 years old on 30 June 2021, one person a year.
    assert "median 60" in found["age"].sentence
    assert values(found["latest_cold_365_1"])[MISSING] == 30


@pytest.mark.spark
@pytest.mark.clause("R5")
def test_no_count_of_a_few_persons_is_shown_anywhere(found):
    for one in found.values():
        assert not [count for count in values(one).values() if count is not None and 0 < count < 11], one.column
        assert all(pd.isna(count) or count > 10 for count in one.codes["persons"])
        shown = values(one)
        assert None in shown.values() or sum(count or 0 for count in shown.values()) == 60


@pytest.mark.spark
def test_a_name_that_the_model_does_not_have_is_refused_with_those_it_has(facts):
    with pytest.raises(TaskError, match=r"feature = 'shoe_size' is not valid; valid: age, .*any_cold"):
        preview(MODEL, "shoe_size", spark=facts)


@pytest.mark.spark
def test_a_cohort_of_events_is_previewed_at_its_newest_event_and_charlson_by_its_index(facts):
    model = replace(
        MODEL, cohort=Cohort(entry=EventsOf(concepts=RARE)), features=[CountOf(COLD, YEAR), Charlson(window=YEAR)]
    )
    one, index = (preview(model, name, spark=facts) for name in ("count_cold_365_1", "charlson_index"))
    # Five persons have the rare code: nothing of them is told.
    assert [count for preview_ in (*one, *index) for count in values(preview_).values() if count] == []
    assert "Charlson comorbidity index of days -365..-1" in index[0].sentence


@pytest.mark.spark
def test_the_newest_row_of_a_person_is_that_of_the_newest_index_date_and_not_of_the_last_to_end(spark):
    rows = [
        # Admitted on the first and there for long; admitted on the fifth, and out before.
        (1, 10, 2, datetime(2021, 1, 1)), (1, 11, 1, datetime(2021, 1, 5)),
        # Of a source whose time is an order.
        (2, 20, 1, None), (2, 21, 2, None),
    ]  # fmt: skip
    columns = "person_id long, visit_occurrence_id long, encounter_order long, index_datetime timestamp"
    found = newest(spark.createDataFrame(rows, columns))
    assert {row["visit_occurrence_id"] for row in found.collect()} == {11, 21}


NOTEBOOK = """
import os, sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
from jobs.preview import preview
from workflows.models.readmission import readmission
for one in preview(readmission, "demographics"):
    print(one._repr_html_())
spark.stop()
sys.stdout.flush()
# Threads of the libraries sometimes abort a process that ends by itself.
os._exit(0)
"""


@pytest.mark.spark
def test_a_notebook_needs_one_import_and_its_own_session(facts, spark_remote):
    ran = subprocess.run([sys.executable, "-c", NOTEBOOK, spark_remote], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "<h4>sex</h4>" in ran.stdout
    assert "<td>40</td>" in ran.stdout


def binned(numbers: list[float]) -> dict[str, int]:
    """The bins of these numbers, counted by plain Python."""
    low, high = sorted(numbers)[len(numbers) // 20], sorted(numbers)[len(numbers) * 19 // 20]
    kind = Numbers(low, high, all(one == int(one) for one in numbers), any(one < 0 for one in numbers))
    cuts = edges(kind)
    held = Counter(sum(one >= cut for cut in cuts) for one in numbers)
    return of_numbers(cuts, [held[place] for place in range(len(cuts) + 1)], kind)


MEASURED = st.one_of(
    st.lists(st.integers(-5, 400).map(float), min_size=1, max_size=300),
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300),
    st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=40),
)


@given(MEASURED, st.integers(0, 40))
def test_any_numbers_fall_into_bins_of_eleven_persons_or_more_and_none_is_lost(numbers, missing):
    counts = binned(numbers)
    assert sum(counts.values()) == len(numbers)
    assert len(counts) == 1 or all(count >= 11 for count in list(counts.values())[:-1])
    assert list(counts.values())[-1] == 0 or min(counts.values()) >= min(11, len(numbers))
    assert len(counts) <= 20
    shown = published(counts, missing)
    assert shown.keys() == {*counts, MISSING, "all"}
    assert not [count for count in shown.values() if count is not None and 0 < count < 11]
    if 0 < missing < 11:
        # What is missing would follow from the rest.
        assert None in [shown[name] for name in counts] or shown["all"] is None


@pytest.mark.parametrize(("numbers", "labels"), [
    # Days as numbers, of which six digits tell no two apart; and fractions of a step below 10 to the -9.
    (range(20_200_101, 20_200_601), ("0 to 20200199", "20200500 and above")),
    ([20_200_101.5 + n for n in range(500)], ("0 to below 20200200", "20200500 and above")),
    ([n * 1e-12 for n in range(500)], ("0 to below 1e-10", "5e-10 and above")),
])  # fmt: skip
def test_labels_have_as_many_digits_as_tell_the_bins_apart(numbers, labels):
    counts = distribution(pd.Series(numbers, dtype="float64"))[0]
    assert (counts["all"], sum(counts.values())) == (500, 1_000)
    bins = list(counts)[:-2]
    assert (bins[0], bins[-1]) == labels


@pytest.mark.parametrize(("persons", "shown"), [(44, (False, True, True)), (45, (True, True, True))])
def test_a_quartile_has_eleven_persons_beyond_it_on_either_side(persons, shown):
    numbers = pd.Series(range(persons), dtype="float64")
    assert tuple(one is not None for one in distribution(numbers)[1]) == shown
    # The least value, which most have, is no quartile.
    assert distribution(pd.Series([0.0] * 60 + [1.0] * 40))[1] == [None, None, None]


def test_a_level_that_is_called_like_another_line_stands_in_quotes():
    counts = of_levels({"all": 40, "no value": 30, '"all"': 20, "a or b": 15, "a": 6, "b": 7})
    assert counts == {'"all"': 40, '"no value"': 30, '""all""': 20, "a or b": 15, '"a or b"': 13}
    assert published(counts, 12) == {**counts, MISSING: 12, "all": 130}


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 50), min_size=1, max_size=30))
def test_rare_levels_stand_together(counts):
    shown = of_levels(counts)
    assert sum(shown.values()) == sum(counts.values())
    assert len(shown) == 1 or min(shown.values()) >= 11


def test_a_code_is_hidden_where_those_without_it_are_few():
    # 74 persons with any of two codes, 65 with the one: 9 have the other only.
    assert safe({("v", "a"): 65, ("v", "b"): 59}, 74, 500) == {("v", "a"): None, ("v", "b"): 59}
    # 5 of all persons have no code; the number of all stands above the table.
    assert safe({("v", "a"): 1_995}, 1_995, 2_000) == {("v", "a"): None}
