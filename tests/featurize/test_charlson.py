"""The Charlson index against its publication and a few lines of plain Python."""

from __future__ import annotations

import csv
from datetime import datetime
from importlib import resources
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.featurize import engine
from jobs.featurize.features import charlson_index
from workflows.charlson import SEVERE, WEIGHTS
from workflows.covariates import code_rows, covariates
from workflows.declare import Charlson, days
from workflows.errors import DeclarationError

pytestmark = [pytest.mark.spark, pytest.mark.clause("F1")]

# Charlson et al. 1987, table 3, as Quan et al. 2005 name the conditions.
PUBLISHED = {
    1: {
        "myocardial_infarction", "congestive_heart_failure", "peripheral_vascular_disease", "cerebrovascular_disease",
        "dementia", "chronic_pulmonary_disease", "rheumatic_disease", "peptic_ulcer_disease", "mild_liver_disease",
        "diabetes_without_complication",
    },
    2: {"diabetes_with_complication", "hemiplegia_or_paraplegia", "renal_disease", "malignancy"},
    3: {"moderate_or_severe_liver_disease"},
    6: {"metastatic_solid_tumour", "aids_hiv"},
}  # fmt: skip
# Codes as they are billed, and the condition that Quan et al. 2005, table 1, put each into; None for no condition.
BILLED = [
    ("ICD10CM", "I21.4", "myocardial_infarction"), ("ICD10CM", "I25.2", "myocardial_infarction"),
    ("ICD10CM", "I25.10", None), ("ICD9CM", "412", "myocardial_infarction"), ("ICD9CM", "410.71", "myocardial_infarction"),
    ("ICD10CM", "I50.22", "congestive_heart_failure"), ("ICD9CM", "425.4", "congestive_heart_failure"),
    ("ICD9CM", "425.3", None), ("ICD10CM", "E11.9", "diabetes_without_complication"),
    ("ICD10CM", "E11.65", "diabetes_without_complication"), ("ICD10CM", "E11.22", "diabetes_with_complication"),
    ("ICD9CM", "250.00", "diabetes_without_complication"), ("ICD9CM", "250.42", "diabetes_with_complication"),
    ("ICD10CM", "K70.30", "mild_liver_disease"), ("ICD10CM", "K70.41", "moderate_or_severe_liver_disease"),
    ("ICD10CM", "K70.40", "moderate_or_severe_liver_disease"), ("ICD10CM", "C50.911", "malignancy"),
    ("ICD10CM", "C44.91", None), ("ICD10CM", "C79.51", "metastatic_solid_tumour"), ("ICD10CM", "B20", "aids_hiv"),
    ("ICD10CM", "N18.6", "renal_disease"), ("ICD10CM", "Z99.2", "renal_disease"), ("ICD10CM", "Z99.11", None),
    ("ICD10CM", "G81.94", "hemiplegia_or_paraplegia"), ("ICD10CM", "J45.909", "chronic_pulmonary_disease"),
    ("ICD10CM", "M35.1", "rheumatic_disease"), ("ICD10CM", "M35.00", None), ("ICD9CM", "V42.0", "renal_disease"),
    ("ICD9CM", "E880.0", None), ("ICD10CM", "I10", None),
]  # fmt: skip


def indices(spark: SparkSession, persons: list[list[tuple[str, str]]]) -> tuple[list[float], list[dict[str, float]]]:
    """The index of each person, and the conditions, from the codes of the day before."""
    some = covariates([Charlson(window=days(-365, -1))], {"charlson": tuple(WEIGHTS)})
    index = spark.createDataFrame(
        [(number, number, datetime(2021, 1, 2)) for number in range(len(persons))],
        "person_id long, row_id long, index_datetime timestamp",
    )
    rows = [(n, datetime(2021, 1, 1), *pair) for n, pairs in enumerate(persons) for pair in pairs]
    events = spark.createDataFrame(
        rows, "person_id long, event_start_datetime timestamp, vocabulary_id string, concept_code string"
    )
    codes = code_rows([], {"charlson": ()})
    table: Any = engine.wide(index, events, codes, some, key="row_id")
    columns = {one.set_name: table[f"f_{one.column}"] for one in some}
    found = table.select("*", charlson_index(columns).alias("index")).orderBy("row_id").collect()
    return [row["index"] for row in found], [{one.set_name: row[f"f_{one.column}"] for one in some} for row in found]


def test_the_weights_are_those_that_were_published():
    assert {name: weight for weight, names in PUBLISHED.items() for name in names} == WEIGHTS


def test_each_billed_code_is_of_the_condition_that_was_published_and_of_no_other(spark: SparkSession):
    _, conditions = indices(spark, [[(vocabulary, code)] for vocabulary, code, _ in BILLED])
    for (vocabulary, code, condition), found in zip(BILLED, conditions, strict=True):
        assert {name for name, seen in found.items() if seen} == ({condition} if condition else set()), (
            vocabulary,
            code,
        )


def expected(codes: list[tuple[str, str]], lists: list[tuple[str, str, str]]) -> int:
    """The index by text alone: a code begins with one of a condition's, dots left out."""
    seen = {
        name for vocabulary, prefix, name in lists for its, code in codes
        if its == vocabulary and code.replace(".", "").startswith(prefix) and code[:3] == prefix[:3]
    }  # fmt: skip
    milder = {
        "mild_liver_disease": "moderate_or_severe_liver_disease", "malignancy": "metastatic_solid_tumour",
        "diabetes_without_complication": "diabetes_with_complication",
    }  # fmt: skip
    assert milder == SEVERE
    return sum(
        weight for weight, names in PUBLISHED.items() for name in names & seen if milder.get(name) not in seen
    )  # fmt: skip


@settings(max_examples=2, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(st.lists(st.lists(st.sampled_from(BILLED), max_size=8), min_size=40, max_size=40))
def test_the_index_of_random_persons_is_that_of_plain_python(spark: SparkSession, persons: list[list[Any]]):
    text = (resources.files("workflows") / "concepts" / "charlson.csv").read_text(encoding="utf-8")
    lists = []
    for row in csv.DictReader(text.splitlines()):
        first, _, last = row["code"].partition("-")
        letter = first[:1] if first[:1].isalpha() else ""
        spread = range(int(first[len(letter) :]), int(last[len(letter) :]) + 1) if last else []
        codes = [f"{letter}{number:0{len(first) - len(letter)}}" for number in spread] or [first.replace(".", "")]
        lists += [(row["vocabulary_id"], code, row["concept_set_name"]) for code in codes]
    persons = [[(vocabulary, code) for vocabulary, code, _ in one] for one in persons]
    found, _ = indices(spark, persons)
    assert found == [expected(codes, lists) for codes in persons]


def test_charlson_keeps_the_rule_of_windows():
    with pytest.raises(DeclarationError, match="window"):
        Charlson(window=days(-365, 0))
