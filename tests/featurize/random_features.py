"""Declared features at random, for tests that hold two readings of them against each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from workflows.covariates import covariates
from workflows.declare import (
    AnyOf,
    Codes,
    CountOf,
    DaysSince,
    FirstOf,
    LastOf,
    LatestOf,
    MaxOf,
    MeanOf,
    MinOf,
    TrendOf,
    days,
)
from workflows.features import OfConcepts
from workflows.values import OfValues

KINDS = [AnyOf, CountOf, DaysSince, FirstOf, LastOf, LatestOf, MinOf, MaxOf, MeanOf, TrendOf]
# Units that facts have, and what features may ask for: any, one by another spelling, one in two spellings.
UNITS = [None, "", "mg/dL", "mg/dL", " MG/dl\t", "mmol/L", "mmol per L", "mg/dLx"]
ASKED: list[str | tuple[str, ...]] = [(), "Mg/dL", ("mmol/L", "mmol per l ")]
PERIODS = "person_id long, observation_period_start_date date, observation_period_end_date date"


def features(
    sets: Sequence[Codes], ends: Sequence[int], most: int, *, apart: bool
) -> st.SearchStrategy[list[OfConcepts]]:
    """Ten and up to `most` aggregations of any sets in any windows between `ends` by any rule. apart: never one day."""

    def feature(kind: Any, one: Codes, ends: list[int], rule: str, in_observation: bool, unit: int) -> OfConcepts:
        label = f"{one.name}_{rule}_{int(in_observation)}_{ends[0]}_{ends[1]}_{unit}"
        window = days(-max(ends), -min(ends))
        more: dict[str, Any] = {"unit": ASKED[unit]} if issubclass(kind, OfValues) else {}
        made = kind(one, window, because="random", rule=rule, in_observation=in_observation, label=label, **more)
        assert isinstance(made, OfConcepts)
        return made

    pairs = st.lists(st.sampled_from(ends), min_size=2, max_size=2, unique=apart)
    one = st.builds(feature, st.sampled_from(KINDS), st.sampled_from(sets), pairs,
                    st.sampled_from(["start", "overlap"]), st.booleans(), st.integers(0, len(ASKED) - 1))  # fmt: skip
    return st.lists(one, min_size=10, max_size=most, unique_by=lambda f: covariates([f], {})[0].covariate_id)
