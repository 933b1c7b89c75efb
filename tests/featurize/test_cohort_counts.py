"""Our steps over GiBleed's facts give the counts that the field published, every row of `expected_counts.csv`."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession

from jobs.codes.circe import imported
from jobs.codes.ohdsi import Vocabularies, ids, vocabularies
from jobs.featurize.cohort import Left, selection
from jobs.featurize.columns import typed
from jobs.featurize.entries import Facts
from jobs.featurize.facts import fact_encounter_index, fact_observation_period, fact_person
from workflows.codes import Codes
from workflows.cohorts import Cohort, EventsOf, ObservationPeriods, criteria
from workflows.covariates import code_rows
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
    return selection(cohort, replace(facts, codes=code_rows(criteria(cohort), {}))).attrition()[-1]


@pytest.mark.parametrize("row", ROWS, ids=[row["cohort"] for row in ROWS])
def test_our_steps_leave_the_published_records_and_subjects(spark, facts, known, row):
    one = left(spark, facts, declared(known, row))
    assert (one.encounters, one.persons) == (int(row["records"]), int(row["subjects"]))


def test_every_published_row_is_a_case():
    assert len(ROWS) == 11


# What each published definition (CIRCE JSON) means, written by hand: rows of person, first and last day before those
# of one person that overlap, or are `pad` days apart, become one.
BLEED = """SELECT c.person_id, condition_start_date AS first, o.observation_period_end_date AS until,
    observation_period_start_date AS since FROM '{}/condition_occurrence.parquet' c
    JOIN '{}/observation_period.parquet' o ON o.person_id = c.person_id
     AND condition_start_date BETWEEN o.observation_period_start_date AND o.observation_period_end_date
    WHERE condition_concept_id IN ({})"""
BELOW = "SELECT descendant_concept_id FROM '{0}/concept_ancestor.parquet' WHERE ancestor_concept_id = 192671"
MALE = "person_id IN (SELECT person_id FROM '{0}/person.parquet' WHERE gender_concept_id = 8507)"
EARLIEST = "QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY first) = 1"
TEN = "SELECT person_id, first, least(first + 10, until) AS until FROM ({bleed})"
BY_HAND = {
    "GiBleed_all.json": ("192671", "SELECT person_id, first, until FROM ({bleed})", 0),
    "GiBleed_default.json": ("192671", f"SELECT person_id, first, until FROM ({{bleed}}) {EARLIEST}", 0),
    "GiBleed_default_with_descendants.json":
        (BELOW, f"SELECT person_id, first, until FROM ({{bleed}}) {EARLIEST}", 0),
    "gibleed_all_end_10.json": ("192671", TEN, 0),
    "gibleed_end_10.json": ("192671", TEN, 0),
    "GIBleed_male.json":
        (BELOW, f"SELECT person_id, first, until FROM ({{bleed}}) WHERE since <= first - 30 AND {MALE} {EARLIEST}", 0),
    "viral_sinusitus.json": (
        "40481087",
        f"SELECT person_id, first, least(first + 1, until) AS until FROM ({{bleed}}) WHERE {MALE}", 999_999,
    ),
    "cerebral_venous_sinus_thrombosis_01.json": ("NULL", "SELECT person_id, first, until FROM ({bleed})", 30),
}  # fmt: skip


def by_hand(name: str) -> list[tuple]:
    """The rows of a definition by DuckDB."""
    concepts, rows, pad = BY_HAND[name]
    bleed = BLEED.format(FOLDER, FOLDER, concepts.format(FOLDER))
    before = f"max(until + {pad}) OVER (PARTITION BY person_id ORDER BY first, until ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    return duckdb.sql(f"""
        WITH rows AS ({rows.replace("{bleed}", bleed).replace("{0}", str(FOLDER))}),
        opened AS (SELECT *, CASE WHEN first <= {before} THEN 0 ELSE 1 END AS opens FROM rows),
        eras AS (SELECT *, sum(opens) OVER (PARTITION BY person_id ORDER BY first, until) AS era FROM opened)
        SELECT person_id::BIGINT, min(first)::DATE, max(until)::DATE FROM eras GROUP BY person_id, era ORDER BY 1, 2
    """).fetchall()  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_HAND)
def test_an_imported_definition_has_the_rows_that_sql_written_by_hand_has(spark, facts, name):
    cohort = imported(FOLDER / "cohort_json" / name, FOLDER if "{0}" in BY_HAND[name][0] else None).cohort
    chosen = selection(cohort, replace(facts, codes=code_rows(criteria(cohort), {})))
    ours = chosen.index.select("person_id", "cohort_start", "cohort_end").orderBy("person_id", "cohort_start").collect()
    wanted = by_hand(name)
    assert [tuple(row) for row in ours] == wanted
    assert wanted or name.startswith("cerebral"), "GiBleed has none of the concepts of that one"


def test_each_definition_that_imports_is_a_case():
    files = {file.name for file in (FOLDER / "cohort_json").glob("*.json")}
    assert files - set(BY_HAND) == {"deep_vein_thrombosis_01.json"}
