"""The wheel and what else is delivered: hashed by content, built once, equal bytes each time."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import subprocess
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest
from infra_documents import invented_model, with_model

from infra import delivery, names, wheel
from workflows.canonical import parse
from workflows.errors import DeclarationError


@pytest.fixture
def project(tmp_path) -> Path:
    """A small project: two packages, one model, litter."""
    root = tmp_path / "project"
    for path, text in {
        "jobs/__init__.py": "",
        "jobs/entry_points.py": 'ENTRY_POINTS = {"train": "jobs.tasks.train:train", "check": "jobs.tasks.check:check"}\n',
        "jobs/tasks/__init__.py": "",
        "jobs/tasks/train.py": "def train(): ...\n",
        "jobs/__pycache__/x.cpython-311.pyc": "stale",
        "jobs/.train.py.swp": "editor",
        "workflows/__init__.py": "",
        "workflows/concepts/ccs.csv": "concept_set_name,concept_code\n",
        "workflows/models/readmission.py": "MODEL = 1\n",
        "workflows/featurizations/uci130.py": "FACTS = 1\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@cdh.example")
    return subprocess.run(["git", "-C", root, *identity, *arguments], check=True, capture_output=True, text=True).stdout


def committed(root: Path) -> str:
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    return git(root, "rev-parse", "HEAD").strip()


def inside(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_the_wheel_holds_the_packages_without_declarations_or_litter(project, tmp_path):
    held = inside(wheel.build(tmp_path / "dist", project))
    assert {name for name in held if ".dist-info/" not in name} == {
        "jobs/__init__.py", "jobs/commit.txt", "jobs/code.txt", "jobs/entry_points.py", "jobs/tasks/__init__.py", "jobs/tasks/train.py",
        "workflows/__init__.py", "workflows/concepts/ccs.csv",
    }  # fmt: skip


def test_the_wheel_installs_by_the_rules(project, tmp_path):
    built = wheel.build(tmp_path / "dist", project)
    held = inside(built)
    info = f"{names.DISTRIBUTION}-{names.VERSION}.dist-info"
    assert built.name == f"{names.DISTRIBUTION}-{names.VERSION}-py3-none-any.whl"
    read = ConfigParser()
    read.read_string(held[f"{info}/entry_points.txt"].decode())
    assert dict(read["console_scripts"]) == {"check": "jobs.tasks.check:check", "train": "jobs.tasks.train:train"}
    recorded = {row[0]: row[1] for row in csv.reader(io.StringIO(held[f"{info}/RECORD"].decode()))}
    assert set(recorded) == set(held)
    for name, content in held.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        assert recorded[name] == ("" if name.endswith("/RECORD") else f"sha256={digest}")


@pytest.mark.clause("P3")
def test_two_builds_of_the_same_sources_give_equal_bytes(project, tmp_path):
    first, second = (wheel.build(tmp_path / name, project).read_bytes() for name in ("one", "two"))
    assert first == second


def test_a_wheel_that_is_there_is_not_built_again(project, tmp_path):
    committed(project)
    built = wheel.build(tmp_path / "dist", project)
    built.write_bytes(b"the one that was there")
    assert wheel.build(tmp_path / "dist", project).read_bytes() == b"the one that was there"


@pytest.mark.clause("C1", "P7", "17")
def test_the_wheel_knows_its_commit_and_says_when_its_sources_differ_from_it(project, tmp_path):
    assert wheel.commit(project) == "unknown"
    head = committed(project)
    assert inside(wheel.build(tmp_path / "dist", project))["jobs/commit.txt"].decode() == f"{head}\n"
    (project / "workflows" / "models" / "readmission.py").write_text("MODEL = 2\n")
    assert wheel.commit(project) == head, "a declaration is no source of the wheel"
    (project / "jobs" / "tasks" / "score.py").write_text("def score(): ...\n")
    assert wheel.commit(project) == f"{head}+dirty"


def test_a_wheel_built_before_its_sources_were_committed_is_built_again_after(project, tmp_path):
    early = wheel.build(tmp_path / "dist", project)
    assert inside(early)["jobs/commit.txt"] == b"unknown\n"
    head = committed(project)
    late = wheel.build(tmp_path / "dist", project)
    assert late == early
    assert inside(late)["jobs/commit.txt"].decode() == f"{head}\n"


@pytest.mark.parametrize("path", ["jobs/tasks/train.py", "workflows/concepts/ccs.csv", "jobs/entry_points.py"])
def test_the_code_hash_changes_with_any_source(project, path):
    before = wheel.code_hash(project)
    (project / path).write_text((project / path).read_text() + "\n")
    assert wheel.code_hash(project) != before


@pytest.mark.parametrize("path", ["workflows/models/readmission.py", "jobs/commit.txt", "jobs/__pycache__/y.pyc"])
def test_the_code_hash_does_not_change_with_a_declaration_or_what_is_generated(project, path):
    before = wheel.code_hash(project)
    (project / path).write_text("something else")
    assert wheel.code_hash(project) == before


def test_the_code_hash_changes_when_a_source_is_renamed(project):
    before = wheel.code_hash(project)
    (project / "jobs/tasks/train.py").rename(project / "jobs/tasks/fit.py")
    assert wheel.code_hash(project) != before


def test_a_project_without_entry_points_is_told_so(project):
    (project / "jobs/entry_points.py").unlink()
    with pytest.raises(DeclarationError, match=r"jobs/entry_points\.py"):
        wheel.entry_points(project)
    (project / "jobs/entry_points.py").write_text("ENTRY_POINTS = []\n")
    with pytest.raises(DeclarationError, match="ENTRY_POINTS = \\[\\] is not valid"):
        wheel.entry_points(project)


@pytest.mark.clause("P4")
def test_a_declaration_is_delivered_as_canonical_json_under_its_hash(invented, compute, tmp_path, project):
    made = delivery.delivery(invented, compute, project)
    delivery.write(made, tmp_path / "dist", project)
    path = made.declaration_paths["alpha"]
    text = (tmp_path / "dist" / path).read_text()
    assert path == f"declarations/alpha-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"
    assert parse(text) == invented.models["alpha"]
    lock = compute["ml_cpu"].requirements
    assert made.requirements_paths == {
        "ml_cpu": f"requirements/ml_cpu-{hashlib.sha256(lock.encode()).hexdigest()[:12]}.txt"
    }
    assert (tmp_path / "dist" / made.requirements_paths["ml_cpu"]).read_text() == lock
    assert (tmp_path / "dist" / made.wheel_path).is_file()


def test_another_model_leaves_what_is_delivered_for_the_others_where_it_was(invented, compute, project):
    before = delivery.delivery(invented, compute, project)
    after = delivery.delivery(with_model(invented, invented_model("gamma")), compute, project)
    assert after.code == before.code
    assert before.contents.items() < after.contents.items()
