"""The columns that declared features become: what each is, where it comes from, and what its absence means."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from graphlib import CycleError, TopologicalSorter
from typing import TypeGuard

from workflows.codes import Codes
from workflows.concept_sets import ALWAYS, concepts, set_names
from workflows.errors import DeclarationError
from workflows.features import CountOf, Derived, Feature, OfConcepts, OfEncounters, OfEvents
from workflows.values import OfValues

WORDS = {
    "any": "any", "count": "number of", "days_since": "days since the last", "first": "day of the first",
    "last": "day of the last", "latest": "latest value of", "min": "smallest value of", "max": "largest value of",
    "mean": "mean value of", "trend": "change a day of",
}  # fmt: skip
# What it means that nothing was seen.
ZERO, UNKNOWN, NEVER = "zero", "unknown", "never measured"
ENGINE = 1
# The concept sets that one whole number of 64 bits can tell of, with room to spare.
BITS = 62
# Values are held in whole millionths, and none so large that sums of them could overflow.
SCALE = 1_000_000
LARGEST = 5e12


@dataclass(frozen=True, kw_only=True)
class Covariate:
    """One column of events of one concept set."""

    column: str
    feature: OfEvents
    set_name: str

    @property
    def key(self) -> tuple[str, str]:
        """Collection and set: what its codes are known by."""
        return (self.feature.collection, self.set_name)

    @property
    def counted(self) -> tuple[str, str, tuple[str, ...]]:
        """Which events count for it, wherever they lie: of its set, with a value in one of its units."""
        return (*self.key, self.feature.units)

    @property
    def meaning(self) -> dict[str, object]:
        """All that decides its value, but for the codes of its set."""
        one = self.feature
        return {
            "aggregation": one.aggregation, "collection": one.collection, "concept_set_name": self.set_name,
            "window": str(one.window) if one.window else "index encounter", "rule": one.rule,
            "in_observation": one.in_observation,
        } | ({"unit": one.units} if one.units else {})  # fmt: skip

    @property
    def covariate_id(self) -> int:
        """The same number for the same meaning, in every model and at every time."""
        return number_of(self.meaning)

    @property
    def missing(self) -> str:
        """What it means that a person has no value: zero, unknown or never measured."""
        if self.feature.in_observation:
            return UNKNOWN
        return ZERO if self.feature.aggregation in ("any", "count") else NEVER

    @property
    def title(self) -> str:
        """A name that a reader understands."""
        one = self.feature
        when = f"in days {one.window} of the index date" if one.window else "on the index encounter"
        unit = f" in {' or '.join(one.unit)}" if isinstance(one, OfValues) and one.unit else ""
        rule = "" if one.rule == "start" else ", overlapping"
        observed = ", in observation" if one.in_observation else ""
        return f"{WORDS[one.aggregation]} {self.set_name}{unit} {when}{rule}{observed}"


def number_of(meaning: Mapping[str, object]) -> int:
    """A number that is the same for the same meaning, in every model and at every time."""
    return int(hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()[:15], 16)


def covariates(features: Iterable[Feature], sets: Mapping[str, Sequence[str]]) -> tuple[Covariate, ...]:
    """The columns of every feature of events, in order. sets: the set names of each collection."""
    found: dict[str, Covariate] = {}
    for feature in features:
        if not isinstance(feature, OfConcepts) or named_event(feature, sets):
            continue
        names = [feature.set_name] if feature.set_name else sets[feature.collection]
        for name in names:
            column = feature.name if feature.set_name else f"{feature.name}_{name}"
            if feature.collection and name not in sets[feature.collection]:
                raise DeclarationError(feature.name, "concepts", feature.concepts, sets[feature.collection])
            if column in found:
                raise DeclarationError(feature.name, "name", column, "a column of its own; give the feature a label")
            found[column] = Covariate(column=column, feature=feature, set_name=name)
    ids = {one.covariate_id: one for one in found.values()}
    if twice := [one.column for one in found.values() if ids[one.covariate_id] is not one]:
        raise DeclarationError(twice[0], "covariate_id", twice, "each meaning once")
    return tuple(found.values())


def named_event(feature: OfEvents, sets: Mapping[str, Sequence[str]]) -> bool:
    """Whether a count is of a named event of the source, which encounters tell, and not of a concept set."""
    return feature.aggregation == "count" and isinstance(feature.concepts, str) and feature.collection not in sets


def counts_encounters(feature: object, sets: Mapping[str, Sequence[str]]) -> TypeGuard[OfEncounters | CountOf]:
    """Whether a feature is a number of encounters, and not of events of a concept set."""
    return isinstance(feature, OfEncounters) or (isinstance(feature, CountOf) and named_event(feature, sets))


def sets_of(features: Iterable[Feature | OfEvents], known: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The set names of each collection that features are of; `known` are the collections that there are."""
    named = {feature.collection for feature in features if isinstance(feature, OfEvents)}
    return {name: set_names(name) for name in sorted(named & set(known))}


# collection, concept_set_name, vocabulary_id, code, first and last day on which it is in use (None: no end).
CodeRow = tuple[str, str, str, str, date | None, date | None]


def code_rows(features: Iterable[Feature | OfEvents], sets: Mapping[str, Sequence[str]]) -> list[CodeRow]:
    """The codes of every concept set that features are of, and of which days if not of all."""
    rows: set[CodeRow] = set()
    for name in sets:
        for one in concepts(name):
            days = (one.valid_start_date, one.valid_end_date)
            first, last = (None if day == always else day for day, always in zip(days, ALWAYS, strict=True))
            rows.add((name, one.concept_set_name, one.vocabulary_id, one.code, first, last))
    for name, pairs in written_out(features).items():
        rows |= {("", name, *pair, None, None) for pair in pairs}
    return sorted(rows, key=lambda row: [str(part) for part in row])


def written_out(features: Iterable[Feature | OfEvents]) -> dict[str, tuple[tuple[str, str], ...]]:
    """The codes of each concept set that is written out; raises where two of one name have different ones."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for feature in features:
        if isinstance(feature, OfEvents) and isinstance(one := feature.concepts, Codes):
            there = found.setdefault(one.name, one.codes)
            if set(there) != set(one.codes):
                listed = " ".join(f"{vocabulary}:{code}" for vocabulary, code in one.codes)
                other = " ".join(f"{vocabulary}:{code}" for vocabulary, code in there)
                raise DeclarationError("Codes", one.name, listed, f"a name of its own: {one.name} is {other} elsewhere")
    return found


def derived_in_order(owner: str, features: Iterable[Feature], columns: Iterable[str]) -> tuple[Derived, ...]:
    """Derived features, each after those it is made from; `columns` are the columns of all others."""
    derived = {feature.name: feature for feature in features if isinstance(feature, Derived)}
    known = [*columns, *derived]
    for one in derived.values():
        for name in one.of:
            if name not in known:
                raise DeclarationError(owner, f"features.{one.name}", name, [n for n in known if n != one.name])
    try:
        order = TopologicalSorter({name: one.of for name, one in derived.items()}).static_order()
        return tuple(derived[name] for name in order if name in derived)
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        raise DeclarationError(
            owner, f"features.{error.args[1][0]}", cycle, "derived features without a cycle"
        ) from error
