"""The UCI 130-hospitals data through check, facts and features, held against its published counts."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.io.context import Task
from jobs.tasks.check import _check
from jobs.tasks.facts import _facts
from jobs.tasks.features import _features
from workflows.deliveries import opened, recognise
from workflows.featurizations.uci130 import uci130
from workflows.models.readmission_uci130 import readmission_uci130

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "readmission_uci130"
pytestmark = [
    pytest.mark.spark,
    pytest.mark.usefixtures("compiled"),
    pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/data/readmission_uci130 is not on this machine"),
]


@pytest.fixture
def delivered(zones: SparkSession, tmp_path: Path) -> SparkSession:
    source = recognise(FOLDER)
    with opened(source.deliveries[0], FOLDER) as stream:
        (tmp_path / "encounter.csv").write_bytes(stream.read())
    frame = zones.read.csv(str(tmp_path / "encounter.csv"), header=True)
    frame.coalesce(1).write.format("delta").saveAsTable("uci130.encounter")
    return zones


@pytest.mark.clause("8", "12", "C4", "F1", "F7")
def test_the_real_encounters_become_features_of_99343_eligible_stays(
    delivered: SparkSession, make_task: Callable[..., Task], capsys: pytest.CaptureFixture[str]
):
    _check(make_task(uci130))
    for table in ("fact_encounter_index", "fact_person"):
        task = make_task(uci130, table=table, person_sample="1.0", outcomes_through="0.9")
        _facts(task)
        task.tables.flush()
    _features(make_task(readmission_uci130))

    steps = delivered.table("readmission_uci130.attrition").orderBy("step").collect()
    assert [(row["reason"], row["encounters"], row["persons"]) for row in steps] == [
        ("all encounters", 101_766, 71_518), ("inpatient stay", 101_766, 71_518),
        ("leaves the person at risk", 99_343, 69_990),
    ]  # fmt: skip
    assert "leaves the person at risk: 99,343 encounters, 69,990 persons" in capsys.readouterr().out

    described = delivered.table("uci130_ra.covariates_readmission_uci130").collect()
    assert {(row["aggregation"], row["window"], row["missing_means"]) for row in described if row["collection"]} == {
        ("any", "index encounter", "zero")
    }
    diabetes = next(row for row in described if row["concept_set_name"] == "endocrine")
    assert "ICD9CM:250" in diabetes["source_codes"]

    found = delivered.table("uci130_ra.feature_readmission_uci130").toPandas()
    assert {row["column_name"] for row in described} == {name for name in found if name.startswith("f_")}
    assert len(found) == 99_343
    assert found["person_id"].nunique() == 69_990
    known = found["encounter_order"] <= 0.9 * 101_766
    assert (found["outcome_known"] == known).all()
    assert found.loc[~known, "outcome"].isna().all()
    wanted = readmitted(found)
    assert (found.loc[known, "outcome"].astype(bool) == wanted[known]).all()

    lineage = delivered.table("ml.lineage").where("object LIKE 'uci130_ra.fact%'").collect()
    assert {row["inputs"] for row in lineage} == {'{"uci130.encounter": 0}'}


def readmitted(found):
    """Whether the delivered file says `<30`, by the standard library's reader."""
    with opened(recognise(FOLDER).deliveries[0], FOLDER) as stream:
        lines = csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8"))
        early = {int(row["encounter_id"]) for row in lines if row["readmitted"] == "<30"}
    return found["visit_occurrence_id"].isin(early)
