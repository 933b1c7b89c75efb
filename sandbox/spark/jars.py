"""Delta's jars: fetched once by Spark's own resolver into the cache, so that servers start offline.

`python -m sandbox.spark.jars [CACHE]` is the set-up: it fetches the jars, compiles the check of grants
and makes the class archive.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyspark

from sandbox.errors import SandboxError
from sandbox.process import inherited_environment

_PINNED = Path(__file__).with_name("jars.json")
SPARK_HOME = Path(pyspark.__file__).parent


def jars(cache: Path) -> list[Path]:
    """Paths of Delta's jars in the cache; ``SandboxError`` when set-up has not fetched them."""
    found = [cache / "jars" / name for name in _pinned()["sha256"]]
    missing = [path.name for path in found if not path.exists()]
    if missing:
        raise SandboxError(f"Delta's jars are missing in {cache / 'jars'}: {', '.join(missing)}; run `make setup`")
    return found


def ensure_jars(cache: Path) -> list[Path]:
    """Fetch what the cache lacks (Maven Central, through `spark-submit --packages`) and check every jar's sha256."""
    pinned = _pinned()
    wanted: dict[str, str] = pinned["sha256"]
    folder = cache / "jars"
    folder.mkdir(parents=True, exist_ok=True)
    if not all((folder / name).exists() and _sha256(folder / name) == sha for name, sha in wanted.items()):
        with tempfile.TemporaryDirectory(dir=cache) as ivy:
            _resolve(pinned["package"], Path(ivy))
            for name, sha in wanted.items():
                fetched = Path(ivy) / "jars" / name
                if not fetched.exists():
                    raise SandboxError(f"{pinned['package']} came without {name}")
                if _sha256(fetched) != sha:
                    raise SandboxError(f"{name} has sha256 {_sha256(fetched)}, pinned is {sha} ({_PINNED.name})")
                shutil.move(fetched, folder / name)
    return [folder / name for name in wanted]


def _pinned() -> dict[str, Any]:
    pinned: dict[str, Any] = json.loads(_PINNED.read_text())
    installed = version("delta-spark")
    if installed != pinned["delta-spark"]:
        expected = pinned["delta-spark"]
        raise SandboxError(f"delta-spark {installed} is installed; {_PINNED.name} pins jars for {expected}")
    return pinned


def _resolve(package: str, ivy: Path) -> None:
    # The resolver is a step of spark-submit; the class it then runs only prints a version.
    command = [str(SPARK_HOME / "bin" / "spark-submit"), "--packages", package, "--conf", f"spark.jars.ivy={ivy}"]
    command += ["--class", "org.apache.spark.deploy.SparkSubmit", "spark-internal", "--version"]
    done = subprocess.run(
        command, env=inherited_environment(SPARK_HOME=str(SPARK_HOME)), capture_output=True, text=True, check=False
    )
    if done.returncode:
        telling = [line.strip() for line in done.stderr.splitlines() if "rror" in line or "not found" in line]
        why = " ".join(telling[-2:]) or done.stderr[-300:]
        raise SandboxError(f"{package} could not be fetched from Maven Central: {why}")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    """The set-up's step."""
    from sandbox.spark.archive import ensure_archive
    from sandbox.spark.extension import extension

    cache = Path(sys.argv[1] if len(sys.argv) > 1 else ".cache").resolve()
    ensure_jars(cache)
    extension(cache)
    ensure_archive(cache)
    return 0


if __name__ == "__main__":
    sys.exit(main())
