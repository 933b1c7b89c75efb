"""Candidate against champion: leaked persons are refused, a better model wins, a worse one does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from model_cohort import cohort, sided

from jobs.errors import TaskError
from jobs.model import evaluation
from jobs.model.comparison import compare, refuse_leaks, shared
from jobs.model.gates import FAILED, PASSED, Result, all_passed, assess, written
from jobs.model.matrix import fit, probabilities
from jobs.model.promotion import refusals
from workflows.gates import AtLeast, NonInferior
from workflows.methods import GradientBoosting, LogisticRegression, Method

GATES = [AtLeast("auroc", 0.5), NonInferior("auroc", 0.01)]
SIGNED = {"approved_by": "engineer@example", "validated_by": "analyst@example", "principal": "sp-promote"}


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return sided(cohort(persons=2000, encounters=8000))


def scores(data: pd.DataFrame, method: Method, without: tuple[str, ...] = ()) -> np.ndarray:
    """Test-side probabilities of a model that never saw the columns `without`."""
    train, test = (data[data["side"] == side].drop(columns=list(without)) for side in ("train", "test"))
    return probabilities(fit(method, method.parameters, train), test)


def judged(data: pd.DataFrame, candidate: np.ndarray, champion: np.ndarray) -> list[Result]:
    test = data[data["side"] == "test"]
    trained = dict.fromkeys(("version 1", "version 2"), data[data["side"] == "train"]["person_id"])
    difference = compare(GATES, test, candidate, champion, trained, seed=1)
    found = evaluation.estimates(test, candidate, seed=1)
    return assess(GATES, found, test["outcome"].to_numpy(), difference)


def tags(results: list[Result], champion: str) -> dict[str, str]:
    return {
        "created_by": "sp-train", "gates": written(results), "gates_checked": "judge", "gates_champion": champion,
    }  # fmt: skip


@pytest.mark.clause("21")
def test_a_better_model_replaces_the_champion_and_a_worse_one_does_not(data: pd.DataFrame) -> None:
    good = scores(data, LogisticRegression(C=1.0))
    poor = scores(data, LogisticRegression(C=1.0), without=("f_x",))

    up = judged(data, candidate=good, champion=poor)
    assert [one.state for one in up] == [PASSED, PASSED]
    assert not refusals(tags=tags(up, "1"), registry_user=None, champion="1", version="2", **SIGNED)

    down = judged(data, candidate=poor, champion=good)
    assert down[1].state == FAILED
    assert not all_passed(down, "1")
    (reason,) = refusals(tags=tags(down, "1"), registry_user=None, champion="1", version="2", **SIGNED)
    assert "auroc less than 0.01 below the champion's: failed" in reason


def test_a_different_method_of_equal_worth_is_not_inferior(data: pd.DataFrame) -> None:
    found = judged(data, scores(data, GradientBoosting()), scores(data, GradientBoosting(max_depth=2)))
    assert found[1].state == PASSED


@pytest.mark.clause("21")
@pytest.mark.parametrize("model", ["version 1", "version 2"])
def test_a_comparison_is_refused_if_one_test_person_was_in_either_training_set(data: pd.DataFrame, model: str) -> None:
    test, train = data[data["side"] == "test"], data[data["side"] == "train"]["person_id"]
    trained = {"version 1": train, "version 2": train}
    trained[model] = pd.concat([train, test["person_id"].head(1)])
    score = np.full(len(test), 0.5)
    with pytest.raises(TaskError, match=f"comparison refused: fewer than 11 .* in the training set of {model}"):
        compare(GATES, test, score, score, trained, seed=1)


def test_a_comparison_of_disjoint_persons_is_not_refused() -> None:
    refuse_leaks([1, 2, 3], {"version 1": [4, 5], "version 2": []})


def test_with_new_features_two_models_meet_on_the_encounters_that_both_datasets_hold() -> None:
    test = pd.DataFrame({"visit_occurrence_id": [5, 3, 9, 1], "f_new": [0.5, 0.3, 0.9, 0.1]})
    other = pd.DataFrame({"visit_occurrence_id": [1, 2, 3, 5], "f_old": [10, 20, 30, 50]})
    known, rows = shared(test, other)
    assert known.tolist() == [True, True, False, True]
    assert rows["visit_occurrence_id"].tolist() == [5, 3, 1]
    assert rows["f_old"].tolist() == [50, 30, 10]


PASSES = {
    "created_by": "sp-train",
    "gates": written([Result("g", PASSED, "")]),
    "gates_checked": "judge",
    "gates_champion": "1",
}
CASES = [
    ("nothing is against it", {}, {}, ""),
    ("sp-promote created it", {"created_by": "sp-promote"}, {}, "sp-promote created it and would promote it"),
    ("the registry says sp-promote created it", {}, {"registry_user": "sp-promote"}, "sp-promote created it"),
    ("nobody created it", {"created_by": ""}, {}, "no tag created_by"),
    ("no approval", {}, {"approved_by": " "}, "approved_by is empty"),
    ("no validation", {}, {"validated_by": ""}, "validated_by is empty"),
    ("the creator approves", {}, {"approved_by": "sp-train"}, "approved_by = 'sp-train' created it"),
    ("the requester approves", {"requested_by": "engineer@example"}, {}, "approved_by = 'engineer@example' created it"),
    ("the trainer validates", {"trained_by": "analyst@example"}, {}, "validated_by = 'analyst@example' created it"),
    ("sp-promote approves", {}, {"approved_by": "sp-promote"}, "a person has to sign"),
    ("the requester approves in capitals", {"requested_by": "Engineer@Example"}, {}, "created it"),
    ("one person signs twice in capitals", {}, {"validated_by": "ENGINEER@example "}, "two persons have to sign"),
    ("one person signs twice", {}, {"validated_by": "engineer@example"}, "two persons have to sign"),
    ("never judged", {"gates_checked": "evaluate"}, {}, "its gates were not judged"),
    ("a gate failed", {"gates": written([Result("g", FAILED, "why")])}, {}, "g: failed (why)"),
    ("no gates", {"gates": "[]"}, {}, "it has none"),
    ("another champion since", {}, {"champion": "7"}, "judged against champion 1, and the champion is now 7"),
    ("champion already", {}, {"champion": "2"}, "version 2 is the champion already"),
]


@pytest.mark.clause("24", "V4")
@pytest.mark.parametrize(("case", "tagged", "given", "reason"), CASES, ids=[case[0] for case in CASES])
def test_promotion_says_why_not(case: str, tagged: dict[str, str], given: dict[str, str], reason: str) -> None:
    asked = {"registry_user": None, "champion": "1", "version": "2"} | SIGNED | given
    found = refusals(tags=PASSES | tagged, **asked)  # type: ignore[arg-type]
    assert bool(found) == bool(reason)
    assert reason in "; ".join(found)
