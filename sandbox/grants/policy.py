"""What the deployed grants allow. `sandbox/grants/rule` (Java) decides the same for Spark; a test compares them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from sandbox.errors import SandboxError

OWNER = "OWNER"
# What has permissions of the workspace, not privileges of Unity Catalog: its levels, each with all before it.
WORKSPACE_LEVELS = {
    "Directory": ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"),
    "Experiment": ("CAN_READ", "CAN_EDIT", "CAN_MANAGE"),
    "Job": ("CAN_VIEW", "CAN_MANAGE_RUN", "IS_OWNER", "CAN_MANAGE"),
}
# What the binding of a catalog to this workspace lets nobody do; and what it leaves of the privileges there.
BINDING = "binding"
_READING = ("USE_CATALOG", "USE_SCHEMA", "SELECT")
_BELOW_SCHEMA = ("Table", "Volume", "Model")


@dataclass(frozen=True)
class Need:
    """A privilege on a securable.

    type: Catalog, Schema, Table, Volume, Model, or one of ``WORKSPACE_LEVELS``; name: its full name."""

    privilege: str
    type: str
    name: str

    @property
    def denial(self) -> str:
        """The refusal as Unity Catalog words it."""
        kind = "Routine or Model" if self.type == "Model" else self.type
        if self.privilege == OWNER:
            return f"User is not an owner of {kind} '{self.name}'."
        told = self.privilege if self.type in WORKSPACE_LEVELS else self.privilege.replace("_", " ")
        return f"User does not have {told} on {kind} '{self.name}'."


class DeniedError(SandboxError):
    """A principal lacks a privilege."""

    def __init__(self, need: Need) -> None:
        super().__init__(f"[INSUFFICIENT_PERMISSIONS] Insufficient privileges: {need.denial} SQLSTATE: 42501")
        self.need = need


def within(*needs: Need) -> tuple[Need, ...]:
    """The needs with those of the catalog and the schema they lie in, which come first."""
    found: list[Need] = []
    for need in needs:
        parts = need.name.split(".")
        if need.type in ("Schema", *_BELOW_SCHEMA):
            found.append(Need("USE_CATALOG", "Catalog", parts[0]))
            found.append(Need("USE_SCHEMA", "Schema", ".".join(parts[:2])))
        found.append(need)
    return tuple(dict.fromkeys(found))


# Not proved here: that a group cannot do what it was not granted. Why: grants of service principals are enforced in
# every demo, but nobody is a member of a group here; a test asks as the group itself. On Azure: one query as an
# analyst in prod; it must be refused.
# Not proved here: views, row filters and `CLONE` under grants. Why: the check reads a view as who asks, and refuses
# commands that it does not know. On Azure: one view over a curated table, read by an analyst without SELECT on the
# table.
class Policy:
    """Decides by what ``sandbox.grants.published`` wrote."""

    def __init__(self, published: Mapping[str, Any]) -> None:
        self._published = published

    def trusts(self, principal: str) -> bool:
        """Whether the principal is one of the sandbox's own, which no grant binds."""
        return principal in self._published["trusted"]

    def allows(self, principal: str, need: Need, owner: str | None = None) -> bool:
        """Whether the principal has the privilege; owner: of a table, which only the server knows."""
        return self._open(need) and (self.trusts(principal) or bool(self.reasons(principal, need, owner)))

    def reasons(self, principal: str, need: Need, owner: str | None = None) -> list[tuple[str, str, str]]:
        """Each grant that gives it, as (principal, privilege, securable); ownership is ("", "OWNER", securable)."""
        if need.type in WORKSPACE_LEVELS:
            return self._levels(principal, need)
        if not self._open(need):
            return []
        bound = self._bound(need)
        # What another workspace deployed says who may read its catalog; nothing that this one says does.
        deployed, owner = (bound, None) if bound else (self._published, owner)
        found: list[tuple[str, str, str]] = []
        for place, securable in enumerate(levels(need)):
            owns = owner if place == 0 and owner is not None else deployed["owners"].get(securable)
            # "owners of a schema do not automatically have all privileges on the tables in the schema"
            if owns == principal and (place == 0 or need.privilege == "MANAGE"):
                found.append(("", OWNER, securable))
            for privilege in deployed["grants"].get(securable, {}).get(principal, ()):
                everything = privilege == "ALL_PRIVILEGES" and need.privilege not in ("MANAGE", OWNER)
                if privilege == need.privilege or everything:
                    found.append((principal, privilege, securable))
        return found

    def _open(self, need: Need) -> bool:
        """Whether anybody may have it: of a bound catalog, the privileges that read."""
        return need.type != BINDING and (need.privilege in _READING or not self._bound(need))

    def _bound(self, need: Need) -> Mapping[str, Any]:
        """What is published of the other workspace whose catalog it is in; nothing for the workspace's own."""
        found: Mapping[str, Any] = self._published.get("bound", {}).get(need.name.split(".", 1)[0], {})
        return found if levels(need) else {}

    def _levels(self, principal: str, need: Need) -> list[tuple[str, str, str]]:
        """An experiment has its own permissions and those of the folders that it is in."""
        levels = WORKSPACE_LEVELS[need.type]
        given = {place: self._published["permissions"].get(place, {}).get(principal) for place in places(need)}
        return [
            (principal, level, place)
            for place, level in given.items()
            if level in levels and levels.index(level) >= levels.index(need.privilege)
        ]


def places(need: Need) -> Sequence[str]:
    """Where a level may have been given, nearest first: on the thing, and on the folders that an experiment is in."""
    if need.type == "Job":
        return [f"job/{need.name}"]
    return [f"{need.type.lower()}/{need.name}", *(f"directory/{above}" for above in PurePosixPath(need.name).parents)]


def levels(need: Need) -> Sequence[str]:
    """The securable and those it is in, nearest first, as ``schema/cdh_dev.ml``."""
    parts = need.name.split(".", 2)
    above = [f"schema/{'.'.join(parts[:2])}", f"catalog/{parts[0]}"]
    if need.type in _BELOW_SCHEMA:
        return [f"{need.type.lower()}/{need.name}", *above]
    return above[1:] if need.type == "Catalog" else above if need.type == "Schema" else []
