"""What must hold of the repository itself: locks, names, sizes."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from jobs.io import registry
from workflows.discover import discover

ROOT = Path(__file__).parents[2]
CLUSTERS = sorted(path.parent for path in (ROOT / "clusters").glob("*/cluster.json"))
LOCAL = ROOT / "requirements.txt"
LOCKS = [LOCAL, ROOT / "policies" / "requirements.txt", *(folder / "requirements.txt" for folder in CLUSTERS)]
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


def blocks(lock: Path) -> dict[str, str]:
    """Each requirement of a lock file with its markers and hashes, without the comment that says who needs it."""
    found = re.split(r"\n(?=[A-Za-z0-9])", lock.read_text().strip())
    return {block.partition(" \\")[0]: re.sub(r"\n    #.*", "", block) for block in found}


@pytest.mark.clause("P3", "D2")
@pytest.mark.parametrize(
    "name", sorted({one.cluster for one in discover(clusters=[f.name for f in CLUSTERS]).declarations})
)
def test_the_local_environment_is_that_of_each_cluster_in_use_and_spark_and_the_tools(name):
    local, cluster = blocks(LOCAL), blocks(ROOT / "clusters" / name / "requirements.txt")
    assert {requirement: local.get(requirement) for requirement in cluster} == cluster
    asked = (ROOT / "requirements.in").read_text()
    assert f"-r clusters/{name}/requirements.in" in asked
    assert {"pyspark[connect]==4.0.1", "delta-spark==4.0.0"} <= set(asked.splitlines())
    assert not {"pyspark", "delta-spark"} & pins(ROOT / "clusters" / name / "requirements.txt").keys()


@pytest.mark.clause("P3")
@pytest.mark.parametrize("folder", CLUSTERS, ids=lambda folder: folder.name)
def test_what_a_cluster_shares_with_the_local_environment_has_one_release(folder):
    local, cluster = blocks(LOCAL), blocks(folder / "requirements.txt")
    shared = pins(LOCAL).keys() & pins(folder / "requirements.txt").keys()
    assert len(shared) > 80
    for requirement, block in cluster.items():
        if re.split(r"[=\[]", requirement)[0] in shared:
            assert re.findall(r"sha256:\w+", block) == re.findall(r"sha256:\w+", local[requirement]), requirement


@pytest.mark.clause("P3")
@pytest.mark.parametrize("folder", CLUSTERS, ids=lambda folder: folder.name)
def test_a_models_environment_is_its_clusters_lock(folder):
    """What MLflow is given, read by another reader of lock files: packaging's."""
    logged = [Requirement(line) for line in registry.pins((folder / "requirements.txt").read_text())]
    lock = {line.partition(" \\")[0] for line in blocks(folder / "requirements.txt")}
    assert sorted(map(str, logged)) == sorted(str(Requirement(line)) for line in lock)
    assert all(len(one.specifier) == 1 and str(one.specifier).startswith("==") for one in logged)


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


@pytest.mark.clause("2")
def test_every_decision_has_a_page_that_says_question_decision_and_cost_and_stands_in_the_list():
    folder = ROOT / "docs" / "adr"
    pages = {path.name: path.read_text() for path in folder.glob("0*.md")}
    assert set(re.findall(r"\((0\d{3}-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text())) == set(pages)
    assert len(pages) > 20
    for name, text in pages.items():
        assert all(f"**{part}.**" in text for part in ("Question", "Decision", "Cost")), name
