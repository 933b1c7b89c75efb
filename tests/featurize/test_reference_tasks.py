"""Reference data and concept sets through their tasks; whatever is wrong leaves the previous version as it was."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from curated import empty_zones
from pyspark.sql import SparkSession

from jobs.errors import TaskError
from jobs.io.context import Task
from jobs.tasks import concept_sets as task_module
from jobs.tasks.concept_sets import _concept_sets
from jobs.tasks.reference import _reference
from workflows.concept_sets import COLUMNS, collections, concepts, parsed
from workflows.contracts.reference import CONTRACTS, NAMES
from workflows.featurizations.uci130 import uci130
from workflows.references.reference_data import reference_data

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CODES, GIBLEED = DATA / "reference_codes", DATA / "omop_gibleed"
BUNDLE = ("concept", "concept_relationship", "concept_ancestor", "vocabulary")
pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(not (CODES.is_dir() and GIBLEED.is_dir()), reason="../shared/data is not on this machine"),
]


@pytest.fixture(scope="module")
def zones(spark: SparkSession):
    with empty_zones(spark) as one:
        yield one


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    folder = tmp_path / "volumes" / "cdh_test" / "ml" / "landing" / "reference"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def load(make_task: Callable[..., Task]) -> Callable[[], None]:
    def run() -> None:
        task = make_task(reference_data)
        _reference(task)
        task.tables.flush()

    return run


@pytest.fixture
def sets(make_task: Callable[..., Task]) -> Callable[[], None]:
    def run() -> None:
        task = make_task(reference_data)
        try:
            _concept_sets(task)
        finally:
            task.tables.flush()

    return run


def version(zones: SparkSession, name: str) -> int:
    return zones.sql(f"DESCRIBE HISTORY {name} LIMIT 1").first()["version"]


def test_concept_sets_without_reference_data_are_loaded_and_called_not_assessable(zones, sets, capsys):
    sets()
    log = capsys.readouterr().out
    assert "which codes exist is not known" in log
    assert "chronic_conditions: 16 lines: convention not_assessable 16" in log
    wanted = {
        (name, one.concept_set_name, one.vocabulary_id, one.code) for name in collections() for one in concepts(name)
    }
    found = zones.table("ml.concept_sets").collect()
    assert {
        (row["collection"], row["concept_set_name"], row["vocabulary_id"], row["concept_code"]) for row in found
    } == wanted
    # Quan et al. name 289 and 227 codes, of which 37 and 20 do not exist in ICD-10-CM and ICD-9-CM.
    assert len(found) == len(wanted) == 2_106 + (289 - 37) + (227 - 20)


@pytest.mark.clause("F4")
def test_delivered_files_become_tables_that_keep_their_contracts(zones, landing, load, capsys):
    for name in ("icd10cm-order-Jan-2021.txt.gz", "ahrq_ccs_single_dxref_2015.csv"):
        (landing / name).symlink_to(CODES / name)
    # The maps are read whole in tests/codes; their contract needs no 93,000 rows. These have combinations among them.
    for name, first in (("icd9toicd10cmgem.csv", 700), ("icd9toicd10pcsgem.csv", 100)):
        lines = (CODES / name).read_text().splitlines(keepends=True)
        (landing / name).write_text("".join([lines[0], *lines[first : first + 300]]))
    for table in BUNDLE:
        (landing / f"{table}.parquet").symlink_to(GIBLEED / f"{table}.parquet")
    load()
    log = capsys.readouterr().out
    # The counts that the data's own documentation gives.
    counts = {
        "icd10cm": 95_358, "icd9cm_ccs": 15_072, "icd9cm_icd10cm_gem": 300, "icd9proc_icd10pcs_gem": 300,
        "concept": 444, "concept_relationship": 8, "concept_ancestor": 65_690, "vocabulary": 125,
    }  # fmt: skip
    assert {name: zones.table(NAMES[name]).count() for name in counts} == counts
    for name in counts:
        said = [(column.name, column.description) for column in zones.catalog.listColumns(NAMES[name])]
        assert said == [(column.name, column.meaning) for column in CONTRACTS[name].columns]
        assert f"{NAMES[name]} is at version 0: {counts[name]:,} rows of" in log
    assert {NAMES[name].split(".")[0] for name in BUNDLE} == {"ml", "reference"}
    billable = zones.table("reference.icd10cm").where("is_billable").count()
    assert billable == 72_621
    # As published: 'chf;nonhp' is category 108; 073.0 is A70 together with J17, in one scenario.
    for name, condition, rows in (
        ("icd9cm_ccs", "concept_code = '428.0'", {("428.0", 108, "chf;nonhp", "CONGESTIVE HEART FAILURE")}),
        ("icd9cm_icd10cm_gem", "source_code = '073.0'", {
            ("ICD9CM", "073.0", "ICD10CM", "A70", True, 1, 1), ("ICD9CM", "073.0", "ICD10CM", "J17", True, 1, 2),
        }),
        ("icd9proc_icd10pcs_gem", "target_code = '02H40JZ' OR source_code = '00.16'", {
            ("ICD9Proc", "00.50", "ICD10PCS", "02H40JZ", True, 1, 3),
            ("ICD9Proc", "00.16", "ICD10PCS", None, True, 0, 0),
        }),
    ):  # fmt: skip
        assert {tuple(row) for row in zones.table(NAMES[name]).where(condition).collect()} == rows
    written = zones.table("ml.lineage").select("object").distinct().collect()
    assert {row["object"] for row in written} >= {NAMES[name] for name in counts}


@pytest.mark.clause("F4")
def test_loading_the_same_concept_sets_again_changes_nothing(zones, sets, capsys):
    before = version(zones, "ml.concept_sets")
    sets()
    log = capsys.readouterr().out
    assert version(zones, "ml.concept_sets") == before
    assert "ml.concept_sets holds every version already" in log
    assert "chronic_conditions: 16 lines: characterization header 15" in log
    assert "icd9_chapters: 19 lines: characterization header 19" in log


DATES = "1970-01-01,2099-12-31"


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts other rows in the place of a collection's file."""

    def put(*rows: str) -> None:
        text = "\n".join([",".join(COLUMNS), *rows])
        monkeypatch.setattr(task_module, "lines", lambda name: list(parsed(text, name, name)))
        monkeypatch.setattr(task_module, "collections", lambda: ("chronic_conditions",))

    return put


