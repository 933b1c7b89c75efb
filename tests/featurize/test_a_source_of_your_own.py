"""The source that docs/sources.md builds from nothing: its files are declarations, and facts come of its folder."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from curated import typed_tables
from pyspark.sql import SparkSession

import workflows.contracts
import workflows.models
import workflows.sources
from infra import inputs, names
from infra.roles import BY_DATASET
from jobs.featurize.contract import results
from jobs.featurize.facts import fact_encounter_index, fact_person
from workflows.deliveries import recognise
from workflows.discover import Catalogue, discover
from workflows.source import Source
from workflows.sources import named

ROOT = Path(__file__).resolve().parents[2]
SECTION = re.search(
    r"^## A source of your own$(.*?)^## ", (ROOT / "docs" / "sources.md").read_text(encoding="utf-8"), re.M | re.S
)[1]
FILES = re.findall(r"^```python\n# (workflows/\S+)\n(.*?)^```$", SECTION, re.M | re.S)
DELIVERED = {
    "patients.csv": "patient_id,sex,born\n1,F,1950-07-01\n2,U,1961-02-03\n",
    "stays.csv": (
        "stay_id,patient_id,admitted,discharged,went_to\n"
        "11,1,2021-03-01 08:00:00,2021-03-05 10:00:00,home\n"
        "12,1,2021-03-20 09:00:00,2021-03-22 10:00:00,died\n"
        "13,2,2021-04-01 07:00:00,2021-04-01 19:00:00,\n"
    ),
    "diagnoses.csv": "stay_id,patient_id,code,recorded\n11,1,I50.9,2021-03-01 09:00:00\n13,2,E11.9,2021-04-01 08:00:00\n",
}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory) -> Iterator[Catalogue]:
    """All that is declared with the files of the page in place, which are importable for so long."""
    root = tmp_path_factory.mktemp("house") / "workflows"
    shutil.copytree(ROOT / "workflows", root, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in FILES:
        (root.parent / name).write_text(text, encoding="utf-8")
    packages = (workflows.contracts, workflows.sources, workflows.models)
    with pytest.MonkeyPatch.context() as patched:
        for package in packages:
            folder = root / package.__name__.rpartition(".")[2]
            patched.setattr(package, "__path__", [*package.__path__, str(folder)])
        yield discover(root, clusters=["ml_cpu"])
    for package in packages:
        sys.modules.pop(f"{package.__name__}.county", None)
        vars(package).pop("county", None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("delivery")
    for name, text in DELIVERED.items():
        (made / name).write_text(text, encoding="utf-8")
    return made


def test_the_page_shows_every_file_that_its_table_names():
    told = re.findall(r"^\| `(workflows/\S+)` \|", SECTION, re.M)
    assert [name for name, _ in FILES] == [*told, "workflows/models/readmission_county.py"]
    assert len(told) == 3


def test_its_files_are_a_source_a_featurization_and_a_model(catalogue: Catalogue):
    assert catalogue.featurizations["county"].tables == ("fact_person", "fact_encounter_index")
    assert catalogue.models["readmission_county"].source == "county"
    assert catalogue.models["readmission_county"].examples, "they come out on this source too"


def test_the_groups_that_the_page_adds_are_those_that_the_source_needs():
    (block,) = re.findall(r"^```json\n(.*?)^```$", SECTION, re.M | re.S)
    added = json.loads(block)
    assert set(added) == {names.group(role.value, "county") for role in BY_DATASET}
    given = json.loads((ROOT / "tests" / "infra" / "inputs.json").read_text(encoding="utf-8"))
    given["groups"] |= added
    assert added.items() <= inputs.parse(json.dumps(given)).groups.items()


def test_its_folder_is_recognised(catalogue: Catalogue, folder: Path):
    assert recognise(folder) == named("county") == catalogue.sources["county"]


@pytest.mark.spark
@pytest.mark.clause("F1")
def test_its_folder_keeps_the_contracts_and_becomes_facts(spark: SparkSession, catalogue: Catalogue, folder: Path):
    source: Source = catalogue.sources["county"]
    rows = {}
    for delivery in source.deliveries:
        with (folder / delivery.files[0]).open(newline="", encoding="utf-8") as text:
            rows[delivery.table] = [{k: v or None for k, v in row.items()} for row in csv.DictReader(text)]
    tables = typed_tables(spark, source, rows)
    held = [one for contract in source.contracts for one in results(tables[contract.table], contract, tables)]
    assert {one.state for one in held} <= {"passed", "not applicable"}
    assert any(one.state == "passed" and one.check == "discharged_not_before_admitted" for one in held)
    events = fact_person(tables, source, person_sample=1.0).collect()
    assert {
        (one["person_id"], one["visit_occurrence_id"], one["vocabulary_id"], one["concept_code"]) for one in events
    } == {
        (1, 11, "ICD10CM", "I50.9"),
        (2, 13, "ICD10CM", "E11.9"),
    }
    assert {one["event_start_datetime"] for one in events} == {datetime(2021, 3, 1, 9), datetime(2021, 4, 1, 8)}
    stays = fact_encounter_index(tables, source, person_sample=1.0, outcomes_through=1.0).collect()
    assert {
        (one["visit_occurrence_id"], one["sex"], str(one["birth_date"]), one["length_of_stay"], one["is_at_risk"])
        for one in stays
    } == {(11, "F", "1950-07-01", 4, True), (12, "F", "1950-07-01", 2, False), (13, None, "1961-02-03", 0, True)}
