"""Where the boxes of a directed acyclic graph stand: layers from left to right, long edges led around boxes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

Waypoint = tuple[str, str, int]  # where an edge (from, to) passes a layer that it skips
Slot = str | Waypoint


@dataclass(frozen=True)
class Placed:
    """A graph with places: the left upper corner of each box, the points of each edge, and the size of the whole."""

    width: float
    height: float
    boxes: dict[str, tuple[float, float]]
    edges: dict[tuple[str, str], list[tuple[float, float]]]


def layers(after: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Names by layer: everything a name comes after stands in an earlier layer.

    Raises ValueError for a name that nobody declares and for a cycle.
    """
    import networkx

    graph = networkx.DiGraph()
    graph.add_nodes_from(sorted(after))
    for name, befores in after.items():
        for before in befores:
            if before not in after:
                raise ValueError(f"{name} comes after {before}, which is not there; there are {sorted(after)}")
            graph.add_edge(before, name)
    try:
        return [sorted(layer) for layer in networkx.topological_generations(graph)]
    except networkx.NetworkXUnfeasible:
        cycle = " -> ".join(edge[0] for edge in networkx.find_cycle(graph))
        raise ValueError(f"a cycle has no picture: {cycle}") from None


def place(
    after: Mapping[str, Collection[str]],
    *,
    width: float,
    height: float,
    gap_x: float = 44,
    gap_y: float = 16,
    margin: float = 3,
) -> Placed:
    """Lay a graph out in boxes of `width` x `height` (picture units)."""
    columns, slots = _slots(after)
    ordered = _untangled(columns, slots)
    tallest = max((len(column) for column in ordered), default=0)
    whole = tallest * height + max(0, tallest - 1) * gap_y
    corners: dict[Slot, tuple[float, float]] = {}
    for index, column in enumerate(ordered):
        used = len(column) * height + (len(column) - 1) * gap_y
        for row, slot in enumerate(column):
            top = margin + (whole - used) / 2 + row * (height + gap_y)
            corners[slot] = (margin + index * (width + gap_x), top)
    edges = {}
    for name, befores in after.items():
        for before in befores:
            points = [(corners[before][0] + width, corners[before][1] + height / 2)]
            for waypoint in (slot for slot in slots if isinstance(slot, tuple) and slot[:2] == (before, name)):
                x, y = corners[waypoint][0], corners[waypoint][1] + height / 2
                points += [(x, y), (x + width, y)]
            edges[before, name] = [*points, (corners[name][0], corners[name][1] + height / 2)]
    full = len(ordered) * width + max(0, len(ordered) - 1) * gap_x
    boxes = {slot: corner for slot, corner in corners.items() if isinstance(slot, str)}
    return Placed(full + 2 * margin, whole + 2 * margin, boxes, edges)


def _slots(after: Mapping[str, Collection[str]]) -> tuple[list[list[Slot]], dict[Slot, list[Slot]]]:
    """The layers with a waypoint wherever an edge skips one, and what stands directly before each slot."""
    columns: list[list[Slot]] = [list(layer) for layer in layers(after)]
    depth = {slot: index for index, column in enumerate(columns) for slot in column}
    slots: dict[Slot, list[Slot]] = {name: [] for name in after}
    for name, befores in after.items():
        for before in sorted(befores):
            previous: Slot = before
            for index in range(depth[before] + 1, depth[name]):
                waypoint: Slot = (before, name, index)
                columns[index].append(waypoint)
                slots[waypoint] = [previous]
                previous = waypoint
            slots[name].append(previous)
    return columns, slots


def _untangled(columns: list[list[Slot]], slots: Mapping[Slot, list[Slot]]) -> list[list[Slot]]:
    """Each layer sorted by the mean row of what stands before it, which keeps edges from crossing."""
    ordered: list[list[Slot]] = []
    for column in columns:
        row = {slot: index for index, slot in enumerate(ordered[-1])} if ordered else {}

        def mean(slot: Slot, row: dict[Slot, int] = row) -> tuple[float, str]:
            rows = [row[before] for before in slots[slot] if before in row]
            return (sum(rows) / len(rows) if rows else 0.0, str(slot))

        ordered.append(sorted(column, key=mean))
    return ordered