@pytest.mark.clause("F4", "Q2")
def test_a_fatal_finding_fails_the_task_and_writes_no_set(zones, sets, other):
    before = version(zones, "ml.concept_sets")
    other(f"I50.9,ICD10CM,heart,1,{DATES}", f"I50.99,ICD10CM,heart,1,{DATES}", f"M61511M61512,ICD10CM,heart,1,{DATES}")
    with pytest.raises(TaskError, match="concept sets have fatal findings, nothing was written") as raised:
        sets()
    assert "chronic_conditions:3 unknown ICD10CM I50.99; chronic_conditions:4 merged ICD10CM M61511M61512" in str(
        raised.value
    )
    assert version(zones, "ml.concept_sets") == before
    kept = zones.table("ml.concept_set_findings").where("severity = 'fatal'").collect()
    assert {(row["check_name"], row["line"]) for row in kept} == {("unknown", 3), ("merged", 4)}


@pytest.mark.clause("F4", "R4")
def test_a_changed_list_needs_the_next_version_and_the_one_before_it_stays(zones, sets, other):
    before = {
        (r["concept_code"], r["version"])
        for r in zones.table("ml.concept_sets").where("concept_set_name = 'cancer'").collect()
    }
    assert before == {("C18", 1), ("C34", 1), ("C50", 1)}
    other(f"C18,ICD10CM,cancer,1,{DATES}", f"C61,ICD10CM,cancer,1,{DATES}")
    with pytest.raises(TaskError, match=r"cancer version 1 \(3 codes differ\): loaded with other codes already; give"):
        sets()
    old = [f"{code},ICD10CM,cancer,1,{DATES}" for code, _ in sorted(before)]
    other(*old, f"C61,ICD10CM,cancer,2,{DATES}", f"C18,ICD10CM,cancer,2,{DATES}")
    sets()
    after = {
        (r["concept_code"], r["version"])
        for r in zones.table("ml.concept_sets").where("concept_set_name = 'cancer'").collect()
    }
    assert after - before == {("C61", 2), ("C18", 2)}
    assert before < after


