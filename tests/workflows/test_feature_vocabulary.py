"""What can be declared of features, what is refused, and what stays the same when a list or a window changes."""

from __future__ import annotations

import pytest

from workflows.canonical import canonical, parse
from workflows.covariates import code_rows, covariates, derived_in_order, sets_of
from workflows.declare import (
    AnyOf,
    AtIndex,
    Charlson,
    Codes,
    CountOf,
    DaysSince,
    Demographics,
    Derived,
    FirstOf,
    LastOf,
    LatestOf,
    MaxOf,
    MeanOf,
    MinOf,
    StayDays,
    TrendOf,
    Visits,
    days,
    replace,
)
from workflows.errors import DeclarationError
from workflows.feature_columns import columns_of, of_concepts
from workflows.feature_reference import reference, version
from workflows.features import Feature
from workflows.models.readmission import readmission
from workflows.sources.synthetic_omop import synthetic_omop

COLD = Codes("cold", (("ICD10CM", "J00"),))
FLU = Codes("cold", (("ICD10CM", "J10"),))
YEAR = days(-365, -1)
REFUSED = [
    (lambda: CountOf(COLD, days(-365, 0)), "window", "-1 or earlier"),
    (lambda: CountOf(COLD, days(-365, 1), because="known"), "window", "later days never"),
    (lambda: CountOf(COLD, None), "window", "days(-365, -1)"),
    (lambda: AnyOf(COLD, YEAR, rule="end"), "rule", "start, overlap"),
    (lambda: AnyOf(COLD, because="of the stay", in_observation=True), "window", "a window in days"),
    (lambda: AnyOf(COLD, YEAR, label="last year"), "label", "part of a name"),
    (lambda: Codes("cold", ()), "cold", "at least one"),
    (lambda: Codes("Common cold", (("ICD10CM", "J00"),)), "name", "lower-case"),
    (lambda: Derived("x", "power", ("a", "b")), "operation", "ratio, sum"),
    (lambda: Derived("x", "ratio", ("a",)), "of", "2 column names"),
    (lambda: Derived("x", "at_least", ("a",)), "threshold", "a number"),
    (lambda: Derived("x", "sum", ("a", "b"), threshold=1), "threshold", "only for that"),
    (lambda: AnyOf("", YEAR), "concepts", "'collection.set'"),
    (lambda: AnyOf("chronic_conditions.", YEAR), "concepts", "'collection.set'"),
    (lambda: AnyOf(None, YEAR), "concepts", "named event"),
    (lambda: AnyOf(COLD, YEAR, in_observation="no"), "in_observation", "True or False"),
    (lambda: CountOf(COLD, YEAR, because=None), "because", "text"),
    (lambda: CountOf(COLD, YEAR, label=5), "label", "text"),
    # Spark takes `Year` and `year` for one column.
    (lambda: CountOf(COLD, YEAR, label="Year"), "label", "lower-case"),
    (lambda: MeanOf(COLD, YEAR, unit=" "), "unit", "'mg/dL', or"),
    (lambda: MeanOf(COLD, YEAR, unit=("mg/dL", 5)), "unit", "'mg/dL', or"),
    (lambda: MeanOf(COLD, YEAR, unit=None), "unit", "'mg/dL', or"),
    (lambda: AtIndex("length_of_stay", because=None), "because", "text"),
    (lambda: Codes(None, (("ICD10CM", "J00"),)), "name", "text"),
    (lambda: Codes("cold", None), "cold", "at least one"),
    (lambda: Codes("drug", (("RxNorm", 5640),)), "drug", "two texts"),
    (lambda: Derived(None, "sum", ("a", "b")), "label", "text"),
    (lambda: Derived("x", "sum", (1, 2)), "of", "names of columns"),
    (lambda: Derived("x", "sum", None), "of", "names of columns"),
    (lambda: Derived("x", "at_least", ("a",), threshold="5"), "threshold", "a number or None"),
    (lambda: Derived("x", "at_least", ("a",), threshold=float("nan")), "threshold", "a number or None"),
    (lambda: code_rows([AnyOf(COLD, YEAR), CountOf(FLU, YEAR)], {}), "cold", "cold is ICD10CM:J00 elsewhere"),
    (lambda: covariates([AnyOf("chronic.rare", YEAR)], {"chronic": ["diabetes"]}), "concepts", "diabetes"),
    (lambda: covariates([AnyOf(COLD, YEAR), AnyOf(COLD, days(-9, -1))], {}), "name", "give the feature a label"),
    (lambda: covariates([AnyOf(COLD, YEAR), AnyOf(COLD, YEAR, label="b")], {}), "covariate_id", "each meaning once"),
]  # fmt: skip


