"""Who can do what, and through which grant: inheritance, ownership, levels, and the use of what a thing lies in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from review.deployed import Deployed, Thing, refused
from review.rights import LEVELS, OWNER, USAGE, VERBS, includes


@dataclass(frozen=True, kw_only=True)
class Reason:
    """A right that counts. on: key of the thing it was given on. by: address of the grant, or of what is owned."""

    right: str
    on: str
    by: str
    to: str


@dataclass(frozen=True, kw_only=True)
class Ability:
    """One principal may do one thing to another, for these reasons: the use of what it lies in first."""

    principal: str
    verb: str
    thing: Thing
    reasons: tuple[Reason, ...]


def checked_verb(verb: str, thing: Thing) -> str:
    """The right that a verb needs on a thing."""
    if verb not in VERBS:
        raise refused("verb", verb, VERBS, "who-can")
    if thing.kind not in VERBS[verb]:
        raise refused(f"for a {thing.kind} the verb", verb, verbs_of(thing.kind), "who-can")
    return VERBS[verb][thing.kind]


def verbs_of(kind: str) -> tuple[str, ...]:
    """What can be done to a kind of thing."""
    return tuple(verb for verb, kinds in VERBS.items() if kind in kinds)


def reasons(deployed: Deployed, principal: str, verb: str, thing: Thing) -> tuple[Reason, ...]:
    """Why a principal may do it; empty when it may not."""
    right, names = checked_verb(verb, thing), deployed.names(principal)
    found: list[Reason] = []
    if right != OWNER and thing.kind not in LEVELS:
        for key in reversed(thing.above):
            used = _first(deployed, names, USAGE[deployed.things[key].kind], deployed.things[key])
            if used is None:
                return ()
            found.append(used)
    last = _first(deployed, names, right, thing)
    return (*found, last) if last is not None else ()


def _first(deployed: Deployed, names: tuple[str, ...], right: str, thing: Thing) -> Reason | None:
    """The nearest reason that gives a right on a thing: its owner, a grant on it, a grant on what hands it down."""
    for key in (thing.key, *thing.above):
        one = deployed.things.get(key)
        # "owners of a schema do not automatically have all privileges on the tables in the schema"
        owned = (right == OWNER and key == thing.key) or (right != OWNER and (key == thing.key or right == "MANAGE"))
        if one is not None and one.owner in names and owned:
            return Reason(right=OWNER, on=key, by=one.address, to=str(one.owner))
        kind = key.partition("/")[0]
        for name in names:
            for given, address in deployed.given.get(key, {}).get(name, {}).items():
                if includes(kind, given, right):
                    return Reason(right=given, on=key, by=address, to=name)
    return None


def who_can(deployed: Deployed, verb: str, name: str) -> list[Ability]:
    """Everyone who may do it, sorted; of a dataset's group only what the role's own group may not do."""
    thing = deployed.thing(name)
    checked_verb(verb, thing)
    able = {who: why for who in deployed.principals if (why := reasons(deployed, who, verb, thing))}
    return [
        Ability(principal=who, verb=verb, thing=thing, reasons=why)
        for who, why in able.items()
        if not any(other in able for other in deployed.names(who)[1:])
    ]


def resolved(deployed: Deployed, who: str, aliases: Mapping[str, str]) -> tuple[str, ...]:
    """The principals that a name means: a role's number means its group and the groups of its datasets."""
    alias, _, dataset = who.partition("-")
    wanted = aliases.get(alias.upper(), "")
    wanted = (f"{wanted}-{dataset}" if dataset else wanted) if wanted else who
    parts = [one for one in deployed.principals if one == wanted or one.startswith(f"{wanted}-")]
    if not parts:
        raise refused("role or principal", who, (*aliases, *deployed.principals), deployed.stage)
    return tuple(parts)


def things_of(deployed: Deployed) -> Iterable[Thing]:
    """Everything deployed, and for each zone any table in it."""
    for one in deployed.things.values():
        yield one
        if one.kind == "schema":
            yield deployed.thing(f"table/{one.name}.any")


def what_can(deployed: Deployed, principal: str) -> list[Ability]:
    """Everything that a principal may do, by thing and then by verb."""
    return [
        Ability(principal=principal, verb=verb, thing=thing, reasons=why)
        for thing in sorted(things_of(deployed), key=lambda one: one.key)
        for verb in verbs_of(thing.kind)
        if (why := reasons(deployed, principal, verb, thing))
    ]
