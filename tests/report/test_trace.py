"""From a row back to what it was made from, without a word about the person."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path

import pytest
from deltalake import DeltaTable
from fabricated import ENCOUNTER, PERSON, predictions, write
from rich.console import Console

from cli.trace import print_trace
from jobs.tasks import history
from report import stores
from report.stores import Tables
from report.trace import UntraceableError, key_of, trace
from workflows.contract import Contract
from workflows.contracts.facts import FACT_PROVIDER, PERSON_XREF, fact_encounter_index
from workflows.contracts.notes import NOTES

pytestmark = pytest.mark.clause("P4")


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    predictions(tmp_path)
    write(tmp_path, "synthetic_omop_ra.fact_person", [
        {"person_id": PERSON, "fact_id": 77, "concept_code": "I50.9", "source_table": "condition_occurrence", "source_version": 4},
    ])  # fmt: skip
    return Tables(tmp_path)


def test_a_prediction_leads_to_its_model_features_facts_and_sources(tables: Tables):
    found = trace(tables, "readmission.predictions", str(ENCOUNTER))
    made = {(one.name, one.version): one for one in found.versions}
    assert {
        ("readmission.predictions", 0), ("synthetic_omop_ra.feature_readmission", 3),
        ("cdh_prod.readmission.readmission", 1), ("readmission.dataset", 0), ("synthetic_omop_ra.fact_person", 1),
        ("synthetic_omop_ra.fact_encounter_index", 1), ("synthetic_omop.person", 0),
        ("synthetic_omop.visit_occurrence", 2), ("synthetic_omop.condition_occurrence", 0),
    } == set(made)  # fmt: skip
    features = made["synthetic_omop_ra.feature_readmission", 3]
    assert (features.commit, features.job_run_id, features.task_run_id) == ("0f3c2a9d77b1", "10", "100")
    assert made["synthetic_omop.person", 0].job_run_id == "", "a delivery, of which the version is known"
    assert [one["mlflow_run_id"] for one in found.models] == ["run-a"]


def test_a_stay_that_several_model_versions_scored_leads_to_all_of_them_once(tmp_path: Path):
    made = [
        {"visit_occurrence_id": ENCOUNTER, "model_name": "m.m", "model_version": version, "mlflow_run_id": run,
         "feature_table": "a_ra.feature_m", "feature_table_version": 3}
        for version, run in ((10, "run-j"), (2, "run-b"), (10, "run-j"))
    ]  # fmt: skip
    write(tmp_path, "m.predictions", made)
    found, screen = trace(Tables(tmp_path), "m.predictions", str(ENCOUNTER)), io.StringIO()
    assert [(one["model_version"], one["mlflow_run_id"]) for one in found.models] == [(2, "run-b"), (10, "run-j")]
    assert {("m.m", 2), ("m.m", 10)} <= {(one.name, one.version) for one in found.versions}
    print_trace(Console(file=screen, width=400), found)
    assert "model_version 2, mlflow_run_id run-b" in screen.getvalue()
    assert screen.getvalue().count("run-j") == 1


def test_upkeep_after_the_last_task_hides_nothing_of_where_the_rows_come_from(tmp_path: Path):
    for table in ("a.person", "a_ra.fact_person"):
        write(tmp_path, table, [{"fact_id": 77, "concept_code": "I50.9"}])
        write(tmp_path, table, [{"fact_id": 78, "concept_code": "I50.9"}])
    tables, folder = Tables(tmp_path), tmp_path / "a_ra" / "fact_person"
    # The version that a task names as its input may be one of upkeep.
    DeltaTable(tmp_path / "a" / "person").alter.set_table_properties({"delta.appendOnly": "false"})
    said = {"commit": "0f3c2a9d77b1", "inputs": {"a.person": 2}, "job_run_id": "10", "task_run_id": "100"}
    log = folder / "_delta_log" / f"{1:020}.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        line.get("commitInfo", {})["userMetadata"] = json.dumps(said)
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    DeltaTable(folder).optimize.compact()
    DeltaTable(folder).alter.set_table_properties({"delta.enableChangeDataFeed": "true"})
    DeltaTable(folder).vacuum(0, dry_run=False, enforce_retention_duration=False)
    assert (tables.version("a_ra.fact_person") or 0) > 2
    found = trace(tables, "a_ra.fact_person", "77").versions
    assert [(one.name, one.version, one.commit) for one in found] == [
        ("a_ra.fact_person", 1, "0f3c2a9d77b1"), ("a.person", 1, ""),
    ]  # fmt: skip
    assert dict(found[0].inputs) == {"a.person": 1}
    assert tables.made("a_ra.fact_person", 0) == 0
    (folder / "_delta_log" / f"{1:020}.json").unlink()
    assert tables.made("a_ra.fact_person", 2) == 2, "the log does not tell so far back"


@pytest.mark.parametrize(
    "contract", [*NOTES.values(), FACT_PROVIDER, PERSON_XREF, fact_encounter_index()], ids=lambda one: one.table
)
def test_a_key_alone_is_that_of_the_tables_contract(contract: Contract):
    assert key_of(f"a_ra.{contract.table}", "77") == (contract.key[0], "77")


def test_trace_passes_over_the_same_commits_as_a_history():
    assert set(stores.QUIET) == set(history.QUIET)


def test_a_fact_leads_to_the_version_of_the_source_that_brought_it(tables: Tables):
    found = trace(tables, "synthetic_omop_ra.fact_person", "77")
    assert ("synthetic_omop.condition_occurrence", 4) in {(one.name, one.version) for one in found.versions}


def test_what_is_printed_names_no_person_and_no_value(tables: Tables):
    screen = io.StringIO()
    for table, key in (("readmission.predictions", str(ENCOUNTER)), ("synthetic_omop_ra.fact_person", "77")):
        print_trace(Console(file=screen, width=400), trace(tables, table, key))
    text = screen.getvalue()
    assert "feature_readmission@3" in text
    assert not [word for word in (str(PERSON), str(ENCOUNTER), "I50.9", "0.04") if word in text]


@pytest.mark.parametrize(("rows", "told"), [(1, "one row has"), (2, "several rows have"), (4, "several rows have")])
def test_of_the_rows_that_have_a_key_it_is_told_only_whether_there_are_several(tmp_path: Path, rows: int, told: str):
    write(tmp_path, "a_ra.fact_person", [{"fact_id": n, "concept_code": "I50.9"} for n in range(rows)])
    found, screen = trace(Tables(tmp_path), "a_ra.fact_person", "concept_code=I50.9"), io.StringIO()
    print_trace(Console(file=screen, width=400), found)
    assert screen.getvalue().splitlines()[0] == f"a_ra.fact_person: {told} this key"
    assert found.several == (rows > 1)
    assert set(asdict(found)) == {"table", "several", "versions", "models"}, "what the JSON has"


@pytest.mark.parametrize(
    ("table", "key", "told"),
    [
        ("readmission.nothing", "1", "table = 'readmission.nothing' is not there"),
        ("nothing", "1", "table = 'nothing' is not there"),
        ("synthetic_omop_ra.fact_person", "abc", "key = 'abc' is not valid; valid: a whole number, as fact_id is"),
        ("synthetic_omop_ra.fact_person", "concept_code=5", "no row of synthetic_omop_ra.fact_person version 0"),
        ("readmission.predictions", "score=5", "score is a double; valid: a column of whole numbers or text"),
        ("readmission.predictions", "1", "no row of readmission.predictions version 0 has this visit_occurrence_id"),
        ("readmission.predictions", "colour=1", "has no column 'colour'; valid: .*visit_occurrence_id"),
        ("readmission.predictions", "person_id=", "key = 'person_id=' is not valid"),
    ],
)
def test_what_cannot_be_traced_says_what_can(tables: Tables, table: str, key: str, told: str):
    with pytest.raises(UntraceableError, match=told):
        trace(tables, table, key)


def test_a_commit_of_a_task_carries_its_contract(tmp_path: Path):
    log = tmp_path / "a_ra" / "fact_person" / "_delta_log"
    log.mkdir(parents=True)
    said = json.dumps({"contract_hash": "c0ffee", "inputs": {"a.person": 2}})
    (log / f"{1:020}.json").write_text(json.dumps({"commitInfo": {"userMetadata": said}}) + "\n", encoding="utf-8")
    assert Tables(tmp_path).said("a_ra.fact_person", 1)["contract_hash"] == "c0ffee"
    assert key_of("a_ra.fact_person", "7") == ("fact_id", "7")
    assert key_of("a.b", "x=y") == ("x", "y")
