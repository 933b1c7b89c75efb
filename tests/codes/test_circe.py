"""CIRCE JSON as cohorts of ours: taken whole or refused whole, and counted as SQL written by hand counts them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from jobs.codes.circe import imported, read, source_of
from jobs.codes.ohdsi import Vocabularies
from jobs.errors import TaskError
from workflows import declare
from workflows.declare import (
    Codes,
    Cohort,
    Eras,
    EventsOf,
    Exit,
    FirstOfPerson,
    InObservation,
    MinimumTimeAtRisk,
    SexIs,
    Washout,
)

GIBLEED = Path(__file__).resolve().parents[3] / "shared" / "data" / "omop_gibleed"
FOLDER = GIBLEED / "cohort_json"
given = pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/data/omop_gibleed is not on this machine")


def concept(number: Any, code: Any, vocabulary: Any = "SNOMED", **flags: Any) -> dict[str, Any]:
    return {"concept": {"CONCEPT_ID": number, "CONCEPT_CODE": code, "VOCABULARY_ID": vocabulary}, **flags}


def definition(**parts: Any) -> dict[str, Any]:
    return {
        "ConceptSets": [{"id": 3, "name": "GI bleed!", "expression": {"items": [concept(192671, "74474003")]}}],
        "PrimaryCriteria": {
            "CriteriaList": [{"ConditionOccurrence": {"CodesetId": 3, "ConditionTypeExclude": False}}],
            "ObservationWindow": {"PriorDays": 0, "PostDays": 0}, "PrimaryCriteriaLimit": {"Type": "All"},
        },
        "QualifiedLimit": {"Type": "First"}, "ExpressionLimit": {"Type": "All"}, "InclusionRules": [],
        "CensoringCriteria": [], "CollapseSettings": {"CollapseType": "ERA", "EraPad": 0}, "CensorWindow": {},
        "cdmVersionRange": ">=5.0.0",
    } | parts  # fmt: skip


BLEED = EventsOf(concepts=Codes("gi_bleed", (("SNOMED", "74474003"),)), table="condition_occurrence")
BEFORE = {
    "Criteria": {"ObservationPeriod": {}},
    "StartWindow": {"Start": {"Coeff": -1}, "End": {"Days": 90, "Coeff": -1}, "UseEventEnd": False},
    "EndWindow": {"Start": {"Days": 0, "Coeff": 1}, "End": {"Coeff": 1}, "UseEventEnd": True},
    "Occurrence": {"Type": 2, "Count": 1},
}
WOMEN = {
    "Type": "ALL",
    "CriteriaList": [],
    "DemographicCriteriaList": [{"Gender": [{"CONCEPT_ID": 8532}]}],
    "Groups": [],
}
EMPTY = {"Type": "ALL", "CriteriaList": [], "DemographicCriteriaList": [], "Groups": []}


def primary(**parts: Any) -> dict[str, Any]:
    return {"PrimaryCriteria": definition()["PrimaryCriteria"] | parts}


TAKEN: list[tuple[dict[str, Any], list[Any]]] = [
    ({}, [InObservation(), Exit(), Eras()]),
    (primary(PrimaryCriteriaLimit={"Type": "First"}), [InObservation(), FirstOfPerson(), Exit(), Eras()]),
    (primary(ObservationWindow={"PriorDays": 365, "PostDays": 30}), [Washout(days=365), MinimumTimeAtRisk(days=30), Exit(), Eras()]),
    ({"InclusionRules": [{"name": "women", "expression": WOMEN}], "ExpressionLimit": {"Type": "First"}}, [InObservation(), SexIs(sex="F"), FirstOfPerson(), Exit(), Eras()]),
    ({"InclusionRules": [{"name": "known", "expression": {"Type": "ALL", "CriteriaList": [BEFORE]}}]}, [InObservation(), Washout(days=90), Exit(), Eras()]),
    ({"EndStrategy": {"DateOffset": {"DateField": "StartDate", "Offset": 7}}, "CollapseSettings": {"CollapseType": "ERA", "EraPad": 30}}, [InObservation(), Exit(days=7), Eras(gap=30)]),
    # "public String type = \"First\"" of circe-be's ResultLimit: one that is left out is no other.
    (primary(PrimaryCriteriaLimit={}), [InObservation(), FirstOfPerson(), Exit(), Eras()]),
    ({"ExpressionLimit": {}}, [InObservation(), FirstOfPerson(), Exit(), Eras()]),
    ({"AdditionalCriteria": EMPTY, "QualifiedLimit": {}}, [InObservation(), FirstOfPerson(), Exit(), Eras()]),
    ({"AdditionalCriteria": EMPTY}, [InObservation(), FirstOfPerson(), Exit(), Eras()]),
    ({"AdditionalCriteria": {}, "InclusionRules": [{"name": "women", "expression": WOMEN}], "ExpressionLimit": {"Type": "First"}}, [InObservation(), FirstOfPerson(), SexIs(sex="F"), FirstOfPerson(), Exit(), Eras()]),
    ({"AdditionalCriteria": EMPTY, **primary(PrimaryCriteriaLimit={"Type": "First"})}, [InObservation(), FirstOfPerson(), Exit(), Eras()]),
    ({"AdditionalCriteria": EMPTY, "QualifiedLimit": {"Type": "All"}}, [InObservation(), Exit(), Eras()]),
    ({"AdditionalCriteria": None}, [InObservation(), Exit(), Eras()]),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "steps"), TAKEN)
def test_what_is_supported_becomes_steps_and_the_printed_declaration_is_the_same_value(parts, steps):
    found = read(definition(**parts))
    assert found.unknown == ()
    assert found.cohort == Cohort(entry=BLEED, steps=steps)
    assert eval(source_of(found.cohort), vars(declare)) == found.cohort


def items(*some: dict[str, Any]) -> dict[str, Any]:
    return {"ConceptSets": [{"id": 3, "name": "s", "expression": {"items": list(some)}}]}


def rule(**group: Any) -> dict[str, Any]:
    return {"InclusionRules": [{"name": "r", "expression": {"Type": "ALL", **group}}]}


def sets(*some: Any) -> dict[str, Any]:
    return {"ConceptSets": [{"id": 3, "name": "s", "expression": one} for one in some]}


HERE, GROUP = "$.PrimaryCriteria.CriteriaList[0]", "$.InclusionRules[0].expression"
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"Surprise": 1}, "$.Surprise = 1", "ConceptSets"),
    (primary(PrimaryCriteriaLimit={"Type": None}), "$.PrimaryCriteria.PrimaryCriteriaLimit.Type = null", "All, First"),
    ({"Surprise": 0}, "$.Surprise = 0", "ConceptSets"),
    ({"ConceptSets": 3}, "$.ConceptSets = 3", "a list"),
    ({"ConceptSets": [3]}, "$.ConceptSets[0] = 3", "an object"),
    ({"ConceptSets": [{"id": "3"}]}, '$.ConceptSets[0].id = "3"', "a whole number"),
    ({"ConceptSets": [{"id": 3, "name": 5}]}, "$.ConceptSets[0].name = 5", "a text"),
    ({"InclusionRules": 4}, "$.InclusionRules = 4", "a list"),
    ({"InclusionRules": [4]}, "$.InclusionRules[0] = 4", "an object"),
    ({"EndStrategy": False}, "$.EndStrategy = false", "an object"),
    ({"AdditionalCriteria": False}, "$.AdditionalCriteria = false", "an object"),
    ({"CensoringCriteria": ""}, '$.CensoringCriteria = ""', "a list"),
    (primary(CriteriaList=5), "$.PrimaryCriteria.CriteriaList = 5", "a list"),
    (primary(CriteriaList=[{"ConditionOccurrence": {"CodesetId": False}}]), f"{HERE}.ConditionOccurrence.CodesetId = false", "a whole number"),
    (primary(ObservationWindow=7), "$.PrimaryCriteria.ObservationWindow = 7", "an object"),
    (rule(CriteriaList=5), f"{GROUP}.CriteriaList = 5", "a list"),
    (rule(DemographicCriteriaList=5), f"{GROUP}.DemographicCriteriaList = 5", "a list"),
    (rule(DemographicCriteriaList=[{"Gender": 5}]), f"{GROUP}.DemographicCriteriaList[0].Gender = 5", "a list"),
    (rule(DemographicCriteriaList=[{"Gender": [5, {"CONCEPT_ID": 8532}]}]), f"{GROUP}.DemographicCriteriaList[0].Gender[0] = 5", "an object"),
    (rule(DemographicCriteriaList=[{"Gender": [{"CONCEPT_ID": [8532]}]}]), f"{GROUP}.DemographicCriteriaList[0].Gender[0].CONCEPT_ID = [8532]", "a whole number"),
    (rule(CriteriaList=[BEFORE | {"StartWindow": BEFORE["StartWindow"] | {"End": {"Days": 99_999, "Coeff": -1}}}]), f"{GROUP}.CriteriaList[0].StartWindow.End.Days = 99999", "36,500"),
    (rule(CriteriaList=[BEFORE | {"Occurrence": {"Type": 2, "Count": True}}]), f"{GROUP}.CriteriaList[0] = ", "days of observation"),
    (sets("x"), '$.ConceptSets[0].expression = "x"', "an object"),
    (sets({"items": 3}), "$.ConceptSets[0].expression.items = 3", "a list"),
    (items({"concept": "x"}), '$.ConceptSets[0].expression.items[0].concept = "x"', "an object"),
    (items(concept([1], "74474003")), "$.ConceptSets[0].expression.items[0].concept.CONCEPT_ID = [1]", "a whole number"),
    (items(concept(1, "74474003", ["SNOMED"])), '$.ConceptSets[0].expression.items[0].concept.VOCABULARY_ID = ["SNOMED"]', "a text"),
    (items(concept(1, 74474003)), "$.ConceptSets[0].expression.items[0].concept.CONCEPT_CODE = 74474003", "a text"),
    (items(concept(1, "74474003", isExcluded="false")), '$.ConceptSets[0].expression.items[0].isExcluded = "false"', "true or false"),
    ({"PrimaryCriteria": None}, "$.PrimaryCriteria = null", "an object"),
    (primary(CriteriaList=[{"VisitOccurrence": {"CodesetId": 3}}]), f"{HERE} = ", "ConditionOccurrence"),
    (primary(CriteriaList=[{"ConditionOccurrence": {"CodesetId": 3, "First": True}}]), f"{HERE}.ConditionOccurrence.First = true", "CodesetId"),
    (primary(CriteriaList=[{"ConditionOccurrence": {"CodesetId": 3, "Age": {"Value": 18, "Op": "gte"}}}]), f"{HERE}.ConditionOccurrence.Age = ", "CodesetId"),
    (primary(CriteriaList=[{"ConditionOccurrence": {}}]), f"{HERE}.ConditionOccurrence.CodesetId = null", "the id of a concept set"),
    (primary(CriteriaList=[{"ConditionOccurrence": {"CodesetId": 9}}]), f"{HERE}.ConditionOccurrence.CodesetId = 9", "concept set: 3"),
    (primary(CriteriaList=[{"ConditionOccurrence": {"CodesetId": 3}}, {"DrugExposure": {"CodesetId": 3}}]), "$.PrimaryCriteria.CriteriaList = [", "one domain"),
    (primary(PrimaryCriteriaLimit={"Type": "Last"}), '$.PrimaryCriteria.PrimaryCriteriaLimit.Type = "Last"', "All, First"),
    (primary(ObservationWindow={"PriorDays": -1}), "$.PrimaryCriteria.ObservationWindow.PriorDays = -1", "from 0"),
    ({"AdditionalCriteria": {"Type": "ANY", "CriteriaList": [BEFORE]}}, "$.AdditionalCriteria = ", "none"),
    ({"CensoringCriteria": [{"Death": {}}]}, "$.CensoringCriteria = ", "none"),
    # Its concept set is of causes, and a fact of a death has none.
    (primary(CriteriaList=[{"Death": {"CodesetId": 3}}]), f"{HERE} = ", "ConditionOccurrence"),
    ({"CensorWindow": {"StartDate": "2010-01-01"}}, "$.CensorWindow = ", "none"),
    ({"EndStrategy": {"CustomEra": {"GapDays": 30}}}, "$.EndStrategy.CustomEra = ", "DateOffset"),
    ({"EndStrategy": {"DateOffset": {"DateField": "EndDate", "Offset": 1}}}, '$.EndStrategy.DateOffset.DateField = "EndDate"', "StartDate"),
    ({"CollapseSettings": {"CollapseType": "OTHER"}}, '$.CollapseSettings.CollapseType = "OTHER"', "ERA"),
    (rule(Groups=False), f"{GROUP}.Groups = false", "a list"),
    (rule(Groups=[WOMEN]), f"{GROUP}.Groups = ", "none"),
    (rule(CriteriaList=[BEFORE | {"Occurrence": {"Type": 0, "Count": 0}}]), f"{GROUP}.CriteriaList[0] = ", "days of observation"),
    (rule(DemographicCriteriaList=[{"Age": {"Value": 18, "Op": "gte"}}]), f"{GROUP}.DemographicCriteriaList[0].Age = ", "Gender"),
    ({"InclusionRules": [{"name": "r", "expression": WOMEN | {"Type": "ANY"}}]}, f'{GROUP}.Type = "ANY"', "ALL"),
    (items(), "$.ConceptSets[0].expression.items = []", "at least one"),
    (items(concept(1, "74474003", includeDescendants=True)), "$.ConceptSets[0].expression.items[0].includeDescendants = true", "--reference"),
    (items(concept(1, "74474003", isExcluded=True)), "$.ConceptSets[0].expression.items = []", "not excluded"),
    (items(concept(1, "X", "Nebraska Lexicon")), '$.ConceptSets[0]: concept 1 = "Nebraska Lexicon:X"', "SNOMED"),
    (items(concept(1, "I50", "ICD10CM")), "$.ConceptSets[0]: concept 1: includeDescendants = false", "below its dot"),
    (items(concept(1, "I50.9", "ICD10CM", isExcluded=True), concept(2, "74474003")), "$.ConceptSets[0].expression.items[0].isExcluded = true", "below its dot"),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "said", "valid"), REFUSED, ids=[said for _, said, _ in REFUSED])
def test_what_is_not_supported_is_refused_by_path_value_and_what_is_valid(parts, said, valid):
    found = read(definition(**parts))
    assert found.cohort is None, "a part of a definition is another cohort"
    (one,) = [one for one in found.unknown if str(one).startswith(said)]
    assert valid in str(one)


def test_everything_unknown_is_named_at_once():
    parts = {"Surprise": 1, "EndStrategy": {"CustomEra": {"GapDays": 30}}, "CensoringCriteria": [{"Death": {}}]}
    paths = {one.path for one in read(definition(**parts)).unknown}
    assert paths == {"$.Surprise", "$.EndStrategy.CustomEra", "$.CensoringCriteria"}
    assert read([1]).unknown[0].path == "$"


def test_descendants_and_exclusions_are_resolved_and_what_the_vocabularies_lack_is_said():
    known = Vocabularies(
        {1: ("SNOMED", "1000001"), 2: ("SNOMED", "1000002"), 3: ("SNOMED", "1000003")}, {1: frozenset({1, 2, 3, 4})}, {}
    )
    given_items = items(
        concept(1, "1000001", includeDescendants=True), concept(3, "1000003", isExcluded=True)
    )  # fmt: skip
    found = read(definition(**given_items), known)
    assert found.cohort is not None
    assert isinstance(found.cohort.entry, EventsOf)
    assert found.cohort.entry.concepts == Codes("s", (("SNOMED", "1000001"), ("SNOMED", "1000002")))
    assert found.notes == ("$.ConceptSets[0]: 1 descendants have no row in concept and are left out",)


@given
def test_of_the_published_definitions_all_but_one_import_and_that_names_its_field():
    outcome = {}
    for file in sorted(FOLDER.glob("*.json")):
        try:
            found = imported(file, GIBLEED if 'includeDescendants": true' in file.read_text() else None)
            assert found.cohort is not None
            assert eval(source_of(found.cohort), vars(declare)) == found.cohort
            outcome[file.name] = len(found.cohort.steps)
        except TaskError as error:
            outcome[file.name] = str(error)
    refused = {name: text for name, text in outcome.items() if isinstance(text, str)}
    assert len(outcome) == 9
    assert list(refused) == ["deep_vein_thrombosis_01.json"]
    (line,) = refused["deep_vein_thrombosis_01.json"].splitlines()[1:]
    assert line.strip() == (
        "$.PrimaryCriteria.CriteriaList[1].ConditionOccurrence.ConditionSourceConcept = 16 is not supported; "
        "valid: CodesetId"
    )


@given
def test_the_command_prints_the_declaration_or_fails_with_everything_unknown(tmp_path: Path):
    answer = CliRunner().invoke(app, ["cohort", "import", str(FOLDER / "viral_sinusitus.json")])
    assert answer.exit_code == 0
    assert eval(answer.output, vars(declare)) == imported(FOLDER / "viral_sinusitus.json").cohort
    answer = CliRunner().invoke(app, ["cohort", "import", str(FOLDER / "deep_vein_thrombosis_01.json")])
    assert isinstance(answer.exception, TaskError)
    broken = tmp_path / "half.json"
    broken.write_text(json.dumps(definition())[:-9])
    with pytest.raises(TaskError, match=r"half.json is not a JSON file that can be read"):
        imported(broken)


def test_a_concept_set_of_two_criteria_is_refused_once():
    criteria = [{"ConditionOccurrence": {"CodesetId": 3}}] * 2
    (one,) = read(definition(**primary(CriteriaList=criteria), **items(concept(1, "74474003", isExcluded=1)))).unknown
    assert one.path == "$.ConceptSets[0].expression.items[0].isExcluded"


@pytest.mark.parametrize("levels", [60, 900, 100_000])
def test_a_file_that_is_nested_too_deeply_is_refused_by_name(tmp_path: Path, levels: int):
    file = tmp_path / "deep.json"
    file.write_text('{"CensorWindow": ' + '{"a": ' * levels + "1" + "}" * levels + "}")
    with pytest.raises(TaskError, match=r"deep.json is nested too deeply; valid: 50 levels"):
        imported(file)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path):
    file = tmp_path / "marked.json"
    file.write_text(json.dumps(definition()), encoding="utf-8-sig")
    assert imported(file) == read(definition())
