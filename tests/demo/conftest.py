"""Whole demos, each once a session, through the command that a newcomer types; and their steps as far as the scores."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from copies import copied

from cli.demo import declared
from cli.house import House
from cli.steps import Note
from cli.story import Story
from synthetic.generate import PERSONS

ROOT = Path(__file__).parents[2]
MLOPS = Path(sys.executable).with_name("mlops")
# Several times what a demo takes on two idle cores.
LIMIT_SECONDS = 1200


@dataclass(frozen=True)
class Demo:
    """What a finished demo left: its JSON, what it printed, and its sandbox."""

    learned: dict[str, Any]
    printed: str
    home: Path


def ended(command: list[str]) -> str:
    """What a demo printed; one that fails or does not go on says where it stood, with its threads and processes."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        try:
            printed, errors = demo.communicate(timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            under = "\n".join(stated(one) for one in psutil.Process(demo.pid).children(recursive=True))
            demo.send_signal(signal.SIGUSR1)
            time.sleep(2)
            demo.kill()
            printed, errors = demo.communicate()
            pytest.fail(f"no end within {LIMIT_SECONDS} s\n{printed[-2000:]}\n{errors[-8000:]}\n{under}", pytrace=False)
    assert demo.returncode == 0, printed[-3000:] + errors[-3000:]
    return printed


def stated(process: psutil.Process) -> str:
    """A process in one line: what it is, whether it works, for how long."""
    with contextlib.suppress(psutil.Error), process.oneshot():
        age, used = time.time() - process.create_time(), sum(process.cpu_times()[:2])
        said = " ".join(process.cmdline())[-200:]
        return f"{process.pid} {process.status()} {age:.0f} s, {used:.0f} s of work: {said}"
    return f"{process.pid} is gone"


@pytest.fixture(scope="session")
def mlops() -> Path:
    """The command that a person types."""
    return MLOPS


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Demo]:
    """Runs `mlops demo` in a sandbox of its own, once for each set of arguments."""
    finished: dict[tuple[str, ...], Demo] = {}

    def run(*arguments: str) -> Demo:
        if arguments not in finished:
            home = tmp_path_factory.mktemp("demo")
            command = ["demo", "--home", str(home / "sandbox"), "--json", str(home / "demo.json"), *arguments]
            printed = ended([str(MLOPS), *command])
            learned = json.loads((home / "demo.json").read_text())
            finished[arguments] = Demo(learned, printed, home / "sandbox")
        return finished[arguments]

    return run


@contextlib.contextmanager
def production_alone(home: Path, data: Path | None = None, validated: Path | None = None) -> Iterator[Story]:
    """The demo's own steps without the dev stage, until production has scored: the numbers of a whole demo.

    validated: the sandbox of a demo whose validation stage already is as its records want it; else it is made here.
    """
    story = Story(House(home=home), *declared(data), data, seed=42, change="readmission_surge", persons=PERSONS)
    given = ("dev",) if validated is None else ("dev", "validation")
    if validated is not None:
        copied(validated, home, "validation")
    try:
        for step in story.steps():
            if step.stage not in given:
                step.do(Note())
            if step.did == "score the newest encounters":
                break
        else:
            raise AssertionError("nothing was scored")
        yield story
    finally:
        story.close()


@pytest.fixture(scope="session")
def production() -> Callable[..., contextlib.AbstractContextManager[Story]]:
    """(home, data, validated) -> production, from an empty workspace to its scores; its servers run until the end."""
    return production_alone
