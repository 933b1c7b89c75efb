"""Cases of one rule of which CI tries some, and the others are tests of the night."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def split(cases: Iterable[Any], in_ci: Callable[[Any], bool]) -> list[Any]:
    """The cases as parameters: slow where `in_ci` says so, nightly elsewhere."""
    return [pytest.param(case, marks=pytest.mark.slow if in_ci(case) else pytest.mark.nightly) for case in cases]
