"""Discovery checks what one file cannot know: references, duplicates, cycles; and it knows the file."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from workflows import sources
from workflows.discover import discover
from workflows.errors import DeclarationError

HEAD = "from workflows.declare import *\nfrom workflows.contract import *; from workflows.source import *\n"
SOURCE = """
hospital = Source(
    name="hospital", title="A hospital", time={time!r},
    deliveries=(Delivery(table="stay", files=("stay.csv",)),),
    contracts=(Contract(table="stay", meaning="Stays.", key=("stay_id",),
                        columns=(Column(name="stay_id", type="string", meaning="Id.", nullable=False),)),),
    persons=Persons(table="stay", person_id="p", sex="s"),
    encounters=Encounters(table="stay", person_id="p", visit_occurrence_id="stay_id", order="stay_id",
                          inpatient="true", not_at_risk="false", start="a", end="b",
                          attributes=(("length_of_stay", "los"),), outcomes=(("readmitted", "r"),)),
    events=(), collections=("chronic_conditions",),
)
"""
FACTS = 'facts = Featurization(name="facts", source="hospital", cluster="ml_cpu")\n'
MODEL = """
model = Model(
    name="readmission", question="Who?", source="hospital", cohort=InpatientStays(),
    outcome=Event("inpatient_admission", time_at_risk=days(1, 30)), features=[Demographics()],
    method=LogisticRegression(), cluster="ml_cpu", gates=[AtLeast("auroc", 0.6)])
"""

CODED = SOURCE.format(time="calendar").replace(
    "events=()",
    'events=(Events(table="stay", person_id="p", visit_occurrence_id="stay_id", vocabulary="\'ICD10CM\'", code="c"),)',
)


@pytest.fixture
def house(tmp_path: Path):
    """Writes files under a root of their own and discovers them; by default all is well."""

    def build(time: str = "calendar", **files: str):
        texts = {
            "sources/hospital": SOURCE.format(time=time),
            "featurizations/facts": FACTS,
            "models/model": MODEL,
        } | {name.replace("__", "/"): text for name, text in files.items()}
        for name, text in texts.items():
            path = tmp_path / "workflows" / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(HEAD + textwrap.dedent(text))
        return discover(tmp_path / "workflows", clusters=["ml_cpu"])

    return build


def test_a_new_file_is_all_that_a_new_model_needs(house):
    catalogue = house(models__second=MODEL.replace('"readmission"', '"second"'))
    assert list(catalogue.models) == ["readmission", "second"]
    assert catalogue.files["declaration:second"] == "workflows/models/second.py"


def test_a_model_is_found_by_each_variable_that_stands_for_it_wherever_else_it_is(house):
    text = (
        MODEL
        + """
second, third = (replace(model, name=name) for name in ("second", "third"))
every = [model, second]
names = [model.name for model in every]
def named(name):
    model = replace(second, name=name)
    return model
