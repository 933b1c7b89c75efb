"""What each modelled resource type does in the workspace; ``Kind`` is the one that is only stored."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.errors import ServiceError
from sandbox.provider.planning import Refusal
from sandbox.provider.values import UNKNOWN, Object
from sandbox.store import new_uuid
from sandbox.workspace import Workspace


class ReadBackError(ServiceError):
    """The service took the request, and what the provider reads afterwards is not what it can use."""


@dataclass(frozen=True)
class Context:
    """One configured provider: the workspace it serves, who deploys, a way to call MLflow's REST API, its arguments."""

    workspace: Workspace
    deployer: str
    mlflow: Callable[[str, str, Object], Object]
    configuration: Object

    @property
    def caller(self) -> str:
        """Which attribute names the deployer: a user has an e-mail address, a service principal has not."""
        return "user_name" if "@" in self.deployer else "service_principal_name"

    def need(self, type_name: str, id_: str, what: str) -> Object:
        """The body of a resource that must exist; ``ServiceError`` in the words of Databricks otherwise."""
        found = self.workspace.store.read(type_name, id_)
        if found is None:
            raise ServiceError("RESOURCE_DOES_NOT_EXIST", f"{what} '{id_}' does not exist.")
        return found.body

    def names(self, type_name: str, prefix: str = "") -> list[str]:
        """Ids of a type that start with ``prefix``."""
        return [item.id for item in self.workspace.store.list(type_name) if item.id.startswith(prefix)]


class Kind:
    """A resource that is stored and does nothing else. Subclasses fill computed values and make the real thing.

    ``body`` is the planned object; what is still ``UNKNOWN`` in it after ``identify`` and ``make`` becomes null.
    """

    noun = "resource"
    overwrites = False  # whether creating it over an existing one replaces that one
    key = "id"  # the attribute by which a resource in terraform's state is found again
    takes_all = False  # whether Read sets every value itself, instead of what `reading` says

    def check(self, planned: Object) -> list[Refusal]:
        """Refusals that the real provider gives at plan."""
        del planned
        return []

    def plan(self, prior: Object | None, planned: Object) -> Object:
        """Last word on the planned values."""
        del prior
        return planned

    def identify(self, context: Context, body: Object) -> str:
        """Check what the service checks, fill what is computed, and give the id."""
        del context, body
        return new_uuid()

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """Make or change the real thing; may fill computed values. ``prior`` is None when it is created."""

    def remove(self, context: Context, body: Object) -> None:
        """Remove the real thing; ``ServiceError`` when the service refuses."""

    def stored(self, body: Object) -> Object:
        """The form in which the service gives the body back."""
        return body

    def present(self, context: Context, body: Object) -> Object | None:
        """The body as it is now, None when the real thing is gone."""
        del context
        return body

    def shown(self, context: Context, prior: Object | None, found: Object) -> Object | None:
        """The part of the body that the provider keeps, if any; ``prior`` is its state or what was planned."""
        del context, prior
        return found


def fill(body: Object, **values: Any) -> None:
    """Set the values that are not known yet or not given."""
    for name, value in values.items():
        if body.get(name) is UNKNOWN or body.get(name) is None:
            body[name] = value


def now() -> int:
    """Milliseconds since 1970, as Databricks gives times."""
    return int(time.time() * 1000)
