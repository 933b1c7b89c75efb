"""The feature reference: "each feature has stable id, readable name, source codes, window, version", and a typed missing."""

from __future__ import annotations

from datetime import date

import pytest

from workflows.covariates import code_rows, sets_of
from workflows.declare import (
    AnyOf,
    AtIndex,
    Charlson,
    Codes,
    CountOf,
    DaysSince,
    Demographics,
    Derived,
    Model,
    StayDays,
    Visits,
    days,
    replace,
)
from workflows.feature_columns import feature_columns
from workflows.feature_reference import REFERENCE_SCHEMA, Reference, reference, rows
from workflows.features import Feature
from workflows.models.readmission import readmission
from workflows.sources.synthetic_omop import synthetic_omop

pytestmark = pytest.mark.clause("F1", "P3")

YEAR = days(-365, -1)
COLD = Codes("cold", (("ICD10CM", "J00"),))
EVERY: list[Feature] = [
    Demographics(), AtIndex("length_of_stay", because="known at discharge"), Visits(YEAR), StayDays(YEAR),
    CountOf("inpatient_admission", YEAR), AnyOf(COLD, YEAR), DaysSince(COLD, YEAR), Charlson(YEAR),
    Derived("a_visit", "ratio", ("stay_days_365_1", "visits_365_1")), Derived("cold", "at_least", ("a_visit",), 2.0),
]  # fmt: skip


def described(features: list[Feature]) -> dict[str, Reference]:
    model = replace(readmission, features=features)
    sets = sets_of(model.of_events, synthetic_omop.collections)
    some = feature_columns(model, synthetic_omop, sets)
    return {one.column_name: one for one in reference(some, code_rows(model.of_events, sets))}


def test_every_column_of_every_kind_has_its_row_and_an_id_of_its_own_in_the_declared_order():
    model: Model = replace(readmission, features=EVERY)
    sets = sets_of(model.of_events, synthetic_omop.collections)
    some, found = feature_columns(model, synthetic_omop, sets), described(EVERY)
    assert list(found) == [f"f_{one.name}" for one in some]
    assert len({one.covariate_id for one in found.values()}) == len(found)
    assert all(one.covariate_name and one.version and one.missing_means and one.aggregation for one in found.values())
    made = rows(some, code_rows(model.of_events, sets))
    assert {len(row) for row in made} == {REFERENCE_SCHEMA.count(",") + 1}


def test_an_id_is_the_same_in_another_model_beside_other_features_in_another_order():
    whole = described(EVERY)
    for one in EVERY[:-2]:
        for name, row in described([one]).items():
            assert row == whole[name]
    turned = described([EVERY[-1], *EVERY[:-1]])
    assert turned == whole


@pytest.mark.parametrize(("one", "other"), [
    (Visits(YEAR), Visits(days(-364, -1))), (Visits(YEAR), Visits(YEAR, in_observation=True)),
    (StayDays(YEAR), Visits(YEAR)), (CountOf("inpatient_admission", YEAR), Visits(YEAR)),
    (Charlson(YEAR), Charlson(days(-364, -1))),
])  # fmt: skip
def test_another_meaning_is_another_id(one: Feature, other: Feature):
    mine, others = described([one]), described([other])
    assert not {row.covariate_id for row in mine.values()} & {row.covariate_id for row in others.values()}


def test_what_is_made_of_others_follows_their_ids_their_versions_and_their_codes():
    def of(window: str, codes: Codes) -> Reference:
        part = CountOf(codes, YEAR if window == "year" else days(-30, -1), label="part")
        return described([part, Derived("twice", "sum", ("count_cold_part", "count_cold_part"))])["f_twice"]

    more = Codes("cold", (("ICD10CM", "J00"), ("ICD10CM", "J01")))
    year, month, wider = of("year", COLD), of("month", COLD), of("year", more)
    assert year.covariate_id != month.covariate_id
    assert year.covariate_id == wider.covariate_id
    assert year.version != wider.version
    assert (year.source_codes, wider.source_codes) == (["ICD10CM:J00"], ["ICD10CM:J00", "ICD10CM:J01"])


@pytest.mark.parametrize(("feature", "missing"), [
    (Visits(YEAR), "zero"), (Visits(YEAR, in_observation=True), "unknown"),
    (StayDays(YEAR, in_observation=True), "unknown"), (CountOf("inpatient_admission", YEAR), "zero"),
    (CountOf("inpatient_admission", YEAR, in_observation=True), "unknown"), (AnyOf(COLD, YEAR), "zero"),
    (DaysSince(COLD, YEAR), "never measured"), (Demographics(), "the source does not tell"),
    (Charlson(YEAR, in_observation=True), "unknown"),
])  # fmt: skip
def test_what_missing_means_is_said_of_each(feature: Feature, missing: str):
    assert {row.missing_means for row in described([feature]).values()} == {missing}


def test_the_charlson_index_says_its_window_and_the_codes_of_all_its_conditions():
    # Quan et al. 2005, table 1: myocardial infarction I21.x, dementia F01.x, AIDS/HIV B20.x.
    row = described([Charlson(YEAR)])["f_charlson_index"]
    assert (row.window, row.aggregation) == ("-365..-1", "charlson_index")
    assert {"ICD10CM:I21", "ICD10CM:F01", "ICD10CM:B20"} <= set(row.source_codes)


def test_a_code_of_some_days_says_them():
    some = feature_columns(replace(readmission, features=[AnyOf(COLD, YEAR)]), synthetic_omop, {})
    (row,) = reference(some, [("", "cold", "ICD10CM", "J00", None, date(2021, 1, 1))])
    assert row.source_codes == ["ICD10CM:J00 [..2021-01-01]"]
