"""The page of what a laptop cannot prove is the marks in the code, no more and no less."""

from __future__ import annotations

from pathlib import Path

import pytest

from report.not_proved import PAGE, MarkError, limits, page


def marked(root: Path, comment: str) -> Path:
    (root / "sandbox").mkdir()
    (root / "sandbox" / "thing.py").write_text(comment)
    return root


def test_the_page_is_what_the_marks_say():
    text = PAGE.read_text(encoding="utf-8")
    assert page(text, limits()) == text, "run `make docs`"
    assert len(limits()) >= 9


def test_a_mark_over_several_lines_is_one_row(tmp_path: Path):
    root = marked(
        tmp_path,
        "# Not proved here: the moon. Why: it is\n# far away. On Azure: look\n# up at night.\nx = 1  # plain\n",
    )
    (one,) = limits(root)
    assert (one.what, one.why, one.look, one.file) == (
        "the moon", "it is far away", "look up at night", "sandbox/thing.py",
    )  # fmt: skip


def test_two_marks_in_a_row_are_two_rows(tmp_path: Path):
    both = "".join(f"# Not proved here: {name}. Why: so. On Azure: look.\n" for name in ("a", "b"))
    assert [one.what for one in limits(marked(tmp_path, both))] == ["a", "b"]


def test_a_mark_without_a_reason_is_refused_with_file_and_line(tmp_path: Path):
    with pytest.raises(MarkError, match=r"sandbox/thing\.py:2: .*valid: Not proved here: WHAT\. Why: BECAUSE"):
        limits(marked(tmp_path, "x = 1\n# Not proved here: the moon.\n"))
