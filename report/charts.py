"""The report's charts: ROC, calibration, observed over expected by block, and when tasks ran."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from report import svg, words
from report.stores import Run

SIDE = 380.0
WIDE = 980.0


@dataclass(frozen=True)
class Bin:
    """Encounters of like predicted risk: mean prediction, observed share, how many."""

    predicted: float
    observed: float
    encounters: int


@dataclass(frozen=True)
class Point:
    """One block of encounters under watch: observed over expected with its interval."""

    block: int
    value: float
    low: float | None
    high: float | None
    state: str


def roc(points: Sequence[tuple[float, float]], area: str) -> Markup:
    """True against false positives; at most 200 points are drawn."""
    plot = svg.Plot(SIDE, SIDE, 0, 1, 0, 1)
    drawn = [points[round(index * (len(points) - 1) / 199)] for index in range(200)] if len(points) > 200 else points
    return svg.picture(
        SIDE,
        SIDE,
        "ROC curve",
        f"Sensitivity against one minus specificity on held-out persons; area {area}.",
        plot.axes("1 − specificity", "Sensitivity"),
        svg.path(plot.at([(0, 0), (1, 1)]), class_="ideal"),
        svg.path(plot.at([(0, 0), *drawn, (1, 1)]), class_="curve"),
        svg.text(plot.x(0.97), plot.y(0.06), f"AUROC {area}", class_="label", text_anchor="end"),
        class_="chart",
    )


def merged(bins: Sequence[Bin]) -> list[Bin]:
    """Neighbouring bins joined until each holds at least 11 encounters with the outcome and 11 without."""
    done: list[Bin] = []
    open_bin: Bin | None = None
    for one in sorted(bins, key=lambda each: each.predicted):
        open_bin = one if open_bin is None else _joined(open_bin, one)
        if _large(open_bin):
            done.append(open_bin)
            open_bin = None
    if open_bin is not None and done:
        done.append(_joined(done.pop(), open_bin))
    return done


def _large(one: Bin) -> bool:
    events = round(one.observed * one.encounters)
    return min(events, one.encounters - events) >= words.SMALLEST_SHOWN


def _joined(one: Bin, other: Bin) -> Bin:
    total = one.encounters + other.encounters
    predicted = (one.predicted * one.encounters + other.predicted * other.encounters) / total
    observed = (one.observed * one.encounters + other.observed * other.encounters) / total
    return Bin(predicted, observed, total)


def calibration(bins: Sequence[Bin]) -> Markup:
    """Observed share against mean prediction, with bars for how many encounters stand behind each point."""
    top = max((max(one.predicted, one.observed) for one in bins), default=1.0) * 1.12
    plot = svg.Plot(SIDE, SIDE, 0, top, 0, top, bottom=110)
    most = max((one.encounters for one in bins), default=1)
    floor = SIDE - 46
    bars = [
        svg.rectangle(
            plot.x(one.predicted) - 5,
            floor - 38 * one.encounters / most,
            10,
            38 * one.encounters / most,
            svg.element("title", f"{words.count(one.encounters)} encounters"),
            class_="bar",
        )
        for one in bins
    ]
    dots = [
        _dot(
            plot.x(one.predicted),
            plot.y(one.observed),
            False,
            f"predicted {one.predicted:.3f}, observed {one.observed:.3f}, {one.encounters:,} encounters",
        )
        for one in bins
    ]
    numbers = "; ".join(f"{one.predicted:.3f}: {one.observed:.3f} of {one.encounters:,}" for one in bins)
    axes = plot.axes("", "Observed share", x_ticks=())
    labels = [
        svg.text(plot.x(value), floor + 16, f"{value:g}", class_="tick", text_anchor="middle")
        for value in svg.ticks(0, top)
    ]
    middle = (plot.left + SIDE - plot.right) / 2
    return svg.picture(
        SIDE,
        SIDE,
        "Calibration",
        f"Predicted risk: observed share of how many encounters. {numbers}.",
        axes,
        svg.path(plot.at([(0, 0), (top, top)]), class_="ideal"),
        svg.path(plot.at([(one.predicted, one.observed) for one in bins]), class_="curve thin") if bins else "",
        *dots,
        *bars,
        svg.line(plot.left, floor, SIDE - plot.right, floor, class_="axis"),
        svg.text(plot.left + 4, floor - 42, f"Encounters (tallest bar: {most:,})", class_="tick"),
        *labels,
        svg.text(middle, SIDE - 8, "Mean predicted risk", class_="label", text_anchor="middle"),
        class_="chart",
    )


def monitoring(points: Sequence[Point]) -> Markup:
    """Observed over expected by block; a diamond is a block at which the signal stood."""
    ends = [end for one in points for end in (one.value, one.low, one.high) if end is not None]
    low, high = min([*ends, 0.9]), max([*ends, 1.1])
    pad = (high - low) * 0.08
    first, last = points[0].block, points[-1].block
    plot = svg.Plot(WIDE, 300, first - 0.5, last + 0.5, low - pad, high + pad)
    parts = [plot.axes("Block of encounters, oldest first", "Observed / expected", [one.block for one in points])]
    parts.append(svg.line(plot.left, plot.y(1), plot.width - plot.right, plot.y(1), class_="ideal"))
    parts.append(svg.path(plot.at([(one.block, one.value) for one in points]), class_="curve thin"))
    for one in points:
        x, y = plot.x(one.block), plot.y(one.value)
        if one.low is not None and one.high is not None:
            parts.append(svg.line(x, plot.y(one.low), x, plot.y(one.high), class_="whisker"))
        around = words.interval(one.low, one.high, 2)
        hover = f"block {one.block}: {words.number(one.value, 2)} ({around}), {one.state}"
        parts.append(_dot(x, y, one.state == "signal", hover))
    described = "; ".join(f"block {one.block}: {one.value:.2f}, {one.state}" for one in points)
    return svg.picture(WIDE, 300, "Observed over expected by block", described, *parts, class_="wide")


def differences(named: Sequence[tuple[str, float, bool]]) -> Markup:
    """Standardised mean difference of covariates as dots beside zero; a diamond is one beyond its bound."""
    row, left, width = 24, max(len(name) for name, _, _ in named) * 7.4 + 20, WIDE
    height = row * len(named) + 40.0
    reach = max(0.1, *(abs(value) for _, value, _ in named)) * 1.15
    plot = svg.Plot(width, height, -reach, reach, 0, 1, left=left, right=60)
    floor = height - 34
    parts = [svg.line(plot.x(value), 4, plot.x(value), floor, class_="grid") for value in svg.ticks(-reach, reach, 9)]
    for value in svg.ticks(-reach, reach, 9):
        parts.append(svg.text(plot.x(value), floor + 16, words.plain(value), class_="tick", text_anchor="middle"))
    parts.append(svg.line(plot.x(0), 4, plot.x(0), floor, class_="axis"))
    for index, (name, value, beyond) in enumerate(named):
        y = index * row + 16.0
        parts.append(svg.text(left - 10, y + 4, name, class_="tick", text_anchor="end"))
        parts.append(svg.line(plot.x(0), y, plot.x(value), y, class_="whisker"))
        parts.append(_dot(plot.x(value), y, beyond, f"{name}: {words.number(value, 2)}"))
        beside = ("start", 11) if value >= 0 else ("end", -11)
        parts.append(
            svg.text(plot.x(value) + beside[1], y + 4, words.number(value, 2), class_="tick", text_anchor=beside[0])
        )
    described = "; ".join(
        f"{name} {value:.2f}{', beyond its bound' if beyond else ''}" for name, value, beyond in named
    )
    return svg.picture(width, height, "Standardised mean difference by covariate", described, *parts, class_="wide")


def _dot(x: float, y: float, beyond: bool, hover: str) -> Markup:
    """A circle, or a diamond in the warning colour."""
    if beyond:
        diamond = f"M{x:.1f},{y - 7:.1f}l7,7l-7,7l-7,-7Z"
        return svg.element("path", svg.element("title", hover), d=diamond, class_="dot signal")
    return svg.element("circle", svg.element("title", hover), cx=x, cy=y, r=4.5, class_="dot")


def months(name: str, points: Sequence[tuple[str, float | None]], share: bool) -> Markup:
    """A covariate's mean, or its share, by month; a month without a figure is a gap."""
    figures = [value for _, value in points if value is not None]
    top = max([*figures, 0.0]) * 1.12 or 1.0
    low = min([*figures, 0.0]) * 1.12
    plot = svg.Plot(SIDE, 200, -0.5, len(points) - 0.5, low, top)
    parts = [plot.axes("", "", ())]
    every = -(-len(points) // 4)
    for index, (month, value) in enumerate(points):
        if index % every == 0 and index + every / 4 < len(points):
            parts.append(svg.text(plot.x(index), 172, month, class_="tick", text_anchor="middle"))
        following = points[index + 1][1] if index + 1 < len(points) else None
        if value is not None and following is not None:
            parts.append(svg.path(plot.at([(index, value), (index + 1, following)]), class_="curve thin"))
    for index, (month, value) in enumerate(points):
        if value is not None:
            shown = words.share(value) if share else words.number(value, 2)
            parts.append(_dot(plot.x(index), plot.y(value), False, f"{month}: {shown}"))
    told = "; ".join(
        _told(list(some)) for _, some in groupby(points, lambda point: point[0] if point[1] is not None else "")
    )
    return svg.picture(SIDE, 200, f"{name} by month", told, *parts, class_="chart")


def _told(points: Sequence[tuple[str, float | None]]) -> str:
    """A month with its figure, or the months of a gap from first to last."""
    (first, value), (last, _) = points[0], points[-1]
    return f"{first if first == last else f'{first} to {last}'}: {words.NOTHING if value is None else f'{value:.3g}'}"


def gantt(run: Run) -> Markup:
    """When each task of a run worked, so that tasks side by side are seen."""
    tasks = sorted((task for task in run.tasks if task.started is not None), key=lambda task: (task.started, task.key))
    begin = run.started if run.started is not None else min(task.started or 0 for task in tasks)
    end = max([task.ended or task.started or begin for task in tasks] + [run.ended or begin])
    span = max(end - begin, 0.001)
    left = max(len(task.key) for task in tasks) * 7.1 + 16
    width, row = WIDE, 22
    height = row * len(tasks) + 26
    scale = (width - left - 64) / span
    parts = []
    for value in svg.ticks(0, span):
        x = left + value * scale
        parts.append(svg.line(x, 0, x, height - 22, class_="grid"))
        parts.append(svg.text(x, height - 6, f"{value:g} s", class_="tick", text_anchor="middle"))
    for index, task in enumerate(tasks):
        start = task.started or begin
        long = (task.ended or end) - start
        top = index * row + 4
        kind = words.kind(words.state(task.state))
        x, wide = left + (start - begin) * scale, max(long * scale, 2)
        parts.append(svg.text(left - 8, top + 12, task.key, class_="tick", text_anchor="end"))
        parts.append(svg.rectangle(x, top, wide, row - 7, rx=2, class_=f"task bar {kind}"))
        again = f", attempt {task.attempts}" if task.attempts > 1 else ""
        parts.append(svg.text(x + wide + 6, top + 12, words.duration(long) + again, class_="tick"))
    described = "; ".join(
        f"{task.key} from second {(task.started or begin) - begin:.1f} to {(task.ended or end) - begin:.1f}"
        for task in tasks
    )
    return svg.picture(width, height, f"When the tasks of {run.job} ran", described, *parts, class_="wide")
