"""Concept sets of OHDSI's tools by the vocabularies beside GiBleed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.codes.ohdsi import imported, written
from jobs.errors import TaskError
from workflows.concept_sets import lines_of, resolved

GIBLEED = Path(__file__).resolve().parents[3] / "shared" / "data" / "omop_gibleed"
given = pytest.mark.skipif(not GIBLEED.is_dir(), reason="../shared/data/omop_gibleed is not on this machine")


# GiBleed's vocabularies: 192671 is gastrointestinal hemorrhage, to which K92.2 maps; ethinyl estradiol (1549786) has 9
# descendants there, itself included.
def expression(*items: dict) -> str:
    return json.dumps({"items": list(items)})


def item(concept: int, **flags: bool) -> dict:
    return {"concept": {"CONCEPT_ID": concept, "CONCEPT_NAME": "any"}, **flags}


@given
@pytest.mark.clause("F4")
def test_a_concept_set_of_ohdsi_becomes_lines_with_descendants_mapped_codes_and_exclusions(tmp_path):
    import pyarrow.parquet as pq

    file = tmp_path / "set.json"
    ancestor = pq.read_table(GIBLEED / "concept_ancestor.parquet").to_pylist()
    code = {row["concept_id"]: row["concept_code"] for row in pq.read_table(GIBLEED / "concept.parquet").to_pylist()}
    below = {r["descendant_concept_id"] for r in ancestor if r["ancestor_concept_id"] == 1549786} | {1549786}
    below &= code.keys()

    def codes(*items: dict) -> set[tuple[str, str]]:
        file.write_text(expression(*items))
        return {(one.vocabulary_id, one.code) for one in imported(file, GIBLEED, "some").concepts}

    assert len(below) == 9
    assert codes(item(1549786)) == {("RxNorm", code[1549786])}
    everything = codes(item(1549786, includeDescendants=True))
    assert {found for _, found in everything} == {code[one] for one in below}
    gone = sorted(below - {1549786})[0]
    without = codes(item(gone, isExcluded=True), item(1549786, includeDescendants=True))
    assert everything - without == {("RxNorm", code[gone])}
    assert codes(item(192671, includeMapped=True)) == {("SNOMED", "74474003"), ("ICD10CM", "K92.2")}

    file.write_text(expression(item(192671, includeMapped=True)))
    (tmp_path / "bleed.csv").write_text(written(imported(file, GIBLEED, "bleed").concepts))
    again = resolved(lines_of(tmp_path / "bleed.csv"), "bleed")
    assert again == imported(file, GIBLEED, "bleed").concepts


@given
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (expression(item(999_999_999)), "concept 999999999 is not in the vocabularies"),
        (expression(item(192671, includeSiblings=True)), "includeSiblings is not supported; valid: isExcluded"),
        (expression(item(192671, isExcluded="yes")), "isExcluded is not true or false"),
        (expression(item(192671, isExcluded=True)), "everything is excluded"),
        (expression({"concept": {}}), "item 1: concept.CONCEPT_ID is missing"),
        ("{}", "has no items"),
        ("{", "is not a JSON file"),
    ],
)
def test_a_concept_set_of_ohdsi_that_says_more_than_is_understood_is_refused_by_name(tmp_path, text, said):
    file = tmp_path / "set.json"
    file.write_text(text)
    with pytest.raises(TaskError) as raised:
        imported(file, GIBLEED, "some")
    assert said in str(raised.value)
