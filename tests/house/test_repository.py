"""What must hold of the repository itself: locks, names, sizes."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = [ROOT / "requirements.txt", ROOT / "clusters" / "ml_cpu" / "requirements.txt"]
REQUIREMENT = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^ ;\\]+)", re.MULTILINE)


def tracked() -> list[Path]:
    """The files of the repository, those not yet committed included."""
    answer = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in answer.stdout.splitlines() if (ROOT / line).is_file()]


def pins(lock: Path) -> dict[str, str]:
    return dict(REQUIREMENT.findall(lock.read_text()))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_every_locked_requirement_has_a_hash_and_no_index(lock):
    text = lock.read_text()
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text)
    assert len(blocks) == len(REQUIREMENT.findall(text)) > 20
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "--index" not in text


def test_the_npm_lock_names_no_registry():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert lock["packages"]["node_modules/cdktf-cli"]["version"] == "0.21.0"
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


@pytest.mark.clause("P3", "D2")
def test_the_local_environment_has_the_clusters_versions():
    local, cluster = pins(LOCKS[0]), pins(LOCKS[1])
    assert {name: local.get(name) for name in cluster} == cluster


def test_no_file_names_a_machines_path_or_a_package_index():
    # Put together from parts, or this file would name them itself.
    home, index = "/" + "root/", "/" + "simple/"
    here = str(ROOT) + "/"
    hosts = [
        "py" + "pi.org",
        "files.python" + "hosted",
        "registry.npm" + "js",
        "repo1." + "maven",
        "repo.maven" + ".apache",
    ]
    wrong = [
        (str(path.relative_to(ROOT)), word)
        for path in tracked()
        if path.suffix not in (".png",)
        for word in [home, here, *hosts, index + "\n"]
        if word in path.read_text(errors="replace")
    ]
    assert wrong == []


def test_no_source_file_is_longer_than_a_reader_can_hold():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked()
        if path.suffix == ".py" and (lines := path.read_text().count("\n")) > 320
    }
    assert long == {}


def test_tools_are_pinned_in_one_project_file():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["license"] == "Apache-2.0"
    assert project["tool"]["pytest"]["ini_options"]["filterwarnings"] == ["error"]


def test_every_test_file_has_a_name_of_its_own():
    # Two of one name cannot be collected together, and each passes alone.
    names = [path.name for path in tracked() if path.name.startswith("test_") and path.suffix == ".py"]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []
