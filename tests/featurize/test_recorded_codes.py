"""The codes that a source records: k planted of a kind are k reported, and none of few is given away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from curated import Row, deliver, frame, rows
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.codes.known import Entry, Known
from jobs.featurize.columns import typed
from jobs.io.context import Task
from jobs.quality.codes import LEAF, NONE, SEVERITY, decided, of_place, places, rows_of
from jobs.quality.published import published
from jobs.tasks.check import _check
from workflows.featurizations.synthetic_omop import synthetic_omop
from workflows.sources import named, names

COLUMN = "condition_source_value"
# Code, day, rows, what it is by the reference below: I50.9 is billable, I50 its header, I51.1 went at the end of 2020,
# 428.0 is ICD-9-CM's heart failure. A code that is written another way is lost to features, whatever it is.
PLANTED = [
    ("I50.9", "2021-03-01", 30, LEAF),
    ("I51.1", "2020-06-01", 16, LEAF),
    ("I50", "2021-03-01", 15, "header"),
    ("I50.77", "2021-03-01", 12, "unknown"),
    ("428.0", "2021-03-01", 13, "wrong_vocabulary"),
    ("heart failure", "2021-03-01", 14, "format"),
    ("I51.1", "2021-01-01", 11, "retired"),
    ("I509", "2021-03-01", 17, "spelling"),
    ("i50.9", "2021-03-01", 18, "spelling"),
    ("I511", "2021-01-01", 19, "spelling"),
    (" I50.9 ", "2021-03-01", 20, LEAF),
]
ALL = sum(count for _, _, count, _ in PLANTED)


def conditions(planted: list[tuple[str, str, int, str]] = PLANTED) -> list[Row]:
    every = [(code, day, person) for code, day, count, _ in planted for person in range(1, count + 1)]
    return [
        {"condition_occurrence_id": str(number), "person_id": str(person), "condition_start_datetime": f"{day} 08:00:00",
         "visit_occurrence_id": None, "condition_source_value": code}
        for number, (code, day, person) in enumerate(every)
    ]  # fmt: skip


@pytest.mark.clause("F5")
@pytest.mark.parametrize(("ended", "dated", "decided_of_retired"), [
    ({"ICD10CM": ["I51.1"]}, True, True), ({}, True, False), ({"ICD10CM": ["I51.1"]}, False, False),
    ({"ICD9CM": ["428.0"]}, True, False),
])  # fmt: skip
def test_whether_codes_are_retired_is_only_decided_where_the_reference_says_of_any_that_it_ended(
    ended: dict[str, list[str]], dated: bool, decided_of_retired: bool
):
    knows = Known()
    knows.add("ICD10CM", "I50.9", Entry(leaf=True))
    for vocabulary, codes in ended.items():
        for code in codes:
            knows.add(vocabulary, code, Entry(leaf=True, until=date(2020, 12, 31)))
    place = ("condition_occurrence", COLUMN)
    can = decided([(*place, "ICD10CM", "I50.9")], [{"_table": place[0], "_column": place[1], "dated": dated}], knows)
    assert can[place] - {"retired"} == SEVERITY.keys() - {"retired"}
    assert ("retired" in can[place]) is decided_of_retired


def reference(spark: SparkSession) -> None:
    billable = [("I50", False), ("I50.9", True)]
    spark.createDataFrame(billable, "concept_code string, is_billable boolean").write.format("delta").saveAsTable(
        "reference.icd10cm"
    )
    concepts = [
        ("ICD10CM", "I51.1", "5-char billing code", date(2020, 12, 31), "D"),
        ("ICD9CM", "428.0", "4-dig billing code", date(2099, 12, 31), None),
    ]
    spark.createDataFrame(
        concepts,
        "vocabulary_id string, concept_code string, concept_class_id string, valid_end_date date, invalid_reason string",
    ).write.format("delta").saveAsTable("ml.concept")


def reported(spark: SparkSession) -> dict[str, dict[str, Any]]:
    found = spark.table("synthetic_omop_ra.quality").where(f"check_id LIKE '{COLUMN}_codes_%'").orderBy("checked_at")
    return {row["check_id"].removeprefix(f"{COLUMN}_codes_"): row.asDict() for row in found.collect()}


@pytest.mark.spark
@pytest.mark.clause("F4", "F5")
def test_k_planted_codes_of_a_kind_are_k_reported_once_reference_data_are_loaded(
    zones: SparkSession, make_task: Callable[..., Task]
):
    given = rows() | {"condition_occurrence": conditions()}
    deliver(zones, {table: frame(zones, table, given[table]) for table in given})
    _check(make_task(synthetic_omop))
    before = reported(zones)
    assert {row["state"] for row in before.values()} == {"not applicable"}
    assert {row["reason"] for row in before.values()} == {"no reference data are loaded"}

    reference(zones)
    task = make_task(synthetic_omop)
    _check(task)
    task.tables.flush()
    after = reported(zones)
    assert set(after) == set(SEVERITY)
    expected = dict.fromkeys(SEVERITY, 0)
    for _, _, count, what in PLANTED:
        if what != LEAF:
            expected[what] += count
    assert {name: (row["rows_at_fault"], row["rows_checked"]) for name, row in after.items()} == {
        name: (count, ALL) for name, count in expected.items()
    }
    assert {name for name, row in after.items() if row["state"] == "failed"} == {
        name for name, count in expected.items() if count
    }
    said = zones.table("ml.lineage").where("object = 'synthetic_omop_ra.quality'").collect()
    assert any('"reference.icd10cm": 0' in row["inputs"] for row in said), "the report names what it was held against"

    # Five of a kind are not shown, and not left to be subtracted either.
    few = [one if one[3] != "unknown" else (one[0], one[1], 5, one[3]) for one in PLANTED]
    deliver(zones, {"condition_occurrence": frame(zones, "condition_occurrence", conditions(few))})
    _check(make_task(synthetic_omop))
    shown = reported(zones)
    assert (shown["unknown"]["state"], shown["unknown"]["rows_at_fault"]) == ("failed", None)
    assert all(row["rows_at_fault"] in (None, 0) for row in shown.values()), "one moved by few: all are kept back"


@pytest.mark.parametrize("source", names())
def test_every_column_of_codes_of_a_source_is_held_unless_the_mapping_itself_names_the_code(source: str):
    found = places(named(source))
    assert {kind.code for kinds in found.values() for kind in kinds} == {
        kind.code for kind in named(source).events if not kind.code.startswith("'")
    }
    held = {
        "uci130": {("encounter", f"diag_{n}") for n in (1, 2, 3)},
        "synthetic_omop": {("condition_occurrence", COLUMN)},
    }
    assert source not in held or set(found) == held[source]


@pytest.mark.spark
def test_the_codes_of_every_source_can_be_read_by_its_own_mapping(spark: SparkSession):
    for source in map(named, names()):
        tables = {
            one.table: typed(spark.createDataFrame([], ", ".join(f"`{c.name}` string" for c in one.columns)), one)
            for one in source.contracts
        }
        made = rows_of(source, tables)
        columns = ["_whose", "_day", "_table", "_column", "vocabulary_id", "concept_code"]
        assert (None if made is None else made.columns) == (columns if places(source) else None)
        first = next(iter(places(source)), None)
        if first is not None:
            without = rows_of(source, {name: frame for name, frame in tables.items() if name != first[0]})
            assert without is None or without.columns == columns


@pytest.mark.clause("P5")
@settings(max_examples=300)
@given(st.lists(st.sampled_from([0, 0, 1, 3, 10, 11, 12, 20, 40, 900]), min_size=8, max_size=8))
def test_no_reader_bounds_a_state_of_few_persons_within_1_to_10(counts: list[int]):
    states = dict(zip((*SEVERITY, LEAF), counts, strict=True))
    total = sum(counts)
    row = {f"{prefix}_{one}": count for one, count in states.items() for prefix in "rp"}
    row |= {f"k_{one}": total - count for one, count in states.items()} | {f"r_{NONE}": 0, f"p_{NONE}": 0}
    found = of_place(("t", "c"), row, set(SEVERITY))
    shown = {one.result.check.removeprefix("c_codes_"): one for one in published(found, of_persons=True)}
    hidden = [name for name, one in shown.items() if one.rows is None]
    if {one.result.state for one in shown.values()} == {"not applicable"}:
        assert total < 11 + sum(1 for count in counts if count), "only where so few persons leave nothing to say"
        return
    rest = total - sum(one.rows or 0 for one in shown.values())
    # What is kept back and what no check counts make up the rest; of each that failed there is one at least.
    for name in hidden:
        most = rest - sum(1 for other in hidden if other != name)
        assert not 0 < states[name] < 11 or most > 10, (states, shown)
    # The leaves alone are the rest where nothing is kept back, and nothing small is shown.
    assert not any(0 < (one.rows or 0) < 11 for one in shown.values())
    assert hidden or not 0 < states[LEAF] < 11
