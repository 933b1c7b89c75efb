"""What the report must not show."""

from __future__ import annotations

import re

import fabricated
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import Reader

from report import charts, words
from report.model import Estimate


def test_a_report_on_real_data_shows_no_person_and_no_encounter(real: str, synthetic: str) -> None:
    persons = re.compile(rf"\b({fabricated.PERSON // 1000}\d{{3}}|{fabricated.ENCOUNTER // 1000}\d{{3}})\b")
    assert persons.search(synthetic), "the pattern finds the person that synthetic data may show"
    assert not persons.search(real)
    assert "person_id" not in real
    assert "score 0." not in real


def test_a_report_on_real_data_still_leads_back_to_versions(real: str) -> None:
    read = Reader(real)
    described = read.pictures("Lineage of one prediction")[0]["inside"][1]["text"]
    assert "synthetic_omop.visit_occurrence@2" in described
    assert "0f3c2a9d77b1" in read.words


def test_counts_of_1_to_10_are_suppressed_and_zero_and_11_are_shown() -> None:
    assert [words.count(value) for value in (0, 1, 10, 11, 12345)] == ["0", "<11", "<11", "11", "12,345"]


def test_a_count_that_is_kept_back_is_not_called_small_and_hides_its_figure_only_with_it() -> None:
    assert words.count(None) == "not shown"
    assert Estimate("auroc", 0.7, 0.6, 0.8, None, None, None).shown
    assert not Estimate("auroc", None, None, None, None, None, None).shown
    assert not Estimate("auroc", 0.7, 0.6, 0.8, 200, 100, 4).shown
    assert not Estimate("auroc", 0.7, 0.6, 0.8, 200, 100, None).shown


def test_a_small_subgroup_shows_neither_count_nor_estimate(read: Reader) -> None:
    rows = {row[0]: row[1:] for row in read.table("Held-out persons by subgroup")}
    assert rows["age band: 0-17"] == ["38", "not shown", "–", "–"]
    assert rows["sex: F"][:2] == ["2,714", "250"]


def test_a_block_with_few_events_is_not_drawn_and_its_ratio_not_shown(read: Reader, synthetic: str) -> None:
    assert read.table("Observed over expected by block")[-1][:5] == ["7", "90", "<11", "–", ""]
    assert "0.54" not in synthetic


def test_a_step_of_the_attrition_whose_counts_were_not_released_is_counted_with_the_next(read: Reader) -> None:
    rows = read.table("encounters and persons left after each rule")[1:]
    assert rows[1] == ["inpatient stays", "with the next rule", "–", "–"]
    assert rows[2] == ["discharge date known", "7,135", "24,095", "8,010"]


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 400), st.floats(0, 1)), max_size=12))
def test_merged_calibration_bins_keep_every_encounter_and_hold_11_of_each_kind(
    drawn: list[tuple[float, int, float]],
) -> None:
    bins = [charts.Bin(predicted, round(share * size) / size, size) for predicted, size, share in drawn]
    merged = charts.merged(bins)
    for one in merged:
        events = one.observed * one.encounters
        assert min(events, one.encounters - events) > 10.4
    if merged:
        assert sum(one.encounters for one in merged) == sum(one.encounters for one in bins)
        events = sum(one.observed * one.encounters for one in bins)
        assert sum(one.observed * one.encounters for one in merged) == pytest.approx(events)


def test_the_first_line_says_whether_the_data_are_synthetic(read: Reader, real: str) -> None:
    assert "synthetic data; nobody in this report exists" in read.words
    assert "real data; no person's row is shown" in Reader(real).words
