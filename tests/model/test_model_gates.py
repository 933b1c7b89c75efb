"""Gates: a table of cases for each state, and the rule for promotion."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.model.gates import (
    FAILED,
    LATER,
    NO_CHAMPION,
    NOT_ASSESSABLE,
    PASSED,
    Result,
    all_passed,
    assess,
    passed_so_far,
    read,
    text,
    written,
)  # fmt: skip
from jobs.model.intervals import Estimate
from workflows.gates import AtLeast, Calibrated, Gate, Implausible, NonInferior

GOOD = {
    "auroc": Estimate(0.70, 0.66, 0.74),
    "average_precision": Estimate(0.3, 0.25, 0.35),
    "scaled_brier": Estimate(0.1, 0.05, 0.15),
    "observed_over_expected": Estimate(1.02, 0.95, 1.1),
    "calibration_slope": Estimate(0.98, 0.9, 1.06),
}


def outcome(events: int, others: int) -> np.ndarray:
    return np.r_[np.ones(events, dtype=int), np.zeros(others, dtype=int)]


CASES = [
    ("the lower end is above the bound", AtLeast("auroc", 0.65), {}, 500, NO_CHAMPION, PASSED),
    ("the estimate is above the bound, the lower end is not", AtLeast("auroc", 0.68), {}, 500, NO_CHAMPION, FAILED),
    ("no interval", AtLeast("auroc", 0.6), {"auroc": Estimate(0.7)}, 500, NO_CHAMPION, FAILED),
    ("99 test events", AtLeast("auroc", 0.65), {}, 99, NO_CHAMPION, NOT_ASSESSABLE),
    ("100 test events", AtLeast("auroc", 0.65), {}, 100, NO_CHAMPION, PASSED),
    ("both inside", Calibrated(), {}, 500, NO_CHAMPION, PASSED),
    ("too few expected", Calibrated(), {"observed_over_expected": Estimate(1.2, 1.1, 1.3)}, 500, NO_CHAMPION, FAILED),
    ("too steep", Calibrated(), {"calibration_slope": Estimate(1.4, 1.3, 1.5)}, 500, NO_CHAMPION, FAILED),
    ("no slope", Calibrated(), {"calibration_slope": Estimate(float("nan"))}, 500, NO_CHAMPION, FAILED),
    ("plausible", Implausible("auroc", 0.85), {}, 500, NO_CHAMPION, PASSED),
    ("too good to be true", Implausible("auroc", 0.85), {"auroc": Estimate(0.99, 0.98, 1.0)}, 500, NO_CHAMPION, FAILED),
    ("no champion", NonInferior("auroc", 0.01), {}, 500, NO_CHAMPION, NOT_ASSESSABLE),
    ("a little worse", NonInferior("auroc", 0.01), {}, 500, {"auroc": Estimate(-0.002, -0.009, 0.005)}, PASSED),
    ("perhaps much worse", NonInferior("auroc", 0.01), {}, 500, {"auroc": Estimate(0.0, -0.011, 0.011)}, FAILED),
    ("few events against a champion", NonInferior("auroc", 0.01), {}, 50, {"auroc": Estimate(0.1, 0.05, 0.2)}, NOT_ASSESSABLE),
]  # fmt: skip


@pytest.mark.clause("21")
@pytest.mark.parametrize(("case", "gate", "changed", "events", "against", "state"), CASES, ids=[c[0] for c in CASES])
def test_a_gate_has_the_state_of_its_case(
    case: str, gate: Gate, changed: dict[str, Estimate], events: int, against: dict[str, Estimate] | str, state: str
) -> None:
    (found,) = assess([gate], GOOD | changed, outcome(events, 2000), against)
    assert found.state == state
    assert found.gate == text(gate)
    assert found.detail


def test_too_few_rows_without_the_event_are_not_assessable_either() -> None:
    (found,) = assess([AtLeast("auroc", 0.6)], GOOD, outcome(2000, 99))
    assert (found.state, found.detail) == (NOT_ASSESSABLE, "fewer than 100 test non-events")


@pytest.mark.parametrize("events", [4, 40, 99])
def test_a_gate_does_not_say_how_many_events_there_are(events: int) -> None:
    (found,) = assess([AtLeast("auroc", 0.6)], GOOD, outcome(events, 2000))
    assert found.detail == "fewer than 100 test events"


def results(*states: str, waived: bool = False) -> list[Result]:
    found = [Result(f"gate {i}", state, "") for i, state in enumerate(states)]
    return [*found, Result("non-inferior", NOT_ASSESSABLE, NO_CHAMPION)] if waived else found


@pytest.mark.parametrize(
    ("found", "champion", "expected"),
    [
        (results(PASSED, PASSED), "3", True),
        (results(PASSED, FAILED), "3", False),
        (results(PASSED, NOT_ASSESSABLE), "3", False),
        (results(PASSED, NOT_ASSESSABLE), None, False),
        (results(PASSED, waived=True), None, True),
        (results(FAILED, waived=True), None, False),
        # A champion exists, so "no champion yet" is no excuse.
        (results(PASSED, waived=True), "1", False),
        # A waived gate alone has proved nothing, and no gate at all even less.
        (results(waived=True), None, False),
        ([], None, False),
    ],
)
def test_only_passed_gates_promote_and_only_the_first_version_needs_no_comparison(
    found: list[Result], champion: str | None, expected: bool
) -> None:
    assert all_passed(found, champion) is expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (results(PASSED), True),
        (results(FAILED), False),
        (results(PASSED, NOT_ASSESSABLE), False),
        (results(PASSED, waived=True), True),
        (results(), False),
    ],
)
def test_before_a_version_is_judged_what_only_the_judge_can_say_is_left_out(
    found: list[Result], expected: bool
) -> None:
    later = Result("auroc less than 0.01 below the champion's", NOT_ASSESSABLE, f"compared with version 1 {LATER}")
    assert passed_so_far([*found, later]) is expected


def test_results_survive_the_tag_they_are_written_to() -> None:
    found = assess([AtLeast("auroc", 0.65), Calibrated(), NonInferior("auroc", 0.01)], GOOD, outcome(500, 500))
    assert read(written(found)) == found


def test_an_unknown_gate_is_an_error_and_never_passes() -> None:
    with pytest.raises(TypeError, match="gate Gate is not known"):
        assess([Gate()], GOOD, outcome(500, 500))
