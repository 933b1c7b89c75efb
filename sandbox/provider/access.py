"""Who may do what: grants, permissions, rule sets, entitlements, workspace bindings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.errors import ServiceError
from sandbox.provider.behaviour import ENTITLEMENTS, PERMISSION_LEVELS, PRINCIPALS, SECURABLES
from sandbox.provider.kinds import Context, Kind, ReadBackError, fill
from sandbox.provider.planning import Refusal, same
from sandbox.provider.privileges import NOT_IMPLIED, PRIVILEGES, spelled
from sandbox.provider.values import UNKNOWN, Object
from sandbox.store import new_hex

# argument of databricks_grants -> (resource type, how Databricks calls it) of the securables that the sandbox keeps
_KEPT = {
    "catalog": ("databricks_catalog", "Catalog"),
    "schema": ("databricks_schema", "Schema"),
    "volume": ("databricks_volume", "Volume"),
    "model": ("databricks_registered_model", "Registered model"),
    "external_location": ("databricks_external_location", "External location"),
    "storage_credential": ("databricks_storage_credential", "Storage credential"),
}


def applicable(kind: str, name: str, privileges: Iterable[str]) -> None:
    """Refuse a privilege that Unity Catalog does not know for the kind of securable."""
    valid = PRIVILEGES.get(kind)
    for privilege in sorted(map(spelled, privileges)):
        if valid and privilege not in valid:
            message = f"Privilege {privilege} is not applicable to this entity [{name}:{kind.upper()}]."
            raise ServiceError("INVALID_PARAMETER_VALUE", f"{message} Valid: {', '.join(sorted(valid))}")


def _securable(body: Object) -> tuple[str, str]:
    """(kind, name) of the securable that grants are on."""
    return next((key, str(body[key])) for key in sorted(SECURABLES) if body.get(key))


def _need(context: Context, kind: str, name: str) -> None:
    """The securable must exist where the sandbox keeps its kind."""
    if kind in _KEPT:
        context.need(_KEPT[kind][0], name, _KEPT[kind][1])


class Grants(Kind):
    """All grants of one securable; authoritative, so a second resource for the same one is refused."""

    noun = "grants"
    takes_all = True
    overwrites = True

    def plan(self, prior: Object | None, planned: Object) -> Object:
        """Privileges that differ in spelling only (``use catalog``) are the same."""
        given = planned["grant"]
        if prior and _known(given) and same(_spelled(prior["grant"]), _spelled(given)):
            planned["grant"] = prior["grant"]
        return planned

    def identify(self, context: Context, body: Object) -> str:
        """``<securable>/<name>``; the securable must exist."""
        kind, name = _securable(body)
        _need(context, kind, name)
        taken = context.workspace.store.read("databricks_grants", f"{kind}/{name}")
        wanted = self.stored(body)["grant"]
        if taken and not same(taken.body["grant"], wanted):
            raise ServiceError(
                "INVALID_STATE",
                f"permissions for {kind}-{name} are {_told(taken.body['grant'] + wanted)}, "
                f"but have to be {_told(wanted)}; one databricks_grants resource a securable",
            )
        return f"{kind}/{name}"

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """Unity Catalog refuses a privilege that the securable does not have; without one, nothing is read back."""
        del context, prior
        applicable(*_securable(body), [one for grant in body["grant"] for one in grant["privileges"]])
        if any(not grant["privileges"] for grant in body["grant"]):
            raise ReadBackError("INVALID_PARAMETER_VALUE", "got empty permissions list")

    def stored(self, body: Object) -> Object:
        """One entry a principal, privileges spelled as Unity Catalog does."""
        merged: dict[str, set[str]] = {}
        for grant in _spelled(body["grant"]):
            merged.setdefault(grant["principal"], set()).update(grant["privileges"])
        kind, _ = _securable(body)
        for privileges in merged.values():
            # "the backend reports ALL_PRIVILEGES plus the concrete privileges it implies" (github.com/databricks/cli,
            # pull request 6064), without those of NOT_IMPLIED (6733)
            if "ALL_PRIVILEGES" in privileges:
                privileges |= PRIVILEGES.get(kind, frozenset()) - NOT_IMPLIED
        grants = [{"principal": name, "privileges": sorted(merged[name])} for name in sorted(merged)]
        return body | {"grant": grants}

    def present(self, context: Context, body: Object) -> Object | None:
        """Gone when nobody has a privilege any more."""
        del context
        return body if body.get("grant") else None


class Grant(Kind):
    """What one principal has on one securable; authoritative for that principal, and for no other."""

    noun = "grant"
    takes_all = True
    overwrites = True

    def identify(self, context: Context, body: Object) -> str:
        """``<securable>/<name>/<principal>``; the securable must exist where the sandbox keeps its kind."""
        kind, name = _securable(body)
        _need(context, kind, name)
        return f"{kind}/{name}/{body['principal']}"

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """Unity Catalog refuses a privilege that the securable does not have."""
        del context, prior
        applicable(*_securable(body), body["privileges"])

    def stored(self, body: Object) -> Object:
        """Privileges spelled as Unity Catalog does."""
        return body | {"privileges": sorted(map(spelled, body["privileges"]))}


class WorkspaceBinding(Kind):
    """That a catalog, a credential or a location is bound to a workspace."""

    noun = "workspace binding"

    def identify(self, context: Context, body: Object) -> str:
        """``<workspace id>|<securable type>|<name>``; the securable must exist where the sandbox keeps its kind."""
        fill(body, securable_name=body.get("catalog_name"))
        _need(context, str(body["securable_type"]), str(body["securable_name"]))
        return f"{body['workspace_id']}|{body['securable_type']}|{body['securable_name']}"


class Permissions(Kind):
    """All permissions of one workspace object; authoritative."""

    noun = "permissions"
    takes_all = True
    overwrites = True

    def check(self, planned: Object) -> list[Refusal]:
        """Levels that the object does not have, as the real provider does at plan."""
        field = next((name for name in PERMISSION_LEVELS if planned[name] is not None), None)
        if field is None:
            return [Refusal("at least one type of resource identifier must be set", "", ())]
        levels = PERMISSION_LEVELS[field][1]
        return [
            Refusal(
                f"permission_level {entry['permission_level']} is not supported with {field} objects; "
                f"allowed levels: {', '.join(sorted(levels))}",
                "",
                ("access_control",),
            )
            for entry in (planned["access_control"] if planned["access_control"] is not UNKNOWN else [])
            if entry["permission_level"] is not UNKNOWN and entry["permission_level"] not in levels
        ]

    def identify(self, context: Context, body: Object) -> str:
        """``/<objects>/<id>``; the object must exist where the sandbox keeps its kind."""
        field = next(name for name in PERMISSION_LEVELS if body.get(name))
        kind, value = PERMISSION_LEVELS[field][0], str(body[field])
        kept = {
            "job_id": ("databricks_job", "Job"),
            "experiment_id": ("databricks_mlflow_experiment", "Experiment"),
            "cluster_policy_id": ("databricks_cluster_policy", "Cluster policy"),
        }
        if field in kept:
            context.need(kept[field][0], value, kept[field][1])
        if field in ("directory_id", "directory_path"):
            value = self._directory(context, field, value)
        fill(body, object_type=kind.removesuffix("ies") + "y" if kind.endswith("ies") else kind.removesuffix("s"))
        return f"/{kind}/{value}"

    @staticmethod
    def _directory(context: Context, field: str, value: str) -> str:
        for item in context.workspace.store.list("databricks_directory"):
            if value == str(item.body["object_id"] if field == "directory_id" else item.body["path"]):
                return str(item.body["object_id"])
        raise ServiceError("RESOURCE_DOES_NOT_EXIST", f"Path ({value}) doesn't exist.")

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """Principals that cannot be given a permission; the owner that a job must have.

        Documentation of databricks_permissions: "A job must have exactly one owner. If resource is changed and no
        owner is specified, currently authenticated principal would become new owner of the job."
        """
        del prior
        for entry in body["access_control"]:
            if entry["group_name"] == "admins" and not body.get("authorization"):
                kind = str(body["object_type"])
                message = f"it is not possible to modify admin permissions for {kind} resources"
                raise ServiceError("INVALID_PARAMETER_VALUE", message)
            named = [name for name in PRINCIPALS if entry[name]]
            if len(named) != 1:
                message = f"access_control needs exactly one of {', '.join(PRINCIPALS)}"
                raise ServiceError("INVALID_PARAMETER_VALUE", message)
        if body["job_id"] and not any(entry["permission_level"] == "IS_OWNER" for entry in body["access_control"]):
            owner = dict.fromkeys(PRINCIPALS) | {context.caller: context.deployer, "permission_level": "IS_OWNER"}
            body["access_control"] = [*body["access_control"], owner]

    def stored(self, body: Object) -> Object:
        """ "The Databricks API normalizes user emails to lowercase" (the provider's pull request 5757; not in 1.99)."""
        entries = [
            entry | {"user_name": entry["user_name"].lower() if entry["user_name"] else None}
            for entry in body["access_control"]
        ]
        return body | {"access_control": entries}

    def present(self, context: Context, body: Object) -> Object | None:
        """Gone when nobody is left."""
        del context
        return body if body.get("access_control") else None

    def shown(self, context: Context, prior: Object | None, found: Object) -> Object | None:
        """Without the caller's own entry, unless the configuration has one: another deployer sees the first one's."""
        mine = [entry for entry in (prior or {}).get("access_control") or [] if _of(entry, context)]
        entries = [entry for entry in found["access_control"] if mine or not _of(entry, context)]
        return found | {"access_control": entries} if entries else None


def _of(entry: Object, context: Context) -> bool:
    """Whether an entry is the caller's own."""
    return bool(entry[context.caller] == context.deployer)


class AccessControlRuleSet(Kind):
    """Who may use or manage a service principal, a group or the account; authoritative."""

    noun = "access control rule set"
    takes_all = True

    def identify(self, context: Context, body: Object) -> str:
        """Its name, ``accounts/<id>/servicePrincipals/<application id>/ruleSet/default``; the principal must exist."""
        parts = str(body["name"]).split("/")
        if len(parts) < 4 or parts[0] != "accounts" or parts[-2] != "ruleSet":
            raise ServiceError("INVALID_PARAMETER_VALUE", f"'{body['name']}' is no name of a rule set")
        principals = context.workspace.store.list("databricks_service_principal")
        known = {item.body["application_id"] for item in principals}
        if parts[2] == "servicePrincipals" and parts[3] not in known:
            raise ServiceError("RESOURCE_DOES_NOT_EXIST", f"Service principal '{parts[3]}' does not exist.")
        return str(body["name"])

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """A new etag."""
        del context, prior
        body["etag"] = new_hex()


class Entitlements(Kind):
    """Entitlements of one user, group or service principal: the same flags that the principal's own resource has."""

    noun = "entitlements"
    takes_all = True

    def identify(self, context: Context, body: Object) -> str:
        """``<kind>/<id>``."""
        type_name, id_ = _principal(body)
        if type_name == "databricks_service_principal":
            context.need(type_name, id_, "Service principal")
        return f"{type_name.removeprefix('databricks_')}/{id_}"

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """The principal has them: its own resource reads them and, by its defaults, takes them away again."""
        del prior
        self._set(context, body, {name: bool(body[name]) for name in ENTITLEMENTS})

    def remove(self, context: Context, body: Object) -> None:
        """The principal has none."""
        self._set(context, body, dict.fromkeys(ENTITLEMENTS, False))

    def present(self, context: Context, body: Object) -> Object | None:
        """What the principal has, where the sandbox keeps the principal."""
        type_name, id_ = _principal(body)
        found = context.workspace.store.read(type_name, id_)
        return body | {name: found.body[name] for name in ENTITLEMENTS} if found else body

    @staticmethod
    def _set(context: Context, body: Object, flags: Object) -> None:
        type_name, id_ = _principal(body)
        found = context.workspace.store.read(type_name, id_)
        if found:
            context.workspace.store.update(type_name, id_, found.body | flags)


def _principal(body: Object) -> tuple[str, str]:
    kind = next(kind for kind in ("group", "user", "service_principal") if body.get(f"{kind}_id"))
    return f"databricks_{kind}", str(body[f"{kind}_id"])


def _known(value: Any) -> bool:
    """Whether nothing in the value is unknown."""
    if isinstance(value, dict):
        return all(_known(item) for item in value.values())
    return all(_known(item) for item in value) if isinstance(value, list) else value is not UNKNOWN


def _spelled(grants: list[Object]) -> list[Object]:
    """Grants in one order, privileges in Unity Catalog's spelling."""
    found = [{"principal": g["principal"], "privileges": sorted(map(spelled, g["privileges"]))} for g in grants]
    return sorted(found, key=lambda grant: (grant["principal"], grant["privileges"]))


def _told(grants: list[Object]) -> str:
    return "[" + " ".join(f"{{{g['principal']} [{' '.join(g['privileges'])}]}}" for g in grants) + "]"
