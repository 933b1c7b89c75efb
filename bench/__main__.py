"""Runs the measurements and writes `bench/results.json`.

    python -m bench [NAME ...]

A module of this folder with a function `results()` is a measurement. Exit code 1 when a ratio is above its bound.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
FILE = HERE / "results.json"


def measurements() -> list[str]:
    """The names of the measurements there are."""
    return sorted(path.stem for path in HERE.glob("*.py") if "\ndef results(" in path.read_text(encoding="utf-8"))


def main(wanted: list[str]) -> int:
    """Run those that are wanted, or all."""
    console, known = Console(highlight=False), measurements()
    for name in wanted:
        if name not in known:
            console.print(f"error: measurement {name!r} is not valid; valid: {', '.join(known)}")
            return 2
    kept = json.loads(FILE.read_text(encoding="utf-8")) if wanted and FILE.exists() else []
    found = []
    for name in wanted or known:
        console.print(f"[dim]{name} ...[/dim]")
        found += importlib.import_module(f"bench.{name}").results()
        # After each: what was measured is kept where a later one fails.
        fresh = {(one.name, one.opponent_name) for one in found}
        rows = [row for row in kept if (row["name"], row["opponent_name"]) not in fresh]
        rows += [one.written() for one in found]
        FILE.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    table = Table("measurement", "ours", "opponent", "", "ratio", "at most")
    for one in found:
        mark = "green" if one.good else "red"
        table.add_row(
            one.name, f"{one.ours:.4g}", f"{one.opponent:.4g}", one.opponent_name, f"[{mark}]{one.ratio:.3f}[/{mark}]",
            "" if one.bound is None else f"{one.bound:g}",
        )  # fmt: skip
    console.print(table)
    return 0 if all(one.good for one in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
