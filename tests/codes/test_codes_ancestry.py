"""A cyclic ancestry is found and its concepts are counted, as another library counts them."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.codes.ancestry import in_cycles


@pytest.mark.parametrize(
    ("edges", "wanted"),
    [([], 0), ([(1, 1)], 0), ([(1, 2), (1, 3), (2, 3)], 0), ([(1, 2), (2, 3), (3, 1), (4, 1)], 3), ([(7, 8), (8, 7)], 2)],
)  # fmt: skip
def test_concepts_that_are_their_own_ancestors_are_counted(edges, wanted):
    assert in_cycles([a for a, _ in edges], [b for _, b in edges]) == wanted


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=30))
def test_counts_of_cycles_agree_with_another_library(edges):
    components = nx.strongly_connected_components(nx.DiGraph(edges))
    wanted = sum(len(component) for component in components if len(component) > 1)
    assert in_cycles([a for a, _ in edges], [b for _, b in edges]) == wanted
