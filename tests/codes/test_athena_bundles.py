"""Bundles of vocabularies as text, and what a concept set becomes by them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.codes.circe import read
from jobs.codes.ohdsi import imported, vocabularies
from jobs.errors import TaskError

CONCEPT = "concept_id\tvocabulary_id\tconcept_class_id\tconcept_code\tvalid_end_date\tinvalid_reason"
ANCESTOR = "ancestor_concept_id\tdescendant_concept_id"
RELATIONSHIP = "concept_id_1\tconcept_id_2\trelationship_id\tinvalid_reason"
CODES = {1: "I50", 2: "I50.1", 3: "I50.2", 4: "I50.9", 5: "I50.20", 6: "J44"}


def bundle(folder: Path, **texts: str) -> Path:
    """I50 with what is below it, to which a finding of SNOMED is mapped; by table, another text."""
    concepts = [f"{number}\tICD10CM\tany\t{code}\t20991231\t" for number, code in CODES.items()]
    tables = {
        "concept": "\n".join([CONCEPT, *concepts, "7\tSNOMED\tany\t84114007\t20991231\t"]) + "\n",
        "concept_ancestor": "\n".join([ANCESTOR, *(f"1\t{one}" for one in range(1, 6)), "3\t3", "3\t5"]) + "\n",
        "concept_relationship": f"{RELATIONSHIP}\n1\t7\tMaps to\t\n",
    }
    for name, text in (tables | texts).items():
        (folder / f"{name.upper()}.csv").write_text(text)
    return folder


def item(number: int, **flags: bool) -> dict[str, Any]:
    concept = {"CONCEPT_ID": number, "VOCABULARY_ID": "SNOMED", "CONCEPT_CODE": "84114007"}
    if number in CODES:
        concept |= {"VOCABULARY_ID": "ICD10CM", "CONCEPT_CODE": CODES[number]}
    return {"concept": concept, **flags}


def codes_of(folder: Path, *items: dict[str, Any]) -> list[str]:
    file = folder / "set.json"
    file.write_text(json.dumps({"items": items}))
    return [one.code for one in imported(file, bundle(folder), "some")]


WHOLE = item(1, includeDescendants=True)
TOO_MUCH = [
    ([WHOLE, item(4, isExcluded=True)], "I50", "I50.9"),
    ([WHOLE, item(5, isExcluded=True)], "I50.2|I50", "I50.20"),
    ([item(1)], "I50", "I50.1"),
    ([item(3)], "I50.2", "I50.20"),
    ([item(7, includeMapped=True)], "I50", "I50.1"),
]


@pytest.mark.clause("F4")
@pytest.mark.parametrize(("items", "code", "below"), TOO_MUCH)
def test_a_code_that_would_stand_for_one_that_the_set_leaves_out_is_refused(tmp_path, items, code, below):
    said = rf"set\.json: ICD10CM ({code}) stands for every code below it, and {below} is not in the set; valid: "
    with pytest.raises(TaskError, match=said):
        codes_of(tmp_path, *items)


@pytest.mark.clause("F4")
@pytest.mark.parametrize(
    ("items", "wanted"),
    [
        ([WHOLE], ["I50", "I50.1", "I50.2", "I50.20", "I50.9"]),
        ([WHOLE, item(1, isExcluded=True)], ["I50.1", "I50.2", "I50.20", "I50.9"]),
        ([WHOLE, item(1, isExcluded=True), item(3, isExcluded=True, includeDescendants=True)], ["I50.1", "I50.9"]),
        ([item(4), item(6)], ["I50.9", "J44"]),
        ([item(7)], ["84114007"]),
    ],
)
def test_a_code_with_all_or_nothing_below_it_is_taken(tmp_path, items, wanted):
    assert codes_of(tmp_path, *items) == wanted


def test_a_cohort_definition_refuses_a_mapped_code_that_would_stand_for_more(tmp_path):
    definition = {
        "ConceptSets": [{"id": 0, "name": "s", "expression": {"items": [item(7, includeMapped=True)]}}],
        "PrimaryCriteria": {"CriteriaList": [{"ConditionOccurrence": {"CodesetId": 0}}]},
    }
    (one,) = read(definition, vocabularies(bundle(tmp_path))).unknown
    assert str(one) == (
        '$.ConceptSets[0]: ICD10CM I50 = "I50" is not supported; valid: no code that stands for I50.1, which is not kept'
    )
