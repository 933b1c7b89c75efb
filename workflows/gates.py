"""Acceptance criteria for a model version: each is passed, failed or not assessable (never counted as passed)."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.errors import DeclarationError
from workflows.typed import fits, typed

METRICS = ("auroc", "average_precision", "scaled_brier")


@dataclass(frozen=True)
class Gate:
    """One acceptance criterion."""


def checked_metric(owner: str, metric: object) -> None:
    """Raise unless `metric` is one that evaluation computes with an interval."""
    if metric not in METRICS:
        raise DeclarationError(owner, "metric", metric, METRICS)


def checked_bounds(owner: str, name: str, value: object) -> None:
    """Raise unless `value` is two numbers, one on either side of 1."""
    bounds = value if isinstance(value, (list, tuple)) else ()
    low, high = bounds if [fits(one, (float,)) for one in bounds] == [True, True] else (0, 0)
    if not 0 < low < 1 < high:
        raise DeclarationError(owner, name, value, "two bounds around 1, such as (0.9, 1.1)")


@dataclass(frozen=True)
class AtLeast(Gate):
    """The lower end of the metric's 95 % interval (persons resampled) is at least `value`."""

    metric: str
    value: float

    def __post_init__(self) -> None:
        typed(self)
        checked_metric("AtLeast", self.metric)
        if not 0 < self.value < 1:
            raise DeclarationError("AtLeast", "value", self.value, "a number between 0 and 1")


@dataclass(frozen=True)
class Calibrated(Gate):
    """Observed over expected and the calibration slope lie inside their bounds on held-out persons."""

    observed_over_expected: tuple[float, float] = (0.9, 1.1)
    slope: tuple[float, float] = (0.8, 1.25)

    def __post_init__(self) -> None:
        for name in ("observed_over_expected", "slope"):
            checked_bounds("Calibrated", name, getattr(self, name))


@dataclass(frozen=True)
class NonInferior(Gate):
    """The version loses less than `margin` of the metric to the champion: lower end of the paired 95 % interval."""

    metric: str
    margin: float

    def __post_init__(self) -> None:
        typed(self)
        checked_metric("NonInferior", self.metric)
        if not 0 < self.margin <= 0.05:
            raise DeclarationError("NonInferior", "margin", self.margin, "a margin in (0, 0.05]")


@dataclass(frozen=True)
class Implausible(Gate):
    """Fails when the metric is too good to be true: a leak is likelier than such a model.

    The AUROC is bounded for each feature alone, too, and the feature is named.
    """

    metric: str
    above: float

    def __post_init__(self) -> None:
        typed(self)
        checked_metric("Implausible", self.metric)
        if not 0.5 < self.above < 1:
            raise DeclarationError("Implausible", "above", self.above, "a number between 0.5 and 1")
