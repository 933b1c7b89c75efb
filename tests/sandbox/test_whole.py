"""A file is seen whole, whoever writes it and however that ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.whole import whole


def test_writers_at_once_leave_one_of_their_texts_and_nothing_beside_it(tmp_path: Path):
    path = tmp_path / "below" / "grants.json"
    texts = [str(number) * 50_000 for number in range(8)]
    seen: set[str] = set()

    def write(text: str) -> None:
        for _ in range(25):
            with whole(path) as half:
                half.write_text(text)
            seen.add(path.read_text())

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, texts))
    assert seen <= set(texts)
    assert list(path.parent.iterdir()) == [path]


def test_an_error_leaves_what_was_there(tmp_path: Path):
    path = tmp_path / "door.json"
    path.write_text("before")

    def write() -> None:
        with whole(path) as half:
            half.write_text("hal")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert (path.read_text(), list(tmp_path.iterdir())) == ("before", [path])
