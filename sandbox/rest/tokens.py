"""A token for each principal of a workspace, in a file that only its owner may read."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.errors import SandboxError, ServiceError
from sandbox.whole import whole
from sandbox.workspace import Workspace

ADMINS = "admins"
DEPLOYER = "deployer"
USER, SERVICE_PRINCIPAL = "user", "service principal"


@dataclass(frozen=True)
class Person:
    """An invented user and the groups of the roles that it has."""

    user_name: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Principal:
    """Who a token stands for. name: how grants and permissions name it. label: what a person reads."""

    name: str
    label: str
    kind: str
    groups: tuple[str, ...]
    token: str


class Tokens:
    """The file ``tokens.json`` of a workspace; a token stays the same for as long as its principal is there."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.path: Path = workspace.root / "tokens.json"
        self._lock = threading.Lock()

    def issue(self, people: Iterable[Person] = ()) -> list[Principal]:
        """Give a token to the administrator, to every service principal and to ``people``; all that have one.

        Who has one keeps it; people of an earlier call stay.
        """
        with self._lock:
            known = {one.name: one for one in self.all()}
            wanted = [self._administrator(), *self._service_principals()]
            wanted += [Principal(one.user_name, one.user_name, USER, one.groups, "") for one in people]
            for one in wanted:
                token = known[one.name].token if one.name in known else f"dapi{secrets.token_hex(16)}"
                known[one.name] = Principal(one.name, one.label, one.kind, one.groups, token)
            found = list(known.values())
            self._write(found)
        return found

    def all(self) -> list[Principal]:
        """Every principal that was given a token, deleted ones included."""
        if not self.path.exists():
            return []
        try:
            entries = json.loads(self.path.read_text())["principals"]
            return [Principal(**{**one, "groups": tuple(one["groups"])}) for one in entries]
        except (ValueError, KeyError, TypeError) as error:
            raise SandboxError(f"{self.path} cannot be read ({error}); remove it, and new tokens are made") from None

    def named(self, name: str) -> Principal:
        """The principal with this name or label; ``SandboxError`` lists the valid ones."""
        found = self.all()
        for one in found:
            if name in (one.name, one.label):
                return one
        valid = ", ".join(one.label for one in found) or "none; start the door first"
        raise SandboxError(f"principal '{name}' has no token; valid: {valid}")

    def principal(self, authorization: str) -> Principal:
        """Whose token an ``Authorization`` header carries; ``ServiceError`` when there is none, or not any more."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise ServiceError("UNAUTHENTICATED", "")
        for one in self.all():
            if secrets.compare_digest(one.token.encode(), token.strip().encode()):
                if one.kind == SERVICE_PRINCIPAL and one.name not in {sp.name for sp in self._service_principals()}:
                    raise ServiceError(
                        "PERMISSION_DENIED", f"Invalid access token: service principal {one.label} was deleted."
                    )
                return one
        raise ServiceError("PERMISSION_DENIED", f"Invalid access token. The valid ones are in {self.path.name}.")

    def memberships(self) -> dict[str, frozenset[str]]:
        """Principal -> its groups, of those that have a token."""
        return {one.name: frozenset(one.groups) for one in self.all() if one.groups}

    def _administrator(self) -> Principal:
        """Who deploys: the owner of the catalog, or the plugin door's own word for one who gives no name.

        A service principal that owns the catalog is an administrator too, under its own name.
        """
        owner = self._owner()
        taken = owner in {one.name for one in self._service_principals()}
        return Principal(DEPLOYER if taken else owner, DEPLOYER, USER, (ADMINS,), "")

    def _owner(self) -> str:
        catalogs = self._workspace.store.list("databricks_catalog")
        return str(catalogs[0].body.get("owner") or DEPLOYER) if catalogs else DEPLOYER

    def _service_principals(self) -> list[Principal]:
        owner = self._owner()
        found = self._workspace.store.list("databricks_service_principal")
        names = [(str(item.body["application_id"]), str(item.body.get("display_name") or "")) for item in found]
        return [
            Principal(name, label, SERVICE_PRINCIPAL, (ADMINS,) if name == owner else (), "") for name, label in names
        ]

    def _write(self, found: list[Principal]) -> None:
        with whole(self.path) as half:
            with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
                json.dump({"principals": [asdict(one) for one in found]}, handle, indent=1)
            half.chmod(0o600)
