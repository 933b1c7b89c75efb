"""A machine that lacks something is told so, with versions, before anything is installed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cli.prerequisites import TOOLS, findings

ROOT = Path(__file__).parents[2]


def fake(folder: Path, name: str, says: str) -> None:
    """A program that prints what it is told to print."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def machine(tmp_path: Path):
    """Runs the check on a machine whose programs say the given versions (None: not there)."""

    def check(**tools: str | None) -> subprocess.CompletedProcess[str]:
        good = {"node": "v20.1.0", "npm": "10.1.0", "javac": "javac 17.0.2", "terraform": "Terraform v1.11.0"}
        for name, says in (good | tools).items():
            if says is not None:
                fake(tmp_path, name, says)
        return subprocess.run(
            [sys.executable, str(ROOT / "cli" / "prerequisites.py")],
            env={"PATH": str(tmp_path) + os.pathsep + "/usr/bin:/bin" if not tools else str(tmp_path) + ":/bin"},
            capture_output=True, text=True,
        )  # fmt: skip

    return check


def test_a_machine_that_has_everything_is_told_nothing(machine):
    answer = machine(node="v22.3.1")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("tool", "says", "sentence"),
    [
        ("node", "v18.19.0", "Node: found 18.19.0, needed 20 or later."),
        ("javac", "javac 11.0.20", "JDK: found 11.0.20, needed 17 or later."),
        ("terraform", "Terraform v1.5.7", "terraform: found 1.5.7, needed 1.7 or later."),
        ("npm", "8.19.2", "npm: found 8.19.2, needed 9 or later."),
        ("javac", "no version at all", "JDK: found none, needed 17 or later."),
    ],
)
def test_a_tool_that_is_too_old_is_named_with_the_version_found_and_needed(machine, tool, says, sentence):
    answer = machine(**{tool: says})
    assert answer.returncode == 1
    assert sentence in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_an_old_java_says_its_old_version_number(machine):
    # Java 8 called itself 1.8.
    assert "JDK: found 1.8.0, needed 17 or later." in machine(javac="javac 1.8.0_392").stderr


def test_terraforms_warnings_before_its_version_do_not_matter(machine):
    assert machine(terraform="Warning: 1 problem\nTerraform v1.9.2").returncode == 0


def test_nothing_is_installed_when_a_prerequisite_is_missing(tmp_path):
    # make's own order: the check is the first prerequisite of set-up.
    # Under `make test` this make is a child of another, which would have it print the folder it enters.
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    command = ["make", "--dry-run", "setup", f"PYTHON={sys.executable}"]
    answer = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=True)
    assert "prerequisites.py" in answer.stdout.splitlines()[0]


def test_this_machine_is_checked_by_the_same_table():
    assert [finding.tool.name for finding in findings()] == [tool.name for tool in TOOLS]
