"""Rules about grants and permissions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from infra.inputs import UUID
from infra.lint.rule import Body, Found, Stack, listed
from infra.securables import PRIVILEGES

GRANTS, PERMISSIONS = "databricks_grants", "databricks_permissions"
BESIDE = ("//", "access_control", "depends_on", "grant", "lifecycle", "provider")


def target(body: Body) -> tuple[str, object]:
    """(what kind of thing, which) a grants or permissions resource is about."""
    about = sorted((key, str(value)) for key, value in body.items() if key not in BESIDE)
    return about[0] if about else ("", "")


def one_resource_a_thing(stack: Stack) -> Iterable[Found]:
    """Both are authoritative: two of them for one thing take each other's entries away."""
    for kind in (GRANTS, PERMISSIONS):
        first: dict[tuple[str, object], str] = {}
        for address, body in stack.all(kind):
            other = first.setdefault(target(body), address)
            if other != address:
                yield Found(address, target(body)[0], target(body)[1], f"one resource a thing; {other} has it")
    whole = {target(body): address for address, body in stack.all(GRANTS)}
    for address, body in stack.all("databricks_grant"):
        thing = next((one for one in whole if str(body.get(one[0])) == one[1]), None)
        if thing is not None:
            yield Found(address, "principal", body.get("principal"), f"an entry of {whole[thing]}")


def principals_once(stack: Stack) -> Iterable[Found]:
    """Entries of one principal are merged by the service, and two of them are a difference for ever."""
    for kind, block in ((GRANTS, "grant"), (PERMISSIONS, "access_control")):
        for address, body in stack.all(kind):
            names = [principal(one)[1] for one in listed(body.get(block))]
            for name in sorted(name for name, times in Counter(names).items() if times > 1):
                yield Found(address, block, name, "each principal once")


def principal(entry: Body) -> tuple[str, str]:
    """(field, name) of an entry's principal."""
    for field in ("principal", "group_name", "service_principal_name", "user_name"):
        if entry.get(field):
            return field, str(entry[field])
    return "principal", ""


def in_principal_order(stack: Stack) -> Iterable[Found]:
    """One form of the same rights: a reviewer sees only what changed."""
    for kind, block in ((GRANTS, "grant"), (PERMISSIONS, "access_control")):
        for address, body in stack.all(kind):
            names = [name for _, name in map(principal, listed(body.get(block)))]
            if names != sorted(names, key=_place):
                yield Found(address, block, names, "the stage's service principals, groups, others, each by name")
    for address, body in stack.all(GRANTS):
        for one in listed(body.get("grant")):
            if list(one["privileges"]) != sorted(one["privileges"]):
                yield Found(address, "privileges", one["privileges"], "in alphabetical order")


def _place(name: str) -> tuple[int, str]:
    """The stage's own service principals are references; those of another stage are ids."""
    return (0 if name.startswith("${") else 2 if UUID.fullmatch(name) else 1, name)


def privileges_spelled_out(stack: Stack) -> Iterable[Found]:
    """The service expands ALL_PRIVILEGES, and an empty list never converges."""
    for address, body in stack.all(GRANTS):
        for one in listed(body.get("grant")):
            if "ALL_PRIVILEGES" in one["privileges"] or not one["privileges"]:
                yield Found(address, "privileges", one["privileges"], "the privileges themselves, at least one")


def privileges_fit(stack: Stack) -> Iterable[Found]:
    """A privilege of another kind of thing is refused by the service, at apply only."""
    for address, body in stack.all(GRANTS):
        kind = target(body)[0]
        for one in listed(body.get("grant")):
            for privilege in one["privileges"]:
                if kind in PRIVILEGES and privilege != "ALL_PRIVILEGES" and privilege not in PRIVILEGES[kind]:
                    yield Found(address, "privileges", privilege, ", ".join(sorted(PRIVILEGES[kind])))


def owners_stated(stack: Stack) -> Iterable[Found]:
    """The service adds an owner that is not stated: whoever deploys, so two deployers undo each other for ever."""
    for address, body in stack.all(PERMISSIONS):
        levels = [one.get("permission_level") for one in listed(body.get("access_control"))]
        if target(body)[0] == "job_id" and levels.count("IS_OWNER") != 1:
            yield Found(address, "access_control", levels, "exactly one IS_OWNER")


def principals_by_their_field(stack: Stack) -> Iterable[Found]:
    """The service answers with lower case, and with a service principal under its own field."""
    for address, body in stack.all(PERMISSIONS):
        for one in listed(body.get("access_control")):
            name = str(one.get("user_name") or "")
            if name != name.lower():
                yield Found(address, "user_name", name, name.lower())
            if name and "@" not in name:
                yield Found(address, "user_name", name, "service_principal_name for a service principal")
