"""The concept sets of a cohort definition of OHDSI's tools as codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.codes.ohdsi import FLAGS, Vocabularies, ids, left_out, overreach, spelled, valid_for
from jobs.codes.reading import Reading
from workflows.codes import Codes


def set_of(reading: Reading, path: str, given: Any, known: Vocabularies | None) -> Codes | None:
    """The concept set with this id as codes."""
    number = reading.integer(path, given)
    sets = reading.array("$.ConceptSets", reading.definition.get("ConceptSets"))
    if number is None:
        return None
    numbers = []
    for place, one in enumerate(sets):
        here = f"$.ConceptSets[{place}]"
        numbers.append(reading.integer(f"{here}.id", reading.object(here, one).get("id")))
        if numbers[-1] == number:
            return codes(reading, here, one, known)
    reading.refuse(path, number, f"the id of a concept set: {', '.join(map(str, numbers))}")
    return None


def codes(reading: Reading, path: str, one: Mapping[str, Any], known: Vocabularies | None) -> Codes | None:
    """A concept set: the concepts as they stand there, or resolved by the vocabularies."""
    before = len(reading.unknown)
    name = reading.string(f"{path}.name", one.get("name"))
    expression = reading.object(f"{path}.expression", one.get("expression"))
    items = reading.array(f"{path}.expression.items", expression.get("items"))
    for place, item in enumerate(items):
        checked(reading, f"{path}.expression.items[{place}]", item)
    if not items:
        reading.refuse(f"{path}.expression.items", items, "at least one concept")
    if len(reading.unknown) > before:
        return None
    pairs = kept(reading, path, items, known)
    return None if pairs is None else Codes(named(name), tuple(sorted(pairs)))


def checked(reading: Reading, path: str, given: Any) -> None:
    """Refuse what an item of a concept set has that cannot be."""
    item = reading.only(path, given, ("concept", *FLAGS))
    flags = {name: reading.boolean(f"{path}.{name}", item.get(name)) for name in FLAGS}
    concept = reading.object(f"{path}.concept", item.get("concept"))
    reading.integer(f"{path}.concept.CONCEPT_ID", concept.get("CONCEPT_ID"))
    reading.string(f"{path}.concept.CONCEPT_CODE", concept.get("CONCEPT_CODE"))
    vocabulary = reading.string(f"{path}.concept.VOCABULARY_ID", concept.get("VOCABULARY_ID"))
    if flags["isExcluded"] and vocabulary.startswith("ICD"):
        reading.refuse(f"{path}.isExcluded", True, "false: a code of ICD stands for what is below its dot")


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
    pairs, absent, unrecorded = set(), 0, 0
    for concept in sorted(found):
        if concept in named_here:
            said = named_here[concept]
            vocabulary, code = said.get("VOCABULARY_ID"), said.get("CONCEPT_CODE")
        elif known is not None and concept in known.concepts:
            vocabulary, code = known.concepts[concept]
        else:
            absent += 1
            continue
        one = spelled(str(vocabulary), str(code))
        if one is None and concept in named_here:
            reading.refuse(f"{path}: concept {concept}", f"{vocabulary}:{code}", valid_for(str(vocabulary)))
            return None
        if one is None:
            unrecorded += 1
            continue
        if vocabulary.startswith("ICD") and not descends.get(concept, True):
            told = "true: a code of ICD stands for what is below its dot"
            reading.refuse(f"{path}: concept {concept}: includeDescendants", False, told)
            return None
        pairs.add((vocabulary, one))
    # What the bundle has no concept for is coded in no facts that were made with it.
    notes = {f"{absent} descendants have no row in concept and are left out": absent}
    notes |= {left_out(unrecorded): unrecorded}
    reading.notes += [f"{path}: {note}" for note, some in notes.items() if some]
    return pairs


def named(title: str) -> str:
    """A concept set's title as a name."""
    letters = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in title.lower())
    name = "_".join(part for part in letters.split("_") if part)
    return name if name.isidentifier() else f"set_{name}".rstrip("_")
