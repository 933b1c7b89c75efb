"""The page of who may do what is what the matrix says."""

from __future__ import annotations

from infra.access_page import PAGE, page
from infra.roles import MATRIX


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_the_page_has_every_sentence_of_the_matrix():
    text = PAGE.read_text(encoding="utf-8")
    assert all(one.because in text for one in MATRIX)
