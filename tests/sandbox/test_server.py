"""A server process of a workspace: when it counts as ready, and when as gone."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from sandbox.process import environment
from sandbox.server import Server, ServerError

READY = "print('listening on 127.0.0.1:4711', flush=True)"


def server(folder: Path, program: str) -> Server:
    command = [sys.executable, "-c", f"import time\n{program}"]
    return Server("the test's server", command, env=environment(), log=folder / "log", patience=30, fatal="giving up")


def death(one: Server) -> str:
    end = time.monotonic() + 30
    while (reason := one.death()) is None:
        assert time.monotonic() < end, "it never ended"
        time.sleep(0.02)
    return reason


def test_a_server_that_says_it_gave_up_is_ended_and_its_words_are_the_reason(tmp_path: Path):
    one = server(tmp_path, f"{READY}\nprint('no room for code, giving up', flush=True)\ntime.sleep(600)")
    assert one.address() == "127.0.0.1:4711"
    assert death(one) == "the test's server gave up; its log log says: no room for code, giving up"
    assert one._process.poll() is not None
    one.stop()


def test_words_that_are_written_piece_by_piece_are_found(tmp_path: Path):
    pieces = [f"print({piece!r}, end='', flush=True)\ntime.sleep(0.2)" for piece in ("now gi", "ving", " up\\n")]
    one = server(tmp_path, "\n".join([READY, *pieces, "time.sleep(600)"]))
    assert "now giving up" in death(one)
    one.stop()


def test_a_server_that_says_nothing_of_the_kind_lives(tmp_path: Path):
    one = server(tmp_path, f"{READY}\nprint('giving it up', flush=True)\ntime.sleep(600)")
    one.address()
    time.sleep(0.3)
    assert one.death() is None
    one.stop()
    assert one.death() == "the test's server was stopped"


def test_one_that_ends_before_it_listens_says_its_last_words(tmp_path: Path):
    one = server(tmp_path, "raise SystemExit('an error: no port')")
    with pytest.raises(ServerError, match="ended with exit code 1; its log log ends: an error: no port"):
        one.address()
    one.stop()
