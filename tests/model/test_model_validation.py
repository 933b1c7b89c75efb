"""When a validation record is stale: the seed, "whenever a method is updated or data are added to a feature store"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_workspace import MODEL

from jobs.model.definition import DEFINITION
from jobs.model.validation import hashes, newest, refusals
from workflows.declare import CountOf, Demographics, days
from workflows.methods import GradientBoosting

pytestmark = pytest.mark.clause("V3")
NOON = datetime(2026, 3, 1, 12)
MEANS = {"cohort": "c1", "outcome": "o1", "features": {"age": "f1", "ccs": "f2"}}
WANTED = hashes(MODEL, "d" * 64, "c" * 64)
TAGS = {DEFINITION: json.dumps(MEANS)}
RECORD = WANTED | {
    "model": "readmission", DEFINITION: json.dumps(MEANS), "passed": True, "recorded_at": NOON,
    "source_versions": json.dumps({"premier.patdemo": 3, "premier.paticd": [4, 5], "premier_ra.fact_person": 7}),
}  # fmt: skip
LINEAGE = [
    {"object": "premier_ra.fact_person", "inputs": json.dumps({"premier.patdemo": 3, "premier.paticd": 5})},
    {"object": "premier_ra.feature_readmission", "inputs": json.dumps({"premier_ra.fact_person": 7})},
]


def why(record: Mapping[str, Any] | None = RECORD, **changed: Any) -> str:
    """The refusals in one text, "" for none."""
    usual: dict[str, Any] = {"wanted": WANTED, "tags": TAGS, "lineage": LINEAGE, "observations": []}
    return "; ".join(refusals(record, model="readmission", **usual | changed))


def observed(signal: str, hours: float, run: str = "1", version: int = 1) -> dict[str, Any]:
    """One row of monitoring, of the whole slice, so many hours after the record."""
    return {"job_run_id": run, "observed_at": NOON + timedelta(hours=hours), "model_version": version, "block": 0,
            "measure": "observed_over_expected", "signal": signal}  # fmt: skip


def made_from(**versions: int) -> list[dict[str, str]]:
    return [
        *LINEAGE,
        {"object": "premier_ra.fact_person", "inputs": json.dumps({f"premier.{k}": v for k, v in versions.items()})},
    ]


def test_a_record_of_the_same_things_and_data_is_none_to_refuse() -> None:
    assert why() == ""


def test_every_refusal_says_where_to_validate() -> None:
    assert why(None) == "readmission was never validated: run readmission_validate in the validation stage"
    assert why(lineage=made_from(patdemo=4)).endswith(": run readmission_validate in the validation stage")


def test_whether_the_gates_passed_there_is_for_the_analyst_to_judge() -> None:
    """The seed: "validation reports go to the Data Science Analyst for approval"."""
    assert why(RECORD | {"passed": False}) == ""


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"wanted": WANTED | {"declaration_hash": "e" * 64}}, "its declaration changed"),
        ({"wanted": hashes(replace(MODEL, method=GradientBoosting()), "d" * 64, "c" * 64)}, "its method changed"),
        (
            {
                "wanted": hashes(
                    replace(MODEL, features=[Demographics(), CountOf("inpatient_admission", window=days(-365, -1))]),
                    "d" * 64,
                    "c" * 64,
                )
            },
            "its features changed",
        ),
        ({"wanted": WANTED | {"contracts_hash": "e" * 64}}, "the contracts or the mapping of its source changed"),
        ({"tags": {DEFINITION: json.dumps(MEANS | {"features": {"age": "f1", "ccs": "f3"}})}}, "feature ccs changed"),
        ({"tags": {DEFINITION: json.dumps(MEANS | {"cohort": "c2"})}}, "the cohort changed"),
        ({"lineage": made_from(patdemo=4)}, "new data: premier.patdemo version 4 (validated: 3)"),
        ({"lineage": made_from(paticd=6)}, "new data: premier.paticd version 6 (validated: 5)"),
        ({"observations": [observed("calibration drift", 1)]}, "calibration drift was found"),
        ({"observations": [observed("covariate drift", 1)]}, "covariate drift was found"),
    ],
)
def test_a_record_is_stale_by(changed: dict[str, Any], words: str) -> None:
    assert why(**changed).startswith(f"its validation of 2026-03-01 12:00 UTC is stale, since then: {words}")


@pytest.mark.parametrize(
    "changed",
    [
        {"lineage": made_from(patdemo=3, paticd=4)},
        # Facts that were only made again, by other code, bring nothing new.
        {
            "lineage": [
                *LINEAGE,
                {"object": "premier_ra.feature_readmission", "inputs": json.dumps({"premier_ra.fact_person": 8})},
            ]
        },
        {"lineage": [*LINEAGE, {"object": "other_ra.fact_person", "inputs": json.dumps({"other.person": 9})}]},
        {"observations": [observed("", 1)]},
        {"observations": [observed("calibration drift", -1)]},
        # The same drift of the same champion is found every day until a better version is promoted.
        {"observations": [observed("calibration drift", -1, "1"), observed("calibration drift", 23, "2")]},
        {"tags": {}},
    ],
)
def test_a_record_stays_valid_by(changed: dict[str, Any]) -> None:
    assert why(**changed) == ""


@pytest.mark.parametrize(
    "later",
    [
        observed("covariate drift", 23, "2"),
        observed("calibration drift", 23, "2", version=2),
    ],
)
def test_a_drift_that_was_not_there_yet_makes_it_stale_beside_one_that_was(later: dict[str, Any]) -> None:
    before = observed("calibration drift", -1, "1")
    assert "drift was found" in why(observations=[later, before])


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
