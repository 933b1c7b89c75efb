"""What the codes are that a source has recorded: leaves, headers, or nothing that its vocabulary knows."""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jobs.codes.known import Known
from jobs.errors import TaskError
from jobs.release import Sum, release
from workflows.code_systems import SYSTEMS, zeros_restored
from workflows.deliveries import needed, opened, recognise
from workflows.source import Delivery

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
    """Rows of each recorded code in columns of a delivered CSV, without those that record none.

    A column that several files have is named with its table: `paticd_diag.ICD_CODE`.
    """
    there: dict[str, Delivery] = {}
    for delivery in recognise(folder).deliveries:
        if needed(delivery, folder).suffix != ".parquet":
            names = header(delivery, folder)
            if all({column, column.removeprefix(f"{delivery.table}.")} & names for column in columns):
                there[delivery.table] = delivery
    if not there:
        raise TaskError(f"no CSV of {folder.name} has the columns {', '.join(columns)}")
    if len(there) > 1:
        valid = ", ".join(f"{table}.{column}" for table in there for column in columns)
        raise TaskError(f"{', '.join(columns)}: {len(there)} tables of {folder.name} have it; valid: {valid}")
    ((table, delivery),) = there.items()
    of = {column: column.removeprefix(f"{table}.") for column in columns}
    found: dict[str, Counter[str]] = {column: Counter() for column in columns}
    with text_of(delivery, folder) as text:
        for row in csv.DictReader(text):
            for column, name in of.items():
                # A line that ends before the column records none.
                found[column][row[name] or ""] += 1
    return {column: Counter({code: rows for code, rows in codes.items() if code not in UNKNOWN})
            for column, codes in found.items()}  # fmt: skip


def header(delivery: Delivery, folder: Path) -> set[str]:
    """The columns of a delivered CSV."""
    with text_of(delivery, folder) as text:
        return set(csv.DictReader(text).fieldnames or ())


@contextmanager
def text_of(delivery: Delivery, folder: Path) -> Iterator[io.TextIOWrapper]:
    """A delivered CSV as text; codes are read, and a letter of another encoding in some other column is none."""
    before = csv.field_size_limit(sys.maxsize)  # notes are longer than its 131,072 characters
    with opened(delivery, folder) as stream:
        try:
            yield io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
        except csv.Error as error:
            raise TaskError(f"{delivery.table} of {folder.name} is no CSV that can be read ({error})") from error
        finally:
            csv.field_size_limit(before)


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
