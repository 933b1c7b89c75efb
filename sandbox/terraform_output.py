"""What cdktf and terraform print, read: progress, errors without their frames, and terraform's JSON lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_APPLIED = re.compile(r"(\d+) added, (\d+) changed, (\d+) destroyed|Destroy complete! Resources: (\d+) destroyed")
# cdktf prints the stack's name, or blanks of its width, before what terraform says
_STACK = re.compile(r"^([\w-]+ {2}|\s+)")
_CONSTRUCT = re.compile(r"^(\w+\.\S+) \([^)]*\)")
_PROGRESS = re.compile(
    r"^(\w+\.\S+: (?:Creation complete|Modifications complete|Destruction complete|Still \w+|Plan to )"
    r"|Plan: |Apply complete!|Destroy complete!|No changes\.)"
)
_END = re.compile(r"^(Warning: |\d+ Stacks? deploying|Invoking Terraform CLI failed|╵)")
_ADDRESS = re.compile(r"^with (\S+?)(?: \([^)]*\))?,$")
_PLACE = re.compile(r"^(on \S+ line \d+|\d+:|\d+ *│)")


@dataclass(frozen=True)
class Applied:
    """What an apply did, in numbers of resources."""

    added: int
    changed: int
    destroyed: int


@dataclass(frozen=True)
class PlanResult:
    """What a plan would do: ``actions`` holds (address, action), action one of create, update, replace, delete."""

    changes: int
    actions: tuple[tuple[str, str], ...]


def plain(raw: bytes) -> str:
    """A line without colours and line end."""
    return _ANSI.sub("", raw.decode(errors="replace")).rstrip()


def progress(text: str) -> str | None:
    """What a person wants to see of an apply, or None: results and totals, not the plan's text."""
    bare = _CONSTRUCT.sub(r"\1", str(json_line(text).get("@message") or _STACK.sub("", text)))
    return bare if _PROGRESS.match(bare) else None


def applied(output: Iterable[str]) -> Applied:
    """The totals at the end of an apply or destroy."""
    for text in reversed(list(output)):
        found = _APPLIED.search(text)
        if found:
            return Applied(int(found[1] or 0), int(found[2] or 0), int(found[3] or found[4] or 0))
    return Applied(0, 0, 0)


def planned(output: Iterable[str]) -> PlanResult:
    """The changes in the JSON lines of ``terraform plan -json``."""
    changes = [message["change"] for message in map(json_line, output) if message.get("type") == "planned_change"]
    return PlanResult(len(changes), tuple(sorted((change["resource"]["addr"], change["action"]) for change in changes)))


def errors(output: list[str]) -> str:
    """Each error once, as ``address: message``; the last lines where no error is marked as one."""
    found = list(dict.fromkeys([*_json_errors(output), *_boxed_errors(output)]))
    if found:
        return "\n".join(found)
    kept = [text for text in output if text.strip() and not _END.match(text) and not text.lstrip().startswith("at ")]
    return "\n".join(kept[-8:])


def json_line(text: str) -> dict[str, Any]:
    """One JSON line of terraform; empty for any other line."""
    if not text.startswith("{"):
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _json_errors(output: list[str]) -> Iterable[str]:
    for message in map(json_line, output):
        if message.get("type") == "diagnostic" and message["diagnostic"]["severity"] == "error":
            found = message["diagnostic"]
            detail = " ".join(found["detail"].split())
            yield _told(found.get("address", ""), [found["summary"], detail])


def _boxed_errors(output: list[str]) -> Iterable[str]:
    box: list[str] | None = None
    for text in [*output, "╵"]:
        bare = _STACK.sub("", text).lstrip("│╷| ").rstrip()
        starts = bare.startswith("Error: ")
        if box is not None and (starts or _END.match(bare)):
            yield _box(box)
            box = None
        if starts:
            box = [bare.removeprefix("Error: ")]
        elif box is not None:
            box.append(bare)


def _box(lines: list[str]) -> str:
    """terraform wraps its text at 78 columns; paragraphs are made whole, file and line are left out."""
    address, paragraphs = "", [""]
    for line in lines:
        found = _ADDRESS.match(line)
        if found:
            address = found[1]
        elif not line:
            paragraphs.append("")
        elif not _PLACE.match(line):
            paragraphs[-1] = f"{paragraphs[-1]} {line}".strip()
    return _told(address, paragraphs)


def _told(address: str, paragraphs: list[str]) -> str:
    text = ". ".join(paragraph.rstrip(".:") for paragraph in paragraphs if paragraph)
    return f"{address}: {text}" if address and address not in text else text
