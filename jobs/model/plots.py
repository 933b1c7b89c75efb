"""Pictures of an evaluation: ROC and calibration, drawn from suppressed curve points only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from jobs.model.intervals import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, QUIET, BLUE = "#222222", "#b5b5b5", "#1f5a96"


def canvas(title: str, x: str, y: str) -> tuple[Figure, Any]:
    """A square figure with two axes, no frame and one light diagonal."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 4.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=10, color=INK, loc="left")
    axes.set_xlabel(x, fontsize=9, color=INK)
    axes.set_ylabel(y, fontsize=9, color=INK)
    axes.tick_params(labelsize=8, colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def roc(curves: pd.DataFrame, auroc: Estimate) -> Figure:
    """The ROC curve, with the AUROC and its interval in the title."""
    points = curves[curves["curve"] == "roc"]
    title = f"ROC, test persons: {auroc.value:.3f} (95 % {auroc.low:.3f} to {auroc.high:.3f})"
    figure, axes = canvas(title, "false positive rate", "true positive rate")
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8)
    axes.plot(points["x"], points["y"], color=BLUE, linewidth=1.6)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    return figure


def calibration(curves: pd.DataFrame, ratio: Estimate, slope: Estimate) -> Figure:
    """Observed against predicted risk in bins of equal size."""
    points = curves[curves["curve"] == "calibration"]
    title = f"Calibration, test persons: O/E {ratio.value:.2f}, slope {slope.value:.2f}"
    figure, axes = canvas(title, "predicted risk", "observed share")
    top = max(0.05, 1.08 * max([*points["x"], *points["y"]], default=1.0))
    axes.plot([0, top], [0, top], color=QUIET, linewidth=0.8)
    axes.plot(points["x"], points["y"], color=BLUE, linewidth=1.0, marker="o", markersize=4)
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    axes.set_aspect("equal")
    return figure
