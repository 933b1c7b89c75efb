"""The texts of a person who withdrew: gone, not back with the next delivery, and not missed where they are expected."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from curated import request
from pyspark.sql import SparkSession

from jobs.io.context import Task
from jobs.tasks.note_acceptance import _note_acceptance
from jobs.tasks.notes import _notes
from jobs.tasks.withdraw import _withdraw
from synthetic.notes import generate
from workflows.contracts.notes import NOTES
from workflows.featurizations.synthetic_notes import synthetic_notes

RA = "synthetic_notes_ra"


@pytest.mark.spark
@pytest.mark.nightly
@pytest.mark.clause("F2", "P4")
def test_notes_of_a_withdrawn_person_stay_away_and_the_others_are_still_accepted(
    zones: SparkSession, make_task: Callable[..., Task], tmp_path: Path
):
    generate(tmp_path, persons=40, seed=5)

    def deliver() -> None:
        for table in ("note", "note_expected"):
            frame = zones.read.parquet(str(tmp_path / f"{table}.parquet")).coalesce(1)
            frame.write.format("delta").mode("overwrite").saveAsTable(f"synthetic_notes.{table}")

    def chain() -> int:
        for table in NOTES:
            _notes(make_task(synthetic_notes, table=table))
        task = make_task(synthetic_notes)
        _note_acceptance(task)
        task.tables.flush()
        return next(iter(zones.table(f"{RA}.note_acceptance").where("check_id = 'N5'").orderBy("checked").collect()))[
            "checked"
        ]

    deliver()
    expected = chain()
    (one,) = zones.sql(
        "SELECT n.person_id FROM synthetic_notes.note AS n JOIN synthetic_notes.note_expected AS e "
        "ON cast(n.note_id AS string) = trim(e.note_source_value) GROUP BY 1 ORDER BY 1 LIMIT 1"
    ).collect()
    gone = int(one["person_id"])
    _withdraw(make_task(synthetic_notes, request=request(tmp_path, f"{gone}\n")))
    assert chain() < expected, "they are gone from the curated notes"
    deliver()
    assert chain() < expected, "they were delivered again"
    for table in ("note", "note_rejected", "note_clean", "note_sentences"):
        found = zones.table(f"{RA}.{table}")
        assert found.where(f"person_id = {gone}").isEmpty(), table
        assert found.select("person_id").distinct().count() > 5 or table == "note_rejected"
    said = json.loads(zones.sql(f"DESCRIBE HISTORY {RA}.note LIMIT 1").first()["userMetadata"])
    assert said["inputs"] == {"synthetic_notes.note": 2, f"{RA}.withdrawn": 0}
