"""Invented patients in a declaration: what must come out of them holds, or nothing is deployed."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from workflows.canonical import canonical, digest, parse
from workflows.declare import (
    AnyOf,
    AtIndex,
    Codes,
    Cohort,
    CountOf,
    DaysSince,
    Encounter,
    EventsOf,
    Example,
    FirstOf,
    InpatientStays,
    LatestOf,
    MeanOf,
    Occurrence,
    Person,
    StayDays,
    TrendOf,
    Visits,
    days,
    replace,
)
from workflows.discover import discover
from workflows.errors import DeclarationError
from workflows.examples import checked_codes
from workflows.interpreter import differences, refuse_different
from workflows.models.readmission import readmission
from workflows.sources.synthetic_omop import synthetic_omop

ROOT = Path(__file__).parents[2]
COLD, SUGAR = Codes("cold", (("ICD10CM", "J00"),)), Codes("sugar", (("LOINC", "2345-7"),))
YEAR = days(-365, -1)
STAY = Encounter("2021-06-26", "2021-06-30")


def cold(day: str) -> Occurrence:
    return Occurrence("ICD10CM", "J00", day)


def sugar(day: str, value: float | None, unit: str | None = None) -> Occurrence:
    return Occurrence("LOINC", "2345-7", day, value_as_number=value, unit_source_value=unit)


def got(feature: object, *events: Occurrence, **more: object) -> object:
    """What the declaration makes of one feature at 2021-06-30, with a value that no feature has as what is expected."""
    model = replace(readmission, features=[feature])
    column = feature.name if getattr(feature, "set_name", "x") else f"{feature.name}_x"  # type: ignore[attr-defined]
    given = {"index": "2021-06-30", "encounters": [STAY]} | more
    example = Example("one", events=events, features={column: "?"}, **given)
    (found,) = differences(model, example, synthetic_omop)
    return found.got.value


# Worked out by hand from docs/features.md. 2020-06-30 is day -365 of 2021-06-30, 2020-06-29 day -366 (2021 has 365 days).
CASES = [
    ("an event on day -1 counts", AnyOf(COLD, YEAR), [cold("2021-06-29")], {}, 1),
    ("on the index day not", AnyOf(COLD, YEAR), [cold("2021-06-30")], {}, 0),
    ("on the day after not", AnyOf(COLD, YEAR), [cold("2021-07-01")], {}, 0),
    ("on day -365 yes", CountOf(COLD, YEAR), [cold("2020-06-30 23:59")], {}, 1),
    ("on day -366 not", CountOf(COLD, YEAR), [cold("2020-06-29 23:59")], {}, 0),
    ("on the index day with a reason", AnyOf(COLD, days(-1, 0), because="told at admission"), [cold("2021-06-30")], {}, 1),
    ("a code below the set's", AnyOf(COLD, YEAR), [Occurrence("ICD10CM", "J00.1", "2021-06-01")], {}, 1),
    ("not one that only begins like it", AnyOf(COLD, YEAR), [Occurrence("ICD10CM", "J001", "2021-06-01")], {}, 0),
    ("nor one of another vocabulary", AnyOf(COLD, YEAR), [Occurrence("ICD9CM", "J00", "2021-06-01")], {}, 0),
    ("overlap sees what began before", AnyOf(COLD, YEAR, rule="overlap"), [Occurrence("ICD10CM", "J00", "2019-01-01", "2020-06-30")], {}, 1),
    ("start does not", AnyOf(COLD, YEAR), [Occurrence("ICD10CM", "J00", "2019-01-01", "2020-06-30")], {}, 0),
    ("days since the last", DaysSince(COLD, YEAR), [cold("2021-05-31"), cold("2021-06-20")], {}, 10),
    ("the first day", FirstOf(COLD, YEAR), [cold("2021-05-31"), cold("2021-06-20")], {}, -30),
    ("never", DaysSince(COLD, YEAR), [], {}, None),
    ("of several at one moment the largest", LatestOf(SUGAR, YEAR), [sugar("2021-06-20", 3.0), sugar("2021-06-20", 5.5), sugar("2021-06-21", None)], {}, 5.5),
    ("the mean", MeanOf(SUGAR, YEAR), [sugar("2021-06-20", 3.0), sugar("2021-06-21", 6.0)], {}, 4.5),
    ("a change a day", TrendOf(SUGAR, YEAR), [sugar("2021-06-10", 3.0), sugar("2021-06-20", 5.0)], {}, 0.2),
    ("of one day none", TrendOf(SUGAR, YEAR), [sugar("2021-06-10 01:00", 3.0), sugar("2021-06-10 02:00", 5.0)], {}, None),
    ("a window that was not observed whole is unknown", CountOf(COLD, YEAR, in_observation=True), [cold("2021-06-20")], {"observed": [("2021-01-01", "2021-12-31")]}, None),
    ("what was seen stays seen", AnyOf(COLD, YEAR, in_observation=True), [cold("2021-06-20")], {"observed": [("2021-01-01", "2021-12-31")]}, 1),
    ("periods that touch are one", CountOf(COLD, YEAR, in_observation=True), [cold("2021-06-20")], {"observed": [("2020-01-01", "2020-12-31"), ("2021-01-01", "2021-12-31")]}, 1),
    ("a gap of a day parts them", CountOf(COLD, YEAR, in_observation=True), [cold("2021-06-20")], {"observed": [("2020-01-01", "2020-12-30"), ("2021-01-01", "2021-12-31")]}, None),
    ("values of its unit count, however it is spelled", MeanOf(SUGAR, YEAR, unit="mg/dL"), [sugar("2021-06-01", 100, "mg/dL"), sugar("2021-06-02", 90, " MG/DL"), sugar("2021-06-03", 5.5, "mmol/L"), sugar("2021-06-04", 7)], {}, 95),
    ("of another or of none not", LatestOf(SUGAR, YEAR, unit=("mg/dL", "mg per dL")), [sugar("2021-06-03", 5.5, "mmol/L"), sugar("2021-06-04", 7)], {}, None),
    ("visits but not stays are visits", Visits(YEAR), [], {"encounters": [STAY, Encounter("2021-05-01", "2021-05-01", is_inpatient_visit=False), Encounter("2021-04-01", "2021-04-03")]}, 2),
    ("days in hospital", StayDays(YEAR), [], {"encounters": [STAY, Encounter("2021-05-01", "2021-05-09", is_inpatient_visit=False), Encounter("2021-04-01", "2021-04-03")]}, 2),
]  # fmt: skip


def test_what_counted_for_a_value_is_what_has_one():
    model, events = (
        replace(readmission, features=[MeanOf(SUGAR, YEAR)]),
        [sugar("2021-06-20", 3.0), sugar("2021-06-21", None)],
    )
    example = Example("a", "2021-06-30", encounters=[STAY], events=events, features={"mean_sugar_365_1": 9})
    (found,) = differences(model, example, synthetic_omop)
    assert found.got.counted == ("day -10 LOINC 2345-7",)


@pytest.mark.clause("F1")
@pytest.mark.parametrize(("said", "feature", "events", "more", "value"), CASES, ids=[case[0] for case in CASES])
def test_an_example_is_computed_as_the_page_on_features_says(said, feature, events, more, value):
    found = got(feature, *events, **more)
    assert found == (None if value is None else pytest.approx(value))


SHAPES = [
    (lambda: Example("a", index="30 June", outcome=0), "Example 'a'", "index", "30 June", "2021-06-30"),
    (lambda: Example("a", index="2021-02-29", outcome=0), "Example 'a'", "index", "2021-02-29", "a day such as"),
    (lambda: Example("", outcome=0), "Example", "name", "", "a few words"),
    (lambda: Example("a"), "Example 'a'", "features", {}, "at least one feature or the outcome"),
    (lambda: Example("a", outcome=2), "Example 'a'", "outcome", 2, "0, 1, or None"),
    (lambda: Example("a", outcome=0, events=[STAY]), "Example 'a'", "events", STAY, "Occurrence"),
    (lambda: Example("a", outcome=0, events="J00"), "Example 'a'", "events", "J00", "a list"),
    (lambda: Example("a", features={"age": [1]}), "Example 'a'", "features.age", [1], "a number, text, or None"),
    (lambda: Example("a", outcome=0, events=[Occurrence("v", "c", encounter=1)]), "Example 'a'", "events.encounter", 1, "1 to 0"),
    (lambda: Example("a", outcome=0, observed=[("2021-01-02", "2021-01-01")]), "Example 'a'", "observed", "2021-01-01", "or later"),
    (lambda: Encounter("2021-06-30", "2021-06-26"), "Encounter", "visit_end_datetime", "2021-06-26", "2021-06-30 or later"),
    (lambda: Occurrence("", "J00"), "Occurrence", "vocabulary_id", "", "ICD10CM"),
    (lambda: Occurrence("v", "c", value_as_number="7"), "Occurrence", "value_as_number", "7", "a number or None"),
    (lambda: Person(sex="X"), "Person", "sex", "X", "F, M, None"),
    (lambda: Person(birth_date="1980"), "Person", "birth_date", "1980", "a day"),
    (lambda: Person(age_band=70), "Person", "age_band", 70, "text or None"),
    (lambda: Encounter("2021-07-01", "2021-07-02", "no"), "Encounter", "is_inpatient_visit", "no", "True or False"),
    (lambda: Encounter("2021-07-01", is_at_risk=1), "Encounter", "is_at_risk", 1, "True or False"),
    (lambda: Encounter(attributes={"payer": ["a"]}), "Encounter", "attributes.payer", ["a"], "a number, text, or None"),
    (lambda: Encounter(outcomes={"readmitted": 1}), "Encounter", "outcomes.readmitted", 1, "text"),
    (lambda: Example("a", outcome=True), "Example", "outcome", True, "a whole number or None"),
    # Facts have no time zone.
    (lambda: Encounter("2021-06-30 23:30+02:00", "2021-07-01"), "Encounter", "visit_start_datetime", "2021-06-30 23:30+02:00", "without a time zone"),
    (lambda: Occurrence("v", "c", "2021-06-30T08:00Z"), "Occurrence", "event_start_datetime", "2021-06-30T08:00Z", "without a time zone"),
    (lambda: Example("a", index="2021-06-30T08:00Z", outcome=0), "Example 'a'", "index", "2021-06-30T08:00Z", "without a time zone"),
    (lambda: replace(readmission, examples=[1]), "readmission", "examples", 1, "Example"),
    (lambda: replace(readmission, examples=[Example("a", outcome=0), Example("a", outcome=1)]), "readmission", "examples", ["a"], "each example once"),
    # What a declaration alone cannot know: the source, and the columns.
    (lambda: bad(Example("a", index="2021-06-30", encounters=[STAY], features={"shoe_size": 1})), "readmission", "examples.a.features", "shoe_size", "age, any_chronic_conditions_cancer"),
    (lambda: bad(Example("a", index="2021-06-29", encounters=[STAY], outcome=0)), "readmission", "examples.a.index", "2021-06-29", "there are: 2021-06-30"),
    (lambda: bad(Example("a", index="2021-06-30", encounters=[STAY, Encounter("2021-06-29", "2021-06-30")], outcome=0)), "readmission", "examples.a.index", "2021-06-30", "one encounter, and only one"),
    (lambda: bad(Example("a", index="2021-06-30", encounters=[Encounter("2021-06-26", "2021-06-30", is_at_risk=False)], outcome=0)), "readmission", "examples.a.encounters", "encounter 1", "as the cohort says"),
    (lambda: bad(Example("a", index="2021-06-30", encounters=[Encounter("2021-06-26", "2021-06-30", attributes={"smell": 1})], outcome=0)), "readmission", "examples.a.encounters.1.attributes", "smell", "length_of_stay"),
]  # fmt: skip


def bad(example: Example) -> None:
    refuse_different(replace(readmission, examples=[example]), synthetic_omop)


CODES = [
    # What an event says, whose vocabularies are known, and the end of the field, the value and what is offered.
    (("ICD10CM", "I509"), ("ICD10CM",), "ICD10CM", "I509", "I50.9"),
    (("ICD10CM", "Q"), (), "ICD10CM", "Q", "a code such as I50.9"),
    (("ICD9CM", "428.0"), ("ICD10CM",), "vocabulary_id", "ICD9CM", "valid: ICD10CM"),
    (("I50.9", "ICD10CM"), ("ICD10CM",), "vocabulary_id", "I50.9", "valid: ICD10CM"),
    (("I50.9", "ICD10CM"), (), "concept_code", "ICD10CM", "the vocabulary comes before it"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "vocabularies", "field", "value", "valid"), CODES)
def test_an_event_whose_code_can_match_nothing_is_refused(said, vocabularies, field, value, valid):
    example = Example("a", outcome=0, events=[Occurrence("ICD10CM", "I50.9"), Occurrence(*said)])
    with pytest.raises(DeclarationError, match=r"readmission: examples\.a\.events\.2") as refused:
        checked_codes("readmission", example, vocabularies)
    assert refused.value.field.endswith(field)
    assert refused.value.value == value
    assert valid in str(refused.value)


def test_an_event_of_any_vocabulary_is_left_alone_where_a_source_has_any():
    events = [Occurrence(*said) for said in (("ICD10CM", "I50.9"), ("LOINC", "2345-7"), ("Premier charge", "270"))]
    checked_codes("readmission", Example("a", outcome=0, events=events), ())


@pytest.mark.parametrize(("made", "owner", "field", "value", "valid"), SHAPES)
def test_a_bad_example_is_refused_with_owner_field_value_and_the_valid_ones(made, owner, field, value, valid):
    with pytest.raises(DeclarationError) as refused:
        made()
    error = refused.value
    assert (error.owner, error.field, error.value) == (owner, field, value)
    assert valid in str(error)


def test_examples_change_nothing_that_travels_to_a_task():
    without = replace(readmission, examples=())
    assert readmission.examples
    assert digest(without) == digest(readmission)
    assert "examples" not in canonical(readmission)
    assert parse(canonical(readmission)) == readmission == without


def test_what_a_source_tells_days_later_is_not_known_at_the_index_date():
    late = replace(synthetic_omop, lag=7)
    model = replace(readmission, features=[CountOf(COLD, YEAR), CountOf("inpatient_admission", YEAR)])
    example = Example(
        "a", index="2021-06-30", encounters=[STAY, Encounter("2021-06-24", "2021-06-25"), Encounter("2021-06-23", "2021-06-24")],
        events=[cold("2021-06-24"), cold("2021-06-23")],
        features={"count_cold_365_1": 1, "count_inpatient_admission_365_1": 1},
    )  # fmt: skip
    assert differences(model, example, late) == []
    assert [one.got.value for one in differences(model, example, synthetic_omop)] == [2, 2]
    # Where stays say when they were known, the lag is that of events alone.
    said = replace(late, encounters=replace(late.encounters, known_from="visit_start_datetime"))
    assert [(one.column, one.got.value) for one in differences(model, example, said)] == [
        ("count_inpatient_admission_365_1", 2)
    ]


def test_the_index_date_is_as_the_cohort_says():
    features = [CountOf("inpatient_admission", YEAR)]
    admitted = replace(readmission, features=features, cohort=Cohort(entry=InpatientStays(index="admission")))
    asked = {"features": {"count_inpatient_admission_365_1": 0}}
    assert differences(admitted, Example("a", index="2021-06-26", encounters=[STAY], **asked), synthetic_omop) == []
    # Nobody knows at an admission how the stay will end.
    died = replace(STAY, is_at_risk=False)
    assert differences(admitted, Example("a", index="2021-06-26", encounters=[died], **asked), synthetic_omop) == []
    # Of events no encounter is the index date's own: the stay that began four days before it is one of the past.
    coded = replace(readmission, features=features, cohort=Cohort(entry=EventsOf(concepts=COLD)))
    (one,) = differences(coded, Example("a", index="2021-06-30", encounters=[STAY], **asked), synthetic_omop)
    assert (one.got.value, one.got.counted) == (1, ("day -4 stay",))
    with pytest.raises(DeclarationError, match=r"examples\.a\.index = None is not valid"):
        differences(coded, Example("a", **asked), synthetic_omop)


def test_a_visit_that_ends_on_the_day_of_a_discharge_is_another_encounter():
    model = replace(readmission, features=[Visits(YEAR), AtIndex("length_of_stay", because="known at discharge")])
    visit, died = Encounter("2021-06-29", "2021-06-30", False), Encounter("2021-06-28", "2021-06-30", is_at_risk=False)
    example = Example(
        "a", "2021-06-30", encounters=[visit, STAY, died], features={"visits_365_1": 2, "length_of_stay": 4}
    )
    assert differences(model, example, synthetic_omop) == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project's declarations."""
    for folder in ("sources", "featurizations", "references", "models"):
        target = tmp_path / "workflows" / folder
        target.mkdir(parents=True)
        for path in (ROOT / "workflows" / folder).glob("*.py"):
            (target / path.name).write_text(path.read_text())
    return tmp_path / "workflows"


