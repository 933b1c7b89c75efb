"""The declared gates of a model, each passed, failed or not assessable.

The rule for promotion: every gate must be passed. The one exception is the first version: as long as the model has no
champion there is nothing to be non-inferior to, so a NonInferior gate is waived (it stays "not assessable", with
"no champion yet" as its reason) and at least one other gate must be passed. Not assessable for any other reason
counts as not passed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from jobs.model.intervals import Estimate
from workflows.gates import AtLeast, Calibrated, Gate, Implausible, NonInferior

PASSED, FAILED, NOT_ASSESSABLE = "passed", "failed", "not assessable"
FEWEST = 100  # test events, and test non-events, below which no gate is assessed (PROBAST 4.1, OHDSI's diagnostics)
NO_CHAMPION = "no champion yet"
LATER = "by the judge task"  # how the reason ends why a gate cannot be assessed before a version is judged


@dataclass(frozen=True)
class Result:
    """What became of one gate: its text, its state, and why."""

    gate: str
    state: str
    detail: str


def text(gate: Gate) -> str:
    """The gate as one line that a person reads."""
    match gate:
        case AtLeast(metric, value):
            return f"{metric} >= {value:g}"
        case Calibrated((low, high), (flat, steep)):
            return f"{low:g} <= observed over expected <= {high:g} and {flat:g} <= calibration slope <= {steep:g}"
        case NonInferior(metric, margin):
            return f"{metric} less than {margin:g} below the champion's"
        case Implausible(metric, above):
            return f"{metric} <= {above:g}"
    raise TypeError(f"gate {type(gate).__name__} is not known; valid: AtLeast, Calibrated, Implausible, NonInferior")


def interval(estimate: Estimate) -> str:
    """`0.671 (0.652 to 0.690)`."""
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def state(passed: bool) -> str:
    """The state of a gate that could be assessed."""
    return PASSED if passed else FAILED


def assessed(
    gate: Gate, estimates: Mapping[str, Estimate], events: int, others: int, against: Mapping[str, Estimate] | str,
    alone: Mapping[str, float],
) -> Result:  # fmt: skip
    """One gate on the test side's estimates.

    events, others: test rows with and without the outcome. against: the paired difference to the champion by metric,
    or the reason why there is none. alone: the AUROC of each feature by itself.
    """
    label = text(gate)
    if isinstance(gate, NonInferior) and isinstance(against, str):
        return Result(label, NOT_ASSESSABLE, against)
    # How many there are is the evaluation's to say: it knows what was said before.
    for count, what in ((events, "events"), (others, "non-events")):
        if count < FEWEST:
            return Result(label, NOT_ASSESSABLE, f"fewer than {FEWEST} test {what}")
    match gate:
        case AtLeast(metric, value):
            ok, detail = estimates[metric].low >= value, f"{metric} {interval(estimates[metric])}; its lower end counts"
        case Calibrated((low, high), (flat, steep)):
            ratio, slope = estimates["observed_over_expected"], estimates["calibration_slope"]
            ok = low <= ratio.value <= high and flat <= slope.value <= steep
            detail = f"observed over expected {interval(ratio)}, calibration slope {interval(slope)}"
        case NonInferior(metric, margin):
            assert not isinstance(against, str)
            ok = against[metric].low > -margin
            detail = f"{metric} minus the champion's {interval(against[metric])}; its lower end counts"
        case Implausible(metric, above):
            # A feature that nearly tells the outcome by itself is named: that is where to look.
            telling = [f"{name} {value:.3f}" for name, value in alone.items() if metric == "auroc" and value > above]
            ok = estimates[metric].value <= above and not telling
            by = f"; alone: {', '.join(telling)}" if telling else ""
            detail = f"{metric} {interval(estimates[metric])}; above it look for a leak{by}"
    return Result(label, state(bool(ok)), detail)


def assess(
    gates: Iterable[Gate],
    estimates: Mapping[str, Estimate],
    outcome: np.ndarray,
    against: Mapping[str, Estimate] | str = NO_CHAMPION,
    alone: Mapping[str, float] | None = None,
) -> list[Result]:
    """Every gate in the declared order; `outcome` is that of the test rows, shape (n,).

    alone: the AUROC of each feature by itself (`jobs.model.leaks`), which Implausible bounds too.
    """
    events = int(outcome.sum())
    return [assessed(gate, estimates, events, len(outcome) - events, against, alone or {}) for gate in gates]


def all_passed(results: Sequence[Result], champion: str | None) -> bool:
    """Whether the rule for promotion holds; `champion` is the version that the alias names, None before the first."""
    counted = [r for r in results if not (champion is None and r.state == NOT_ASSESSABLE and r.detail == NO_CHAMPION)]
    return bool(counted) and all(r.state == PASSED for r in counted)


def passed_so_far(results: Sequence[Result]) -> bool:
    """Whether every gate passed that can be assessed before a version is judged beside the champion."""
    now = [one for one in results if not (one.state == NOT_ASSESSABLE and one.detail.endswith(LATER))]
    return all_passed(now, None)


def written(results: Sequence[Result]) -> str:
    """Results as the JSON text of a tag."""
    return json.dumps([asdict(result) for result in results], sort_keys=True)


def read(tag: str) -> list[Result]:
    """The inverse of `written`."""
    return [Result(**result) for result in json.loads(tag)]
