"""Scalable pictures as text: escaped elements, and a plot area with axes. Colours come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from report import words


def element(name: str, *children: object, **attributes: object) -> Markup:
    """One element; `class_` and `text_anchor` become `class` and `text-anchor`; every value is escaped."""
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"' for key, value in attributes.items())
    inner = Markup("").join(escape(child) for child in children)
    return Markup(f"<{name}{written}>{inner}</{name}>")


def _value(value: object) -> str:
    if isinstance(value, float):
        value = f"{value:.2f}".rstrip("0").rstrip(".")
    return str(escape(value))


def text(x: float, y: float, content: object, **attributes: object) -> Markup:
    """A line of text at (x, y)."""
    return element("text", content, x=float(x), y=float(y), **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: object) -> Markup:
    """A straight line."""
    return element("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), **attributes)


def rectangle(x: float, y: float, width: float, height: float, *children: object, **attributes: object) -> Markup:
    """A rectangle."""
    place = {"x": float(x), "y": float(y), "width": float(width), "height": float(height)}
    return element("rect", *children, **place, **attributes)


def path(points: Sequence[tuple[float, float]], **attributes: object) -> Markup:
    """A line through points."""
    return element("path", d="M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points), **attributes)


def arrow(points: Sequence[tuple[float, float]], label: str = "") -> Markup:
    """A curve from box to box, through points between, with a head; a label stands above its beginning."""
    (x, y), *rest = points
    drawn = f"M{x:.1f},{y:.1f}"
    for next_x, next_y in rest:
        middle = (x + next_x) / 2
        drawn += f"C{middle:.1f},{y:.1f} {middle:.1f},{next_y:.1f} {next_x:.1f},{next_y:.1f}"
        x, y = next_x, next_y
    head = element("path", d=f"M{x - 7:.1f},{y - 4:.1f}L{x:.1f},{y:.1f}L{x - 7:.1f},{y + 4:.1f}Z", class_="head")
    middle = (points[0][0] + rest[0][0]) / 2
    above = text(middle, points[0][1] - 6, label, class_="tick", text_anchor="middle") if label else ""
    return element("g", element("path", d=drawn, class_="edge"), head, above)


def picture(width: float, height: float, title: str, description: str, *children: object, class_: str = "") -> Markup:
    """A whole picture: named and described for who cannot see it, as wide as the page lets it be."""
    return element(
        "svg",
        element("title", title),
        element("desc", description),
        *children,
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
        role="img",
        class_=class_,
    )


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers between low and high, about as many as asked for."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 10) for index in range(first, last + 1)]


@dataclass(frozen=True)
class Plot:
    """A plot area: maps figures to places and draws its axes. `low_x`..`high_y` are in the data's unit."""

    width: float
    height: float
    low_x: float
    high_x: float
    low_y: float
    high_y: float
    left: float = 52
    right: float = 14
    top: float = 14
    bottom: float = 46

    def x(self, value: float) -> float:
        """Where a value of x lies, in the picture's unit."""
        return self.left + (value - self.low_x) / (self.high_x - self.low_x) * (self.width - self.left - self.right)

    def y(self, value: float) -> float:
        """Where a value of y lies, in the picture's unit."""
        inner = self.height - self.top - self.bottom
        return self.top + inner - (value - self.low_y) / (self.high_y - self.low_y) * inner

    def at(self, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        """Points of the data as points of the picture."""
        return [(self.x(x), self.y(y)) for x, y in points]

    def axes(self, x_label: str, y_label: str, x_ticks: Sequence[float] | None = None) -> Markup:
        """Grid, tick labels and the two names."""
        bottom = self.height - self.bottom
        parts = []
        for value in ticks(self.low_y, self.high_y):
            y = self.y(value)
            parts.append(line(self.left, y, self.width - self.right, y, class_="grid"))
            parts.append(text(self.left - 8, y + 4, words.plain(value), class_="tick", text_anchor="end"))
        for value in ticks(self.low_x, self.high_x) if x_ticks is None else x_ticks:
            parts.append(text(self.x(value), bottom + 18, words.plain(value), class_="tick", text_anchor="middle"))
        parts.append(line(self.left, bottom, self.width - self.right, bottom, class_="axis"))
        middle = (self.left + self.width - self.right) / 2
        parts.append(text(middle, self.height - 8, x_label, class_="label", text_anchor="middle"))
        turn = f"rotate(-90 14 {(self.top + bottom) / 2:.1f})"
        parts.append(text(14, (self.top + bottom) / 2, y_label, class_="label", text_anchor="middle", transform=turn))
        return element("g", *parts)
