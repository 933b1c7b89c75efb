"""Kinds of persons: invented patients in whom one sees which of a model's columns say something of each other.

"Any in a month" lies within "any in a year", what is observed for a year is for a month, a count knows what its any
knows. Nothing of it is written down here: `workflows.interpreter` says what each column is of each kind. The fewer
kinds, the more columns seem to lie within each other, and the more is kept back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import combinations_with_replacement, pairwise, product

import numpy as np

from workflows.concept_sets import covers, in_days
from workflows.covariates import CodeRow, Covariate, counts_encounters, covariates, derived_in_order
from workflows.examples import Encounter, Example, Occurrence, Value
from workflows.features import (
    Charlson,
    Derived,
    Feature,
    OfConcepts,
    OfEvents,
    in_observation,
)
from workflows.interpreter import Codes, Seen, charlson, from_others, of_encounters, of_events
from workflows.scene import Scene
from workflows.time import Window
from workflows.values import OfValues

Key = tuple[str, str]
INDEX = date(2500, 1, 1)
# One object, which a set takes for equal to itself.
NONE = float("nan")
# Of each column that is made of others: these, each after its own, and how.
Made = Mapping[str, tuple[tuple[str, ...], Feature]]
# Kinds of persons with two events beyond which nobody has two: more is kept back then.
MANY = 60_000
# Whether a stay, whether it leaves a person at risk, attributes: a visit, a stay of unknown length and one of two days.
STAYS: tuple[tuple[bool, bool, Mapping[str, Value]], ...] = (
    (False, True, {}), (True, True, {}), (True, True, {"length_of_stay": 2}),
)  # fmt: skip
HERE = Encounter()
# The first day that is observed, until the index date; None for nothing.
Period = str | None


@dataclass(frozen=True, eq=False)
class Family:
    """Columns that say something of each other, the longest window first, then what most persons have.

    values: a row a column, a place a kind of persons; NaN without a value. whole: columns whose sum counts something.
    foreign: columns of which no more is related than who has a value.
    """

    columns: tuple[str, ...]
    values: np.ndarray
    whole: frozenset[str]
    foreign: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Leaf:
    """A column that is made of events of a concept set or of encounters, and not of other columns."""

    name: str
    window: Window | None
    covariate: Covariate | None = None
    stays: Feature | None = None

    @property
    def aggregation(self) -> str:
        """What is made of the events; encounters are counted."""
        return self.covariate.feature.aggregation if self.covariate else "count"

    @property
    def observed(self) -> bool:
        """Whether its lookback has to be observed."""
        return in_observation(self.covariate.feature if self.covariate else self.stays)

    def sees(self, one: Occurrence | Encounter, codes: Codes) -> bool:
        """Whether an event or encounter is of its kind, wherever it lies."""
        if isinstance(one, Encounter) or self.covariate is None:
            return isinstance(one, Encounter) and self.covariate is None
        return any(one.concept_code == row[3] for row in codes[self.covariate.key])

    def seen(self, at: Scene, codes: Codes) -> Seen:
        """What it is of one kind of persons."""
        if self.covariate is not None:
            return of_events(self.covariate.feature, codes[self.covariate.key], at)
        assert self.stays is not None
        assert self.window is not None
        return of_encounters(self.stays, self.window, at)


def families(
    features: Sequence[Feature], sets: Mapping[str, Sequence[str]], codes: Iterable[CodeRow]
) -> tuple[Family, ...]:
    """The columns of a model that say something of each other: with each column those that see what it sees.

    sets: the set names of each collection. codes: those of the concept sets.
    """
    leaves = {one.name: one for one in _leaves(features, sets)}
    made = _made(features, sets, leaves)
    held = patterns(codes)
    about = _about(leaves, made, held)
    groups = {frozenset(other for other in about if about[other] & about[one]) for one in about if about[one]}
    # Who has a value there depends on nothing but how far back a person is observed.
    since = {name for name, leaf in leaves.items() if leaf.observed and leaf.aggregation == "count"}
    for name, (parts, feature) in made.items():
        if isinstance(feature, Derived) and feature.operation != "ratio" and since.issuperset(parts):
            since.add(name)
    found = []
    for group in sorted(groups, key=sorted):
        others = since - group if any(leaves[name].observed for name in group & set(leaves)) else set()
        if len(group) + len(others) > 1 and not any(group < other for other in groups):
            found.append(_family(group, frozenset(others), leaves, made, held))
    return tuple(found)


def _about(leaves: Mapping[str, Leaf], made: Made, held: Iterable[frozenset[Key]]) -> dict[str, frozenset[object]]:
    """Of each column the events that it sees, by their concept sets; encounters; attributes."""
    found: dict[str, frozenset[object]] = {}
    for name, leaf in leaves.items():
        covariate = leaf.covariate
        events = {one for one in held if covariate.key in one} if covariate else {"encounters"}
        found[name] = frozenset(events)
    for name, (parts, feature) in made.items():
        # What is known of everybody and adds up so much gives no single condition away.
        nothing = isinstance(feature, Charlson) and not feature.in_observation
        of_parts = frozenset(event for part in parts for event in found[part]) if parts else frozenset({name})
        found[name] = frozenset() if nothing else of_parts
    return found


def _leaves(features: Sequence[Feature], sets: Mapping[str, Sequence[str]]) -> Iterator[Leaf]:
    for feature in features:
        if counts_encounters(feature, sets):
            yield Leaf(feature.name, feature.window, stays=feature)
        elif isinstance(feature, OfConcepts):
            for one in covariates([feature], sets):
                yield Leaf(one.column, feature.window, covariate=one)


def _made(features: Sequence[Feature], sets: Mapping[str, Sequence[str]], leaves: Collection[str]) -> Made:
    """The columns that are made of others, with their parts, each after these; an attribute is made of nothing."""
    made: dict[str, tuple[tuple[str, ...], Feature]] = {}
    for feature in features:
        if isinstance(feature, Charlson):
            made[feature.index] = tuple(one.column for one in covariates([feature], sets)), feature
    parts = {name for one in features if isinstance(one, Derived) for name in one.of}
    derived = derived_in_order("", features, parts - {one.name for one in features if isinstance(one, Derived)})
    for name in sorted(parts - {one.name for one in derived} - set(leaves) - set(made)):
        made[name] = (), Feature()
    return made | {one.name: (one.of, one) for one in derived}


def patterns(codes: Iterable[CodeRow]) -> list[frozenset[Key]]:
    """The combinations of concept sets that one event may belong to, by its code and its day."""
    rows: dict[tuple[str, str], list[CodeRow]] = {}
    for row in codes:
        rows.setdefault((row[2], row[3]), []).append(row)
    found: set[frozenset[Key]] = set()
    for vocabulary, code in rows:
        above = [code[:end] for end in range(1, len(code) + 1) if covers(code[:end], code)]
        there = [row for one in above for row in rows.get((vocabulary, one), [])]
        days = {date.min} | {row[4] for row in there if row[4]} | {row[5] + timedelta(1) for row in there if row[5]}
        found |= {frozenset(row[:2] for row in there if in_days(day, row[4], row[5])) for day in days}
    return sorted(found - {frozenset()}, key=sorted)


def _family(
    group: frozenset[str],
    others: frozenset[str],
    leaves: Mapping[str, Leaf],
    made: Made,
    held: Iterable[frozenset[Key]],
) -> Family:
    used = _used(group | others, made)
    names = sorted(group | others)
    mine = {name: leaf for name, leaf in leaves.items() if name in used}
    of = {name: leaf.covariate.key for name, leaf in mine.items() if leaf.covariate}
    keys = {of[name] for name in _used(group, made) if name in of}
    inside = list(dict.fromkeys(one & keys for one in held if one & keys))
    codes: Codes = {
        key: {(*key, "kind", f"{place}", None, None) for place, one in enumerate(inside) if key in one}
        for key in of.values()
    }
    windows = [leaf.window for leaf in mine.values() if leaf.window]
    some = [leaf.covariate.feature for leaf in mine.values() if leaf.covariate]
    stays = any(leaf.stays for leaf in mine.values())
    observed = any(leaf.observed for leaf in mine.values())
    events, periods = _events(windows, some, len(inside), stays=stays, observed=observed)
    sees = {name: {place for place, one in enumerate(events) if leaf.sees(one, codes)} for name, leaf in mine.items()}

    @cache
    def seen(name: str, period: Period, places: tuple[int, ...]) -> Seen:
        return mine[name].seen(scene(period, [events[place] for place in places]), codes)

    given = [name for name in made if name in used and not made[name][0]]
    rows: set[tuple[float, ...]] = set()
    for period, places in _kinds(len(events), periods):
        found = {name: seen(name, period, tuple(one for one in places if one in sees[name])) for name in mine}
        for values in product((None, 0.0, 1.0), repeat=len(given)):
            known = found | {name: Seen(value) for name, value in zip(given, values, strict=True)}
            for name, (parts, feature) in made.items():
                if name in used and isinstance(feature, Charlson):
                    known[name] = charlson({of[one][1]: known[one] for one in parts})
                elif name in used and isinstance(feature, Derived):
                    known[name] = from_others(feature, known)
            rows.add(tuple(NONE if (one := known[name].value) is None else float(one) for name in names))
    table = np.array(sorted(rows, key=repr)).T
    # Of equal windows the one that more persons have.
    have = (np.nan_to_num(table) != 0).sum(axis=1)
    order = sorted(range(len(names)), key=lambda at: (-_length(names[at], leaves, made), -have[at]))
    columns = tuple(f"f_{names[at]}" for at in order)
    return Family(columns, table[order], _named(_whole(leaves, made) & set(names)), _named(others))


def _used(names: Iterable[str], made: Made) -> set[str]:
    """Columns, and those that they are made of."""
    found: set[str] = set()
    for name in names:
        found |= {name} | _used(made[name][0] if name in made else (), made)
    return found


def _whole(leaves: Mapping[str, Leaf], made: Made) -> set[str]:
    """The columns whose values are whole numbers from 0."""
    whole = {name for name, leaf in leaves.items() if leaf.aggregation in ("any", "count")}
    for name, (parts, feature) in made.items():
        adds = isinstance(feature, Derived) and feature.operation == "sum" and whole.issuperset(parts)
        if adds or isinstance(feature, Charlson) or (isinstance(feature, Derived) and feature.operation == "at_least"):
            whole.add(name)
    return whole


def _named(columns: Iterable[str]) -> frozenset[str]:
    return frozenset(f"f_{name}" for name in columns)


def _length(name: str, leaves: Mapping[str, Leaf], made: Made) -> int:
    """How many days a column looks at."""
    if name in leaves:
        window = leaves[name].window
        return 0 if window is None else window.end - window.start
    return max((_length(part, leaves, made) for part in made[name][0]), default=0)


def _kinds(events: int, periods: Sequence[Period]) -> Iterator[tuple[Period, tuple[int, ...]]]:
    """Persons with up to two of so many events, observed for each of the periods."""
    most = 2 if len(periods) * events**2 <= MANY else 1
    for period in periods:
        for number in range(most + 1):
            for places in combinations_with_replacement(range(events), number):
                yield period, places


def _events(
    windows: Iterable[Window], some: Sequence[OfEvents], codes: int, *, stays: bool, observed: bool
) -> tuple[list[Occurrence | Encounter], list[Period]]:
    """The events and encounters that one may have, and the periods of which one may be observed.

    some: features of events. codes: how many kinds of codes there are. The days are the first and the last of every
    stretch between two ends of windows, so that an event may be seen where its stretch is not observed as a whole.
    """
    bounds = sorted({day for one in windows for day in (one.start, one.end + 1)}) or [-1, 0]
    overlap = any(one.rule == "overlap" for one in some)
    stretches = list(pairwise([bounds[0] - 2, *bounds] if overlap else bounds))
    days = sorted({day for first, beyond in stretches for day in (first, beyond - 1)})
    spans = [(first, last) for first in days for last in days if first == last or (overlap and first < last)]
    own = (0, 1) if any(one.window is None for one in some) else (0,)
    units = (None, *sorted({unit for one in some for unit in one.units}))
    numbers = (0.0, 1.0) if any(isinstance(one, OfValues) for one in some) else ()
    events: list[Occurrence | Encounter] = [
        Occurrence("kind", str(code), _day(first), _day(last), number, encounter, unit)
        for code, (first, last), (number, unit), encounter in product(
            range(codes), spans, [(None, None), *product(numbers, units)], own
        )
    ]
    if stays:
        events += [Encounter(_day(day), None, *rest) for day, rest in product(days, STAYS)]
    begins = {day for first, beyond in stretches for day in (first, min(first + 1, beyond - 1))} if observed else set()
    return events, [None, *map(_day, sorted(begins))]


def scene(period: Period, events: Sequence[Occurrence | Encounter]) -> Scene:
    """A person at the index date who is observed from a day on, or not at all."""
    example = Example(
        name="kind", index=_day(0), outcome=0, observed=[] if period is None else [(period, _day(0))],
        encounters=[HERE, *(one for one in events if isinstance(one, Encounter))],
        events=[one for one in events if isinstance(one, Occurrence)],
    )  # fmt: skip
    return Scene(example, HERE, 1, INDEX)


def _day(number: int) -> str:
    return str(INDEX + timedelta(number))
