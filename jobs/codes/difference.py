"""What changed between two versions of code lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workflows.concept_sets import VERSION, Concept, collections, in_version, lines, lines_of, resolved
from workflows.errors import DeclarationError

Key = tuple[str, str]


@dataclass(frozen=True)
class Change:
    """One code that is not where it was. before, after: the sets it is in, or the dates it is in them."""

    what: str
    vocabulary_id: str
    code: str
    before: str
    after: str


def named(name: str) -> tuple[Concept, ...]:
    """The codes that `collection`, `collection@2`, `file.csv` or `file.csv@2` names."""
    place, at, version = name.partition("@")
    if at and not VERSION.fullmatch(version):
        raise DeclarationError("mlops codes", "version", version, f"a whole number after the @ of {name}")
    path = Path(place)
    if path.suffix == ".csv":
        held = lines_of(path)
    elif place in collections():
        held = lines(place)
    else:
        raise DeclarationError("mlops codes", "collection", place, [*collections(), "a file ending in .csv"])
    there = sorted({one.concept.version for one in held})
    if at and int(version) not in there:
        raise DeclarationError("mlops codes", "version", version, map(str, there))
    return resolved(in_version(held, int(version) if at else None), place)


def sets_of(concepts: Sequence[Concept]) -> dict[Key, dict[str, str]]:
    """For each code of each vocabulary its sets, and the spans of dates it is in them."""
    spans: dict[Key, dict[str, list[str]]] = {}
    for one in concepts:
        sets = spans.setdefault((one.vocabulary_id, one.code), {})
        sets.setdefault(one.concept_set_name, []).append(f"{one.valid_start_date}..{one.valid_end_date}")
    return {key: {name: " and ".join(sorted(some)) for name, some in sets.items()} for key, sets in spans.items()}


def difference(before: Sequence[Concept], after: Sequence[Concept]) -> list[Change]:
    """Codes added, removed, in another set, or in their set at other dates; sorted, none twice."""
    old, new = sets_of(before), sets_of(after)
    changes = []
    for vocabulary_id, code in sorted(old.keys() | new.keys()):
        was, now = old.get((vocabulary_id, code), {}), new.get((vocabulary_id, code), {})
        names = ", ".join(sorted(was)), ", ".join(sorted(now))
        if not was or not now:
            changes.append(Change("removed" if was else "added", vocabulary_id, code, *names))
        elif was.keys() != now.keys():
            changes.append(Change("changed set", vocabulary_id, code, *names))
        elif was != now:
            dates = (", ".join(f"{name} {one[name]}" for name in sorted(one)) for one in (was, now))
            changes.append(Change("changed dates", vocabulary_id, code, *dates))
    return changes
