"""Whole demos, each once a session, through the command that a newcomer types."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MLOPS = Path(sys.executable).with_name("mlops")


@dataclass(frozen=True)
class Demo:
    """What a finished demo left: its JSON, what it printed, and its sandbox."""

    learned: dict[str, Any]
    printed: str
    home: Path


@pytest.fixture(scope="session")
def mlops() -> Path:
    """The command that a person types."""
    return MLOPS


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Demo]:
    """Runs `mlops demo` in a sandbox of its own, once for each set of arguments."""
    finished: dict[tuple[str, ...], Demo] = {}

    def run(*arguments: str, again: str = "") -> Demo:
        key = (*arguments, again)
        if key not in finished:
            home = tmp_path_factory.mktemp("demo")
            answer = subprocess.run(
                [str(MLOPS), "demo", "--home", str(home / "sandbox"), "--json", str(home / "demo.json"), *arguments],
                cwd=ROOT, capture_output=True, text=True, timeout=1500,
            )  # fmt: skip
            assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr[-3000:]
            learned = json.loads((home / "demo.json").read_text())
            finished[key] = Demo(learned, answer.stdout, home / "sandbox")
        return finished[key]

    return run
