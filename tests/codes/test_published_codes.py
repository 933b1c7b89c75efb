"""Rows of the files of AHRQ, CMS and CDC, copied by hand: each value is read into the column that it is published for.

The lines stand here as they are published, so that the test needs no file; where the files are there, they hold them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.codes import files

CODES = Path(__file__).resolve().parents[3] / "shared" / "data" / "reference_codes"
CCS = (
    "any\n'ICD-9-CM CODE','CCS CATEGORY','CCS CATEGORY DESCRIPTION','ICD-9-CM CODE DESCRIPTION',"
    "'OPTIONAL CCS CATEGORY','OPTIONAL CCS CATEGORY DESCRIPTION'\n"
)
REST = '"flags","approximate","no_map","combination","scenario","choice_list"\n'
# No two columns of one type have the same values in all rows of a table.
PUBLISHED: list[tuple[str, str, str, list[str], list[tuple[Any, ...]]]] = [
    # table, file, heading, lines of the file, the rows that they are
    (
        "icd9cm_ccs", "ahrq_ccs_single_dxref_2015.csv", CCS,
        [
            "'4280 ','108  ','chf;nonhp',\"CONGESTIVE HEART FAILURE\",' ',' '",
            "'41001','100  ','Acute MI',\"AMI ANTEROLATERAL- INIT (Begin 1989)\",' ',' '",
            "'E8120','2607 ','e codes: motor vehicle traffic (mvt)',\"MV COLLISION NOS-DRIVER\",' ',' '",
        ],
        [
            ("428.0", 108, "chf;nonhp", "CONGESTIVE HEART FAILURE"),
            ("410.01", 100, "Acute MI", "AMI ANTEROLATERAL- INIT (Begin 1989)"),
            ("E812.0", 2607, "e codes: motor vehicle traffic (mvt)", "MV COLLISION NOS-DRIVER"),
        ],
    ),
    (
        "icd9cm_icd10cm_gem", "icd9toicd10cmgem.csv", f'"icd9cm","icd10cm",{REST}',
        [
            '"4821","J151","00000",0,0,0,0,0', '"25000","E119","10000",1,0,0,0,0', '"0730","J17","10112",1,0,1,1,2',
            '"75435","Q6502","10121",1,0,1,2,1', '"36570","NoDx","11000",1,1,0,0,0',
        ],
        [
            ("ICD9CM", "482.1", "ICD10CM", "J15.1", False, 0, 0), ("ICD9CM", "250.00", "ICD10CM", "E11.9", True, 0, 0),
            ("ICD9CM", "073.0", "ICD10CM", "J17", True, 1, 2), ("ICD9CM", "754.35", "ICD10CM", "Q65.02", True, 2, 1),
            ("ICD9CM", "365.70", "ICD10CM", None, True, 0, 0),
        ],
    ),
    (
        "icd9proc_icd10pcs_gem", "icd9toicd10pcsgem.csv", f'"icd9pcs","icd10pcs",{REST}',
        [
            '"0783","07BM4ZZ","00000",0,0,0,0,0', '"0783","075M4ZZ","10000",1,0,0,0,0',
            '"0050","02H40JZ","10113",1,0,1,1,3', '"0070","0SRB019","10121",1,0,1,2,1',
            '"0016","NoPCS","11000",1,1,0,0,0',
        ],
        [
            ("ICD9Proc", "07.83", "ICD10PCS", "07BM4ZZ", False, 0, 0),
            ("ICD9Proc", "07.83", "ICD10PCS", "075M4ZZ", True, 0, 0),
            ("ICD9Proc", "00.50", "ICD10PCS", "02H40JZ", True, 1, 3),
            ("ICD9Proc", "00.70", "ICD10PCS", "0SRB019", True, 2, 1),
            ("ICD9Proc", "00.16", "ICD10PCS", None, True, 0, 0),
        ],
    ),
]  # fmt: skip
COLUMNS = {
    "icd9cm_ccs": ("concept_code", "ccs_category", "ccs_category_name", "concept_name"),
    "icd9cm_icd10cm_gem": (
        "source_vocabulary_id", "source_code", "target_vocabulary_id", "target_code", "is_approximate", "scenario",
        "choice_list",
    ),
}  # fmt: skip
COLUMNS["icd9proc_icd10pcs_gem"] = COLUMNS["icd9cm_icd10cm_gem"]


@pytest.mark.clause("F4")
@pytest.mark.parametrize(("table", "name", "heading", "lines", "rows"), PUBLISHED, ids=[one[0] for one in PUBLISHED])
def test_published_rows_are_read_into_the_columns_that_they_are_published_for(tmp_path, table, name, heading, lines,
                                                                              rows):  # fmt: skip
    (tmp_path / name).write_text(heading + "".join(f"{line}\n" for line in lines))
    ((found, file),) = files.found(tmp_path).items()
    assert found == table
    assert list(files.rows(table, file)) == [dict(zip(COLUMNS[table], row, strict=True)) for row in rows]


@pytest.mark.skipif(not CODES.is_dir(), reason="../shared/data/reference_codes is not on this machine")
@pytest.mark.parametrize(("table", "name", "heading", "lines", "rows"), PUBLISHED, ids=[one[0] for one in PUBLISHED])
def test_the_published_files_hold_these_lines_and_give_these_rows(table, name, heading, lines, rows):
    text = (CODES / name).read_text(encoding="utf-8").splitlines()
    assert heading.splitlines()[-1] in text
    assert set(lines) <= set(text)
    read = [tuple(row[one] for one in COLUMNS[table]) for row in files.rows(table, CODES / name)]
    assert [read.count(row) for row in rows] == [1] * len(rows)


@pytest.mark.clause("F4")
@pytest.mark.skipif(not CODES.is_dir(), reason="../shared/data/reference_codes is not on this machine")
def test_the_order_file_tells_headers_from_codes_that_are_billed_and_short_names_from_whole_ones():
    wanted = {
        ("I50", False, "Heart failure", "Heart failure"),
        (
            "I21.11", True, "STEMI involving right coronary artery",
            "ST elevation (STEMI) myocardial infarction involving right coronary artery",
        ),
        (
            "E10.311", True, "Type 1 diabetes w unsp diabetic retinopathy w macular edema",
            "Type 1 diabetes mellitus with unspecified diabetic retinopathy with macular edema",
        ),
    }  # fmt: skip
    read = files.rows("icd10cm", CODES / "icd10cm-order-Jan-2021.txt.gz")
    names = ("concept_code", "is_billable", "short_name", "concept_name")
    assert wanted <= {tuple(row[name] for name in names) for row in read}
