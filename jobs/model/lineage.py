"""Which versions a table was made from, followed upstream through the lineage records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

OWN = ("ml.",)  # lineage, concepts and records: written beside the data, no source of it


def direct(records: Iterable[Mapping[str, Any]], table: str, version: int) -> dict[str, int]:
    """What `table` at `version` was made from in one step: table -> version; empty if nothing is recorded.

    records: oldest first. A table that was dropped and made again has versions of one number twice: the newer counts.
    """
    inputs = [one["inputs"] or "{}" for one in records if one["object"] == table and int(one["version"]) == version]
    return {name: int(number) for name, number in json.loads(inputs[-1]).items()} if inputs else {}


def upstream(records: Iterable[Mapping[str, Any]], table: str, version: int) -> dict[str, Any]:
    """Every table above `table` at `version`, with its version, sorted by name.

    records: object, version and inputs (JSON text, table -> version) of each written version, oldest first. A table
    that was read in two versions has both, as a list.
    """
    inputs = {(one["object"], int(one["version"])): json.loads(one["inputs"] or "{}") for one in records}
    found: dict[str, set[int]] = {}
    waiting = [(table, int(version))]
    while waiting:
        for name, number in inputs.get(waiting.pop(), {}).items():
            if not name.startswith(OWN) and int(number) not in found.setdefault(name, set()):
                found[name].add(int(number))
                waiting.append((name, int(number)))
    return {name: min(found[name]) if len(found[name]) == 1 else sorted(found[name]) for name in sorted(found)}


def newest_of(version: int | Sequence[int]) -> int:
    """The newest of the versions in which `upstream` found a table."""
    return int(version) if isinstance(version, int) else max(map(int, version))
