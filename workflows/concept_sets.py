"""Versioned code lists: `workflows/concepts/<collection>.csv`, one row a code or a range of codes.

Columns: code, vocabulary_id, concept_set_name, version, valid_start_date, valid_end_date. A code stands for itself and
for everything below it (`I50` for `I50.9`); `390-459` stands for every three-digit category from 390 to 459,
`E800-E999` likewise. A new version of a set is a complete list with the next number; the older ones stay in the file.
The dates say for events of which days a code belongs to its set, both inclusive.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path

from workflows.code_systems import system_of
from workflows.errors import DeclarationError

COLUMNS = ["code", "vocabulary_id", "concept_set_name", "version", "valid_start_date", "valid_end_date"]
# No vocabulary counts its categories with more digits.
RANGE = re.compile(r"([A-Z]?)([0-9]{1,5})-([A-Z]?)([0-9]{1,5})")
VERSION = re.compile(r"[1-9][0-9]{0,8}")
SET_NAME = re.compile(r"[a-z][a-z0-9_]*")
ALWAYS = (date(1970, 1, 1), date(2099, 12, 31))


@dataclass(frozen=True, order=True)
class Concept:
    """One code of one set."""

    concept_set_name: str
    vocabulary_id: str
    code: str
    version: int = 1
    valid_start_date: date = ALWAYS[0]
    valid_end_date: date = ALWAYS[1]


def covers(above: str, code: str) -> bool:
    """Whether a set's code stands for an event's: the same, or below it."""
    return code == above or code.startswith(above if "." in above else f"{above}.")


def in_days(day: date | None, first: date | None, last: date | None) -> bool:
    """Whether a day lies between two, both inclusive; None for either is no limit, for the day unknown."""
    if day is None:
        return first is None and last is None
    return (first is None or first <= day) and (last is None or day <= last)


@dataclass(frozen=True)
class Line:
    """One row of a file as it stands there: its code is checked by nobody yet."""

    number: int
    concept: Concept


def expanded(code: str, owner: str = "concept set", file: str | None = None) -> list[str]:
    """The codes a line stands for."""
    parts = RANGE.fullmatch(code)
    if parts is None:
        return [code]
    letter, first, other, last = parts.groups()
    if len(last) == 1 and not letter + other:
        # LOINC has a dash too, before its check digit; no range of categories ends in one digit.
        return [code]
    if letter != other or len(first) != len(last) or int(first) > int(last):
        raise DeclarationError(owner, "code", code, "a range of codes of one letter and length, first to last", file)
    return [f"{letter}{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)]


def day(text: str, field: str, owner: str, file: str) -> date:
    """A date as it is written in a file."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise DeclarationError(owner, field, text, "a date (YYYY-MM-DD)", file) from error


def parsed(text: str, collection: str, file: str) -> Iterator[Line]:
    """The rows of a file; the shape of each is checked, and an error names the file and the line."""
    reader = csv.DictReader(text.splitlines(), restkey="more")
    held = False
    try:
        if reader.fieldnames != COLUMNS:
            raise DeclarationError(collection, "columns", reader.fieldnames, COLUMNS, file)
        for row in reader:
            held = True
            yield Line(reader.line_num, concept_of(row, collection, f"{file}:{reader.line_num}"))
    except csv.Error as error:
        longest = f"values of at most {csv.field_size_limit():,} characters"
        raise DeclarationError(collection, "line", str(error), longest, f"{file}:{reader.line_num + 1}") from error
    if not held:
        raise DeclarationError(collection, "rows", 0, "at least one code below the heading", file)


def concept_of(row: Mapping[str, str], collection: str, here: str) -> Concept:
    """One row as a concept."""
    if "more" in row or None in row.values():
        raise DeclarationError(collection, "values", len([v for v in row.values() if v]), f"{len(COLUMNS)}", here)
    if not SET_NAME.fullmatch(row["concept_set_name"]):
        raise DeclarationError(collection, "concept_set_name", row["concept_set_name"], "a lower-case name", here)
    if not VERSION.fullmatch(row["version"]):
        raise DeclarationError(collection, "version", row["version"], "a whole number from 1", here)
    start, end = (day(row[name], name, collection, here) for name in COLUMNS[4:])
    if end < start:
        raise DeclarationError(collection, "valid_end_date", str(end), f"{start} or later", here)
    return Concept(row["concept_set_name"], row["vocabulary_id"], row["code"], int(row["version"]), start, end)


def in_version(lines: Iterable[Line], version: int | None = None) -> list[Line]:
    """Of each set the rows of its newest version, or of the newest that is not above `version`."""
    held = [line for line in lines if version is None or line.concept.version <= version]
    newest: dict[str, int] = {}
    for line in held:
        name = line.concept.concept_set_name
        newest[name] = max(newest.get(name, 0), line.concept.version)
    return [line for line in held if line.concept.version == newest[line.concept.concept_set_name]]


def lines(collection: str) -> list[Line]:
    """Every row of a collection, of all versions."""
    path = resources.files("workflows").joinpath("concepts", f"{collection}.csv")
    if not path.is_file():
        raise DeclarationError("concept set", "collection", collection, collections())
    return list(parsed(path.read_text(encoding="utf-8-sig"), collection, f"concepts/{collection}.csv"))


def lines_of(file: Path) -> list[Line]:
    """Every row of a file outside the project."""
    try:
        return list(parsed(file.read_text(encoding="utf-8-sig"), file.stem, str(file)))
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError(file.stem, "file", str(file), "a CSV file in UTF-8 that can be read") from error


def resolved(rows: Iterable[Line], owner: str, file: str | None = None) -> tuple[Concept, ...]:
    """The codes that rows stand for, in the one spelling of their vocabulary, sorted, each once a set."""
    found = set()
    for row in rows:
        one = row.concept
        codes = system_of(one.vocabulary_id, owner, file)
        for code in expanded(one.code, owner, file):
            if (spelled := codes.spelled(code)) is None:
                raise DeclarationError(
                    owner, "code", code, f"a code of {one.vocabulary_id} such as {codes.example}", file
                )
            found.add(
                Concept(
                    one.concept_set_name,
                    one.vocabulary_id,
                    spelled,
                    one.version,
                    one.valid_start_date,
                    one.valid_end_date,
                )
            )
    return tuple(sorted(found))


def concepts(collection: str, version: int | None = None) -> tuple[Concept, ...]:
    """Every code of a collection, sorted, each once a set; errors name the file and the line's value."""
    return resolved(in_version(lines(collection), version), collection, f"concepts/{collection}.csv")


def set_names(collection: str) -> tuple[str, ...]:
    """The names of a collection's sets, sorted."""
    return tuple(sorted({concept.concept_set_name for concept in concepts(collection)}))


def collections() -> tuple[str, ...]:
    """The collections there are, sorted."""
    files = resources.files("workflows").joinpath("concepts").iterdir()
    return tuple(sorted(file.name.removesuffix(".csv") for file in files if file.name.endswith(".csv")))