"""
    )
    assert list(house(models__model=text).models) == ["readmission", "second", "third"]


def test_the_projects_own_declarations_are_sound():
    catalogue = discover(clusters=["ml_cpu"])
    assert {"readmission", "readmission_uci130"} <= set(catalogue.models)
    assert {"synthetic_omop", "uci130"} <= set(catalogue.sources)


BAD = [
    # files that differ from the good ones, file, field, value and what the error offers
    ({"models__model": MODEL.replace('source="hospital"', 'source="hopsital"')}, "workflows/models/model.py", "source", "hopsital", "hospital"),
    ({"models__model": MODEL.replace('"ml_cpu"', '"ml_gpu"')}, "workflows/models/model.py", "cluster", "ml_gpu", "ml_cpu"),
    ({"featurizations__facts": FACTS.replace('"ml_cpu"', '"tiny"')}, "workflows/featurizations/facts.py", "cluster", "tiny", "ml_cpu"),
    ({"featurizations__facts": FACTS.replace('"hospital"', '"clinic"')}, "workflows/featurizations/facts.py", "source", "clinic", "hospital"),
    ({"featurizations__facts": FACTS.replace(")", ', tables=("fact_pet",))')}, "workflows/featurizations/facts.py", "tables", "fact_pet", "fact_person"),
    ({"references__codes": 'codes = Reference(name="codes", cluster="ml_cpu", collections=("rare",))'}, "workflows/references/codes.py", "collections", "rare", "chronic_conditions"),
    ({"references__codes": 'codes = Reference(name="codes", cluster="tiny")'}, "workflows/references/codes.py", "cluster", "tiny", "ml_cpu"),
    ({"references__codes": 'codes = Reference(name="facts", cluster="ml_cpu")'}, "workflows/featurizations/facts.py", "name", "facts", "workflows/references/codes.py"),
    ({"references__codes": 'codes = Reference(name="codes", cluster="ml_cpu", folder="../else")'}, "workflows/references/codes.py:3", "name", "../else", "lower-case"),
    ({"featurizations__facts": FACTS.replace(")", ', tables=("note_clean",))')}, "workflows/featurizations/facts.py", "tables", ["note_clean"], "with those before it: note, note_clean"),
    ({"featurizations__facts": FACTS.replace(")", ', tables=("note",))')}, "workflows/featurizations/facts.py", "tables", ["note"], "hospital declares none"),
    ({"sources__hospital": SOURCE.format(time="calendar").replace("events=()", 'notes=Notes(table="letter", key="a", person_id="b", written="c", text="d"), events=()')}, "workflows/sources/hospital.py:4", "contracts", "letter", "stay"),
    ({"models__model": MODEL.replace("Demographics()", 'AtIndex("shoe_size", because="seen")')}, "workflows/models/model.py", "features.shoe_size", "shoe_size", "length_of_stay"),
    # How long a stay will be is not known when it begins.
    ({"models__model": MODEL.replace("InpatientStays()", 'Cohort(entry=InpatientStays("admission"))').replace("Demographics()", 'AtIndex("length_of_stay", because="known")')}, "workflows/models/model.py", "features.length_of_stay", "length_of_stay", "no attribute: what is known at admission, or InpatientStays(index='discharge')"),
    ({"sources__hospital": SOURCE.format(time="calendar").replace("outcomes=(", 'at_end=("los",), outcomes=(')}, "workflows/sources/hospital.py:10", "at_end", "los", "length_of_stay"),
    ({"sources__hospital": CODED.replace('code="c"', 'code="c", unit="max(u) OVER ()"')}, "workflows/sources/hospital.py", "events.stay.unit", "max(u) OVER ()", "a window function sees rows of later times"),
    # A person's sex that is the outcome.
    ({"sources__hospital": SOURCE.format(time="calendar").replace("nullable=False),", 'nullable=False), Column(name="r", type="string", meaning="Outcome."),').replace('sex="s"', 'sex="r"'), "models__model": MODEL.replace('Event("inpatient_admission", time_at_risk=days(1, 30))', 'Recorded("readmitted", equals="1")')}, "workflows/models/model.py", "features.demographics", "r", "take r out of persons.sex = 'r'"),
    ({"models__model": MODEL.replace("Demographics()", 'AnyOf("rare", window=days(-9, -1))')}, "workflows/models/model.py", "features.any_rare", "rare", "chronic_conditions"),
    ({"models__model": MODEL.replace("Demographics()", 'AnyOf("chronic_conditions", days(-9, -1), in_observation=True)')}, "workflows/models/model.py", "features.any_chronic_conditions", "in_observation=True", "fact_observation_period"),
    ({"models__model": MODEL.replace("Demographics()", 'MeanOf("chronic_conditions", days(-9, -1), unit="mg/dL")')}, "workflows/models/model.py", "features.mean_chronic_conditions_9_1", "unit=('mg/dl',)", "no unit: hospital has none"),
    ({"models__model": MODEL.replace("Demographics()", 'CountOf("inpatient_admission", days(-9, -1), rule="overlap")')}, "workflows/models/model.py", "features.count_inpatient_admission_9_1", "inpatient_admission", "a concept set"),
    ({"models__model": MODEL.replace("Demographics()", 'AtIndex("length_of_stay", because="known"), Derived("old", "at_least", ("age",), threshold=65)')}, "workflows/models/model.py", "features.old", "age", "length_of_stay"),
    ({"models__model": MODEL.replace("Demographics()", 'Demographics(), AtIndex("length_of_stay", because="known"), Derived("sex", "at_least", ("length_of_stay",), threshold=1)')}, "workflows/models/model.py", "features", "sex", "two features make it"),
    ({"models__model": MODEL.replace("Demographics()", 'CountOf("inpatient_admission.urgent", days(-9, -1))')}, "workflows/models/model.py", "features.count_inpatient_admission_urgent_9_1", "inpatient_admission.urgent", "inpatient_admission"),
    # No row can have such a code: each would be a feature that is always 0.
    *(
        ({"sources__hospital": CODED, "models__model": MODEL.replace("Demographics()", f'AnyOf(Codes("hf", ({pair},)), days(-9, -1))')},
         "workflows/models/model.py", field, value, valid)
        for pair, field, value, valid in (
            (("ICD10", "I50"), "Codes 'hf'", "ICD10", "ICD10CM"),
            (("ICD10CM", "I509"), "ICD10CM", "I509", "I50.9"),
            (("ICD10CM", "i50.9"), "ICD10CM", "i50.9", "I50.9"),
            (("ICD10CM", "I50.9I51.0"), "ICD10CM", "I50.9I51.0", "a code such as I50.9"),
        )
    ),
    ({"models__model": MODEL.replace("Event(\"inpatient_admission\"", 'Event(Codes("x", (("ICD10CM", "E11"),))').replace("Demographics()", 'AnyOf(Codes("x", (("ICD10CM", "I50"),)), days(-9, -1))')}, "workflows/models/model.py", "x", "ICD10CM:E11", "x is ICD10CM:I50 elsewhere"),
    ({"models__model": MODEL.replace('"inpatient_admission"', '"moon_landing"')}, "workflows/models/model.py", "outcome", "moon_landing", "inpatient_admission"),
    ({"models__model": MODEL.replace('"inpatient_admission"', '"chronic_conditions"')}, "workflows/models/model.py", "outcome", "chronic_conditions", "chronic_conditions.heart_failure"),
    ({"models__model": MODEL.replace('"inpatient_admission"', '"chronic_conditions.moon"')}, "workflows/models/model.py", "outcome", "chronic_conditions.moon", "chronic_conditions.heart_failure"),
    ({"models__model": MODEL.replace("Event(\"inpatient_admission\", time_at_risk=days(1, 30))", 'Recorded("died", equals="1")')}, "workflows/models/model.py", "outcome", "died", "readmitted"),
    ({"models__model": MODEL.replace('name="readmission"', 'name="hospital_ra"')}, "workflows/models/model.py", "name", "hospital_ra", "hospital_ra"),
    ({"models__model": MODEL.replace('name="readmission"', 'name="ml"')}, "workflows/models/model.py", "name", "ml", "reference"),
    ({"models__other": MODEL}, "workflows/models/other.py", "name", "readmission", "workflows/models/model.py declares it already"),
    ({"models__other": MODEL.replace('name="readmission"', 'name="facts"')}, "workflows/models/other.py", "name", "facts", "workflows/featurizations/facts.py"),
    ({"featurizations__more": FACTS.replace('"facts"', '"more"')}, "workflows/featurizations/more.py", "tables", "fact_person", "facts writes it already (workflows/featurizations/facts.py)"),
    ({"models__model": MODEL.replace("LogisticRegression()", "LogisticRegression(c=1)")}, "workflows/models/model.py:7", "field", "c", "C"),
    ({"models__model": MODEL.replace('cluster="ml_cpu", ', "")}, "workflows/models/model.py:4", "missing fields", "'cluster'", "question, source"),
    ({"models__model": MODEL.replace("method=", "method==")}, "workflows/models/model.py:7", "SyntaxError", "positional argument follows keyword argument (model.py, line 7)", "imported"),
    ({"models__model": MODEL.replace("LogisticRegression()", "'forest'")}, "workflows/models/model.py:4", "method", "forest", "LogisticRegression, GradientBoosting"),
    ({"models__model": MODEL.replace('[AtLeast("auroc", 0.6)]', "[]")}, "workflows/models/model.py:4", "gates", (), "at least one gate"),
    ({"models__model": MODEL.replace("LogisticRegression()", "DeepThought()")}, "workflows/models/model.py:7", "NameError", "name 'DeepThought' is not defined", "imported"),
    ({"models__model": MODEL.replace("days(1, 30)", "days(30, 1)")}, "workflows/models/model.py:6", "end", 1, "30 or later"),
    ({"models__model": MODEL.replace("days(1, 30)", "days(30)")}, "workflows/models/model.py:6", "missing fields", "'end'", "all of start, end"),
    ({"models__model": MODEL.replace("days(1, 30)", "days(1, 30, 60)")}, "workflows/models/model.py:6", "values without a name", 3, "at most 2: start, end"),
    ({"models__model": MODEL.replace("InpatientStays()", "Cohort(InpatientStays())")}, "workflows/models/model.py:5", "values without a name", 1, "none; by name entry=, steps="),
    ({"models__model": MODEL.replace("InpatientStays()", "Cohort(InpatientStays(), steps=[AgeAtIndex(minimum=18)])")}, "workflows/models/model.py:5", "values without a name", 1, "none; by name entry=, steps="),
    ({"models__model": MODEL.replace("InpatientStays()", "Cohort(entry=InpatientStays(), steps=[AgeAtIndex(18)])")}, "workflows/models/model.py:5", "values without a name", 1, "none; by name minimum=, maximum="),
    ({"models__model": MODEL.replace("InpatientStays()", 'InpatientStays("discharge", index="discharge")')}, "workflows/models/model.py:5", "field", "index", "each of index, minimum_age once"),
    ({"models__model": MODEL.replace("Demographics()", "Demographics(age=18)")}, "workflows/models/model.py:6", "field", "age", "it has no field"),
    ({"models__model": MODEL.replace("LogisticRegression()", "LogisticRegression(C=Choice(values=(1, 2)))")}, "workflows/models/model.py:7", "field", "values", "*values"),
    # A model that no variable stands for would be left out, and nobody told.
    ({"models__model": MODEL + 'others = [replace(model, name="silent")]\n'}, "workflows/models/model.py:8", "variable", "others", "a variable for each Model in it (silent)"),
    ({"models__model": MODEL + 'others = {"a": (replace(model, name="silent"),)}\n'}, "workflows/models/model.py:8", "variable", "others", "silent = ..."),
    ({"models__model": MODEL + 'model = replace(model, name="second")\n'}, "workflows/models/model.py:8", "variable", "model", "one Model; it is assigned in lines 4, 8"),
    ({"models__model": MODEL + 'other = replace(model, question="Which?")\n'}, "workflows/models/model.py", "name", "readmission", "another variable of this file declares it already"),
]  # fmt: skip


@pytest.mark.clause("F7")
def test_a_source_that_nothing_transforms_to_the_core_format_is_refused(house):
    with pytest.raises(DeclarationError) as raised:
        house(featurizations__facts="", models__model="")
    assert str(raised.value) == (
        "workflows/sources/hospital.py: hospital: featurization = None is not valid; "
        "valid: one or more in featurizations/: <name> = Featurization(source='hospital', ...)"
    )


def test_a_source_whose_featurization_is_retired_stays(house):
    catalogue = house(featurizations__facts="", models__model="", retired__facts=FACTS)
    assert list(catalogue.sources) == ["hospital"]
    assert list(catalogue.retired) == ["facts"]
    assert catalogue.featurizations == {}


def test_a_retired_featurization_of_another_source_is_none_of_this_one(house):
    with pytest.raises(DeclarationError, match="hospital: featurization = None is not valid"):
        house(featurizations__facts="", models__model="", retired__facts=FACTS.replace('"hospital"', '"clinic"'))


@pytest.mark.parametrize(
    ("text", "there"),
    [
        (SOURCE.replace("hospital = ", "hospital_source = "), "hospital_source (name='hospital')"),
        (SOURCE.replace('name="hospital"', 'name="clinic"'), "hospital (name='clinic')"),
        (SOURCE + 'second = replace(hospital, name="second")\n', "hospital (name='hospital'), second (name='second')"),
        ("", None),
    ],
)  # fmt: skip
def test_a_source_is_named_as_its_file_and_its_variable(house, text, there):
    """Tasks and `mlops deliver` find a source by the name of its file, in the variable of that name."""
    with pytest.raises(DeclarationError) as raised:
        house(sources__hospital=text.format(time="calendar"))
    assert str(raised.value) == (
        f"workflows/sources/hospital.py: hospital: variable = {there!r} is not valid; valid: "
        "hospital = Source(name='hospital', ...) and no other: file, variable and name are one word"
    )


def test_who_asks_for_a_source_by_its_file_is_told_the_same(monkeypatch, tmp_path):
    (tmp_path / "clinic_of_no_name.py").write_text("county = 1\n")
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path)])
    assert "clinic_of_no_name" in sources.names()
    with pytest.raises(DeclarationError, match=r"workflows/sources/clinic_of_no_name.py: .* one word"):
        sources.named("clinic_of_no_name")


@pytest.mark.parametrize(("files", "file", "field", "value", "valid"), BAD)
def test_a_wrong_reference_is_refused_with_file_field_value_and_the_valid_ones(house, files, file, field, value, valid):
    with pytest.raises(DeclarationError) as raised:
        house(**files)
    error = raised.value
    assert (error.file, error.field, error.value) == (file, field, value)
    assert valid in str(error)
    assert file in str(error)


def test_featurizations_stand_by_name_whatever_their_files_are_called(house):
    catalogue = house(
        featurizations__a='z = Featurization(name="zeta", source="hospital", cluster="ml_cpu", tables=("fact_person",))',
        featurizations__facts='a = Featurization(name="alpha", source="hospital", cluster="ml_cpu", '
        'tables=("fact_encounter_index",))',
    )
    assert list(catalogue.featurizations) == ["alpha", "zeta"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({}, "outcome"),
        (
            {
                "models__model": MODEL.replace(
                    'Event("inpatient_admission", time_at_risk=days(1, 30))', 'Recorded("readmitted", equals="<30")'
                ).replace("Demographics()", 'CountOf("inpatient_admission", window=days(-365, -1))')
            },
            "features.count_inpatient_admission_365_1",
        ),
    ],
)
def test_days_are_refused_where_time_is_only_an_order(house, change, field):
    with pytest.raises(DeclarationError, match="only an order") as raised:
        house(time="order", **change)
    assert raised.value.field == field
