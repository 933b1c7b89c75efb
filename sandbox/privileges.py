"""Does a principal hold a Unity Catalog privilege on a securable? Pure answers from grants, owners and groups.

The rules are the documentation's ("Unity Catalog permissions model concepts"):

* "granting a privilege on the catalog automatically grants the privilege to all current and future objects within
  the catalog", and so for a schema;
* for a table, volume or model all of USE CATALOG on its catalog, USE SCHEMA on its schema and the privilege itself
  are needed; BROWSE alone needs none of the two;
* "Object owners have all privileges on that object"; owning a container lets manage what is in it, not read it;
* ALL PRIVILEGES stands for every privilege but MANAGE and the two EXTERNAL USE ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.store import Store

EVERYONE = "account users"
_NOT_IN_ALL = frozenset({"MANAGE", "EXTERNAL_USE_SCHEMA", "EXTERNAL_USE_LOCATION"})
_USAGE = {"catalog": "USE_CATALOG", "schema": "USE_SCHEMA"}
_NOUNS = {"model": "Registered model", "function": "Function"}
# argument of databricks_grants -> the resource type that says who owns it
_OWNED = {
    "catalog": "databricks_catalog",
    "schema": "databricks_schema",
    "volume": "databricks_volume",
    "model": "databricks_registered_model",
    "external_location": "databricks_external_location",
    "storage_credential": "databricks_storage_credential",
}


@dataclass(frozen=True)
class Securable:
    """kind: an argument of databricks_grants (catalog, schema, table, volume, model ...). name: its full name."""

    kind: str
    name: str

    @property
    def above(self) -> tuple[Securable, ...]:
        """What it stands in, the catalog first; nothing for what stands in no catalog."""
        parts = self.name.split(".")
        if self.kind == "schema" and len(parts) == 2:
            return (Securable("catalog", parts[0]),)
        if self.kind in ("table", "volume", "model", "function") and len(parts) == 3:
            return (Securable("catalog", parts[0]), Securable("schema", ".".join(parts[:2])))
        return ()

    def __str__(self) -> str:
        """As Databricks names it in errors: ``Schema 'cdh_dev.ml'``."""
        return f"{_NOUNS.get(self.kind, self.kind.replace('_', ' ').capitalize())} '{self.name}'"


@dataclass(frozen=True)
class Missing:
    """The first privilege that is missing, and where."""

    privilege: str
    securable: Securable

    def __str__(self) -> str:
        """The sentence of Databricks' refusal."""
        return f"User does not have {self.privilege.replace('_', ' ')} on {self.securable}."


@dataclass(frozen=True)
class Privileges:
    """grants: securable -> grantee -> privileges as Unity Catalog spells them. groups: member -> groups it is in."""

    grants: Mapping[Securable, Mapping[str, frozenset[str]]]
    owners: Mapping[Securable, str] = field(default_factory=dict)
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def names(self, principal: str) -> frozenset[str]:
        """The principal, the groups it is in (through other groups too), and the group of everyone."""
        found, new = {EVERYONE, principal}, {principal}
        while new:
            new = {group for name in new for group in self.groups.get(name, ())} - found
            found |= new
        return frozenset(found)

    def holds(self, principal: str, privilege: str, on: Securable) -> bool:
        """Whether nothing is missing."""
        return self.missing(principal, privilege, on) is None

    def missing(self, principal: str, privilege: str, on: Securable) -> Missing | None:
        """What the principal lacks to use ``privilege`` on ``on``: the outermost thing first; None when nothing."""
        names, wanted = self.names(principal), spelled(privilege)
        if wanted != "BROWSE":
            for container in on.above:
                if not self._has(names, _USAGE[container.kind], container):
                    return Missing(_USAGE[container.kind], container)
        return None if self._has(names, wanted, on) else Missing(wanted, on)

    def may_manage(self, principal: str, on: Securable) -> bool:
        """Whether the principal may change or drop it and grant on it: owner or MANAGE, of it or of what holds it."""
        names = self.names(principal)
        return any(self.owners.get(one) in names for one in (on, *on.above)) or self._has(names, "MANAGE", on)

    def effective(self, on: Securable) -> dict[str, dict[str, Securable | None]]:
        """Grantee -> privilege -> what it is inherited from, None when it is granted on the securable itself."""
        found: dict[str, dict[str, Securable | None]] = {}
        for one in (*on.above, on):
            for grantee, privileges in self.grants.get(one, {}).items():
                for privilege in privileges:
                    found.setdefault(grantee, {})[privilege] = None if one == on else one
        return found

    def effective_for(self, principal: str, on: Securable) -> dict[str, Securable | None]:
        """What is granted to the principal or to a group it is in; a grant on the securable itself comes first."""
        names, found = self.names(principal), dict[str, Securable | None]()
        for grantee, privileges in self.effective(on).items():
            for privilege, source in privileges.items() if grantee in names else ():
                if source is None or privilege not in found:
                    found[privilege] = source
        return found

    def _has(self, names: frozenset[str], privilege: str, on: Securable) -> bool:
        if self.owners.get(on) in names:
            return True
        enough = {privilege} if privilege in _NOT_IN_ALL else {privilege, "ALL_PRIVILEGES"}
        return any(
            enough & privileges
            for one in (on, *on.above)
            for grantee, privileges in self.grants.get(one, {}).items()
            if grantee in names
        )


def spelled(privilege: str) -> str:
    """``use catalog`` -> ``USE_CATALOG``."""
    return privilege.strip().upper().replace(" ", "_")


def stored(store: Store, groups: Mapping[str, frozenset[str]] | None = None) -> Privileges:
    """The privileges of a workspace as its store has them; ``groups``: memberships that the store does not know."""
    grants: dict[Securable, dict[str, frozenset[str]]] = {}
    for item in store.list("databricks_grants"):
        kind, _, name = item.id.partition("/")
        grants[Securable(kind, name)] = {
            str(one["principal"]): frozenset(spelled(str(privilege)) for privilege in one["privileges"] or [])
            for one in item.body.get("grant") or []
        }
    for item in store.list("databricks_grant"):
        kind, name, principal = item.id.split("/", 2)
        held = frozenset(spelled(str(privilege)) for privilege in item.body.get("privileges") or [])
        grants.setdefault(Securable(kind, name), {})[principal] = held
    owners = {
        Securable(kind, _full_name(kind, item.id, item.body)): str(item.body["owner"])
        for kind, type_name in _OWNED.items()
        for item in store.list(type_name)
        if item.body.get("owner")
    }
    return Privileges(grants, owners, _joined(_memberships(store), groups or {}))


def _full_name(kind: str, id_: str, body: Mapping[str, object]) -> str:
    return str(body.get("name")) if kind in ("external_location", "storage_credential") else id_


def _memberships(store: Store) -> dict[str, frozenset[str]]:
    named = {item.id: str(item.body.get("display_name")) for item in store.list("databricks_group")}
    members = named | {
        item.id: str(item.body.get("application_id")) for item in store.list("databricks_service_principal")
    }
    found: dict[str, frozenset[str]] = {}
    for item in store.list("databricks_group_member"):
        group, member = named.get(str(item.body["group_id"])), members.get(str(item.body["member_id"]))
        if group and member:
            found[member] = found.get(member, frozenset()) | {group}
    return found


def _joined(*parts: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for part in parts:
        for member, groups in part.items():
            found[member] = found.get(member, frozenset()) | groups
    return found
