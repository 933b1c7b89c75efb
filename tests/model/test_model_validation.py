"""When a validation record is stale: the seed, "whenever a method is updated or data are added to a feature store"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.model.definition import DEFINITION
from jobs.model.validation import newest, refusals

pytestmark = pytest.mark.clause("V3")
NOON = datetime(2026, 3, 1, 12)
MEANS = {"cohort": "c1", "outcome": "o1", "features": {"age": "f1", "ccs": "f2"}}
TAGS = {"declaration_hash": "d" * 64, "contracts_hash": "c" * 64, DEFINITION: json.dumps(MEANS)}
RECORD = TAGS | {
    "model": "readmission", "passed": True, "trained_at": NOON - timedelta(minutes=5), "recorded_at": NOON,
    "source_versions": json.dumps({"premier.patdemo": 3, "premier.paticd": [4, 5], "premier_ra.fact_person": 7,
                                   "premier_ra.fact_encounter_index": 2}),
}  # fmt: skip


def wrote(table: str, version: int, hours: float, **inputs: int) -> dict[str, Any]:
    """A row of lineage, so many hours after the record; inputs: of source tables."""
    made_from = json.dumps({f"premier.{name}": number for name, number in inputs.items()})
    return {"object": table, "version": version, "inputs": made_from, "written_at": NOON + timedelta(hours=hours)}


# The two fact tables were made from different deliveries of one table, as where only one was made anew.
LINEAGE = [
    wrote("premier_ra.fact_encounter_index", 2, -30, patdemo=3, paticd=4),
    wrote("premier_ra.fact_person", 7, -2, patdemo=3, paticd=5),
    wrote("premier_ra.feature_readmission", 1, -1),
]


def why(record: Mapping[str, Any] | None = RECORD, **changed: Any) -> str:
    """The refusals in one text, "" for none."""
    usual: dict[str, Any] = {"source": "premier", "tags": TAGS, "lineage": LINEAGE, "observations": []}
    return "; ".join(refusals(record, model="readmission", **usual | changed))


def observed(signal: str, hours: float, run: str = "1", version: int = 1) -> dict[str, Any]:
    """One row of monitoring, of the whole slice, so many hours after the record."""
    return {"job_run_id": run, "observed_at": NOON + timedelta(hours=hours), "model_version": version, "block": 0,
            "measure": "observed_over_expected", "signal": signal}  # fmt: skip


def later(*rows: dict[str, Any]) -> dict[str, Any]:
    """What the stage of the record wrote since, in no order."""
    return {"lineage": [*rows, *LINEAGE]}


def means(**parts: Any) -> dict[str, Any]:
    """The tags of a version whose features mean something else."""
    return {"tags": TAGS | {DEFINITION: json.dumps(MEANS | parts)}}


def test_a_record_of_the_same_things_and_data_is_none_to_refuse() -> None:
    assert why() == ""


@pytest.mark.parametrize("text", [why(None), why(**later(wrote("premier_ra.fact_person", 8, 1, patdemo=4, paticd=5)))])
def test_every_refusal_says_what_to_run_and_where(text: str) -> None:
    told = "run readmission_validate in the validation stage, after premier_featurize and readmission_featurize"
    assert text.endswith(f": {told}")


def test_of_a_version_that_is_older_than_what_was_validated_it_says_that_validating_again_does_not_help() -> None:
    newer = "; or train a new version, where what was validated is the newer"
    assert why(**means(outcome="o2")).endswith(newer)
    assert not why(observations=[observed("calibration drift", 1)]).endswith(newer)


def test_whether_the_gates_passed_there_is_for_the_analyst_to_judge() -> None:
    """The seed: "validation reports go to the Data Science Analyst for approval"."""
    assert why(RECORD | {"passed": False}) == ""


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"tags": TAGS | {"declaration_hash": "e" * 64}},
            "its declaration changed (validated: dddddddd, of this version: eeeeeeee)",
        ),
        # A version of an earlier release.
        (
            {"tags": {name: said for name, said in TAGS.items() if name != "contracts_hash"}},
            "the contracts or the mapping of its source changed (validated: cccccccc, of this version: not kept)",
        ),
        ({"tags": TAGS | {"contracts_hash": "e" * 64}}, "the contracts or the mapping of its source changed"),
        (means(features={"age": "f1", "ccs": "f3"}), "feature ccs changed"),
        (means(features={"age": "f1"}), "feature ccs changed"),
        (means(features={"age": "f1", "ccs": "f2", "new": "f9"}), "feature new changed"),
        (means(cohort="c2"), "the cohort changed"),
        (means(outcome="o2"), "the outcome changed"),
        ({"tags": {name: said for name, said in TAGS.items() if name != DEFINITION}}, "what its features mean is not kept by this version"),
        (later(wrote("premier_ra.fact_person", 8, 1, patdemo=4, paticd=5)), "new data: premier.patdemo version 4 (validated: 3)"),
        (later(wrote("premier_ra.fact_person", 8, 1, patdemo=3, paticd=5, patcpt=0)), "new data: premier.patcpt version 0 (validated: none)"),
        # A table that was dropped and made again begins at version 0.
        (later(wrote("premier_ra.fact_person", 8, 1, patdemo=0, paticd=5)), "new data: premier.patdemo version 0 (validated: 3)"),
        # A withdrawal made version 4; version 5 is a delivery all the same.
        (
            later(wrote("premier.patdemo", 4, 1), wrote("premier_ra.fact_person", 8, 2, patdemo=5, paticd=5)),
            "new data: premier.patdemo version 5 (validated: 3)",
        ),
        ({"observations": [observed("calibration drift", 1)]}, "calibration drift was found"),
        ({"observations": [observed("covariate drift", 1)]}, "covariate drift was found"),
        # While it was validated: the method had been trained by then.
        ({"observations": [observed("calibration drift", -0.01)]}, "calibration drift was found"),
        # It had gone, and came back.
        (
            {"observations": [observed("calibration drift", at, str(at)) if at != 23 else observed("", 23, "23") for at in (-1, 23, 47)]},
            "calibration drift was found",
        ),
        # One run whose tasks were run again has two observations.
        ({"observations": [observed("", -1, "9"), observed("calibration drift", 20, "9")]}, "calibration drift was found"),
    ],
)  # fmt: skip
def test_a_record_is_stale_by(changed: dict[str, Any], words: str) -> None:
    assert why(**changed).startswith(f"its validation of 2026-03-01 12:00 UTC is stale, since then: {words}")


@pytest.mark.parametrize(
    "changed",
    [
        # Facts that were only made again, by other code, bring nothing new.
        later(wrote("premier_ra.fact_person", 8, 1, patdemo=3, paticd=5)),
        # A check that refuses a delivery reads it; no feature store does.
        later(wrote("premier_ra.quality", 5, 1, patdemo=9, paticd=9)),
        later(wrote("premier.patdemo", 4, 1), wrote("premier_ra.fact_person", 8, 2, patdemo=4, paticd=5)),
        later({**wrote("other_ra.fact_person", 3, 1), "inputs": json.dumps({"other.person": 9})}),
        {"observations": [observed("", 1)]},
        {"observations": [observed("calibration drift", -1)]},
        # The same drift of the same champion is found every day until a better version is promoted.
        {"observations": [observed("calibration drift", -1, "1"), observed("calibration drift", 23, "2")]},
    ],
)
def test_a_record_stays_valid_by(changed: dict[str, Any]) -> None:
    assert why(**changed) == ""


def test_a_table_that_was_made_again_is_new_and_validated_again_is_none_to_refuse() -> None:
    rows = [
        wrote("premier_ra.fact_person", 7, -90, patdemo=2, paticd=1),
        wrote("premier_ra.fact_person", 7, -2, patdemo=0, paticd=5),
        LINEAGE[0],
    ]
    assert why(lineage=rows) == ""


@pytest.mark.parametrize(
    "found", [observed("covariate drift", 23, "2"), observed("calibration drift", 23, "2", version=2)]
)
def test_a_drift_that_was_not_there_yet_makes_it_stale_beside_one_that_was(found: dict[str, Any]) -> None:
    before = observed("calibration drift", -1, "1")
    assert "drift was found" in why(observations=[found, before])


def test_a_drift_that_had_passed_by_then_and_comes_back_makes_it_stale() -> None:
    told = [observed("calibration drift", -2, "1"), observed("", -1, "2"), observed("calibration drift", 1, "3")]
    assert "calibration drift was found" in why(observations=told)


@given(st.permutations(range(4)))
def test_the_newest_record_of_the_model_counts_in_whatever_order_they_are_read(order: list[int]) -> None:
    some = [RECORD | {"recorded_at": NOON + timedelta(hours=hour), "job_run_id": str(hour)} for hour in range(3)]
    some.append(RECORD | {"model": "other", "recorded_at": NOON + timedelta(days=9), "job_run_id": "other"})
    found = newest([some[place] for place in order], "readmission")
    assert found is not None
    assert found["job_run_id"] == "2"
    assert newest([], "readmission") is None
