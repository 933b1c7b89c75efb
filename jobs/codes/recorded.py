"""What the codes are that a source has recorded: leaves, headers, or nothing that its vocabulary knows."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from jobs.codes.known import Known
from jobs.errors import TaskError
from jobs.release import Sum, release
from workflows.code_systems import SYSTEMS, zeros_restored
from workflows.deliveries import opened, recognise

# What a recorded code can be, from the best to the worst.
STATES = ("leaf", "header", "spelling", "unknown", "malformed", "not_assessable")
UNKNOWN = ("", "?")


def state(vocabulary_id: str, code: str, known: Known) -> str:
    """What one recorded code is."""
    if vocabulary_id not in SYSTEMS:
        return "not_assessable"
    spelled = SYSTEMS[vocabulary_id].spelled(code)
    if spelled is None:
        return "malformed"
    judges, entry = known.judges(vocabulary_id), known.entry(vocabulary_id, spelled)
    if judges and entry is None:
        return "unknown"
    # Facts only take off spaces: features do not see a code that is written another way.
    if spelled != code.strip(" "):
        return "spelling"
    return "not_assessable" if not judges or entry is None else "leaf" if entry.leaf else "header"


def judged(vocabulary_id: str, code: str, known: Known) -> str:
    """What a recorded code is: the check of `jobs.codes.check` that it does not pass, or "leaf"."""
    found = state(vocabulary_id, code, known)
    if found in ("malformed", "unknown") and known.elsewhere(code, vocabulary_id):
        return "wrong_vocabulary"
    return "format" if found == "malformed" else found


def counted(folder: Path, columns: Sequence[str]) -> dict[str, Counter[str]]:
    """Rows of each recorded code in columns of a delivered CSV, without those that record none."""
    for delivery in recognise(folder).deliveries:
        if any(name.endswith(".parquet") for name in delivery.files):
            continue
        with opened(delivery, folder) as stream:
            reader = csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8"))
            if not set(columns) <= set(reader.fieldnames or ()):
                continue
            found: dict[str, Counter[str]] = {column: Counter() for column in columns}
            for row in reader:
                for column in columns:
                    found[column][row[column]] += 1
        return {column: Counter({code: rows for code, rows in codes.items() if code not in UNKNOWN})
                for column, codes in found.items()}  # fmt: skip
    raise TaskError(f"no CSV of {folder.name} has the columns {', '.join(columns)}")


def states(codes: Counter[str], vocabulary_id: str, known: Known, *, zeros_lost: bool) -> Counter[str]:
    """Rows by what their code is. zeros_lost: the source dropped the zeros that codes of ICD-9-CM begin with."""
    found: Counter[str] = Counter()
    for code, rows in codes.items():
        found[state(vocabulary_id, zeros_restored(code) if zeros_lost else code, known)] += rows
    return found


def told(found: Counter[str]) -> dict[str, str]:
    """Each state with its share, as it may be shown beside all rows, which another column of the delivery can show."""
    total = sum(found.values())
    cells = release({one: found[one] for one in STATES} | {"all": total}, [Sum("all", STATES)], elsewhere=["all"])
    shares = {one: f"{found[one] / total:.1%}" if total else "0" for one in STATES}
    return {one: "not shown" if cells[one] is None else f"{found[one]:,} ({shares[one]})" for one in STATES}
