"""`make policy`: checkov's rules and ours over the synthesized stacks, less what `suppressions.json` allows for a time.

Runs in checkov's own environment (.venv-checkov), and imports nothing of the project. Exit status 1 for a finding that
is not suppressed, a suppression that has expired, is not sound or is of nothing, or a rule of ours that saw nothing.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SUPPRESSIONS = HERE / "suppressions.json"
OURS = tuple(f"CKV_CDH_{number}" for number in range(1, 6))
FIELDS = ("id", "address", "reason", "expires")


@dataclass(frozen=True)
class Finding:
    """A rule that a resource breaks. address: stack/kind.name."""

    id: str
    address: str
    name: str


def address(folder: Path, found: dict[str, Any]) -> str:
    """stack/kind.name of the resource that a finding is about: of some, checkov tells the name only."""
    file = folder / found["file_path"].lstrip("/")
    kind = name = ""
    for line in reversed(file.read_text(encoding="utf-8").splitlines()[: found["file_line_range"][0]]):
        if not name and (one := re.match(r' {6}"([^"]+)": \{', line)):
            name = one[1]
        if one := re.match(r' {4}"([^"]+)": \{', line):
            kind = one[1]
            break
    return f"{file.parent.name}/{kind}.{name}"


def scan(folder: Path) -> tuple[list[Finding], set[str]]:
    """(what breaks a rule, ids of all rules that saw a resource) in the stacks below a folder."""
    command = [
        str(Path(sys.executable).parent / "checkov"), "-d", str(folder), "--framework", "terraform_json",
        "--external-checks-dir", str(HERE / "checks"), "--skip-download", "--output", "json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        read = json.loads(done.stdout)
        results = read["results"]
    except (ValueError, KeyError, TypeError) as error:
        raise SystemExit(
            f"checkov found no stacks below {folder}: {done.stdout[-500:]}{done.stderr[-2000:]}"
        ) from error
    if read["summary"]["parsing_errors"]:
        raise SystemExit(f"checkov cannot read {', '.join(results['parsing_errors'])}")
    seen = {one["check_id"] for one in results["passed_checks"] + results["failed_checks"]}
    found = [Finding(one["check_id"], address(folder, one), one["check_name"]) for one in results["failed_checks"]]
    return sorted(found, key=lambda one: (one.id, one.address)), seen


def unsound(one: Any, today: date) -> str | None:
    """What is wrong with a suppression, if anything."""
    if not isinstance(one, dict) or sorted(one) != sorted(FIELDS) or not all(isinstance(v, str) for v in one.values()):
        return f"{one!r}: not of the fields {', '.join(FIELDS)}, each a text"
    where = f"{one['id']} of {one['address']}"
    if len(one["reason"]) < 20:
        return f"{where}: reason = {one['reason']!r} tells a reader nothing"
    try:
        day = date.fromisoformat(one["expires"])
    except ValueError:
        return f"{where}: expires = {one['expires']!r} is no date such as 2027-01-31"
    return f"{where}: expired on {day}; mend it, or decide again" if day < today else None


def judge(findings: list[Finding], seen: set[str], suppressions: list[Any], today: date) -> list[str]:
    """Every reason to fail, a line each. An address may have `*`."""
    told = [wrong for one in suppressions if (wrong := unsound(one, today))]
    sound = [one for one in suppressions if not unsound(one, today)]
    used = set()
    for found in findings:
        by = [i for i, one in enumerate(sound) if one["id"] == found.id and fnmatchcase(found.address, one["address"])]
        used.update(by)
        if not by:
            told.append(f"{found.id} of {found.address}: {found.name}")
    told += [f"{one['id']} of {one['address']}: suppresses nothing" for i, one in enumerate(sound) if i not in used]
    return told + [f"{one}: saw no resource; is it loaded?" for one in OURS if one not in seen]


def main(folder: Path, today: date) -> int:
    """Exit status."""
    findings, seen = scan(folder)
    suppressions = json.loads(SUPPRESSIONS.read_text(encoding="utf-8"))
    told = judge(findings, seen, suppressions, today)
    for line in told:
        print(f"policy: {line}", file=sys.stderr)
    if not told:
        print(f"policy: {len(seen)} rules saw the stacks; {len(findings)} findings, each with a reason and a date")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), date.today()))
