"""Every wrong code is found, by the check that is named for it, and by no other."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from jobs.codes import files
from jobs.codes.check import CHECKS, checked, report
from jobs.codes.known import Entry, Known, known_in
from jobs.codes.ohdsi import written
from jobs.codes.recorded import counted, state, states, told
from jobs.errors import TaskError
from synthetic.sources.write import write
from workflows.concept_sets import Concept, Line, collections, in_version, lines
from workflows.deliveries import DeliveryError
from workflows.rules import FATAL

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CODES, UCI = DATA / "reference_codes", DATA / "readmission_uci130"


def needs(folder: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not folder.is_dir(), reason=f"../shared/data/{folder.name} is not on this machine")


def line(number: int, code: str, vocabulary_id: str = "ICD10CM", name: str = "s") -> Line:
    return Line(number, Concept(name, vocabulary_id, code))


@pytest.fixture
def known() -> Known:
    made = Known()
    for code in ("M61.511", "M61.512", "I50.9", "J44.9"):
        made.add("ICD10CM", code, Entry(leaf=True))
    for code in ("I50", "J44", "M61"):
        made.add("ICD10CM", code, Entry(leaf=False))
    made.add("ICD10CM", "Z76.0", Entry(leaf=True, until=date(2015, 9, 30)))
    made.add("CPT4", "99213", Entry(leaf=True))
    made.add("SNOMED", "74474003", Entry(leaf=True))
    made.add("SNOMED", "195967001", Entry(leaf=True))
    return made


CASES = [
    # code, vocabulary, the one finding it gives with a reference, and without
    ("I50.9", "ICD10CM", None, "not_assessable"),
    ("I509", "ICD10CM", "spelling", "spelling"),
    ("I50", "ICD10CM", "header", "not_assessable"),
    ("I50.8", "ICD10CM", "unknown", "not_assessable"),
    ("I50,9", "ICD10CM", "format", "format"),
    ("M61511M61512", "ICD10CM", "merged", "merged"),
    ("M61.511M61.512", "ICD10CM", "merged", "merged"),
    ("74474003195967001", "SNOMED", "merged", "not_assessable"),
    ("99213", "ICD10CM", "wrong_vocabulary", "format"),
    ("I50.9", "CPT4", "wrong_vocabulary", "format"),
    ("Q02.40", "CPT4", "format", "format"),
    ("Z76.0", "ICD10CM", "retired", "not_assessable"),
    ("I50.9", "ICD", "vocabulary", "vocabulary"),
    ("4548-4", "LOINC", "not_assessable", "not_assessable"),
    ("I50-I51", "ICD10CM", "header", "not_assessable"),
    ("I60-I69", "ICD10CM", "unknown", "not_assessable"),
    ("I69-I60", "ICD10CM", "format", "format"),
]  # fmt: skip


@pytest.mark.clause("F4")
@pytest.mark.parametrize(("code", "vocabulary", "with_reference", "without"), CASES)
def test_a_code_is_found_out_by_the_check_named_for_it(known, code, vocabulary, with_reference, without):
    def names(reference: Known | None) -> list[str]:
        found = [finding.check for finding in checked([line(2, code, vocabulary)], reference)]
        return [name for name in found if name != "not_assessable"] or found

    assert names(known) == ([with_reference] if with_reference else [])
    assert names(None) == [without]


def test_every_check_but_duplicate_is_broken_by_a_case():
    assert {case[2] for case in CASES} - {None} == set(CHECKS) - {"duplicate"}


def test_a_duplicate_is_found_across_spellings_but_not_across_sets_versions_or_vocabularies(known):
    given = [line(2, "I50.9"), line(3, "I509"), line(4, "I50.9", name="other"), line(5, "99213", "CPT4")]
    found = [(one.check, one.line, one.detail) for one in checked(given, known)]
    assert found == [("spelling", 3, "I50.9"), ("duplicate", 3, "as in line 2")]


def test_of_a_range_each_code_is_remembered_also_where_one_of_them_is_a_duplicate(known):
    given = [line(n, code, "ICD9CM") for n, code in enumerate(("390", "390-392", "391", "392"))]
    assert [(one.line, one.detail) for one in checked(given, known) if one.check == "duplicate"] == [
        (1, "as in line 0"), (2, "as in line 1"), (3, "as in line 1"),
    ]  # fmt: skip


@pytest.mark.parametrize(("vocabulary", "there", "code"), [
    ("CVX", ("02", "08", "18", "21"), "218"), ("RxNorm", ("4603", "161"), "4603161"), ("ICD9CM", ("250", "042"), "250.42"),
])  # fmt: skip
def test_of_a_vocabulary_of_numbers_a_number_that_is_unknown_is_not_two_others(known, vocabulary, there, code):
    for one in there:
        known.add(vocabulary, one, Entry(leaf=True))
    assert [one.check for one in checked([line(1, code, vocabulary)], known)] == ["unknown"]


def test_a_code_at_two_spans_is_a_duplicate_only_where_they_share_a_day(known):
    spans = [(2000, 2003), (2005, 2009), (2003, 2004), (2010, 2012)]
    given = [Line(n, Concept("s", "CPT4", "99213", 1, date(a, 1, 1), date(b, 1, 1))) for n, (a, b) in enumerate(spans)]
    assert [(one.check, one.line, one.detail) for one in checked(given, known)] == [("duplicate", 2, "as in line 0")]


@pytest.mark.clause("F4", "Q2")
def test_k_planted_defects_of_every_kind_give_exactly_k_findings(known):
    planted = {
        "format": ["I50,9", "I5", "??"], "merged": ["M61511M61512"], "unknown": ["I51.0", "A00.0"],
        "wrong_vocabulary": ["99213"], "retired": ["Z76.0"], "header": ["J44"], "spelling": ["J449"],
        "duplicate": ["I50.9"],
    }  # fmt: skip
    good = ["I50.9", "M61.511", "M61.512"]
    given = [line(n, code) for n, code in enumerate([*good, *(c for some in planted.values() for c in some)], 2)]
    made = report("planted", given, known)
    assert made.counts() == {name: len(planted[name]) for name in CHECKS if name in planted}
    assert not made.passed
    without = report("good", [line(n, code) for n, code in enumerate(good, 2)], known)
    assert without.passed
    assert without.findings == ()


def test_only_fatal_findings_close_the_gate(known):
    fatal = {"I50,9": False, "I50.8": False, "I50": True, "I509": True, "Z76.0": True}
    assert {code: report("one", [line(2, code)], known).passed for code in fatal} == fatal
    assert {name for name, check in CHECKS.items() if check.severity == FATAL} == {
        "vocabulary", "merged", "wrong_vocabulary", "format", "unknown",
    }  # fmt: skip


@needs(CODES)
@pytest.mark.clause("F4")
@pytest.mark.parametrize("collection", collections())
def test_the_projects_own_code_lists_pass_against_the_public_reference(collection):
    made = report(collection, in_version(lines(collection)), known_in(CODES))
    assert made.passed, made.summary()
    assert set(made.counts()) == {"header"}


# Published: this share, in %, of the recorded codes of each column are leaves.
LEAVES = {"diag_1": 9.4, "diag_2": 13.5, "diag_3": 10.7}


@needs(CODES)
@needs(UCI)
@pytest.mark.clause("F4", "8")
def test_uci_codes_are_mostly_headers_that_are_told_apart_from_unknown_ones():
    known = known_in(CODES)
    for column, codes in counted(UCI, list(LEAVES)).items():
        found = states(codes, "ICD9CM", known, zeros_lost=True)
        total = sum(codes.values())
        assert round(100 * found["leaf"] / total, 1) == LEAVES[column]
        # Every recorded code exists; a code that does not is called neither leaf nor header.
        assert found["leaf"] + found["header"] == total
        # `38` was `038`: the file lost the zeros, and such a code is no code.
        as_they_are = states(codes, "ICD9CM", known, zeros_lost=False)
        assert as_they_are["malformed"] == sum(rows for code, rows in codes.items() if len(code.split(".")[0]) < 3) > 0
    assert [state("ICD9CM", code, known) for code in ("250", "250.83", "250.99", "38")] == [
        "header", "leaf", "unknown", "malformed",
    ]  # fmt: skip
    # Features compare codes as they are, but for spaces around them.
    spellings = [state("ICD9CM", code, known) for code in (" 250.83 ", "25083", "2508", "25099", "v1582", "V15.82")]
    assert spellings == ["leaf", "spelling", "spelling", "unknown", "spelling", "leaf"]
    assert [state("ICD10CM", code, Known()) for code in ("I50.9", "I509")] == ["not_assessable", "spelling"]


@needs(CODES)
@needs(UCI)
def test_codes_recorded_prints_the_shares_of_a_delivery():
    arguments = ["codes", "recorded", str(UCI), *LEAVES, "--vocabulary", "ICD9CM", "--reference", str(CODES)]
    ran = CliRunner().invoke(app, [*arguments, "--zeros-lost"], env={"COLUMNS": "200"})
    assert ran.exit_code == 0
    for share in LEAVES.values():
        assert f"({share}%)" in ran.stdout
    with pytest.raises(TaskError, match="no CSV of readmission_uci130 has the columns diag_9"):
        counted(UCI, ["diag_9"])


def test_recorded_codes_are_read_of_every_source_and_of_the_table_that_is_meant(tmp_path):
    write("premier", tmp_path, events=1_000)
    (tmp_path / "vitals.csv").rename(tmp_path / "other.csv")
    with pytest.raises(DeliveryError):
        counted(tmp_path, ["ICD_CODE"])
    (tmp_path / "other.csv").rename(tmp_path / "vitals.csv")
    with pytest.raises(TaskError, match=r"ICD_CODE: 2 tables .* valid: paticd_diag\.ICD_CODE, paticd_proc\.ICD_CODE"):
        counted(tmp_path, ["ICD_CODE"])
    with (tmp_path / "paticd_proc.csv").open(encoding="utf-8", newline="") as stream:
        wanted = Counter(row["ICD_CODE"] for row in csv.DictReader(stream) if row["ICD_CODE"] not in ("", "?"))
    assert counted(tmp_path, ["paticd_proc.ICD_CODE"]) == {"paticd_proc.ICD_CODE": wanted}
    assert wanted
    with pytest.raises(TaskError, match=r"no CSV of .* has the columns ICD_KODE"):
        counted(tmp_path, ["ICD_KODE"])


def test_a_state_of_few_rows_is_not_shown_nor_left_to_be_computed():
    nobody = {"spelling": "0 (0.0%)", "malformed": "0 (0.0%)", "not_assessable": "0 (0.0%)"}
    assert told(Counter(leaf=90_000, header=9_995, unknown=5)) == nobody | {
        "leaf": "90,000 (90.0%)", "header": "not shown", "unknown": "not shown",
    }  # fmt: skip
    # Another column may tell that there are 1,000 rows: 99.5 % of them would leave five.
    assert told(Counter(leaf=995, unknown=5)) == nobody | {
        "leaf": "not shown", "header": "0 (0.0%)", "unknown": "not shown",
    }  # fmt: skip
    assert told(Counter(leaf=90, unknown=30))["unknown"] == "30 (25.0%)"
    assert set(told(Counter()).values()) == {"0 (0)"}


@needs(CODES)
def test_the_reference_files_have_the_rows_that_their_documentation_counts():
    counted = {table: sum(1 for _ in files.rows(table, file)) for table, file in files.found(CODES).items()}
    assert counted == {
        "icd10cm": 95_358, "icd9cm_ccs": 15_072, "icd9cm_icd10cm_gem": 23_912, "icd9proc_icd10pcs_gem": 69_366,
    }  # fmt: skip
    known = known_in(CODES)
    assert known.entry("ICD10CM", "A00") == Entry(leaf=False)
    assert known.entry("ICD10CM", "A00.0") == Entry(leaf=True)
    assert known.entry("ICD9CM", "250") == known.entry("ICD9CM", "250.8") == Entry(leaf=False)
    assert known.entry("ICD9CM", "250.83") == Entry(leaf=True)
    assert known.entry("ICD9CM", "250.9999") is None


ORDER = "00001 A00     0 Cholera" + " " * 54 + "Cholera\r\n"
CCS = "any\n'ICD-9-CM CODE','CCS CATEGORY','CCS CATEGORY DESCRIPTION','ICD-9-CM CODE DESCRIPTION'\n"
GEM = "icd9cm,icd10cm,flags,approximate,no_map,combination,scenario,choice_list\n"
BROKEN = [
    # a file's name and text, what the error says
    ("icd10cm-order-2021.txt", ORDER + "00002 A0", "ends in the middle of a line"),
    ("icd10cm-order-2021.txt", ORDER.replace("00001", "00002"), "line 1, is not valid; valid: order number 00001"),
    ("icd10cm-order-2021.txt", ORDER + ORDER, "line 2, is not valid; valid: order number 00002"),
    ("icd10cm-order-2021.txt", ORDER.replace(" 0 ", " 7 "), "0 or 1 in column 15"),
    ("icd10cm-order-2021.txt", ORDER.replace("A00 ", "000 "), "a code of ICD10CM such as I50.9"),
    ("icd10cm-order-2021.txt", "", "is empty"),
    ("ahrq_ccs_single_dxref_2015.csv", "code,category\n" * 4, "'CCS CATEGORY'"),
    ("icd9toicd10cmgem.csv", "icd9cm,icd10cm\n0010,A000\n", "choice_list"),
    ("icd10cm-order-2021.txt", ORDER.replace("00001", "0000¹"), "5 digits"),
    ("ahrq_ccs_single_dxref_2015.csv", CCS + f"'428','²','{'x' * 9}','y'\n", "line 3, is not valid; valid: a code"),
    pytest.param("ahrq_ccs_single_dxref_2015.csv", CCS + f"'428','1','{'x' * 131_073}'\n", "field larger", id="field"),
    ("icd9toicd10cmgem.csv", GEM + "0010,A000,00000,0,0,0,one,0\n", "line 2, is not valid; valid: scenario"),
    ("CONCEPT.csv", "concept_id\tn\xe9e\n1\tA\n".encode("latin-1"), "is not a whole table with tabs"),
    ("CONCEPT.csv", "concept_id\tconcept_name\n1\tA\tB\n", "as many values in every line"),
    ("concept.parquet", "PAR1 and not the rest", "is not a whole parquet file"),
]


@pytest.mark.parametrize(("name", "text", "said"), BROKEN)
def test_a_reference_file_that_is_cut_or_of_another_shape_is_refused_by_name(tmp_path, name, text, said):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    ((table, file),) = files.found(tmp_path).items()
    with pytest.raises(TaskError) as raised:
        list(files.rows(table, file))
    assert name in str(raised.value)
    assert said in str(raised.value)


@needs(CODES)
def test_a_packed_reference_file_that_is_cut_short_is_refused(tmp_path):
    whole = (CODES / "icd10cm-order-Jan-2021.txt.gz").read_bytes()
    (tmp_path / "icd10cm-order-Jan-2021.txt.gz").write_bytes(whole[:-500])
    with pytest.raises(TaskError, match="cannot be read to its end"):
        known_in(tmp_path)


def test_a_folder_without_reference_files_or_with_two_of_one_table_is_refused(tmp_path):
    with pytest.raises(TaskError, match="holds no reference file; looked for icd10cm: icd10cm-order"):
        known_in(tmp_path)
    for year in (2020, 2021):
        (tmp_path / f"icd10cm-order-{year}.txt").write_text(ORDER)
    with pytest.raises(TaskError, match="valid: one file of icd10cm"):
        known_in(tmp_path)


@needs(CODES)
def test_codes_check_ends_with_code_1_for_a_fatal_finding_and_says_where(tmp_path):
    file = tmp_path / "lung.csv"
    file.write_text(written(lung := [Concept("lung", "ICD10CM", "J44"), Concept("lung", "ICD10CM", "J44.8")]))
    ran = CliRunner().invoke(app, ["codes", "check", str(file), "--reference", str(CODES)], env={"COLUMNS": "250"})
    assert ran.exit_code == 1
    assert "lung.csv:3" in ran.stdout
    assert "fatal unknown 1, characterization header 1" in ran.stdout
    file.write_text(written(lung[:1]))
    assert CliRunner().invoke(app, ["codes", "check", str(file), "--reference", str(CODES)]).exit_code == 0


def test_recorded_codes_are_read_from_what_other_programs_write(tmp_path):
    write("premier", tmp_path, events=1_000)
    file = tmp_path / "paticd_proc.csv"
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    codes = Counter(counted(tmp_path, ["paticd_proc.ICD_CODE"])["paticd_proc.ICD_CODE"])
    # A byte order mark, a letter of another encoding, a line that ends too soon, a field longer than csv's limit.
    number = next(csv.reader([head])).index("ICD_CODE")
    last = [f"{'x' * 200_000 if place == number - 1 else ''}" for place in range(head.count(",") + 1)]
    other = lines[0].encode() + b"\xe9"
    text = b"\xef\xbb\xbf" + "\r\n".join([head, *lines]).encode() + b"\r\n"
    file.write_bytes(text + other + b"\r\n1\r\n" + ",".join(last).encode() + b"\r\n")
    found = counted(tmp_path, ["paticd_proc.ICD_CODE"])["paticd_proc.ICD_CODE"]
    assert found.total() - codes.total() in (0, 1), "the line with the letter may record a code"
    assert set(found) >= set(codes)


def test_a_file_that_a_disk_finds_under_another_name_is_one(tmp_path, monkeypatch):
    (tmp_path / "CONCEPT.csv").write_text("")
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path, **more: exists(path) or path.name.lower() == "concept.csv")
    assert files.found(tmp_path) == {"concept": tmp_path / "CONCEPT.csv"}
