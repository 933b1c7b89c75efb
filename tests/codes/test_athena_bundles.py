"""Bundles of vocabularies as text, and what a concept set becomes by them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.codes.circe import read
from jobs.codes.files import rows
from jobs.codes.known import known_in
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


ROW = "1\tICD10CM\tany\tI50\t20991231\t\n"
BROKEN = [
    ("concept", CONCEPT.replace("invalid_reason", "why") + "\n" + ROW, r"line 1, .* columns between tabs, .*invalid_reason"),
    ("concept", f"{CONCEPT}\tconcept_id\n" + ROW[:-1] + "\t1\n", r"line 1, .* concept_id"),
    ("concept", f"{CONCEPT}\n{ROW}".replace("\t", ","), r"line 1, .* columns between tabs, among them concept_id"),
    ("concept", f"{CONCEPT}\n{ROW}x{ROW}", "line 3, .* concept_id = a whole number"),
    ("concept", f"{CONCEPT}\n{ROW}{ROW[1:]}", "line 3, .* concept_id = a whole number"),
    ("concept", f"{CONCEPT}\n{ROW}" + ROW.replace("1231", "0231"), "line 3, .* valid_end_date = a day"),
    ("concept", f"{CONCEPT}\n" + ROW.replace("20991231", "never"), "line 2, .* valid_end_date = a day"),
    ("concept", f"{CONCEPT}\n" + ROW.replace("20991231", ""), "line 2, .* valid_end_date = a day"),
    ("concept_ancestor", f"{ANCESTOR}\n1\t1\n1\t²\n", "line 3, .* descendant_concept_id = a whole number"),
    ("concept_relationship", f"{RELATIONSHIP}\n1\t\tMaps to\t\n", "line 2, .* concept_id_2 = a whole number"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "text", "said"), BROKEN)
def test_a_table_that_cannot_be_read_is_refused_by_file_line_and_column(tmp_path, table, text, said):
    folder = bundle(tmp_path, **{table: text})
    with pytest.raises(TaskError, match=rf"{table.upper()}\.csv, {said}"):
        vocabularies(folder)
    if table == "concept":
        with pytest.raises(TaskError, match=said):
            known_in(folder)


def test_a_parquet_table_without_an_id_is_refused_by_its_row(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"ancestor_concept_id": [1, 2, None], "descendant_concept_id": [1, 2, 3]}
    pq.write_table(pa.table(columns), tmp_path / "concept_ancestor.parquet")
    with pytest.raises(TaskError, match=r"concept_ancestor\.parquet, line 3, .* ancestor_concept_id = a whole number"):
        list(rows("concept_ancestor", tmp_path / "concept_ancestor.parquet"))


def item(number: int, **flags: bool) -> dict[str, Any]:
    concept = {"CONCEPT_ID": number, "VOCABULARY_ID": "SNOMED", "CONCEPT_CODE": "84114007"}
    if number in CODES:
        concept |= {"VOCABULARY_ID": "ICD10CM", "CONCEPT_CODE": CODES[number]}
    return {"concept": concept, **flags}


def codes_of(folder: Path, *items: dict[str, Any]) -> list[str]:
    file = folder / "set.json"
    file.write_text(json.dumps({"items": items}))
    return [one.code for one in imported(file, bundle(folder), "some").concepts]


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
    (one,) = read(definition_of(item(7, includeMapped=True)), vocabularies(bundle(tmp_path))).unknown
    assert str(one) == (
        '$.ConceptSets[0]: ICD10CM I50 = "I50" is not supported; valid: no code that stands for I50.1, which is not kept'
    )


# What a whole bundle has beside codes: an extension that no source records, a group of LOINC, WHO's ICD-10.
MORE = [
    (11, "RxNorm", "4603"),
    (12, "RxNorm Extension", "OMOP1"),
    (13, "LOINC", "LP14542-6"),
    (14, "LOINC", "4548-4"),
    (15, "ICD10", "I50"),
]


def more(folder: Path) -> Path:
    """A bundle in which an ingredient has a concept of an extension below it, and a finding one of WHO mapped to it."""
    concepts = [f"{one}\t{vocabulary}\tany\t{code}\t20991231\t" for one, vocabulary, code in MORE]
    return bundle(
        folder,
        concept="\n".join([CONCEPT, *concepts, "7\tSNOMED\tany\t84114007\t20991231\t"]) + "\n",
        concept_ancestor="\n".join([ANCESTOR, "11\t11", "11\t12", "13\t13", "13\t14", "14\t14", "14\t13"]) + "\n",
        concept_relationship=f"{RELATIONSHIP}\n15\t7\tMaps to\t\n",
    )


def definition_of(*items: dict[str, Any]) -> dict[str, Any]:
    return {
        "ConceptSets": [{"id": 0, "name": "s", "expression": {"items": list(items)}}],
        "PrimaryCriteria": {"CriteriaList": [{"ConditionOccurrence": {"CodesetId": 0}}]},
    }


def named(number: int, **flags: bool) -> dict[str, Any]:
    (pair,) = [(vocabulary, code) for one, vocabulary, code in [*MORE, (7, "SNOMED", "84114007")] if one == number]
    return {"concept": {"CONCEPT_ID": number, "VOCABULARY_ID": pair[0], "CONCEPT_CODE": pair[1]}, **flags}


@pytest.mark.clause("F4")
@pytest.mark.parametrize(
    ("item", "kept"),
    [
        (named(11, includeDescendants=True), ("RxNorm", "4603")),
        (named(14, includeDescendants=True), ("LOINC", "4548-4")),
        (named(7, includeMapped=True), ("SNOMED", "84114007")),
    ],
)
def test_descendants_and_mapped_concepts_that_no_source_records_are_left_out_and_counted(tmp_path, item, kept):
    file = tmp_path / "set.json"
    file.write_text(json.dumps({"items": [item]}))
    found = imported(file, more(tmp_path), "some")
    said = "1 descendants or mapped concepts are coded in no source here and are left out"
    assert [(one.vocabulary_id, one.code) for one in found.concepts] == [kept]
    assert found.notes == (f"set.json: {said}",)
    read_too = read(definition_of(item), vocabularies(tmp_path))
    assert read_too.notes == (f"$.ConceptSets[0]: {said}",)
    assert read_too.unknown == ()


@pytest.mark.clause("F4")
@pytest.mark.parametrize(
    ("number", "code", "valid"),
    [
        (12, "RxNorm Extension.OMOP1", "a code of CPT4, CVX"),
        (13, "LOINC.LP14542-6", "a code such as 4548-4"),
    ],
)
def test_a_concept_that_a_set_names_is_refused_by_its_code_and_by_what_is_wrong_with_it(tmp_path, number, code, valid):
    file = tmp_path / "set.json"
    file.write_text(json.dumps({"items": [named(number, includeDescendants=True)]}))
    with pytest.raises(TaskError, match=rf"set\.json: concept {number} = {code} is not supported; valid: {valid}"):
        imported(file, more(tmp_path), "some")
    (one,) = read(definition_of(named(number, includeDescendants=True)), vocabularies(tmp_path)).unknown
    assert valid in str(one)
