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

KINDS = [AnyOf, CountOf, DaysSince, FirstOf, LastOf, LatestOf, MinOf, MaxOf, MeanOf, TrendOf]
PERIODS = "person_id long, observation_period_start_date date, observation_period_end_date date"


def features(
    sets: Sequence[Codes], ends: Sequence[int], most: int, *, apart: bool
) -> st.SearchStrategy[list[OfConcepts]]:
    """Ten and up to `most` aggregations of any sets in any windows between `ends` by any rule. apart: never one day."""

    def feature(kind: Any, one: Codes, ends: list[int], rule: str, in_observation: bool) -> OfConcepts:
        label = f"{one.name}_{rule}_{int(in_observation)}_{ends[0]}_{ends[1]}"
        window = days(-max(ends), -min(ends))
        made = kind(one, window, because="random", rule=rule, in_observation=in_observation, label=label)
        assert isinstance(made, OfConcepts)
        return made

    pairs = st.lists(st.sampled_from(ends), min_size=2, max_size=2, unique=apart)
    one = st.builds(feature, st.sampled_from(KINDS), st.sampled_from(sets), pairs,
                    st.sampled_from(["start", "overlap"]), st.booleans())  # fmt: skip
    return st.lists(one, min_size=10, max_size=most, unique_by=lambda f: covariates([f], {})[0].covariate_id)
