"""The programme's older names: its query for a feature store, as each of its years wrote it, on today's tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from curated import empty_zones
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.older_names import older_names
from workflows.errors import DeclarationError

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1")]

DAY = datetime(2021, 3, 1, 8)
# (person, encounter, moment, vocabulary, code, source table, known from, known to)
FACTS = [
    (1, 11, DAY, "ICD10CM", "I50.9", "condition_occurrence", DAY, None),
    (1, 11, DAY, "ICD10CM", "E11.9", "condition_occurrence", DAY, DAY),
    (2, 22, DAY, "ICD10CM", "E11.9", "condition_occurrence", DAY, None),
]
STAYS = [(1, 11, DAY, DAY, "F", True, "home", 3, 3), (2, 22, DAY, DAY, "M", False, "hospice", 1, 1)]
# Version 2 of "sugar" has another code than version 1; what is recorded lies below what is listed.
SETS = [
    ("c", "heart", 1, "ICD10CM", "I50"),
    ("c", "sugar", 1, "ICD10CM", "I50.9"),
    ("c", "sugar", 2, "ICD10CM", "E11"),
]
# Each year's own names: encounter, moment, code, feature.
YEARS = {
    "2022": ("episode_number", "episode_datetime", "code", "feature"),
    "2023": ("observation_period_number", "observation_datetime", "concept_code", "feature_name"),
    "2025": ("visit_occurrence_number", "visit_start_date", "code", "feature_name"),
}


@pytest.fixture(scope="module")
def zones(spark: SparkSession) -> Iterator[SparkSession]:
    with empty_zones(spark) as session:
        for name, rows, schema in (
            ("synthetic_omop_ra.fact_person", FACTS, "person_id long, visit_occurrence_id long, event_start_datetime "
             "timestamp, vocabulary_id string, concept_code string, source_table string, known_from timestamp, "
             "known_to timestamp"),
            ("synthetic_omop_ra.fact_encounter_index", STAYS, "person_id long, visit_occurrence_id long, "
             "visit_start_datetime timestamp, visit_end_datetime timestamp, sex string, is_inpatient_visit boolean, "
             "attr_discharged_to string, length_of_stay long, attr_length_of_stay long"),
            ("ml.concept_sets", SETS, "collection string, concept_set_name string, version long, vocabulary_id string, "
             "concept_code string"),
        ):  # fmt: skip
            session.createDataFrame(rows, schema).write.format("delta").mode("overwrite").saveAsTable(name)
        yield session


@pytest.mark.parametrize("year", YEARS)
def test_a_query_of_each_year_finds_what_is_said_now(zones: SparkSession, year: str):
    encounter, moment, code, feature = YEARS[year]
    facts, stays, sets = older_names("synthetic_omop", year, spark=zones)
    found = zones.sql(
        f"SELECT f.person_id, f.{encounter}, f.{moment}, s.{feature}, e.gender, e.discharged_to FROM {facts} f "
        f"JOIN {sets} s ON f.{code} = s.{code} AND f.vocabulary_id = s.vocabulary_id "
        f"JOIN {stays} e ON e.{encounter} = f.{encounter} ORDER BY f.person_id"
    ).collect()
    assert list(map(tuple, found)) == [
        (1, 11, DAY, "heart", "F", "home"),
        (2, 22, DAY, "sugar", "M", "hospice"),
    ]


def test_every_column_is_there_once_and_none_is_lost(zones: SparkSession):
    for view in older_names("synthetic_omop", "2025", spark=zones):
        columns = zones.table(view).columns
        assert len(columns) == len(set(columns))
    assert {"length_of_stay", "attr_length_of_stay"} <= set(
        zones.table("synthetic_omop_fact_encounter_index_2025").columns
    )


def test_nothing_is_stored(zones: SparkSession):
    before = {
        row["tableName"] for row in zones.sql("SHOW TABLES IN synthetic_omop_ra").collect() if not row["isTemporary"]
    }
    older_names("synthetic_omop", "2025", spark=zones)
    after = zones.sql("SHOW TABLES IN synthetic_omop_ra").collect()
    assert {row["tableName"] for row in after if not row["isTemporary"]} == before


@pytest.mark.parametrize(
    ("source", "year", "error", "said"),
    [
        ("synthetic_omop", "2024", TaskError, "era = '2024' is not valid; valid: 2022, 2023, 2025"),
        ("premier", "2025", TaskError, "premier_ra.fact_person is not there yet; run the featurize jobs of premier"),
        ("premiere", "2025", DeclarationError, "premier"),
    ],
)
def test_what_there_is_not_is_named(zones: SparkSession, source: str, year: str, error: type[Exception], said: str):
    with pytest.raises(error, match=said):
        older_names(source, year, spark=zones)
