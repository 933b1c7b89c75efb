"""The cases as questions about one stage, and every single change of its grants, asked the same questions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from access_cases import BY_DATASET, EVERYONE, GROUPS, PERSONS, PURPOSES, READER, SAID

from infra import inputs
from infra.roles import Principal
from infra.stages import StageName
from review.access import reasons, things_of, verbs_of
from review.deployed import Deployed, Thing
from review.rights import LEVELS
from workflows.discover import Catalogue


class Line(NamedTuple):
    """One case as it was written."""

    answer: str
    who: str
    stages: tuple[str, ...]
    verb: str
    thing: str
    sentence: str


def lines() -> list[Line]:
    """Every case; one that has not five words is an error."""
    found = []
    for sentence, block in SAID:
        for text in block.strip().splitlines():
            answer, who, stages, verb, thing = text.split()
            assert answer in ("allow", "deny"), text
            named = ("dev", "validation", "prod") if stages == "all" else tuple(stages.split(","))
            assert set(named) <= {"dev", "validation", "prod"}, text
            found.append(Line(answer, who, named, verb, thing, sentence))
    return found


def people(who: str) -> list[str]:
    names = {"R*": PERSONS, "*": EVERYONE}.get(who) or who.split(",")
    assert set(names) <= set(EVERYONE), who
    return list(names)


def principals(who: str, catalogue: Catalogue) -> dict[str, list[str]]:
    """The groups and service principals of a role -> the sources that each is cleared for."""
    sources = sorted({one.source for one in catalogue.featurizations.values()})
    group = GROUPS.get(who, who)
    if who == READER:
        group = inputs.load().application_ids[StageName.PROD][Principal.PROMOTE]
    if who not in BY_DATASET:
        return {group: sources}
    return {group: []} | {f"{group}-{one.replace('_', '-')}": [one] for one in sources}


def patterns(thing: str, own: list[str], catalogue: Catalogue) -> set[str]:
    """A case's thing with its placeholders filled in."""
    every = sorted({one.source for one in catalogue.featurizations.values()})
    models = {one.name: one.source for one in catalogue.models.values()}
    facts = {one.name: one.source for one in (*catalogue.featurizations.values(), *catalogue.references.values())}
    values = {
        "own": own, "other": [one for one in every if one not in own],
        "model": [name for name, source in models.items() if source in own],
        "othermodel": [name for name, source in models.items() if source not in own],
        "fact": [name for name, source in facts.items() if source in ("", *own)], "purpose": list(PURPOSES),
    }  # fmt: skip
    used = [name for name in values if f"{{{name}}}" in thing]
    return {
        thing.format(**dict(zip(used, chosen, strict=True)))
        for chosen in itertools.product(*(values[name] for name in used))
    }


def short(thing: Thing) -> str:
    """How cases call a thing: without the catalog and the folder."""
    name = thing.name.removeprefix("/cdh/") if thing.kind == "experiment" else thing.name
    if thing.kind == "endpoint":
        name = name.removeprefix("cdh-").replace("-", "_")
    return f"{thing.kind}/{name.partition('.')[2] if thing.kind in ('schema', 'table', 'volume', 'model') else name}"


Question = tuple[str, str, str]
"""(principal, verb or right in capitals, key of the thing)"""


@dataclass
class Questions:
    """What is allowed in one stage, and by which sentence each denial that a line names is one."""

    deployed: Deployed
    things: dict[str, Thing]
    allowed: set[Question] = field(default_factory=set)
    denied: set[Question] = field(default_factory=set)
    unmatched: list[Line] = field(default_factory=list)
    people: list[str] = field(default_factory=list)

    def wrong(self, who: Mapping[str, object] | list[str], keys: list[str]) -> set[Question]:
        """Questions about these principals and things that the deployed grants answer otherwise than the cases."""
        found = set()
        for principal, key in itertools.product(who, keys):
            for verb in verbs_of(self.things[key].kind):
                asked = (principal, verb, key)
                if bool(reasons(self.deployed, principal, verb, self.things[key])) != (asked in self.allowed):
                    found.add(asked)
        for principal, right, key in self.rights:
            given = self.deployed.given.get(key, {})
            if key in keys and not any(right in given.get(one, {}) for one in self.deployed.names(principal)):
                found.add((principal, right, key))
        return found

    @property
    def rights(self) -> list[Question]:
        """What is asked of the grants themselves."""
        return self._rights

    def settle(self) -> None:
        """Separate the questions about rights from those about verbs."""
        self._rights = [one for one in self.allowed if one[1].isupper()]


