"""Which columns say something of each other, and what is kept back of them: by sentences of what lies within what."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from jobs.model.table_one import table_one
from jobs.quality.kinds import Family, families
from jobs.quality.statistics import Covariate, Group, published
from workflows.codes import Codes
from workflows.covariates import code_rows, sets_of
from workflows.features import AnyOf, Charlson, CountOf, DaysSince, Demographics, Derived, Feature, StayDays, Visits
from workflows.time import days

pytestmark = pytest.mark.clause("F5", "F8", "P8")
HEART, FAILURE, LUNG = (
    Codes(name, [("ICD10CM", code)]) for name, code in (("heart", "I50"), ("failure", "I50.2"), ("lung", "J44"))
)
YEAR, MONTH = days(-365, -1), days(-30, -1)


def related(*features: Feature) -> tuple[Family, ...]:
    sets = sets_of(features, ["charlson"])
    return families(features, sets, code_rows(features, sets))


def flag(ones: int, value: int = 1000) -> Covariate:
    return Covariate(value=value, nonzero=ones, other=0, mean=ones / value, quantiles=(), ever=True)


def number(total: int, value: int = 1000) -> Covariate:
    return Covariate(value=value, nonzero=300, other=50, mean=total / value, quantiles=(0.0,) * 5, ever=True)


def group(level: str = "all", persons: int = 1000, **covariates: Covariate) -> Group:
    dimension = "all" if level == "all" else "sex"
    return Group(dimension=dimension, level=level, persons=persons, rows=persons, covariates=covariates)


def shown(features: list[Feature], *groups: Group) -> set[tuple[str, str]]:
    return {(row[1], row[3]) for row in published(groups, families=related(*features))}


PAIRS: list[tuple[str, list[Feature], dict[str, Covariate], str]] = [
    ("a month lies within a year",
     [AnyOf(HEART, YEAR), AnyOf(HEART, MONTH, label="month")],
     {"f_any_heart": flag(305), "f_any_heart_month": flag(300)}, "f_any_heart_month"),
    ("a set lies within a set", [AnyOf(HEART, YEAR), AnyOf(FAILURE, YEAR)],
     {"f_any_heart": flag(305), "f_any_failure": flag(300)}, "f_any_failure"),
    ("who was seen is not observed as far back", [AnyOf(HEART, YEAR, in_observation=True),
     CountOf(HEART, YEAR, in_observation=True)],
     {"f_any_heart": flag(300, 905), "f_count_heart_365_1": number(400, 900)}, "f_count_heart_365_1"),
    ("how far back one is observed is the same for another set", [AnyOf(HEART, YEAR, in_observation=True),
     CountOf(LUNG, YEAR, in_observation=True)],
     {"f_any_heart": flag(300, 905), "f_count_lung_365_1": number(400, 900)}, "f_count_lung_365_1"),
    ("how far back one is observed is the same for visits", [AnyOf(HEART, YEAR, in_observation=True),
     Visits(YEAR, in_observation=True)],
     {"f_any_heart": flag(300, 905), "f_visits_365_1": number(400, 900)}, "f_visits_365_1"),
    ("the last event is one of a longer window", [AnyOf(HEART, YEAR), DaysSince(HEART, MONTH)],
     {"f_any_heart": flag(305), "f_days_since_heart_30_1": number(900, 300)}, "f_days_since_heart_30_1"),
    ("sums of counts differ by few events", [CountOf(HEART, YEAR), CountOf(HEART, MONTH)],
     {"f_count_heart_365_1": number(605), "f_count_heart_30_1": number(600)}, "f_count_heart_30_1"),
    ("stays are visits", [Visits(YEAR), CountOf("inpatient_admission", YEAR)],
     {"f_visits_365_1": number(605), "f_count_inpatient_admission_365_1": number(600)},
     "f_count_inpatient_admission_365_1"),
    ("stays of a month are stays of a year", [StayDays(YEAR), StayDays(MONTH)],
     {"f_stay_days_365_1": number(605), "f_stay_days_30_1": number(600)}, "f_stay_days_30_1"),
    ("whether a count is at least one is whether there is any", [AnyOf(HEART, YEAR), CountOf(HEART, MONTH),
     Derived("often", "at_least", ("count_heart_30_1",), 1)],
     {"f_any_heart": flag(305), "f_often": flag(300)}, "f_often"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "features", "covariates", "hidden"), PAIRS, ids=[one[0] for one in PAIRS])
def test_of_two_that_tell_together_of_few_one_is_kept_back(why, features, covariates, hidden):
    assert {name for _, name in shown(features, group(**covariates))} == set(covariates) - {hidden}, why
    apart = [feature for feature in features if f"f_{feature.name}" != hidden]
    assert len({name for _, name in shown(apart, group(**covariates))}) == len(covariates), (
        "nothing is known to be related"
    )


def test_unrelated_covariates_that_differ_by_a_few_and_equal_ones_stay():
    features = [AnyOf(HEART, YEAR), AnyOf(LUNG, YEAR), AnyOf(HEART, MONTH, label="month")]
    covariates = {"f_any_heart": flag(300), "f_any_lung": flag(305), "f_any_heart_month": flag(300)}
    assert len(shown(features, group(**covariates))) == 3
    assert related(Charlson(YEAR), Demographics(), Visits(YEAR)), "peripheral vascular disease and stroke share a code"
    assert related(AnyOf(HEART, YEAR), AnyOf(LUNG, YEAR), Visits(YEAR), Demographics()) == ()


def test_codes_of_other_days_are_other_events():
    early, late = (("", name, "ICD10CM", "I50", None, None) for name in ("heart", "failure"))
    features = [AnyOf(HEART, YEAR), AnyOf(FAILURE, YEAR)]
    both = families(features, {}, [early, late])
    assert [one.columns for one in both] == [("f_any_failure", "f_any_heart")]
    split = [(*early[:5], date(2010, 12, 31)), (*late[:4], date(2011, 1, 1), None)]
    assert families(features, {}, split) == ()


def test_a_year_that_is_shown_as_its_two_parts_does_not_tell_of_the_few_who_have_it_in_both():
    far = days(-365, -31)
    features: list[Feature] = [
        AnyOf(HEART, YEAR), AnyOf(HEART, MONTH, label="month"), AnyOf(HEART, far, label="far"),
    ]  # fmt: skip
    covariates = {"f_any_heart": flag(400), "f_any_heart_month": flag(200), "f_any_heart_far": flag(205)}
    assert shown(features, group(**covariates)) == {("all", "f_any_heart"), ("all", "f_any_heart_far")}
    covariates["f_any_heart_far"] = flag(220)
    assert len(shown(features, group(**covariates))) == 3


def test_levels_that_are_kept_back_together_do_not_tell_of_few_by_what_the_others_show():
    features: list[Feature] = [AnyOf(HEART, YEAR), AnyOf(HEART, MONTH, label="month")]
    # 20 of all have it in the year alone, 15 of them at C: 5 at A and B, which stand back for the five of A.
    sizes = {"all": (1000, 300, 280), "A": (200, 5, 5), "B": (200, 145, 140), "C": (300, 75, 60), "D": (300, 75, 75)}
    groups = [
        group(level, persons, f_any_heart=flag(year, persons), f_any_heart_month=flag(month, persons))
        for level, (persons, year, month) in sizes.items()
    ]
    year = {(level, "f_any_heart") for level in ("all", "C", "D")}
    alone = shown([features[0]], *groups)
    assert alone == year | {(level, "f_any_heart_month") for level in ("all", "C", "D")}, (
        "nothing is known to be related"
    )
    together = shown(features, *groups)
    assert year <= together
    assert ("all", "f_any_heart_month") in together
    assert ("C", "f_any_heart_month") not in together


def test_table_one_keeps_back_one_of_two_that_differ_by_few_in_a_group():
    size, few = 1000, np.arange(1000) < 5
    year = (np.arange(size) % 4 == 0) | few
    frame = pd.DataFrame({
        "person_id": np.arange(size), "visit_occurrence_id": np.arange(size), "encounter_order": np.arange(size),
        "outcome": pd.array([*[1] * 200, *[0] * 800], dtype="Int64"), "f_any_heart": year.astype(float),
        "f_any_heart_month": (year & ~few).astype(float), "f_any_lung": (np.arange(size) % 4 == 1).astype(float),
    })  # fmt: skip

    def told(families: tuple[Family, ...]) -> set[str]:
        table = table_one(frame, families=families)
        return set(table[table["persons_0"].notna() & table["persons_1"].notna()]["covariate"]) - {"persons"}

    assert told(()) == {"f_any_heart", "f_any_heart_month", "f_any_lung"}
    features = [AnyOf(HEART, YEAR), AnyOf(HEART, MONTH, label="month"), AnyOf(LUNG, YEAR)]
    assert told(related(*features)) == {"f_any_heart", "f_any_lung"}
