"""Texts that are longer than a tag of Unity Catalog may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.io.long_tags import joined, parted

# "The maximum length of a tag value is 1000 characters": Databricks, "Apply tags to Unity Catalog securable objects".
LIMIT = 1_000
SIZES = st.sampled_from([0, 1, 999, 1_000, 1_001, 1_999, 2_000, 2_001, 3_500])
TEXT = st.builds(lambda size, seed: "".join(chr(97 + (seed + n) % 26) for n in range(size)), SIZES, st.integers(0, 25))


@given(st.dictionaries(st.sampled_from(["definition", "gates", "source_versions"]), TEXT))
def test_a_text_of_any_length_comes_back_and_no_part_is_longer_than_unity_catalog_takes(tags: dict[str, str]):
    parts = parted(tags)
    assert all(len(text) <= LIMIT for text in parts.values())
    assert {key: joined(parts)[key] for key in tags} == tags


@given(TEXT, TEXT)
def test_a_text_that_replaces_another_is_whole_whatever_the_other_left(before: str, after: str):
    # Tags are set one by one, and what is not set again stays.
    assert joined(parted({"gates": before}) | parted({"gates": after}))["gates"] == after


@pytest.mark.parametrize("key", parted({"definition": "x" * 2_500}))
def test_the_name_of_a_part_is_one_that_unity_catalog_takes(key: str):
    # "The following characters are not allowed in tag keys: . , - = / :"
    assert not set(key) & set(".,-=/:")
