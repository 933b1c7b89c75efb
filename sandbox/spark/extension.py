"""The check rule of grants as a jar: `sandbox/grants/rule` compiled against Spark's and Delta's jars, once a source."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.process import environment, java
from sandbox.spark.jars import SPARK_HOME, jars

SOURCES = Path(__file__).parent.parent / "grants" / "rule"
CLASS = "sandbox.grants.GrantsExtension"
CATALOG = "sandbox.grants.BoundCatalog"


def extension(cache: Path) -> Path:
    """The jar for these sources and these jars; compiled when it is missing (about five seconds)."""
    sources = sorted(SOURCES.glob("*.java"))
    libraries = [*sorted((SPARK_HOME / "jars").glob("*.jar")), *jars(cache)]
    about = "".join(library.name for library in libraries).encode() + b"".join(one.read_bytes() for one in sources)
    made = cache / "grants" / f"rule-{hashlib.sha256(about).hexdigest()[:16]}.jar"
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=made.parent) as folder:
            _compile(sources, libraries, Path(folder))
            half = Path(folder) / made.name
            _pack(Path(folder), half)
            os.replace(half, made)
        for old in made.parent.glob("rule-*.jar"):
            if old != made:
                old.unlink(missing_ok=True)
    return made


def _compile(sources: list[Path], libraries: list[Path], folder: Path) -> None:
    compiler = shutil.which("javac", path=str(Path(java()).resolve().parent)) or shutil.which("javac")
    if not compiler:
        raise SandboxError("javac is not found; the sandbox compiles its check of grants: install a JDK 17, not a JRE")
    path = os.pathsep.join(str(library) for library in libraries)
    command = [compiler, "--release", "17", "-nowarn", "-proc:none", "-d", str(folder), "-cp", path]
    done = subprocess.run(
        [*command, *(str(one) for one in sources)], env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if ": error:" in line] or done.stderr.splitlines()[-3:]
        raise SandboxError(f"the check of grants does not compile: {' '.join(errors)[:500]}")


def _pack(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w") as jar:
        for compiled in sorted(folder.rglob("*.class")):
            jar.write(compiled, compiled.relative_to(folder).as_posix())
