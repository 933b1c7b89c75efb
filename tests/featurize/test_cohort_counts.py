"""Our steps over GiBleed's facts give the counts that the field published, every row of `expected_counts.csv`."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.codes.ohdsi import Vocabularies, ids, vocabularies
from jobs.featurize.cohort import Left, selection
from jobs.featurize.columns import typed
from jobs.featurize.entries import Facts
from jobs.featurize.facts import fact_encounter_index, fact_observation_period, fact_person
from workflows.cohorts import Cohort, EventsOf, ObservationPeriods, criteria
from workflows.covariates import CODE_SCHEMA, code_rows
from workflows.features import Codes
from workflows.sources.omop import omop
from workflows.steps import AgeAtIndex, Eras, FirstOfPerson, IndexDates, InObservation, Step

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "omop_gibleed"
COUNTS = FOLDER / "expected_counts.csv"
pytestmark = [
    pytest.mark.spark,
    pytest.mark.clause("F6"),
    pytest.mark.skipif(not COUNTS.is_file(), reason="../shared/data/omop_gibleed is not on this machine"),
]
ROWS = list(csv.DictReader(COUNTS.read_text(encoding="utf-8").splitlines())) if COUNTS.is_file() else []


@pytest.fixture(scope="module")
def known() -> Vocabularies:
    return vocabularies(FOLDER)


@pytest.fixture(scope="module")
def facts(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """The fact tables of the whole folder, made once."""
    tables = {one.table: typed(spark.read.parquet(str(FOLDER / f"{one.table}.parquet")), one) for one in omop.contracts}
    made = {
        "events": fact_person(tables, omop, person_sample=1.0),
        "encounters": fact_encounter_index(tables, omop, person_sample=1.0, outcomes_through=1.0),
        "observation": fact_observation_period(tables, omop, person_sample=1.0),
    }
    folder = tmp_path_factory.mktemp("gibleed")
    for name, frame in made.items():
        frame.coalesce(1).write.parquet(str(folder / name))
    return Facts(**{name: spark.read.parquet(str(folder / name)) for name in made})


def codes(known: Vocabularies, name: str, *concepts: int, descendants: bool = False) -> Codes:
    """Concepts of the folder, with what is below them if asked, as codes."""
    items = [{"concept": {"CONCEPT_ID": one}, "includeDescendants": descendants} for one in concepts]
    return Codes(name, tuple(sorted(known.concepts[one] for one in ids(items, known) if one in known.concepts)))


def declared(known: Vocabularies, row: dict[str, str]) -> Cohort:
    """A row's definition in our words."""

    def of(table: str, *concepts: int, steps: tuple[Step, ...] = (), descendants: bool = False) -> Cohort:
        return Cohort(
            entry=EventsOf(concepts=codes(known, "wanted", *concepts, descendants=descendants), table=table),
            steps=steps,
        )

    observed, era, first = (InObservation(),), (Eras(gap=30),), (FirstOfPerson(),)
    return {
        # A drug era joins exposures to an ingredient and what contains it that are at most 30 days apart.
        "drug_era concept 1118084": of("drug_exposure", 1118084, steps=era, descendants=True),
        "drug_era concept 1124300": of("drug_exposure", 1124300, steps=era, descendants=True),
        "condition_occurrence descendants of 192671": of("condition_occurrence", 192671, descendants=True),
        "first drug_exposure of descendants of 1118084|1124300 per person":
            of("drug_exposure", 1118084, 1124300, steps=first, descendants=True),
        # A row of the person table: everyone with an observation period of whom the year of birth is known.
        "person rows": Cohort(entry=ObservationPeriods(), steps=[AgeAtIndex()]),
        "drug_exposure concept 1127433 inside observation_period": of("drug_exposure", 1127433, steps=observed),
        "drug_exposure concept 1124300 inside observation_period": of("drug_exposure", 1124300, steps=observed),
        "condition 4278672": of("condition_occurrence", 4278672),
        "condition 4230399": of("condition_occurrence", 4230399),
        "union of the two": of("condition_occurrence", 4278672, 4230399),
        "start date in range": of(
            "condition_occurrence", 4278672, steps=(IndexDates(first="2000-01-01", last="2020-01-01"),)
        ),
    }[row["definition"]]  # fmt: skip


def left(spark: SparkSession, facts: Facts, cohort: Cohort) -> Left:
    """What the last step leaves."""
    concepts = spark.createDataFrame(code_rows(criteria(cohort), {}), CODE_SCHEMA)
    tables = Facts(
        encounters=facts.encounters, events=facts.events, observation=facts.observation, concepts=concepts
    )  # fmt: skip
    return selection(cohort, tables).attrition()[-1]


@pytest.mark.parametrize("row", ROWS, ids=[row["cohort"] for row in ROWS])
def test_our_steps_leave_the_published_records_and_subjects(spark, facts, known, row):
    one = left(spark, facts, declared(known, row))
    assert (one.encounters, one.persons) == (int(row["records"]), int(row["subjects"]))


def test_every_published_row_is_a_case():
    assert len(ROWS) == 11
