"""Lock files of clusters, held against what their runtime has installed already.

A cluster's library replaces the runtime's. Where the two differ in more than the last number, code of the runtime may
meet a release it was not built with: such a conflict is refused unless the cluster's folder acknowledges it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.files import read_json
from workflows.errors import DeclarationError

RUNTIMES = Path("clusters") / "runtimes"
ACKNOWLEDGED = "acknowledged.json"
# An entry of a lock file, with its lines joined: name, extras, version, marker, hashes.
ENTRY = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;]+)(?:\s*;\s*(.*?))?((?:\s+--hash=sha256:[0-9a-f]{64})*)"
)
# What is asked of a runtime's table. page: where the versions were read, at the day `read`; agrees_with: what else says
# the same; to_compare: the vendor's own page. absent: what the page does not have, of what our lock files name: a name
# in neither was not looked up.
TABLE: Mapping[str, type] = {
    "absent": list, "agrees_with": list, "libraries": dict, "page": str, "python": str, "read": str, "title": str,
    "to_compare": str,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A library whose locked version is not what the runtime has."""

    library: str
    locked: str
    installed: str


def entries(lock: str, label: str) -> list[tuple[str, str, str]]:
    """(name, version, marker) of each requirement; one without version or hash is refused."""
    found = []
    for line in re.sub(r"\\\n", " ", lock).splitlines():
        if not (text := line.strip()) or text.startswith("#"):
            continue
        entry = ENTRY.fullmatch(text)
        if entry is None or not entry[4]:
            name = re.split(r"[^A-Za-z0-9._-]", text)[0] or text
            raise DeclarationError(name, "hash", text[:60].strip(), "name==version --hash=sha256:...: make lock", label)
        found.append((entry[1], entry[2], entry[3] or ""))
    return found


def pins(lock: str, label: str, python: str) -> dict[str, str]:
    """name -> version of what a cluster with that Python installs."""
    from packaging.markers import Marker

    place = {
        "implementation_name": "cpython", "os_name": "posix", "platform_machine": "x86_64",
        "platform_python_implementation": "CPython", "platform_system": "Linux", "python_full_version": f"{python}.3",
        "python_version": python, "sys_platform": "linux",
    }  # fmt: skip
    return {
        name: version for name, version, marker in entries(lock, label) if not marker or Marker(marker).evaluate(place)
    }


def runtime(version: str, root: Path) -> dict[str, Any]:
    """The table of a runtime's preinstalled libraries."""
    label = (RUNTIMES / f"{version}.json").as_posix()
    known = sorted(path.name.removesuffix(".json") for path in (root / RUNTIMES).glob("*.json"))
    if version not in known:
        raise DeclarationError(version, "spark_version", version, known, label)
    read = read_json(root / label, root)
    for field, kind in TABLE.items():
        if not isinstance(read.get(field), kind) or not read[field]:
            raise DeclarationError(version, field, read.get(field), f"a value of type {kind.__name__}", label)
    return read


def series(version: str) -> list[str]:
    """The first two numbers of a version: what a conflict is about."""
    return [*version.partition("+")[0].split("."), "0"][:2]


def conflicts(locked: Mapping[str, str], table: Mapping[str, Any], label: str) -> list[Conflict]:
    """What differs in its first two numbers from the runtime's; a name that nobody looked up is refused."""
    found = []
    for name, version in sorted(locked.items()):
        if (installed := table["libraries"].get(name)) is None:
            if name not in table["absent"]:
                raise DeclarationError(
                    name, "version", version, f"a library whose version in the runtime was looked up: {table['page']}",
                    label,
                )  # fmt: skip
        elif series(version) != series(installed):
            found.append(Conflict(library=name, locked=version, installed=installed))
    return found


def acknowledged(folder: Path, root: Path) -> dict[str, str]:
    """library -> reason, of the conflicts that a cluster's folder acknowledges."""
    file = folder / ACKNOWLEDGED
    label = file.relative_to(root).as_posix()
    reasons: dict[str, str] = {}
    for reason, libraries in (read_json(file, root) if file.is_file() else {}).items():
        if len(reason) < 20:
            raise DeclarationError(folder.name, "reason", reason, "a reason that a reader can judge", label)
        if not isinstance(libraries, list):
            raise DeclarationError(folder.name, reason, libraries, "a list of libraries", label)
        for name in libraries:
            if name in reasons:
                raise DeclarationError(folder.name, "library", name, "one reason a library", label)
            reasons[name] = reason
    return reasons


def refuse_conflicts(folder: Path, spark_version: str, lock: str, root: Path) -> None:
    """Raise for the first conflict that is not acknowledged, or acknowledgement of none."""
    label = (folder / "requirements.txt").relative_to(root).as_posix()
    table = runtime(spark_version, root)
    found = {
        one.library: one
        for one in conflicts(pins(lock, label, table["python"]), table, f"{RUNTIMES.as_posix()}/{spark_version}.json")
    }
    reasons = acknowledged(folder, root)
    for one in found.values():
        if one.library not in reasons:
            source = f"{table['title']} has it ({table['page']}, {table['read']})"
            valid = f"{one.installed}, as {source}, or a reason in {ACKNOWLEDGED}"
            raise DeclarationError(folder.name, one.library, one.locked, valid, label)
    for name in reasons:
        if name not in found:
            place = (folder / ACKNOWLEDGED).relative_to(root).as_posix()
            raise DeclarationError(folder.name, "library", name, sorted(found) or "none: nothing conflicts", place)
