"""Discrimination, calibration and overall performance of predicted probabilities against a binary outcome.

All take outcome (0/1) and probability, shape (n,), and give a float, NaN where it is not defined.
"""

from __future__ import annotations

import numpy as np

EDGE = 1e-9  # probabilities are kept this far from 0 and 1 before the logit
KNOTS = (0.05, 0.35, 0.65, 0.95)  # centiles for four knots, Harrell, Regression Modeling Strategies, table 2.3


def expit(x: np.ndarray) -> np.ndarray:
    """The logistic function, without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def logit(probability: np.ndarray) -> np.ndarray:
    """Log odds."""
    p = np.clip(probability, EDGE, 1 - EDGE)
    return np.asarray(np.log(p / (1 - p)))


def logistic_fit(design: np.ndarray, outcome: np.ndarray, offset: np.ndarray | None = None) -> np.ndarray | None:
    """Maximum-likelihood coefficients of a small logistic regression by Newton's method, shape (k,).

    design: (n, k). None where the likelihood has no maximum (one outcome only, or separated outcomes).
    """
    base = np.zeros(len(outcome)) if offset is None else offset
    beta = np.zeros(design.shape[1])
    if not 0 < outcome.sum() < len(outcome):
        return None
    for _ in range(50):
        mean = expit(design @ beta + base)
        information = (design * (mean * (1 - mean))[:, None]).T @ design
        try:
            step = np.linalg.solve(information, design.T @ (outcome - mean))
        except np.linalg.LinAlgError:
            return None
        # A step of more than 5 log odds overshoots when the start is far away; halving it keeps Newton's direction.
        largest = float(np.max(np.abs(step)))
        beta = beta + step * min(1.0, 5.0 / largest) if largest > 0 else beta
        if largest < 1e-9:
            return beta
        if np.max(np.abs(beta)) > 1e3:
            return None
    return None


def cubed(x: np.ndarray, knot: float) -> np.ndarray:
    """The cube of x above `knot`, 0 below."""
    return np.asarray(np.maximum(x - knot, 0.0) ** 3)


def spline_basis(x: np.ndarray) -> np.ndarray:
    """Restricted cubic spline of x, four knots at its 5th, 35th, 65th and 95th centiles; shape (n, 4) with constant.

    Fewer columns where centiles coincide. Harrell's truncated power basis, scaled by the squared range of the knots.
    """
    knots = np.unique(np.quantile(x, KNOTS))
    columns = [np.ones(len(x)), x]
    if len(knots) > 2:
        last, before, scale = knots[-1], knots[-2], (knots[-1] - knots[0]) ** 2
        for knot in knots[:-2]:
            toward_last = (last - knot) / (last - before)
            bend = cubed(x, knot) - cubed(x, before) * toward_last + cubed(x, last) * (toward_last - 1)
            columns.append(bend / scale)
    return np.column_stack(columns)


def smoothed(outcome: np.ndarray, probability: np.ndarray) -> np.ndarray | None:
    """The observed share at each predicted probability, shape (n,): logistic regression on a spline of the logit."""
    if not 0 < outcome.sum() < len(outcome):
        return None  # none, or of one class
    basis = spline_basis(logit(probability))
    beta = logistic_fit(basis, outcome)
    return None if beta is None else expit(basis @ beta)


def integrated_calibration_index(outcome: np.ndarray, probability: np.ndarray) -> float:
    """Mean absolute difference of predicted and smoothed observed probability (ICI, Austin and Steyerberg 2019).

    The smoother is the restricted cubic spline of `smoothed`, not loess: deterministic, and fast for any n.
    """
    curve = smoothed(outcome, probability)
    return float("nan") if curve is None else float(np.mean(np.abs(curve - probability)))
