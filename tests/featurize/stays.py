"""Invented stays and coded events as fact tables, and the feature table that is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from jobs.featurize.cohort import of_model, selection
from jobs.featurize.entries import Facts
from jobs.featurize.features import feature_table, features_of
from workflows.covariates import code_rows, sets_of
from workflows.declare import (
    AnyOf,
    AtIndex,
    CountOf,
    Demographics,
    Event,
    Model,
    days,
    replace,
)
from workflows.models.readmission import readmission
from workflows.sources.synthetic_omop import synthetic_omop

START = date(2021, 1, 1)
INDEX_SCHEMA = (
    "person_id long, visit_occurrence_id long, encounter_order long, visit_start_datetime timestamp, "
    "visit_end_datetime timestamp, length_of_stay long, is_inpatient_visit boolean, is_at_risk boolean, sex string, "
    "birth_date date, age_band string, outcome_known boolean, attr_length_of_stay int"
)
EVENT_SCHEMA = "person_id long, visit_occurrence_id long, event_start_datetime timestamp, vocabulary_id string, concept_code string"
CODES = {"I50.9": "heart_failure", "I50": "heart_failure", "I11.0": "heart_failure", "I11.9": None, "E11.9": "diabetes",
         "N39.0": None, "I509": None}  # fmt: skip
MODEL = replace(
    readmission,
    outcome=Event("inpatient_admission", time_at_risk=days(1, 30)),
    features=[
        Demographics(),
        AtIndex("length_of_stay", because="known at discharge"),
        AnyOf("chronic_conditions", window=days(-60, -1)),
        CountOf("inpatient_admission", window=days(-90, -7)),
    ],
)


@dataclass(frozen=True)
class Stay:
    person: int
    start: int
    length: int
    inpatient: bool = True
    at_risk: bool = True


@dataclass(frozen=True)
class Record:
    person: int
    day: int
    code: str


def at(day: int, hour: int) -> datetime:
    return datetime.combine(START + timedelta(days=day), datetime.min.time()) + timedelta(hours=hour)


def encounters(spark: SparkSession, stays: list[Stay], known: int) -> DataFrame:
    ordered = sorted(range(len(stays)), key=lambda n: (stays[n].start + stays[n].length, n))
    rows = []
    for place, n in enumerate(ordered, 1):
        one = stays[n]
        rows.append((
            one.person, n, place, at(one.start, 23), at(one.start + one.length, 1 if one.length else 23), one.length,
            one.inpatient, one.at_risk, "F", date(1950, 2, 28), None, place <= known, one.length,
        ))  # fmt: skip
    return spark.createDataFrame(rows, INDEX_SCHEMA)


def events(spark: SparkSession, records: list[Record]) -> DataFrame:
    return spark.createDataFrame([(r.person, -1, at(r.day, 12), "ICD10CM", r.code) for r in records], EVENT_SCHEMA)


def made(
    spark: SparkSession, index: DataFrame, facts: DataFrame, model: Model = MODEL, source: Any = synthetic_omop,
    stored: bool = False,
) -> DataFrame:  # fmt: skip
    """The feature table; stored: by way of the index table, as the task makes it."""
    sets = sets_of(model.of_events, source.collections)
    codes = code_rows(model.of_events, sets)
    if not stored:
        return feature_table(index, facts, codes, model, source, sets)
    all_facts = Facts(encounters=index, events=facts, codes=codes)
    chosen = selection(of_model(model), all_facts)
    return features_of(chosen, all_facts, model, source, sets, written=chosen.index)
