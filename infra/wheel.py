"""The wheel that every task runs: `jobs` and `workflows`, without the declarations, named by the hash of its sources.

Hashing is part of synth; building is not, and happens only where the wheel of that hash is absent.
"""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from infra import names
from workflows.errors import DeclarationError

ROOT = Path(__file__).parents[1]
PACKAGES = ("jobs", "workflows")
# Declarations reach a task as canonical JSON, so that a change of one model changes no other model's plan.
LEFT_OUT = ("workflows/models", "workflows/featurizations", "workflows/references", "workflows/retired")
COMMIT = "jobs/commit.txt"
PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "{name}"
version = "{version}"
description = "The tasks of cdh-mlops."
requires-python = ">=3.11"
[project.scripts]
{scripts}
[tool.hatch.build]
ignore-vcs = true
[tool.hatch.build.targets.wheel]
packages = {packages}
"""


def sources(root: Path = ROOT) -> tuple[Path, ...]:
    """The wheel's sources below `root`, sorted by their path."""
    found = [path for package in PACKAGES for path in (root / package).rglob("*") if path.is_file()]
    return tuple(sorted((path for path in found if belongs(path.relative_to(root))), key=lambda path: path.as_posix()))


def belongs(path: Path) -> bool:
    """Whether a file, by its path below the root, is a source: no declaration, nothing generated, no litter."""
    parts = path.parts
    return (
        path.as_posix() != COMMIT
        and "__pycache__" not in parts
        and not any(part.startswith(".") or part.endswith(("~", ".pyc")) for part in parts)
        and "/".join(parts[:2]) not in LEFT_OUT
    )


def code_hash(root: Path = ROOT) -> str:
    """The first 12 hexadecimal digits of SHA-256 over the wheel's version, its sources and their paths."""
    digest = hashlib.sha256(f"{names.DISTRIBUTION} {names.VERSION} {PYPROJECT}".encode())
    for path in sources(root):
        content = path.read_bytes()
        digest.update(f"\n{path.relative_to(root).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return names.short(digest.hexdigest())


def entry_points(root: Path = ROOT) -> Mapping[str, str]:
    """Entry point -> `module:function`, as `jobs/entry_points.py` has them (read as data; infra imports no job)."""
    file = root / "jobs" / "entry_points.py"
    if not file.is_file():
        raise DeclarationError("wheel", "entry points", "jobs/entry_points.py", "a file; it is missing")
    read = runpy.run_path(str(file)).get("ENTRY_POINTS")
    if not isinstance(read, dict) or not read:
        raise DeclarationError("wheel", "ENTRY_POINTS", read, "name -> 'module:function'", "jobs/entry_points.py")
    return read


def git(root: Path, *arguments: str) -> str | None:
    """What git prints, or None where there is no git, no repository or no commit."""
    try:
        ran = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return ran.stdout.strip() if ran.returncode == 0 else None


def commit(root: Path = ROOT) -> str:
    """The commit that the sources are at: `+dirty` where they differ from it, `unknown` without git."""
    head = git(root, "rev-parse", "--verify", "HEAD")
    if head is None:
        return "unknown"
    different = git(root, "diff", "--name-only", "--relative", "-z", "HEAD", "--", *PACKAGES) or ""
    unknown = git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", *PACKAGES) or ""
    paths = [Path(path) for path in (different + unknown).split("\0") if path]
    return f"{head}+dirty" if any(belongs(path) for path in paths) else head


def build(dist: Path, root: Path = ROOT) -> Path:
    """The wheel below `dist`, built if it is absent, or if it was built before its sources were committed."""
    wheel = dist / names.wheel(code_hash(root))
    note = wheel.with_name("commit.txt")
    built_at = note.read_text(encoding="utf-8") if wheel.is_file() and note.is_file() else None
    final = built_at is not None and built_at != "unknown" and not built_at.endswith("+dirty")
    if final or built_at == (now := commit(root)):
        return wheel
    wheel.parent.mkdir(parents=True, exist_ok=True)
    # The folder is outside any repository: hatchling would otherwise obey its .gitignore.
    with tempfile.TemporaryDirectory(prefix="cdh-wheel-") as folder:
        made = assemble(Path(folder), root, now)
        partial = wheel.with_suffix(f".{os.getpid()}")
        shutil.copyfile(made, partial)
        partial.replace(wheel)
    note.write_text(now, encoding="utf-8")
    return wheel


def assemble(stage: Path, root: Path, now: str) -> Path:
    """Copy the sources to `stage`, add what is generated and build there; two builds give equal bytes."""
    from hatchling.builders.wheel import WheelBuilder

    for path in sources(root):
        target = stage / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        target.chmod(0o644)
    (stage / COMMIT).write_text(f"{now}\n", encoding="utf-8")
    (stage / "jobs" / "code.txt").write_text(f"{code_hash(root)}\n", encoding="utf-8")
    scripts = "\n".join(f"{name} = {json.dumps(target)}" for name, target in sorted(entry_points(root).items()))
    project = PYPROJECT.format(
        name=names.DISTRIBUTION, version=names.VERSION, scripts=scripts, packages=json.dumps(PACKAGES)
    )
    (stage / "pyproject.toml").write_text(project, encoding="utf-8")
    built = list(WheelBuilder(str(stage)).build(directory=str(stage / "dist"), versions=["standard"]))
    return Path(built[0])