@pytest.mark.clause("Q2")
def test_wrong_reference_data_are_refused_with_counts_and_the_previous_version_stays(zones, landing, load):
    before = {name: version(zones, NAMES[name]) for name in BUNDLE}
    frames = {name: pq.read_table(GIBLEED / f"{name}.parquet") for name in BUNDLE}
    ancestry = frames["concept_ancestor"]
    edge = ancestry.slice(0, 1)
    back = [edge["descendant_concept_id"], edge["ancestor_concept_id"], *edge.columns[2:]]
    frames["concept_ancestor"] = pa.concat_tables([ancestry, pa.table(back, names=ancestry.column_names)])
    frames["concept"] = pa.concat_tables([frames["concept"], frames["concept"].slice(0, 3)])
    frames["vocabulary"] = frames["vocabulary"].drop_columns("vocabulary_name")
    for name, frame in frames.items():
        pq.write_table(frame, landing / f"{name}.parquet")
    with pytest.raises(TaskError, match="nothing was written") as raised:
        load()
    for said in (
        "the ancestry is cyclic: 2 concepts are their own ancestors",
        "concept: beyond the first of their key (concept_id): 3 rows",
        "vocabulary: column vocabulary_name is missing: 125 rows",
    ):
        assert said in str(raised.value)
    pq.write_table(frames["concept"].slice(0, 0), landing / "concept.parquet")
    with pytest.raises(TaskError, match="concept: no rows; nothing was written"):
        load()
    assert {name: version(zones, NAMES[name]) for name in BUNDLE} == before


def test_a_truncated_file_is_refused_before_anything_is_written(zones, landing, load):
    before = {name: version(zones, NAMES[name]) for name in BUNDLE}
    shutil.copyfile(GIBLEED / "concept.parquet", landing / "concept.parquet")
    whole = (GIBLEED / "concept_ancestor.parquet").read_bytes()
    (landing / "concept_ancestor.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TaskError, match=r"concept_ancestor\.parquet is not a whole parquet file"):
        load()
    assert {name: version(zones, NAMES[name]) for name in BUNDLE} == before


def test_an_athena_bundle_of_tabbed_text_loads_like_one_of_parquet(zones, landing, load):
    # Athena's own format: tabs, no quotes, dates as YYYYMMDD, a quote mark inside a name.
    frame = pq.read_table(GIBLEED / "concept.parquet").to_pandas()
    frame.loc[0, "concept_name"] = 'a 5" needle'
    for name in ("valid_start_date", "valid_end_date"):
        frame[name] = [day.strftime("%Y%m%d") for day in frame[name]]
    lines = [
        "\t".join(frame.columns),
        *("\t".join("" if v is None else str(v) for v in row) for row in frame.itertuples(index=False)),
    ]
    (landing / "CONCEPT.csv").write_text("\n".join(lines) + "\n")
    before = {tuple(row) for row in zones.table("ml.concept").drop("concept_name").collect()}
    load()
    assert {tuple(row) for row in zones.table("ml.concept").drop("concept_name").collect()} == before
    assert zones.table("ml.concept").where("concept_name = 'a 5\" needle'").count() == 1


def test_a_folder_that_is_not_there_and_another_declaration_are_refused(make_task):
    with pytest.raises(TaskError, match="reference folder 'nowhere' is not there; valid: a folder with icd10cm"):
        _reference(make_task(replace(reference_data, folder="nowhere")))
    with pytest.raises(TaskError, match="uci130 is no Reference"):
        _reference(make_task(uci130))
