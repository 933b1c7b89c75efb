"""A source that did not change is neither checked nor turned into facts again; whatever changed is."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from curated import deliver, frame, rows
from pyspark.sql import SparkSession

from jobs.io.context import Task
from jobs.tasks.check import _check
from jobs.tasks.facts import _facts
from workflows.featurizations.synthetic_omop import synthetic_omop

pytestmark = [pytest.mark.spark, pytest.mark.clause("F7")]
PERSON, INDEX, QUALITY = (f"synthetic_omop_ra.{name}" for name in ("fact_person", "fact_encounter_index", "quality"))


def test_what_did_not_change_stays_and_what_did_is_made_and_checked_again(
    zones: SparkSession, make_task: Callable[..., Task], capsys: pytest.CaptureFixture[str]
):
    given = rows()
    deliver(zones, {table: frame(zones, table, given[table]) for table in given})

    def run(main: Callable[[Task], None], commit: str = "abc", **settings: str) -> str:
        task = make_task(synthetic_omop, **{"person_sample": "1.0", "outcomes_through": "0.9"} | settings)
        vars(task)["commit"] = commit
        capsys.readouterr()
        main(task)
        task.tables.flush()
        return capsys.readouterr().out

    person, index = {"table": "fact_person"}, {"table": "fact_encounter_index"}
    for main, settings in ((_check, {}), (_facts, person), (_facts, index)):
        assert "stays" not in run(main, **settings)
    reported = zones.table(QUALITY).count()

    assert "checked before, and their report stands" in run(_check)
    assert f"{PERSON} stays at version 0" in run(_facts, **person)
    assert f"{INDEX} stays at version 0" in run(_facts, **index)
    assert f"{PERSON} stays at version 0" in run(_facts, outcomes_through="1.0", **person)
    assert zones.table(QUALITY).count() == reported

    # Reference data came: the same codes are held against them, once.
    codes = zones.createDataFrame([("I50.9", True)], "concept_code string, is_billable boolean")
    codes.write.format("delta").saveAsTable("reference.icd10cm")
    assert "report stands" not in run(_check)
    assert "report stands" in run(_check)

    # Another share of outcomes, another sample, other code, code that is not committed.
    assert f"{INDEX} is at version 1" in run(_facts, **(index | {"outcomes_through": "1.0"}))
    assert f"{PERSON} is at version 1" in run(_facts, **(person | {"person_sample": "0.5"}))
    assert f"{PERSON} is at version 2" in run(_facts, commit="def", **person)
    assert f"{PERSON} is at version 3" in run(_facts, commit="def+dirty", **person)
    assert f"{PERSON} is at version 4" in run(_facts, commit="def+dirty", **person)
    assert "report stands" not in run(_check, commit="def")

    # The curated table has one row less.
    deliver(zones, {"condition_occurrence": frame(zones, "condition_occurrence", given["condition_occurrence"][1:])})
    assert "report stands" not in run(_check, commit="def")
    assert f"{PERSON} is at version 5" in run(_facts, commit="def", **person)

    # It is dropped and made again, with other rows, until it has as many versions as it had.
    zones.sql("DROP TABLE synthetic_omop.condition_occurrence")
    other = [{**one, "condition_source_value": "E11.9"} for one in given["condition_occurrence"]]
    for _ in range(2):
        deliver(zones, {"condition_occurrence": frame(zones, "condition_occurrence", other)})
    assert f"{PERSON} is at version 6" in run(_facts, commit="def", **person)
    assert {row["concept_code"] for row in zones.table(PERSON).collect()} == {"E11.9"}
    assert "report stands" not in run(_check, commit="def")
    assert "report stands" in run(_check, commit="def")

    # A task that died before its table was held against the contract.
    zones.sql(f"DROP TABLE {QUALITY}")
    assert f"{PERSON} is at version 7" in run(_facts, commit="def", **person)


@pytest.mark.clause("P4")
def test_the_lineage_of_a_version_whose_task_died_before_it_wrote_it_is_written_by_the_next_run_as_the_commit_says(
    zones: SparkSession, make_task: Callable[..., Task]
):
    given = rows()
    deliver(zones, {table: frame(zones, table, given[table]) for table in given})
    _check(task := make_task(synthetic_omop))
    task.tables.flush()
    settings = {"table": "fact_person", "person_sample": "1.0", "outcomes_through": "0.9"}

    def lineage() -> list[tuple[str, int, str]]:
        found = zones.table("ml.lineage").where(f"object = '{PERSON}'").collect()
        return [(row["task_run_id"], row["version"], row["inputs"]) for row in found]

    died = make_task(synthetic_omop, **settings)
    vars(died)["commit"] = "abc"
    _facts(died)
    assert lineage() == []
    for _ in range(2):
        again = make_task(synthetic_omop, task_run_id="444", **settings)
        vars(again)["commit"] = "abc"
        _facts(again)
        again.tables.flush()
        (row,) = lineage()
    assert row[:2] == (died.task_run_id, 0) != (again.task_run_id, 0)
    assert json.loads(row[2])["synthetic_omop.condition_occurrence"] == 0
