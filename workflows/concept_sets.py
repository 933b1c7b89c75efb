"""Versioned code lists: `workflows/concepts/<collection>.csv`, one row a code or a range of codes.

Columns: code, vocabulary_id, concept_set_name. A code stands for itself and for everything below it (`I50` for
`I50.9`); `390-459` stands for every three-digit category from 390 to 459, `E800-E999` likewise.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from importlib import resources

from workflows.errors import DeclarationError

COLUMNS = ["code", "vocabulary_id", "concept_set_name"]
RANGE = re.compile(r"([A-Z]?)(\d+)-([A-Z]?)(\d+)")
SET_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, order=True)
class Concept:
    """One code of one set."""

    concept_set_name: str
    vocabulary_id: str
    code: str


def expanded(code: str) -> list[str]:
    """The codes a line stands for."""
    parts = RANGE.fullmatch(code)
    if parts is None:
        return [code]
    letter, first, other, last = parts.groups()
    if letter != other or len(first) != len(last) or int(first) > int(last):
        raise DeclarationError("concept set", "code", code, "a range of codes of one letter and length, first to last")
    return [f"{letter}{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]


def concepts(collection: str) -> tuple[Concept, ...]:
    """Every code of a collection, sorted, each once a set; errors name the file and the line's value."""
    file = f"concepts/{collection}.csv"
    path = resources.files("workflows").joinpath("concepts", f"{collection}.csv")
    if not path.is_file():
        raise DeclarationError("concept set", "collection", collection, collections())
    found = set()
    reader = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    if reader.fieldnames != COLUMNS:
        raise DeclarationError(collection, "columns", reader.fieldnames, COLUMNS, file)
    for row in reader:
        if not SET_NAME.fullmatch(row["concept_set_name"] or ""):
            raise DeclarationError(collection, "concept_set_name", row["concept_set_name"], "a lower-case name", file)
        for code in expanded(row["code"]):
            found.add(Concept(row["concept_set_name"], row["vocabulary_id"], code))
    return tuple(sorted(found))


def set_names(collection: str) -> tuple[str, ...]:
    """The names of a collection's sets, sorted."""
    return tuple(sorted({concept.concept_set_name for concept in concepts(collection)}))


def collections() -> tuple[str, ...]:
    """The collections there are, sorted."""
    files = resources.files("workflows").joinpath("concepts").iterdir()
    return tuple(sorted(file.name.removesuffix(".csv") for file in files if file.name.endswith(".csv")))
