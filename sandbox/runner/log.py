"""The log of an attempt: a line is `<ISO time> <out|err> <text>`. However much a task writes, it stays bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

# Kept of what a task writes: its beginning, as it comes, and its end, once that is known.
HEAD_CHARACTERS = 4 * 1024 * 1024
TAIL_CHARACTERS = 1024 * 1024


class AttemptLog:
    """Writes a log for the time of a `with`; told: called with (stream, text) of each line that is kept."""

    def __init__(self, path: Path, told: Callable[[str, str], None]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file, self._told = path.open("a", encoding="utf-8"), told
        self._room, self._tail = HEAD_CHARACTERS, deque[tuple[str, str, str]]()
        self._waiting = self._cut_lines = self._cut_characters = 0

    def __enter__(self) -> AttemptLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if self._cut_lines:
                size = self._cut_characters / 1_000_000
                said = f"... {self._cut_lines} lines ({size:.1f} MB) are left out here: the task wrote too much ..."
                self._keep(_now(), "err", said)
            for line in self._tail:
                self._keep(*line)
        finally:
            self._file.close()

    def add(self, stream: str, text: str) -> None:
        """Take a line."""
        size = len(text) + 1
        if size <= self._room:
            self._room -= size
            self._keep(_now(), stream, text)
            return
        self._room = 0
        self._tail.append((_now(), stream, text))
        self._waiting += size
        while self._waiting > TAIL_CHARACTERS and len(self._tail) > 1:
            old = len(self._tail.popleft()[2]) + 1
            self._waiting -= old
            self._cut_lines += 1
            self._cut_characters += old

    def flush(self) -> None:
        """Let readers see what came so far."""
        self._file.flush()

    def _keep(self, at: str, stream: str, text: str) -> None:
        self._file.write(f"{at} {stream} {text}\n")
        self._told(stream, text)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
