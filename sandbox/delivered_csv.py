"""What is wrong with a delivered CSV that Spark would read without a word: a cut end, rows of another length.

Standard library only.
"""

from __future__ import annotations

import csv
from pathlib import Path

# Of one value: a note is longer than Python's own limit.
LONGEST = 1 << 30


def looked_at(path: Path) -> tuple[bool, str | None]:
    """Whether a value of the file holds a line break, so that Spark must not split it, and why it cannot be read.

    One quick look at its lines; only where a quote is open at the end of one are all values read.
    """
    opened, last = 0, b""
    with path.open("rb") as lines:
        for last in lines:
            opened += last.count(b'"') % 2
    if last and not last.endswith((b"\n", b"\r")):
        return False, "it ends in the middle of a line"
    return opened > 0, fault(path) if opened else None


def fault(path: Path) -> str | None:
    """The first row that does not fit its header, by its line and never by its values; None where all do."""
    csv.field_size_limit(LONGEST)
    with path.open(encoding="utf-8", errors="replace", newline="") as text:
        rows = csv.reader(text, strict=True)
        try:
            header = next(rows, [])
            for row in rows:
                if row and len(row) != len(header):
                    return f"the row that ends in line {rows.line_num} has {len(row)} values, its header {len(header)}"
        except csv.Error as error:
            return f"line {rows.line_num}: {error}"
    return None
