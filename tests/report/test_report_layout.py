"""Pictures of graphs respect their order."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report import layout, svg

Graph = dict[str, set[str]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    size = draw(st.integers(1, 9))
    names = draw(st.permutations([f"task_{index}" for index in range(size)]))
    return {
        name: draw(st.sets(st.sampled_from(names[:index]), max_size=4)) if index else set()
        for index, name in enumerate(names)
    }


@pytest.mark.clause("P2")
@given(graphs())
def test_every_task_stands_in_a_later_layer_than_what_it_comes_after(graph: Graph) -> None:
    layers = layout.layers(graph)
    depth = {name: index for index, layer in enumerate(layers) for name in layer}
    assert sorted(depth) == sorted(graph)
    assert all(depth[before] < depth[name] for name, befores in graph.items() for before in befores)


@given(graphs())
def test_boxes_do_not_overlap_and_edges_run_to_the_right_between_their_boxes(graph: Graph) -> None:
    placed = layout.place(graph, width=100, height=40)
    boxes = list(placed.boxes.items())
    for index, (_, (x, y)) in enumerate(boxes):
        assert 0 <= x <= placed.width - 100
        assert 0 <= y <= placed.height - 40
        assert all(abs(x - other_x) >= 100 or abs(y - other_y) >= 40 for _, (other_x, other_y) in boxes[:index])
    assert set(placed.edges) == {(before, name) for name, befores in graph.items() for before in befores}
    for (before, name), points in placed.edges.items():
        assert points[0] == (placed.boxes[before][0] + 100, placed.boxes[before][1] + 20)
        assert points[-1] == (placed.boxes[name][0], placed.boxes[name][1] + 20)
        assert all(one[0] < other[0] for one, other in itertools.pairwise(points))


@given(graphs())
def test_an_edge_that_skips_a_layer_is_led_around_its_boxes(graph: Graph) -> None:
    placed = layout.place(graph, width=100, height=40)
    for points in placed.edges.values():
        for x, y in points[1:-1]:
            assert not any(left <= x <= left + 100 and top <= y <= top + 40 for left, top in placed.boxes.values())


def test_a_cycle_is_refused_and_named() -> None:
    with pytest.raises(ValueError, match=r"tune -> train|train -> tune"):
        layout.layers({"prepare": [], "tune": ["train", "prepare"], "train": ["tune"]})


def test_an_unknown_task_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(ValueError, match=r"train comes after prepair.*prepare"):
        layout.layers({"prepare": [], "train": ["prepair"]})


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_few_and_lie_within_the_axis(low: float, span: float) -> None:
    found = svg.ticks(low, low + span)
    assert 1 <= len(found) <= 11
    assert all(low - span * 1e-6 <= one <= low + span * (1 + 1e-6) for one in found)


def test_text_and_attributes_of_a_picture_are_escaped() -> None:
    drawn = svg.text(1, 2, "<script>&", class_='a"b')
    assert drawn == '<text x="1" y="2" class="a&#34;b">&lt;script&gt;&amp;</text>'