@pytest.mark.clause("F1")
@pytest.mark.parametrize(("declared", "field", "valid"), REFUSED)
def test_a_feature_that_cannot_be_is_refused_with_the_valid_values(declared, field, valid):
    with pytest.raises(DeclarationError) as found:
        declared()
    assert found.value.field == field
    assert valid in str(found.value)


@pytest.mark.clause("F1")
def test_derived_features_are_of_columns_that_there_are_and_never_of_themselves():
    a, b = Derived("a", "sum", ("age", "b")), Derived("b", "at_least", ("age",), threshold=65)
    assert [one.name for one in derived_in_order("m", [a, b], ["age"])] == ["b", "a"]
    with pytest.raises(DeclarationError, match=r"weight.*valid: age, b"):
        derived_in_order("m", [Derived("a", "sum", ("age", "weight")), b], ["age"])
    with pytest.raises(DeclarationError, match="cycle"):
        derived_in_order("m", [a, Derived("b", "sum", ("a", "age"))], ["age"])


@pytest.mark.clause("F1", "P3")
def test_an_id_is_of_the_meaning_and_a_version_of_the_codes_too():
    (one,) = covariates([AnyOf(COLD, YEAR)], {})
    (labelled,) = covariates([AnyOf(COLD, YEAR, label="other")], {})
    others = [AnyOf(COLD, days(-364, -1)), CountOf(COLD, YEAR), AnyOf(COLD, YEAR, rule="overlap"),
              AnyOf(COLD, YEAR, in_observation=True)]  # fmt: skip
    ids = {covariates([other], {})[0].covariate_id for other in others}
    assert labelled.covariate_id == one.covariate_id
    assert len(ids | {one.covariate_id}) == 5
    codes = ["ICD10CM:J00", "ICD10CM:J01"]
    assert version(one.meaning, codes) == version(labelled.meaning, reversed(codes))
    assert version(one.meaning, codes) != version(one.meaning, codes[:1])


@pytest.mark.clause("F1", "P3")
def test_an_id_is_of_the_unit_too_however_it_is_spelled_and_a_column_names_it():
    some = [(), "mg/dL", (" MG/DL", "mg/dL"), ("mg/dL", "mmol/L")]
    made = [covariates([MeanOf(COLD, YEAR, unit=unit)], {})[0] for unit in some]
    assert len({one.covariate_id for one in made}) == 3
    assert made[1].covariate_id == made[2].covariate_id
    # What was computed and published before units were known keeps its id.
    assert "unit" not in made[0].meaning
    assert made[1].title.startswith("mean value of cold in mg/dL in days ")
    (column,) = columns_of(MeanOf(COLD, YEAR, unit="mg/dL"), synthetic_omop, {})
    assert column.unit == "mg/dL"
    assert [reference([of_concepts(one)], [])[0].units for one in made[:2]] == [[], ["mg/dl"]]


# One of each kind of feature.
KINDS = [
    Demographics(), AtIndex("length_of_stay", because="known at discharge"), Visits(YEAR), StayDays(YEAR, in_observation=True), Charlson(YEAR),
    AnyOf(COLD, days(-30, 0), because="in the referral"), CountOf("inpatient_admission", YEAR),
    DaysSince("chronic_conditions", YEAR), FirstOf(COLD, YEAR), LastOf(COLD, YEAR),
    LatestOf("chronic_conditions.diabetes", YEAR, rule="overlap", in_observation=True), MinOf(COLD, YEAR, unit="mg/dL"),
    MaxOf(COLD, YEAR), MeanOf(COLD, YEAR), TrendOf(COLD, YEAR), Derived("old", "at_least", ("age",), threshold=65),
]  # fmt: skip


def kinds(base: type) -> set[type]:
    """The kinds of feature that somebody may declare: those that no other is a kind of."""
    below = [kind for one in base.__subclasses__() for kind in kinds(one)]
    return set(below) or {base}


@pytest.mark.clause("F1")
def test_every_kind_of_feature_survives_its_canonical_text():
    assert {type(one) for one in KINDS} == kinds(Feature)
    for one in KINDS:
        model = replace(readmission, features=[one])
        assert parse(canonical(model)) == model


@pytest.mark.clause("F1")
def test_every_kind_of_feature_has_columns_that_say_what_they_mean():
    for one in KINDS:
        found = list(columns_of(one, synthetic_omop, sets_of([one], synthetic_omop.collections)))
        assert found, one
        assert all(column.meaning and column.holds for column in found)
