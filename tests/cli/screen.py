"""A terminal of 80 columns, and what `mlops runs` shows on it."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from cli.client import Opened
from cli.runs import Forest, print_runs
from operate.runs import Runs


class Screen:
    def __init__(self, **more) -> None:
        self.file = StringIO()
        self.console = Console(file=self.file, width=80, highlight=False, **more)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.file.getvalue().splitlines()]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.lines).split())


def has(lines: list[str], *words: str) -> str:
    """The one line that has all these words."""
    (found,) = [line for line in lines if all(word in line for word in words)]
    return found


def runs(workspace: Opened, last: int = 0) -> list[str]:
    screen = Screen()
    print_runs(screen.console, "dev", Forest.of(Runs(workspace.client).newest(last + 1 if last else 0), last))
    assert max(map(len, screen.lines)) <= 80
    return screen.lines
