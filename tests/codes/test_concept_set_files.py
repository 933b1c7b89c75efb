"""Files of concept sets: shape, versions, ranges, and what two of them differ in."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from jobs.codes.difference import difference, named
from workflows.concept_sets import COLUMNS, collections, concepts, in_version, lines_of, resolved
from workflows.errors import DeclarationError

HEAD = ",".join(COLUMNS) + "\n"
DATES = "1970-01-01,2099-12-31"


def written(folder: Path, *rows: str, name: str = "lung.csv") -> Path:
    file = folder / name
    file.write_text(HEAD + "".join(f"{row}\n" for row in rows))
    return file


BAD = [
    # a row, the field that the error names, its value, what is offered
    (f"J44,ICD10CM,Lung Disease,1,{DATES}", "concept_set_name", "Lung Disease", "a lower-case name"),
    (f"J44,ICD10CM,lung,one,{DATES}", "version", "one", "a whole number from 1"),
    (f"J44,ICD10CM,lung,0,{DATES}", "version", "0", "a whole number from 1"),
    (f"J44,ICD10CM,lung,00,{DATES}", "version", "00", "a whole number from 1"),
    (f"J44,ICD10CM,lung,²,{DATES}", "version", "²", "a whole number from 1"),
    pytest.param(f"J44,ICD10CM,lung,{'9' * 5_000},{DATES}", "version", "9" * 5_000, "a whole number from 1", id="long"),
    ("J44,ICD10CM,lung,1,1970-01-01,31.12.2099", "valid_end_date", "31.12.2099", "YYYY-MM-DD"),
    ("J44,ICD10CM,lung,1,2020-01-01,2019-12-31", "valid_end_date", "2019-12-31", "2020-01-01 or later"),
    ("J44,ICD10CM,lung,1", "values", 4, "6"),
    pytest.param(f"{'J' * 131_073},ICD10CM,lung,1,{DATES}", "line", "field larger than field limit (131072)", "131,072", id="field"),
    (f"J44,ICD10CM,lung,1,{DATES},more", "values", 7, "6"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "field", "value", "valid"), BAD)
def test_a_row_that_cannot_be_is_refused_with_file_line_field_value_and_the_valid_ones(
    tmp_path, row, field, value, valid
):
    file = written(tmp_path, f"J45,ICD10CM,lung,1,{DATES}", row)
    with pytest.raises(DeclarationError) as raised:
        lines_of(file)
    error = raised.value
    assert (error.field, error.value, error.file) == (field, value, f"{file}:3")
    assert valid in error.valid


def test_a_file_with_other_columns_is_refused(tmp_path):
    file = tmp_path / "lung.csv"
    file.write_text("code,vocabulary_id\nJ44,ICD10CM\n")
    with pytest.raises(DeclarationError, match="concept_set_name, version, valid_start_date"):
        lines_of(file)


def test_a_file_with_only_a_heading_is_refused(tmp_path):
    with pytest.raises(DeclarationError, match=r"lung: rows = 0 is not valid; valid: at least one code"):
        lines_of(written(tmp_path))


def test_a_file_with_a_byte_order_mark_has_the_same_rows(tmp_path):
    file = written(tmp_path, f"J44,ICD10CM,lung,1,{DATES}")
    rows = lines_of(file)
    file.write_text(file.read_text(), encoding="utf-8-sig")
    assert lines_of(file) == rows


@pytest.mark.parametrize("code", ["1" * 5_000 + "-" + "2" * 5_000, "٣٩٠-٣٩٢"], ids=["long", "other digits"])
def test_a_range_of_no_vocabularys_digits_is_no_code(tmp_path, code):
    with pytest.raises(DeclarationError, match=r"valid: a code of ICD9CM such as 250\.83"):
        resolved(lines_of(written(tmp_path, f"{code},ICD9CM,lung,1,{DATES}")), "lung")


@pytest.mark.clause("F4")
def test_the_newest_version_of_each_set_counts_and_older_ones_can_be_asked_for(tmp_path):
    file = written(
        tmp_path,
        f"J44,ICD10CM,lung,1,{DATES}",
        f"J44,ICD10CM,lung,2,{DATES}",
        f"J45,ICD10CM,lung,2,{DATES}",
        f"I50,ICD10CM,heart,1,{DATES}",
    )
    held = lines_of(file)
    codes = {version: {one.code for one in resolved(in_version(held, version), "lung")} for version in (None, 1, 2)}
    assert codes == {None: {"J44", "J45", "I50"}, 1: {"J44", "I50"}, 2: {"J44", "J45", "I50"}}


@pytest.mark.clause("F4")
def test_dotted_and_undotted_codes_of_one_vocabulary_are_one_and_those_of_two_stay_two(tmp_path):
    file = written(
        tmp_path,
        f"I50.9,ICD10CM,heart,1,{DATES}",
        f"I509,ICD10CM,heart,1,{DATES}",
        f"042,ICD9CM,heart,1,{DATES}",
        f"04.2,ICD9Proc,heart,1,{DATES}",
    )
    found = {(one.vocabulary_id, one.code) for one in resolved(lines_of(file), "heart")}
    assert found == {("ICD10CM", "I50.9"), ("ICD9CM", "042"), ("ICD9Proc", "04.2")}


def test_a_code_of_no_form_is_refused_where_sets_are_used(tmp_path):
    file = written(tmp_path, f"I50/9,ICD10CM,heart,1,{DATES}")
    with pytest.raises(DeclarationError, match=r"code = 'I50/9' is not valid; valid: a code of ICD10CM such as I50\.9"):
        resolved(lines_of(file), "heart")


@pytest.mark.parametrize("collection", collections())
def test_every_collection_of_the_project_resolves_and_starts_with_version_1(collection):
    assert concepts(collection, 1)
    assert {one.version for one in concepts(collection)} == {1}


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    before = written(
        tmp_path,
        f"J44,ICD10CM,lung,1,{DATES}", f"J45,ICD10CM,lung,1,{DATES}", f"I50,ICD10CM,heart,1,{DATES}",
        f"042,ICD9CM,hiv,1,{DATES}", f"I509,ICD10CM,heart,1,{DATES}",
        name="before.csv",
    )  # fmt: skip
    after = written(
        tmp_path,
        f"I50.9,ICD10CM,heart,1,{DATES}", f"J44,ICD10CM,copd,1,{DATES}", "I50,ICD10CM,heart,1,1970-01-01,2019-12-31",
        f"042,ICD9CM,hiv,1,{DATES}", f"B20,ICD10CM,hiv,1,{DATES}",
        name="after.csv",
    )  # fmt: skip
    return before, after


@pytest.mark.clause("F4", "R4")
def test_a_difference_tells_added_removed_and_moved_codes_and_nothing_of_a_mere_dot(two):
    before, after = two
    found = [(one.what, one.code, one.before, one.after) for one in difference(named(str(before)), named(str(after)))]
    assert found == [
        ("added", "B20", "", "hiv"),
        ("changed dates", "I50", "heart 1970-01-01..2099-12-31", "heart 1970-01-01..2019-12-31"),
        ("changed set", "J44", "lung", "copd"),
        ("removed", "J45", "lung", ""),
    ]
    assert difference(named(str(after)), named(str(after))) == []


@pytest.mark.clause("F4", "R4")
@pytest.mark.parametrize("spans", [("2000-01-01,2003-12-31",), ("2000-01-01,2001-12-31", "2005-01-01,2009-12-31")])
def test_a_difference_tells_a_span_that_is_gone_or_changed_whatever_its_place_among_a_codes_spans(tmp_path, spans):
    rows = {"before": ("2000-01-01,2003-12-31", "2005-01-01,2009-12-31"), "after": spans}
    before, after = (
        named(str(written(tmp_path, *(f"V10,ICD9CM,cancer,1,{span}" for span in rows[name]), name=f"{name}.csv")))
        for name in rows
    )
    (one,) = difference(before, after)
    assert (one.what, one.before) == ("changed dates", "cancer 2000-01-01..2003-12-31 and 2005-01-01..2009-12-31")
    assert one.after == "cancer " + " and ".join(span.replace(",", "..") for span in spans)


def test_codes_diff_prints_counts_of_two_files(two):
    ran = CliRunner().invoke(app, ["codes", "diff", *map(str, two)])
    assert ran.exit_code == 0
    assert "1 added, 1 changed dates, 1 changed set, 1 removed" in " ".join(ran.stdout.split())
    same = CliRunner().invoke(app, ["codes", "diff", "icd9_chapters@1", "icd9_chapters"])
    assert "icd9_chapters@1 -> icd9_chapters: no difference" in " ".join(same.stdout.split())


@pytest.mark.parametrize(
    ("name", "field", "valid"),
    [("lungs", "collection", "chronic_conditions"), ("icd9_chapters@x", "version", "whole number"), ("nowhere.csv", "file", "UTF-8"),
     ("icd9_chapters@2", "version", "1"), ("icd9_chapters@00", "version", "whole number"), ("icd9_chapters@²", "version", "whole number")],
)  # fmt: skip
def test_a_name_that_is_no_code_list_is_refused(name, field, valid):
    with pytest.raises(DeclarationError) as raised:
        named(name)
    assert raised.value.field == field
    assert valid in raised.value.valid
