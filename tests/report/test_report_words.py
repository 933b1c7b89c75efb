"""Figures as a reader sees them: rounded, and never to what they are not."""

from __future__ import annotations

import pytest

from report import words


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0 %"), (0.0004, "< 0.1 %"), (0.0006, "0.1 %"), (0.21, "21.0 %"), (0.9994, "99.9 %"),
        (0.9996, "> 99.9 %"), (0.9999999, "> 99.9 %"), (1.0, "100 %"), (None, "–"), (float("nan"), "–"),
    ],
)  # fmt: skip
def test_a_share_is_0_percent_of_none_and_100_percent_of_all_alone(value: float | None, shown: str) -> None:
    assert words.share(value) == shown


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (0.04, 1, "0.04"), (0.004, 2, "0.004"), (-0.001, 2, "−0.001"), (0.34567, 1, "0.346"), (0.0123456, 2, "0.0123"),
        (-1.5e-7, 3, "−1.5e−07"), (0.99996, 1, "1.0"), (0.09996, 2, "0.10"),
    ],
)  # fmt: skip
def test_a_small_figure_keeps_three_digits_that_count(value: float, digits: int, shown: str) -> None:
    assert words.number(value, digits) == shown


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [(6.25, 2, "6.25"), (6.25, 1, "6.2"), (1234.5, 1, "1234.5"), (0.684, 3, "0.684"), (-0.021, 3, "−0.021"),
     (0.0, 2, "0.00"), (-0.0, 2, "0.00"), (1.0, 1, "1.0"), (None, 3, "–")],
)  # fmt: skip
def test_any_other_figure_has_its_decimals(value: float | None, digits: int, shown: str) -> None:
    assert words.number(value, digits) == shown
