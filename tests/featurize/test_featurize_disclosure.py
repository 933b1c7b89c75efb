"""A source of twelve persons, three of them in a group: nothing that its tasks say or publish counts 1 to 10 of them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from curated import deliver, frame, rows
from pyspark.sql import SparkSession

from jobs.io.context import Task
from jobs.quality.cohort import attrition_before, members_before
from jobs.tasks.check import _check
from jobs.tasks.facts import _facts
from jobs.tasks.features import _features
from workflows.declare import Demographics, replace
from workflows.featurizations.synthetic_omop import synthetic_omop
from workflows.models.readmission import readmission

pytestmark = [pytest.mark.slow, pytest.mark.spark, pytest.mark.clause("F5", "P8")]
PERSONS, WOMEN, DEAD, ORPHANS = 12, 3, 2, 4
# Numbers that count nobody: versions of tables, steps, days and bounds in a rule's own words.
NO_COUNT = re.compile(r"is at version \d+|attrition \d+,|from \d+ to \d+|synthetic_omop\S*")
NUMBER = re.compile(r"\b\d[\d,]*\b")


def tiny() -> dict[str, list[dict[str, str | None]]]:
    """The first twelve persons: three women, two who die in hospital, four conditions whose stay is nowhere."""
    given = {table: some[:PERSONS] for table, some in rows().items()}
    given["person"] = [
        row | {"gender_concept_id": "8532" if n < WOMEN else "8507"} for n, row in enumerate(given["person"])
    ]
    given["visit_occurrence"] = [
        row | {"discharged_to_source_value": "expired"} if n < DEAD else row
        for n, row in enumerate(given["visit_occurrence"])
    ]
    given["condition_occurrence"] = [
        row | {"visit_occurrence_id": "999"} if n < ORPHANS else row
        for n, row in enumerate(given["condition_occurrence"])
    ]
    return given


def test_no_log_line_and_no_published_row_counts_one_to_ten_persons(
    zones: SparkSession, make_task: Callable[..., Task], capsys: pytest.CaptureFixture[str]
):
    deliver(zones, {table: frame(zones, table, some) for table, some in tiny().items()})
    _check(make_task(synthetic_omop))
    for table in ("fact_encounter_index", "fact_person"):
        _facts(make_task(synthetic_omop, table=table, person_sample="1.0", outcomes_through="1.0"))
    _features(make_task(replace(readmission, features=[Demographics()])))

    log = capsys.readouterr().out
    assert "convention: condition_occurrence: not so: visit_occurrence_id is in visit_occurrence: rows, how many" in log
    said = [int(one.replace(",", "")) for one in NUMBER.findall(NO_COUNT.sub("", log))]
    assert not [one for one in said if 0 < one < 11], log

    report = zones.table("synthetic_omop_ra.quality").collect()
    sizes = {(row["table"].partition(".")[0], row["table_rows"]) for row in report}
    assert sizes >= {("synthetic_omop", PERSONS), ("synthetic_omop_ra", PERSONS)}
    assert {size for _, size in sizes} == {PERSONS, None}, "ten are left at risk: how many is kept back"
    for row in report:
        counts = [row[name] for name in ("rows_at_fault", "rows_checked", "table_rows") if row[name] is not None]
        differences = [abs(one - other) for one in counts for other in counts]
        assert not [one for one in (*counts, *differences) if 0 < one < 11], row
    (orphans,) = (row for row in report if row["check_id"] == "visit_occurrence_id_in_visit_occurrence")
    assert (orphans["state"], orphans["rows_at_fault"], orphans["share"]) == ("failed", None, None)

    steps = [tuple(row) for row in zones.table("readmission.attrition").select("encounters", "persons").collect()]
    shown = [step for step in steps if step != (None, None)]
    assert shown
    assert set(shown) == {(PERSONS, PERSONS)}, "who died in hospital would be the difference"
    written = zones.table("readmission.attrition").select("step", "reason", "persons").orderBy("step").collect()
    told = [(row["step"], row["reason"]) for row in written]
    before = attrition_before(make_task(synthetic_omop), "readmission.attrition", told)
    assert [one.persons for one in before] == [{row["persons"]} - {None} for row in written], "the next run's bounds"
    members, source = members_before(
        make_task(synthetic_omop), "readmission.attrition", "synthetic_omop_ra.feature_readmission"
    )
    assert source == {PERSONS}, "the report on the facts says how many encounters there are"
    assert not members.encounters, "two fewer are left: neither the attrition nor the report says it"
    assert not zones.catalog.tableExists("synthetic_omop_ra.statistics") or not [
        row for row in zones.table("synthetic_omop_ra.statistics").collect() if row["dimension"] == "sex"
    ]
