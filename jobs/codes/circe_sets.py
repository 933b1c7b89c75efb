"""The concept sets of a cohort definition of OHDSI's tools as codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.codes.ohdsi import FLAGS, Vocabularies, ids, overreach
from jobs.codes.reading import Reading
from workflows.code_systems import SYSTEMS
from workflows.codes import Codes


def set_of(reading: Reading, path: str, number: Any, known: Vocabularies | None) -> Codes | None:
    """The concept set with this id as codes."""
    for place, one in enumerate(reading.definition.get("ConceptSets") or []):
        if isinstance(one, Mapping) and one.get("id") == number:
            return codes(reading, f"$.ConceptSets[{place}]", one, known)
    numbers = [one.get("id") for one in reading.definition.get("ConceptSets") or [] if isinstance(one, Mapping)]
    reading.refuse(path, number, f"the id of a concept set: {', '.join(map(str, numbers))}")
    return None


def codes(reading: Reading, path: str, one: Mapping[str, Any], known: Vocabularies | None) -> Codes | None:
    """A concept set: the concepts as they stand there, or resolved by the vocabularies."""
    items = (one.get("expression") or {}).get("items") or []
    before = len(reading.unknown)
    for place, item in enumerate(items):
        here = f"{path}.expression.items[{place}]"
        reading.only(here, item, ("concept", *FLAGS))
        if not isinstance(item, Mapping) or type((item.get("concept") or {}).get("CONCEPT_ID")) is not int:
            reading.refuse(f"{here}.concept", item, "an object with CONCEPT_ID, a whole number")
        elif item.get("isExcluded") and str(item["concept"].get("VOCABULARY_ID")).startswith("ICD"):
            reading.refuse(f"{here}.isExcluded", True, "false: a code of ICD stands for what is below its dot")
    if not items:
        reading.refuse(f"{path}.expression.items", items, "at least one concept")
    if len(reading.unknown) > before:
        return None
    pairs = kept(reading, path, items, known)
    return None if pairs is None else Codes(named(str(one.get("name", ""))), tuple(sorted(pairs)))


def kept(
    reading: Reading, path: str, items: Sequence[Mapping[str, Any]], known: Vocabularies | None
) -> set[tuple[str, str]] | None:
    """(vocabulary_id, code) of a set that has any, of which none stands for more than the set has."""
    pairs = resolved(reading, path, items, known)
    if pairs is None:
        return None
    if not pairs:
        reading.refuse(f"{path}.expression.items", [], "at least one concept that is not excluded")
        return None
    if known is not None and (more := overreach(pairs, known)):
        vocabulary, header, below = more
        reading.refuse(f"{path}: {vocabulary} {header}", header, f"no code that stands for {below}, which is not kept")
        return None
    return pairs


def resolved(
    reading: Reading, path: str, items: Sequence[Mapping[str, Any]], known: Vocabularies | None
) -> set[tuple[str, str]] | None:
    """(vocabulary_id, code) of every concept of a set, without those that it excludes."""
    asks = [(place, name) for place, item in enumerate(items) for name in FLAGS[1:] if item.get(name)]
    if asks and known is None:
        place, name = asks[0]
        reading.refuse(f"{path}.expression.items[{place}].{name}", True, "false, or --reference with an Athena bundle")
        return None
    named_here = {item["concept"]["CONCEPT_ID"]: item["concept"] for item in items}
    if asks:
        assert known is not None
        missing = sorted(set(named_here) - known.concepts.keys())
        if missing:
            reading.refuse(f"{path}.expression.items", missing, "concepts that the vocabularies of --reference hold")
            return None
        found = ids(items, known)
    else:
        out = {item["concept"]["CONCEPT_ID"] for item in items if item.get("isExcluded")}
        found = set(named_here) - out
    descends = {item["concept"]["CONCEPT_ID"]: bool(item.get("includeDescendants")) for item in items}
    pairs, absent = set(), list[int]()
    for concept in sorted(found):
        if concept in named_here:
            said = named_here[concept]
            vocabulary, code = said.get("VOCABULARY_ID"), said.get("CONCEPT_CODE")
        elif known is not None and concept in known.concepts:
            vocabulary, code = known.concepts[concept]
        else:
            absent.append(concept)
            continue
        spelled = SYSTEMS[vocabulary].spelled(str(code)) if vocabulary in SYSTEMS else None
        if spelled is None:
            reading.refuse(f"{path}: concept {concept}", f"{vocabulary}:{code}", f"a code of {', '.join(SYSTEMS)}")
            return None
        if vocabulary.startswith("ICD") and not descends.get(concept, True):
            told = "true: a code of ICD stands for what is below its dot"
            reading.refuse(f"{path}: concept {concept}: includeDescendants", False, told)
            return None
        pairs.add((vocabulary, spelled))
    if absent:
        # What the bundle has no concept for is coded in no facts that were made with it.
        reading.notes.append(f"{path}: {len(absent)} descendants have no row in concept and are left out")
    return pairs


def named(title: str) -> str:
    """A concept set's title as a name."""
    letters = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in title.lower())
    name = "_".join(part for part in letters.split("_") if part)
    return name if name.isidentifier() else f"set_{name}".rstrip("_")
