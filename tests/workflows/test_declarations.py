"""A declaration's shape is checked when it is constructed."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.canonical import canonical, digest, parse
from workflows.declare import (
    AnyOf,
    AtIndex,
    AtLeast,
    Batch,
    Calibrated,
    Choice,
    CountOf,
    Demographics,
    Event,
    Featurization,
    GradientBoosting,
    Implausible,
    InpatientStays,
    LogisticRegression,
    Model,
    Monitor,
    NonInferior,
    Online,
    Recorded,
    Window,
    days,
)
from workflows.errors import DeclarationError
from workflows.gates import Gate
from workflows.methods import Method

MODEL = Model(
    name="readmission",
    question="Who comes back?",
    source="synthetic_omop",
    cohort=InpatientStays(),
    outcome=Event("inpatient_admission", time_at_risk=days(1, 30)),
    features=[Demographics(), CountOf("inpatient_admission", window=days(-365, -1))],
    method=LogisticRegression(C=Choice(0.1, 1.0)),
    cluster="ml_cpu",
    gates=[AtLeast("auroc", 0.6)],
)


class SurvivalOnly(Method):
    """A method for another type of outcome."""

    outcome_types = ("time to event",)


BAD = [
    # what is declared, the field and the value the error names, a valid value it offers
    (lambda: days(-1, -365), "end", -365, "-1 or later"),
    (lambda: days(0.5, 1), "start", 0.5, "whole number"),
    (lambda: CountOf("inpatient_admission", window=days(-365, 0)), "window", "-365..0", "AtIndex"),
    (lambda: AnyOf("chronic_conditions", window="last year"), "window", "last year", "days(-365, -1)"),
    (lambda: AnyOf("chronic_conditions"), "because", "", "a window"),
    (lambda: AtIndex("length_of_stay", because=" "), "because", " ", "reason"),
    (lambda: Event("inpatient_admission", time_at_risk=days(0, 30)), "time_at_risk", days(0, 30), "day 1"),
    (lambda: InpatientStays(index="birth"), "index", "birth", "discharge"),
    (lambda: AtLeast("accuracy", 0.9), "metric", "accuracy", "auroc"),
    (lambda: AtLeast("auroc", 62), "value", 62, "between 0 and 1"),
    (lambda: NonInferior("auroc", margin=0.2), "margin", 0.2, "0.05"),
    (lambda: Implausible("auroc", above=0.4), "above", 0.4, "between 0.5 and 1"),
    (lambda: Calibrated(slope=(1.1, 1.2)), "slope", (1.1, 1.2), "around 1"),
    (lambda: Calibrated(slope=0.9), "slope", 0.9, "such as (0.9, 1.1)"),
    (lambda: Calibrated(observed_over_expected=("0.9", "1.1")), "observed_over_expected", ("0.9", "1.1"), "around 1"),
    (lambda: Monitor(calibration=(0.9,)), "calibration", (0.9,), "such as (0.9, 1.1)"),
    (lambda: AtLeast("auroc", "0.62"), "value", "0.62", "a number"),
    (lambda: AtLeast(["auroc"], 0.62), "metric", ["auroc"], "text"),
    (lambda: NonInferior("auroc", margin=None), "margin", None, "a number"),
    (lambda: Implausible("auroc", above="high"), "above", "high", "a number"),
    (lambda: Recorded("readmitted", equals=1), "equals", 1, "text"),
    (lambda: Recorded("readmitted", equals=None), "equals", None, "text"),
    (lambda: Recorded("readmitted", equals=" "), "equals", " ", "a value that the source records"),
    (lambda: Batch("every now and then"), "schedule", "every now and then", "daily"),
    (lambda: Online("Huge"), "size", "Huge", "Small, Medium, Large"),
    (lambda: Online(idle="no"), "idle", "no", "True or False"),
    (lambda: replace(MODEL, serve=[Online(), Online("Large")]), "serve", "Online twice", "one endpoint"),
    (lambda: replace(MODEL, serve=["online"]), "serve", "online", "Batch, Online"),
    (lambda: Monitor(minimum_events=5), "minimum_events", 5, "100"),
    (lambda: Choice(3), "values", (3,), "two or more"),
    (lambda: Choice([2, 3]), "values", ([2, 3],), "one by one, such as Choice(2, 3)"),
    (lambda: GradientBoosting(max_depth=Choice(2.5, 3)), "max_depth", 2.5, "a whole number from 1 to 16, or Choice of such"),
    (lambda: GradientBoosting(max_iter=100.5), "max_iter", 100.5, "a whole number from 1 to 5000"),
    (lambda: GradientBoosting(min_samples_leaf=50.0), "min_samples_leaf", 50.0, "a whole number from 11 to 100000"),
    (lambda: GradientBoosting(max_depth=True), "max_depth", True, "a whole number"),
    (lambda: GradientBoosting(max_depth=0), "max_depth", 0, "1 to 16"),
    (lambda: GradientBoosting(learning_rate=Choice(0.1, 7)), "learning_rate", 7, "1.0"),
    (lambda: LogisticRegression(C="strong"), "C", "strong", "a number"),
    (lambda: LogisticRegression(seed=-1), "seed", -1, "whole number"),
    (lambda: Method(), "method", "Method", "LogisticRegression, GradientBoosting"),
    (lambda: replace(MODEL, name="Read mission"), "name", "Read mission", "lower-case"),
    pytest.param(lambda: replace(MODEL, question="Readmission."), "question", "Readmission.", "question mark", marks=pytest.mark.clause("1")),
    (lambda: replace(MODEL, features=[]), "features", (), "at least one"),
    (lambda: replace(MODEL, features=["age"]), "features", "age", "Demographics, AtIndex, AnyOf, CountOf"),
    (lambda: replace(MODEL, features=[Demographics(), Demographics()]), "features", ["demographics"], "once"),
    (lambda: replace(MODEL, features=[AnyOf("ccs", days(-30, -1)), AnyOf("ccs", days(-365, -1))]), "features", ["any_ccs"], "label= tells two windows apart"),
    (lambda: replace(MODEL, gates=[0.62]), "gates", 0.62, "AtLeast, Calibrated, NonInferior, Implausible"),
    (lambda: replace(MODEL, outcome="readmitted"), "outcome", "readmitted", "Recorded"),
    (lambda: replace(MODEL, test_share=0.9), "test_share", 0.9, "0.5"),
    (lambda: replace(MODEL, method=SurvivalOnly()), "method", "SurvivalOnly for a binary outcome", "time to event"),
    (lambda: Featurization(name="facts", source="s", cluster="c", tables="fact_person"), "tables", "fact_person", "list"),
]  # fmt: skip


@pytest.mark.clause("3", "M1")
@pytest.mark.parametrize(("declared", "field", "value", "valid"), BAD)
def test_a_wrong_value_is_refused_and_named_with_the_valid_ones(declared, field, value, valid):
    with pytest.raises(DeclarationError) as raised:
        declared()
    assert raised.value.field == field
    assert raised.value.value == value
    assert valid in str(raised.value)
    assert repr(value) in str(raised.value)


def test_a_declaration_is_frozen():
    with pytest.raises(FrozenInstanceError):
        MODEL.name = "other"


@pytest.mark.clause("P3", "P4")
def test_the_canonical_text_gives_the_same_declaration_back():
    assert parse(canonical(MODEL)) == MODEL
    featurization = Featurization(
        name="facts", source="uci130", cluster="ml_cpu", tables=("fact_person",), history=True
    )
    assert parse(canonical(featurization)) == featurization


feature_lists = st.lists(
    st.one_of(
        st.builds(Demographics),
        st.builds(AtIndex, st.sampled_from(["length_of_stay", "payer"]), st.just("known at discharge")),
        st.builds(
            lambda event, a, b: CountOf(event, window=Window(-max(a, b), -min(a, b))),
            st.sampled_from(["inpatient_admission", "emergency_visit"]), st.integers(1, 900), st.integers(1, 900),
        ),
    ), min_size=1, max_size=6, unique_by=lambda feature: feature.name,
)  # fmt: skip


@given(feature_lists, st.integers(0, 2**31 - 1), st.floats(0.001, 0.999))
def test_every_declaration_survives_its_canonical_text_and_differs_by_its_digest(features, seed, bound):
    model = replace(MODEL, features=features, gates=[AtLeast("auroc", bound)], method=GradientBoosting(seed=seed))
    assert parse(canonical(model)) == model
    assert canonical(parse(canonical(model))) == canonical(model)
    assert digest(model) != digest(MODEL)


def test_a_recorded_outcome_is_named_by_its_attribute_and_value():
    model = replace(MODEL, outcome=Recorded("readmitted", equals="<30"), features=[Demographics()])
    assert '"outcome":{"equals":"<30","kind":"Recorded","name":"readmitted"}' in canonical(model)


def test_the_page_for_data_scientists_names_every_field_method_gate_and_way_to_serve():
    page = (Path(__file__).parents[2] / "docs/a-data-scientists-hour.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", page, re.MULTILINE))
    assert list(rows) == [one.name for one in fields(Model)]
    methods, gates = (
        [one for one in base.__subclasses__() if one.__module__.startswith("workflows")] for base in (Method, Gate)
    )
    named = {field: sorted(re.findall(r"`(\w+)\(", rows[field])) for field in ("method", "gates")}
    assert named["method"] == sorted(["Choice", *(one.__name__ for one in methods)])
    assert named["gates"] == sorted(one.__name__ for one in gates)
    for one in (*methods, Monitor):
        of = [f.name for f in fields(one) if f.name != "seed"]
        assert all(f"{name}=" in rows["method"] + rows["monitor"] for name in of), one
    assert re.findall(r"`(\w+)\(", rows["serve"]) == ["Batch", "Online"]


def test_the_page_for_data_scientists_says_which_shares_of_test_persons_are_valid():
    page = (Path(__file__).parents[2] / "docs" / "a-data-scientists-hour.md").read_text()
    (told,) = re.findall(r"^\| `test_share` .*\| (\S+) to (\S+) \|$", page, re.M)
    for share in map(float, told):
        assert replace(MODEL, test_share=share).test_share == share
    for beyond in (float(told[0]) - 0.001, float(told[1]) + 0.001):
        with pytest.raises(DeclarationError, match="test_share"):
            replace(MODEL, test_share=beyond)