def spoiled(project: Path) -> Path:
    """The file of a model with a wrong expectation: one stay in 365 days is said to be two."""
    file = project / "models" / "readmission.py"
    text = file.read_text()
    wrong = text.replace('"count_inpatient_admission_365_1": 1', '"count_inpatient_admission_365_1": 2')
    assert wrong != text
    file.write_text(wrong)
    return file


CLUSTERS = ("ml_cpu", "etl", "nlp")


@pytest.mark.clause("P2")
def test_a_wrong_example_stops_discovery_and_so_every_deployment(project: Path):
    discover(project, clusters=CLUSTERS)
    spoiled(project)
    with pytest.raises(DeclarationError) as refused:
        discover(project, clusters=CLUSTERS)
    said = str(refused.value)
    assert "workflows/models/readmission.py: readmission: examples.the year before" in said
    assert "count_inpatient_admission_365_1 = 2 is not valid; valid: 1" in said
    assert "counted: day -365 stay" in said


def test_mlops_check_says_what_was_expected_what_came_out_and_what_counted(project: Path):
    from cli.__main__ import app

    good = CliRunner().invoke(app, ["check", str(project / "models" / "readmission.py")])
    assert good.exit_code == 0, good.output
    assert good.output.count("✓") == len(readmission.examples)
    wrong = CliRunner().invoke(app, ["check", str(spoiled(project))])
    assert wrong.exit_code == 1
    assert "count_inpatient_admission_365_1: expected 2, got 1; counted: day -365 stay" in wrong.output
    assert "1 wrong" in wrong.output


