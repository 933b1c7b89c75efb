"""Concept sets as OHDSI's tools write them (JSON of concept ids), resolved once into the lines of a CSV file.

A set that is resolved when it is imported can be read, reviewed and compared; one that is resolved at every run
changes with the vocabulary that happens to be loaded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from jobs.codes import files
from jobs.codes.reading import document
from jobs.errors import TaskError
from workflows.code_systems import SYSTEMS, above
from workflows.concept_sets import ALWAYS, COLUMNS, SET_NAME, Concept

FLAGS = ("isExcluded", "includeDescendants", "includeMapped")
NEEDED = ("concept", "concept_ancestor", "concept_relationship")


@dataclass(frozen=True)
class Vocabularies:
    """concepts: id -> (vocabulary_id, concept_code). below: id -> its descendants. mapped: id -> what maps to it."""

    concepts: Mapping[int, tuple[str, str]]
    below: Mapping[int, frozenset[int]]
    mapped: Mapping[int, frozenset[int]]


def vocabularies(folder: Path) -> Vocabularies:
    """The concepts, ancestry and mappings of an Athena bundle."""
    there = files.found(folder)
    if missing := [table for table in NEEDED if table not in there]:
        raise TaskError(f"{folder.name} lacks {', '.join(missing)}; valid: a folder with {', '.join(NEEDED)}")
    below, mapped = defaultdict(set), defaultdict(set)
    for row in files.rows("concept_ancestor", there["concept_ancestor"]):
        below[int(row["ancestor_concept_id"])].add(int(row["descendant_concept_id"]))
    for row in files.rows("concept_relationship", there["concept_relationship"]):
        if row["relationship_id"] == "Maps to" and not row["invalid_reason"]:
            mapped[int(row["concept_id_2"])].add(int(row["concept_id_1"]))
    return Vocabularies(
        {
            int(row["concept_id"]): (row["vocabulary_id"], str(row["concept_code"]))
            for row in files.rows("concept", there["concept"])
        },
        {one: frozenset(some) for one, some in below.items()},
        {one: frozenset(some) for one, some in mapped.items()},
    )


def spelled(vocabulary_id: str, code: str) -> str | None:
    """The one spelling of a code, or None where no source here can record it."""
    return SYSTEMS[vocabulary_id].spelled(code) if vocabulary_id in SYSTEMS else None


def valid_for(vocabulary_id: str) -> str:
    """What a code that no source here can record should be: of another vocabulary, or of this one's form."""
    codes = SYSTEMS.get(vocabulary_id)
    return f"a code such as {codes.example}" if codes else f"a code of {', '.join(sorted(SYSTEMS))}"


def left_out(count: int) -> str:
    """A note about concepts that a set does not name itself."""
    return f"{count} descendants or mapped concepts are coded in no source here and are left out"


class Imported(NamedTuple):
    """The lines of a concept set, sorted, and what a reader should know."""

    concepts: tuple[Concept, ...]
    notes: tuple[str, ...] = ()


def items_of(file: Path) -> list[dict[str, Any]]:
    """The items of a concept-set expression, each with what this import understands and nothing else."""
    read = document(file)
    if isinstance(read, dict) and "expression" in read:
        read = read["expression"]
    items = read.get("items") if isinstance(read, dict) else None
    if not isinstance(items, list) or not items:
        raise TaskError(f"{file.name} has no items; valid: a concept set of OHDSI, {{'items': [...]}}")
    for number, item in enumerate(items, 1):
        concept = item.get("concept") if isinstance(item, dict) else None
        if not isinstance(concept, dict) or type(concept.get("CONCEPT_ID")) is not int:
            raise TaskError(f"{file.name}, item {number}: concept.CONCEPT_ID is missing; valid: a whole number")
        for name in item:
            if name not in ("concept", *FLAGS):
                raise TaskError(f"{file.name}, item {number}: {name} is not supported; valid: {', '.join(FLAGS)}")
            if name in FLAGS and not isinstance(item[name], bool):
                raise TaskError(f"{file.name}, item {number}: {name} is not true or false")
    return items


def ids(items: Iterable[Mapping[str, Any]], known: Vocabularies) -> set[int]:
    """The concepts of an expression: those included, without those excluded, whatever their order."""
    kept: set[int] = set()
    gone: set[int] = set()
    for item in items:
        start = int(item["concept"]["CONCEPT_ID"])
        if start not in known.concepts:
            raise TaskError(f"concept {start} is not in the vocabularies given")
        some = {start}
        if item.get("includeDescendants"):
            some |= known.below.get(start, frozenset())
        if item.get("includeMapped"):
            some = some.union(*(known.mapped.get(one, frozenset()) for one in some))
        (gone if item.get("isExcluded") else kept).update(some)
    return kept - gone


def overreach(kept: Collection[tuple[str, str]], known: Vocabularies) -> tuple[str, str, str] | None:
    """(vocabulary_id, code, code below it) where a code would stand for one that is known and not kept."""
    used = {vocabulary_id for vocabulary_id, _ in kept}
    for vocabulary_id, text in known.concepts.values():
        code = spelled(vocabulary_id, text) if vocabulary_id in used else None
        if code is None or (vocabulary_id, code) in kept:
            continue
        for header in above(vocabulary_id, code):
            if (vocabulary_id, header) in kept:
                return vocabulary_id, header, code
    return None


def imported(file: Path, folder: Path, concept_set_name: str, version: int = 1) -> Imported:
    """The lines of a concept set in a JSON file, resolved by the vocabularies in `folder`.

    A concept that the set names has to have a code that a source can record. Of its descendants, and of what maps to
    it, many have none (RxNorm Extension, groups of LOINC): no row is lost with them.
    """
    if not SET_NAME.fullmatch(concept_set_name):
        raise TaskError(f"name = {concept_set_name!r} is not valid; valid: a lower-case name such as heart_failure")
    known = vocabularies(folder)
    items = items_of(file)
    found = ids(items, known)
    if absent := len(found - known.concepts.keys()):
        raise TaskError(f"{file.name}: {absent} of {len(found)} concepts have no row in concept; load the whole bundle")
    if not found:
        raise TaskError(f"{file.name} includes no concept: everything is excluded")
    codes = {one: spelled(*known.concepts[one]) for one in found}
    for one in sorted(int(item["concept"]["CONCEPT_ID"]) for item in items):
        if one in codes and codes[one] is None:
            said, code = known.concepts[one]
            raise TaskError(f"{file.name}: concept {one} = {said} {code} is not supported; valid: {valid_for(said)}")
    kept = {(known.concepts[one][0], code) for one, code in codes.items() if code is not None}
    if not kept:
        raise TaskError(f"{file.name} includes no concept with a code that a source here can record")
    if more := overreach(kept, known):
        vocabulary_id, header, code = more
        raise TaskError(
            f"{file.name}: {vocabulary_id} {header} stands for every code below it, and {code} is not in the set; "
            f"valid: {header} with every code below it, or only those below it that are meant"
        )
    out = sum(code is None for code in codes.values())
    concepts = (Concept(concept_set_name, vocabulary_id, code, version, *ALWAYS) for vocabulary_id, code in kept)
    return Imported(tuple(sorted(concepts)), (f"{file.name}: {left_out(out)}",) if out else ())


def written(concepts: Iterable[Concept]) -> str:
    """The lines of a CSV file of concept sets, with its heading."""
    rows = [
        (one.code, one.vocabulary_id, one.concept_set_name, one.version, one.valid_start_date, one.valid_end_date)
        for one in concepts
    ]
    return "".join(",".join(map(str, row)) + "\n" for row in (COLUMNS, *rows))
