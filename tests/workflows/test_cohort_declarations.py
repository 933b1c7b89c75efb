"""A cohort's shape is checked when it is declared, and discovery checks that it fits its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from workflows.canonical import canonical, digest, parse
from workflows.cohorts import as_cohort
from workflows.declare import (
    AgeAtIndex,
    AtIndex,
    Codes,
    Cohort,
    Demographics,
    Eras,
    Event,
    EventsOf,
    Excludes,
    Exit,
    Featurization,
    FirstOfPerson,
    IndexDates,
    InObservation,
    InpatientStays,
    MinimumTimeAtRisk,
    Model,
    NoPriorOutcome,
    ObservationPeriods,
    Recorded,
    Requires,
    SexIs,
    Washout,
    days,
)
from workflows.discover import Catalogue, check_cohort
from workflows.errors import DeclarationError
from workflows.leaks import refuse_end
from workflows.models.readmission import readmission
from workflows.source import Source
from workflows.sources.abfm import abfm
from workflows.sources.nafld import nafld
from workflows.sources.omop import omop
from workflows.sources.premier import premier
from workflows.sources.synthetic_omop import synthetic_omop
from workflows.sources.uci130 import uci130

NSAID = Codes("nsaid", (("RxNorm", "140587"), ("RxNorm", "3355")))
FAILURE = "chronic_conditions.heart_failure"
WHOLE = Cohort(
    entry=EventsOf(concepts=NSAID, table="condition_occurrence"),
    steps=[
        InObservation(), Washout(days=365), AgeAtIndex(minimum=18, maximum=89), SexIs(sex="F"),
        NoPriorOutcome(window=days(-365, -1)), Excludes(concepts=FAILURE, window=days(-365, 0)),
        Requires(concepts=NSAID, window=days(1, 90), because="persistent users only", at_least=2), FirstOfPerson(),
        IndexDates(first="2010-01-01", last="2019-12-31"), Exit(days=90), MinimumTimeAtRisk(days=30), Eras(gap=30),
    ],
)  # fmt: skip
MODEL = replace(readmission, cohort=WHOLE, features=[Demographics()])


def test_a_cohort_survives_its_canonical_text_and_reads_as_sentences() -> None:
    read = parse(canonical(MODEL))
    assert isinstance(read, Model)
    assert read == MODEL
    assert digest(replace(MODEL, cohort=Cohort(entry=WHOLE.entry, steps=WHOLE.steps[:-1]))) != digest(MODEL)
    assert [WHOLE.entry.reason, *(step.reason for step in WHOLE.steps)] == [
        "events of nsaid in condition_occurrence", "in observation at the index date",
        "365 days of observation before the index date", "18 to 89 years old", "sex F", "no outcome in days -365..-1",
        "no chronic_conditions.heart_failure in days -365..0", "2 or more nsaid in days 1..90", "first of each person",
        "index date from 2010-01-01 to 2019-12-31", "leaves 90 days after the start or at the end of observation",
        "observed for 30 days after the index date", "one row an era, up to 30 days apart",
    ]  # fmt: skip


def test_inpatient_stays_are_an_entry_of_the_same_cohorts() -> None:
    assert as_cohort(InpatientStays()) == Cohort(entry=InpatientStays())
    assert as_cohort(InpatientStays(minimum_age=18)).steps == (AgeAtIndex(minimum=18),)
    # The declarations of today keep their hash: a change of the vocabulary retrains nothing.
    assert '"cohort":{"index":"discharge","kind":"InpatientStays","minimum_age":0}' in canonical(readmission)


BAD: list[tuple[Callable[[], Any], str, str]] = [
    (lambda: Washout(days=0), "Washout: days = 0", "1 to 36,500 days"),
    (lambda: AgeAtIndex(minimum=18, maximum=17), "AgeAtIndex: maximum = 17", "18 to 120"),
    (lambda: AgeAtIndex(minimum=-1), "AgeAtIndex: minimum = -1", "0 to 120"),
    (lambda: SexIs(sex="female"), "SexIs: sex = 'female'", "F, M"),
    (lambda: Requires(concepts="", window=days(-9, -1)), "Requires: concepts = ''", "Codes"),
    (lambda: Requires(concepts=NSAID, window=(-9, -1)), "Requires: window = (-9, -1)", "days(-365, -1)"),
    (lambda: Requires(concepts=NSAID, window=days(-9, -1), at_least=0), "Requires: at_least = 0", "1 to 1,000"),
    (lambda: Requires(concepts=NSAID, window=days(1, 9)), "Requires: because = ''", "after the index date"),
    (lambda: Excludes(concepts=NSAID, window=days(0, 1)), "Excludes: because = ''", "after the index date"),
    (lambda: NoPriorOutcome(window=days(-9, 0)), "NoPriorOutcome: window = ", "day -1 or earlier"),
    (lambda: IndexDates(), "IndexDates: first = ''", "a date"),
    (lambda: IndexDates(first="2020"), "IndexDates: first = '2020'", "YYYY-MM-DD"),
    # Days to Python, and none to Spark.
    (lambda: IndexDates(first="20200101"), "IndexDates: first = '20200101'", "YYYY-MM-DD"),
    (lambda: IndexDates(last="2020-W01-1"), "IndexDates: last = '2020-W01-1'", "YYYY-MM-DD"),
    (lambda: IndexDates(first=None), "IndexDates: first = None", "YYYY-MM-DD"),
    (lambda: Exit(days=3, end_of_observation="no"), "Exit: end_of_observation = 'no'", "True or False"),
    (lambda: Requires(concepts=NSAID, window=days(-9, -1), because=None), "Requires: because = None", "text"),
    (lambda: InpatientStays(minimum_age="18"), "InpatientStays: minimum_age = '18'", "0 to 120 completed years"),
    (lambda: InpatientStays(minimum_age=18.5), "InpatientStays: minimum_age = 18.5", "0 to 120 completed years"),
    (lambda: IndexDates(first="2020-02-02", last="2020-02-01"), "IndexDates: last = '2020-02-01'", "2020-02-02 or later"),
    (lambda: MinimumTimeAtRisk(days=1.5), "MinimumTimeAtRisk: days = 1.5", "1 to 36,500"),
    (lambda: Exit(end_of_observation=False), "Exit: days = None", "end_of_observation=True"),
    (lambda: Exit(days=1, after="middle"), "Exit: after = 'middle'", "start, end"),
    (lambda: Eras(gap=-1), "Eras: gap = -1", "0 to 1,000,000"),
    (lambda: EventsOf(concepts=7), "EventsOf: concepts = 7", "Codes"),
    (lambda: Cohort(entry="stays"), "Cohort: entry = 'stays'", "InpatientStays, EventsOf, ObservationPeriods"),
    (lambda: Cohort(entry=InpatientStays(), steps=[Demographics()]), "Cohort: steps = Demographics()", "Washout"),
    (lambda: Cohort(entry=InpatientStays(), steps="all"), "Cohort: steps = 'all'", "a list of steps"),
    (lambda: replace(readmission, cohort=FirstOfPerson()), "readmission: cohort = FirstOfPerson()", "Cohort"),
]  # fmt: skip


@pytest.mark.parametrize(("declare", "said", "valid"), BAD, ids=[said for _, said, _ in BAD])
def test_a_step_that_cannot_be_is_refused_with_its_field_value_and_the_valid_ones(declare, said, valid) -> None:
    with pytest.raises(DeclarationError) as raised:
        declare()
    assert said in str(raised.value)
    assert valid in str(raised.value)


def catalogue(periods: bool = True) -> Catalogue:
    tables = ("fact_person", "fact_encounter_index", *(["fact_observation_period"] if periods else []))
    facts = Featurization(name="facts", source="synthetic_omop", cluster="etl", tables=tables)
    return Catalogue(sources={"synthetic_omop": synthetic_omop, "uci130": uci130}, featurizations={"facts": facts})


def of(entry: Any, *steps: Any, **fields: Any) -> Model:
    return replace(readmission, cohort=Cohort(entry=entry, steps=steps), features=[Demographics()], **fields)


STAYS, EVENTS = InpatientStays(), EventsOf(concepts=FAILURE)
ORDER: dict[str, Any] = {"source": "uci130", "outcome": Recorded("readmitted", equals="<30")}
UNFIT: list[tuple[Model, str, str, str]] = [
    (of(EventsOf(concepts="chronic_conditions.gout")), "cohort.EventsOf.concepts", "chronic_conditions.gout", FAILURE),
    (of(EventsOf(concepts="inpatient_admission")), "cohort.EventsOf.concepts", "inpatient_admission", FAILURE),
    (of(STAYS, Excludes(concepts="chronic_conditions", window=days(-9, -1))), "cohort.Excludes.concepts", "chronic_conditions", "inpatient_admission"),
    (of(EventsOf(concepts=NSAID, table="drug_era")), "cohort.EventsOf.table", "drug_era", "condition_occurrence"),
    (of(STAYS, Excludes(concepts="inpatient_admission", window=days(-9, -1), table="condition_occurrence")), "cohort.Excludes.table", "condition_occurrence", "no coded event"),
    (of(STAYS, NoPriorOutcome(), **ORDER), "cohort.NoPriorOutcome", "no outcome in days -36500..-1", "only an order"),
    (of(EVENTS, **ORDER), "cohort.EventsOf", "events of chronic_conditions.heart_failure", "only an order"),
    (of(InpatientStays(minimum_age=18), **ORDER), "cohort.AgeAtIndex", "18 years or older", "only an order"),
    (replace(of(STAYS, NoPriorOutcome()), outcome=Recorded("readmitted", equals="1")), "cohort.NoPriorOutcome", "readmitted", "an Event"),
    (replace(of(EVENTS), outcome=Recorded("readmitted", equals="1")), "outcome", "readmitted", "an outcome that is an Event"),
    (replace(of(EVENTS), features=[AtIndex("length_of_stay", because="known")]), "features.length_of_stay", "length_of_stay", "no index encounter"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "field", "value", "valid"), UNFIT, ids=[f"{field} {value}" for _, field, value, _ in UNFIT])  # fmt: skip
def test_a_cohort_that_does_not_fit_its_source_is_refused_and_the_file_is_named(model, field, value, valid) -> None:
    with pytest.raises(DeclarationError) as raised:
        check_cohort(catalogue(), model, "workflows/models/m.py")
    error = raised.value
    assert (error.owner, error.file, error.field, error.value) == ("readmission", "workflows/models/m.py", field, value)
    assert valid in str(error)


@pytest.mark.parametrize("cohort", [
    Cohort(entry=STAYS, steps=[InObservation()]), Cohort(entry=ObservationPeriods()),
    Cohort(entry=EVENTS, steps=[Exit(days=9)]),
    # Who has an event may have no encounter that tells their sex and age.
    Cohort(entry=EVENTS), Cohort(entry=EVENTS, steps=[SexIs(sex="F")]),
])  # fmt: skip
def test_observation_is_asked_for_only_where_it_is_made(cohort: Cohort) -> None:
    model = replace(readmission, cohort=cohort, features=[Demographics()])
    check_cohort(catalogue(), model, "m.py")
    with pytest.raises(DeclarationError, match="no featurization of synthetic_omop makes fact_observation_period"):
        check_cohort(catalogue(periods=False), model, "m.py")


# By what each attribute means in the source's own documentation: what the hospital knows when the stay begins.
AT_ADMISSION: list[tuple[Source, str]] = [
    (synthetic_omop, ""),
    (omop, "admitted_from"),
    (premier, "visit_type admission_type admitted_from marital_status race is_hispanic payer"),
    (uci130, "race payer_code medical_specialty admission_type admission_source number_outpatient number_emergency "
             "number_inpatient"),
    # Their encounters begin and end at once.
    (nafld, "age weight height bmi"), (abfm, "encounter_type practice"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "known"), AT_ADMISSION, ids=[source.name for source, _ in AT_ADMISSION])
def test_a_feature_at_an_admission_is_refused_where_only_the_end_of_the_stay_tells_it(source, known) -> None:
    def asked(name: str, cohort: Any) -> Model:
        return replace(readmission, cohort=cohort, features=[AtIndex(name, because="it is said to be")])

    admission = Cohort(entry=InpatientStays(index="admission"))
    early = [name for name in source.attributes if name in known.split()]
    assert len(early) == len(known.split())
    for name in source.attributes:
        refuse_end(asked(name, InpatientStays()), source, "m.py")
        if name in early:
            refuse_end(asked(name, admission), source, "m.py")
            continue
        with pytest.raises(DeclarationError) as raised:
            refuse_end(asked(name, admission), source, "m.py")
        assert (raised.value.field, raised.value.value) == (f"features.{name}", name)
        assert (", ".join(early) or "no attribute") in str(raised.value)


def test_what_fits_is_left_alone() -> None:
    check_cohort(catalogue(), of(STAYS, NoPriorOutcome(), Excludes(concepts="inpatient_admission", window=days(-9, -1))), "m.py")  # fmt: skip
    check_cohort(catalogue(), of(STAYS, SexIs(sex="F"), FirstOfPerson(), **ORDER), "m.py")
    assert isinstance(readmission.outcome, Event)