def changed(project: Path, *changes: tuple[str, str]) -> Path:
    """The file of a model in which each first text stands for what it was."""
    file = project / "models" / "readmission.py"
    text = file.read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    file.write_text(text)
    return file


def test_a_misspelt_code_in_an_example_stops_discovery_and_names_the_file(project: Path):
    changed(project, ('Occurrence("ICD10CM", "J44.1"', 'Occurrence("ICD10CM", "J441"'))
    with pytest.raises(
        DeclarationError, match=r"workflows/models/readmission\.py: .*events\.3: ICD10CM = 'J441'.*J44\.1"
    ):
        discover(project, clusters=CLUSTERS)


def test_mlops_check_counts_an_example_that_cannot_be_as_a_failure_of_its_file_and_goes_on(project: Path):
    from cli.__main__ import app

    file = changed(
        project,
        ('"any_chronic_conditions_heart_failure": 1', '"any_heart_failure": 1'),
        ('"I50.9", "2021-06-30 07:15"', '"I509", "2021-06-30 07:15"'),
    )
    found = CliRunner().invoke(app, ["check", str(file)])
    assert found.exit_code == 1
    where = "workflows/models/readmission.py: readmission"
    assert f"{where}: examples.the year before" in found.output
    assert "features = 'any_heart_failure' is not valid; valid: age, any_chronic_conditions_cancer" in found.output
    assert "ICD10CM = 'I509' is not valid; valid: I50.9" in found.output
    assert found.output.count("✓") == len(readmission.examples) - 2
    assert "2 wrong" in found.output
