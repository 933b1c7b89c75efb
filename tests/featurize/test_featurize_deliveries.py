"""A delivered folder is recognised as a source, or one line says what was looked for."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from workflows.concept_sets import collections, concepts, expanded, set_names
from workflows.deliveries import DeliveryError, opened, recognise
from workflows.errors import DeclarationError
from workflows.sources import named, names
from workflows.sources.synthetic_omop import synthetic_omop
from workflows.sources.uci130 import uci130

pytestmark = pytest.mark.clause("9")
MEMBER = "dataset_diabetes/diabetic_data.csv"


def zipped(folder: Path, member: str = MEMBER) -> Path:
    path = folder / "dataset_diabetes.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, "encounter_id,patient_nbr\n" + "1,2\n" * 2000)
    return path


def test_a_folder_is_recognised_by_its_files(tmp_path: Path):
    zipped(tmp_path)
    assert recognise(tmp_path).name == "uci130"
    with opened(uci130.deliveries[0], tmp_path) as stream:
        assert stream.readline() == b"encounter_id,patient_nbr\n"


def test_of_a_source_inside_another_the_one_is_recognised_of_which_most_is_there(tmp_path: Path):
    for delivery in named("omop").deliveries:
        (tmp_path / delivery.files[1]).touch()
    assert recognise(tmp_path).name == "omop"
    (tmp_path / "concept.csv").unlink()
    assert recognise(tmp_path).name == "synthetic_omop", "its four tables are still there"


def test_a_folder_that_is_no_source_names_what_was_looked_for_in_one_line(tmp_path: Path):
    (tmp_path / "person.csv").touch()
    with pytest.raises(DeliveryError) as failure:
        recognise(tmp_path)
    text = str(failure.value)
    assert "\n" not in text
    for wanted in ("synthetic_omop", "visit_occurrence.csv", "uci130", "dataset_diabetes.zip"):
        assert wanted in text


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(DeliveryError, match="nowhere is not a folder"):
        recognise(tmp_path / "nowhere")


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_truncated_zip_is_one_clear_line(tmp_path: Path, kept: float):
    path = zipped(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(
        DeliveryError, match=r"dataset_diabetes\.zip is not a whole zip file .*; deliver it again"
    ) as failure:
        recognise(tmp_path)
    assert "\n" not in str(failure.value)


def test_a_zip_with_a_flipped_byte_is_refused(tmp_path: Path):
    path = zipped(tmp_path)
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DeliveryError, match="deliver it again"):
        recognise(tmp_path)


def test_a_zip_without_its_member_says_what_it_holds(tmp_path: Path):
    zipped(tmp_path, "other.csv")
    with pytest.raises(DeliveryError, match=f"holds no {MEMBER}; it holds other.csv"):
        recognise(tmp_path)


def test_sources_are_found_by_name_and_an_unknown_one_lists_them():
    assert names() == tuple(sorted(named(name).name for name in names()))
    assert [named(name) for name in ("synthetic_omop", "uci130")] == [synthetic_omop, uci130]
    with pytest.raises(DeclarationError, match=r"valid: .*synthetic_omop.*, uci130"):
        named("truveta")


def test_ranges_of_codes_are_expanded_and_a_wrong_range_is_refused():
    assert expanded("001-003") == ["001", "002", "003"]
    assert expanded("E998-E999") == ["E998", "E999"]
    assert expanded("I11.0") == ["I11.0"]
    for wrong in ("009-001", "E1-V2", "1-20"):
        with pytest.raises(DeclarationError, match="a range of codes"):
            expanded(wrong)


def test_icd9_chapters_cover_every_category_once():
    codes = [concept.code for concept in concepts("icd9_chapters")]
    assert len(codes) == len(set(codes)) == 999 + 1000 + 91
    assert {concept.vocabulary_id for concept in concepts("icd9_chapters")} == {"ICD9CM"}


def test_the_collections_of_every_source_exist_and_an_unknown_one_lists_them():
    for name in names():
        for collection in named(name).collections:
            assert set_names(collection)
    with pytest.raises(DeclarationError, match="charlson, chronic_conditions, icd9_chapters"):
        concepts("ccs")
    assert collections() == ("charlson", "chronic_conditions", "icd9_chapters")