def questions(deployed: Deployed, catalogue: Catalogue) -> Questions:
    """Every case that is about the stage; what no line allows is denied."""
    things = {one.key: one for one in things_of(deployed)}
    made = Questions(deployed, things)
    by_name = {short(one): one.key for one in things.values()}
    made.people = sorted({name for who in EVERYONE for name in principals(who, catalogue)})
    for line in (one for one in lines() if deployed.stage in one.stages):
        hit = False
        for who in people(line.who):
            for principal, own in principals(who, catalogue).items():
                for pattern in patterns(line.thing, own, catalogue):
                    for name in by_name:
                        fits = fnmatchcase(name, pattern) and (
                            line.verb.isupper() or line.verb == "*" or line.verb in verbs_of(name.partition("/")[0])
                        )
                        if fits:
                            hit = True
                            chosen = made.allowed if line.answer == "allow" else made.denied
                            verbs = verbs_of(name.partition("/")[0]) if line.verb == "*" else (line.verb,)
                            if line.thing != "*" or line.answer == "allow":
                                chosen.update((principal, verb, by_name[name]) for verb in verbs)
        if not hit:
            made.unmatched.append(line)
    made.settle()
    return made


@dataclass(frozen=True)
class Mutant:
    """One right more or less of one principal on one thing."""

    how: str
    principal: str
    right: str
    key: str


def mutants(asked: Questions, privileges: Mapping[str, set[str]]) -> Iterator[Mutant]:
    """Each right that is given taken, and each other that exists for the thing given, level for level."""
    for key, given in asked.deployed.given.items():
        kind = key.partition("/")[0]
        for principal in asked.people:
            has = given.get(principal, {})
            yield from (Mutant("removed", principal, right, key) for right in has)
            valid = LEVELS.get(kind) or sorted(privileges[kind])
            yield from (Mutant("added", principal, right, key) for right in valid if right not in has)


def touched(asked: Questions, mutant: Mutant) -> tuple[list[str], list[str]]:
    """Whom and what a mutant may change the answers about."""
    who = [one for one in asked.people if mutant.principal in asked.deployed.names(one)]
    return who, [key for key, one in asked.things.items() if mutant.key in (key, *one.above)]


def killed_by(asked: Questions, mutant: Mutant) -> str:
    """What fails: a case, a denial that a line names, the last sentence, that nothing is idle; "" if it survives."""
    given = asked.deployed.given[mutant.key]
    before = dict(given.get(mutant.principal, {}))
    if mutant.how == "removed":
        given[mutant.principal] = {right: by for right, by in before.items() if right != mutant.right}
    elif mutant.key.partition("/")[0] in LEVELS:
        given[mutant.principal] = {mutant.right: "a mutant"}
    else:
        given[mutant.principal] = before | {mutant.right: "a mutant"}
    try:
        who, keys = touched(asked, mutant)
        wrong = asked.wrong(who, keys)
        if wrong & asked.allowed:
            return "an allowed case"
        if wrong & asked.denied:
            return "a denied case"
        if wrong:
            return "the last sentence"
        return "a right that is idle" if mutant.how == "added" and idle(asked, mutant) else ""
    finally:
        given[mutant.principal] = before


def idle(asked: Questions, mutant: Mutant) -> bool:
    """Whether a right, where it is, changes no answer: nothing would fail without it."""
    given = asked.deployed.given[mutant.key]
    has = given.get(mutant.principal, {})
    who, keys = touched(asked, mutant)
    with_it = asked.wrong(who, keys)
    given[mutant.principal] = {right: by for right, by in has.items() if right != mutant.right}
    try:
        return asked.wrong(who, keys) == with_it
    finally:
        given[mutant.principal] = has
