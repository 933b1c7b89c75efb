"""Whether an ancestry is one: nothing is its own ancestor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def in_cycles(ancestors: Sequence[int] | np.ndarray, descendants: Sequence[int] | np.ndarray) -> int:
    """How many concepts are, through others, their own ancestors. A concept beside itself is no cycle."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    above, below = np.asarray(ancestors, dtype=np.int64), np.asarray(descendants, dtype=np.int64)
    concepts, places = np.unique(np.concatenate([above, below]), return_inverse=True)
    edges = coo_matrix((np.ones(len(above), dtype=np.int8), (places[: len(above)], places[len(above) :])),
                       shape=(len(concepts), len(concepts)))  # fmt: skip
    _, labels = connected_components(edges, directed=True, connection="strong")
    sizes = np.bincount(labels, minlength=1)
    return int(sizes[sizes > 1].sum())
