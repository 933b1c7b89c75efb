"""Unity Catalog's containers: catalogs, schemas, volumes, models, credentials, locations; bindings to workspaces."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import quote

from sandbox.privileges import Securable
from sandbox.provider.unity import METASTORE
from sandbox.rest.asking import DOCUMENTED, Ask, Object, Routes, invalid, page
from sandbox.rest.translate import answer, attributes
from sandbox.store import Resource

ROUTES = Routes()
_API = "/api/2.1/unity-catalog"
WORKSPACE_ID = 1
# Identity and what only the service writes: a change of these in an update is not one.
_FIXED = frozenset(
    {"id", "name", "full_name", "catalog_name", "schema_name", "metastore_id"}
    | {"created_at", "created_by", "updated_at", "updated_by"}
)
_TERRAFORMS = frozenset({"force_destroy", "force_update", "id", "storage_credential_id", "volume_path", "schema_id"})


@dataclass(frozen=True)
class Collection:
    """One kind of securable. identity: the field of its UUID. use: what one needs to see it. made_by: to create it."""

    path: str
    type: str
    kind: str
    listed: str
    identity: str
    use: str
    made_by: str = ""

    def shown(self, ask: Ask, found: Resource) -> Object:
        """The API's JSON of a stored one."""
        owner = found.body.get("owner") or "deployer"
        told = answer(ask.resources.block(self.type), found.body, without=_TERRAFORMS)
        return {
            "full_name": found.id,
            "owner": owner,
            "metastore_id": METASTORE,
            "created_at": found.created_at,
            "created_by": owner,
            "updated_at": found.updated_at,
            self.identity: identity(found),
            **({"storage_location": f"sandbox:{found.body['volume_path']}"} if self.kind == "volume" else {}),
        } | told

    def create(self, ask: Ask) -> Object:
        """Make one, then tell it."""
        name = ask.text("name")
        parent = ".".join(ask.text(one) for one in self._within)
        if self._within:
            above = Securable("schema" if len(self._within) == 2 else "catalog", parent)
            if not ask.caller.admin:
                ask.caller.need(self.made_by, above)
        else:
            ask.caller.need_admin(f"create a {self.kind.replace('_', ' ')}")
        made = ask.resources.create(self.type, attributes(ask.resources.block(self.type), ask.body))
        if self.kind == "catalog":
            # "a schema called default is created with every catalog"; the real provider removes it at once.
            ask.resources.create("databricks_schema", {"catalog_name": name, "name": "default"})
        return self.shown(ask, ask.resources.need(self.type, str(made["id"])))

    @property
    def _within(self) -> tuple[str, ...]:
        if self.kind in ("volume", "model"):
            return ("catalog_name", "schema_name")
        return ("catalog_name",) if self.kind == "schema" else ()

    def list(self, ask: Ask) -> Object:
        """Those that the caller may see, of the catalog and schema asked for."""
        wanted = {name: ask.query[name] for name in self._within if ask.query.get(name)}
        found = [
            self.shown(ask, item)
            for item in ask.resources.list(self.type)
            if all(item.body[name] == value for name, value in wanted.items())
            and ask.caller.sees(self.use, Securable(self.kind, item.id))
        ]
        return page(ask, self.listed, found, 1000, 1000)

    def get(self, ask: Ask, name: str) -> Object:
        """One that the caller may see."""
        found, on = ask.resources.need(self.type, name), Securable(self.kind, name)
        if not ask.caller.sees(self.use, on):
            ask.caller.need(self.use, on)
        shown = self.shown(ask, found)
        if self.kind == "model" and ask.flag("include_aliases"):
            shown["aliases"] = aliases(ask, name)
        return shown

    def update(self, ask: Ask, name: str) -> Object:
        """Change what may change; names stay."""
        ask.resources.need(self.type, name)
        ask.caller.need_management(Securable(self.kind, name))
        if ask.body.get("new_name") not in (None, name.rsplit(".", 1)[-1]):
            raise invalid(f"the sandbox renames nothing: {self.kind} '{name}' cannot become '{ask.body['new_name']}'")
        given = {key: value for key, value in ask.body.items() if key not in _FIXED}
        ask.resources.change(self.type, name, attributes(ask.resources.block(self.type), given))
        return self.shown(ask, ask.resources.need(self.type, name))

    def delete(self, ask: Ask, name: str) -> Object:
        """Remove it, the grants on it and its bindings."""
        ask.resources.need(self.type, name)
        ask.caller.need_management(Securable(self.kind, name))
        ask.resources.remove(self.type, name, **({"force_destroy": True} if ask.flag("force") else {}))
        ask.workspace.store.delete("databricks_grants", f"{self.kind}/{name}")
        for item in ask.resources.list("databricks_workspace_binding"):
            if (item.body["securable_type"], item.body["securable_name"]) == (self.kind, name):
                ask.workspace.store.delete(item.type, item.id)
        return {}


COLLECTIONS = (
    Collection("catalogs", "databricks_catalog", "catalog", "catalogs", "catalog_id", "USE_CATALOG"),
    Collection("schemas", "databricks_schema", "schema", "schemas", "schema_id", "USE_SCHEMA", "CREATE_SCHEMA"),
    Collection("volumes", "databricks_volume", "volume", "volumes", "volume_id", "READ_VOLUME", "CREATE_VOLUME"),
    Collection("models", "databricks_registered_model", "model", "registered_models", "id", "EXECUTE", "CREATE_MODEL"),
    Collection(
        "storage-credentials", "databricks_storage_credential", "storage_credential", "storage_credentials", "id",
        "CREATE_EXTERNAL_LOCATION",
    ),
    Collection(
        "external-locations", "databricks_external_location", "external_location", "external_locations", "id",
        "READ_FILES",
    ),
)  # fmt: skip
for one in COLLECTIONS:
    ROUTES.add("POST", f"{_API}/{one.path}", one.create)
    ROUTES.add("GET", f"{_API}/{one.path}", one.list, DOCUMENTED)
    ROUTES.add("GET", f"{_API}/{one.path}/<name>", one.get)
    ROUTES.add("PATCH", f"{_API}/{one.path}/<name>", one.update)
    ROUTES.add("DELETE", f"{_API}/{one.path}/<name>", one.delete)


def aliases(ask: Ask, name: str) -> list[Object]:
    """A model's aliases, read from MLflow's database: to know them no server has to be started."""
    path = ask.workspace.mlflow / "mlflow.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=60)) as db:
        rows = db.execute("SELECT alias, version FROM registered_model_aliases WHERE name = ? ORDER BY alias", (name,))
        return [{"alias_name": alias, "version_num": int(version)} for alias, version in rows]


def identity(found: Resource) -> str:
    """The UUID of a securable: always the same for one that was made once."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{found.type}/{found.id}/{found.created_at}"))


@ROUTES.at("GET", f"{_API}/current-metastore-assignment")
def metastore_assignment(ask: Ask) -> Object:
    """The one metastore, the workspace's number."""
    del ask
    return {"metastore_id": METASTORE, "workspace_id": WORKSPACE_ID, "default_catalog_name": "hive_metastore"}


@ROUTES.at("GET", f"{_API}/metastore_summary", DOCUMENTED)
def metastore_summary(ask: Ask) -> Object:
    """The one metastore."""
    del ask
    return {"metastore_id": METASTORE, "name": "sandbox", "cloud": "azure", "owner": "deployer"}


def _bindings(ask: Ask, kind: str, name: str) -> Object:
    found = [
        {"workspace_id": int(item.body["workspace_id"]), "binding_type": item.body["binding_type"]}
        for item in ask.resources.list("databricks_workspace_binding")
        if (item.body["securable_type"], item.body["securable_name"]) == (kind, name)
    ]
    return {"bindings": found}


@ROUTES.at("GET", f"{_API}/bindings/<kind>/<name>")
def bindings(ask: Ask, kind: str, name: str) -> Object:
    """The workspaces that a securable is bound to."""
    _need_bound(ask, kind, name)
    return _bindings(ask, kind, name)


@ROUTES.at("PATCH", f"{_API}/bindings/<kind>/<name>")
def change_bindings(ask: Ask, kind: str, name: str) -> Object:
    """Add and remove workspaces."""
    _need_bound(ask, kind, name)
    ask.caller.need_management(Securable(kind, name))
    for one in ask.objects("remove"):
        ask.workspace.store.delete("databricks_workspace_binding", f"{one.get('workspace_id')}|{kind}|{name}")
    for one in ask.objects("add"):
        given = {"workspace_id": one.get("workspace_id"), "securable_type": kind, "securable_name": name}
        given["binding_type"] = one.get("binding_type") or "BINDING_TYPE_READ_WRITE"
        id_ = f"{one.get('workspace_id')}|{kind}|{name}"
        block = ask.resources.block("databricks_workspace_binding")
        ask.resources.put("databricks_workspace_binding", id_, attributes(block, given))
    return _bindings(ask, kind, name)


@ROUTES.at("PATCH", f"{_API}/workspace-bindings/catalogs/<name>")
def assign_workspaces(ask: Ask, name: str) -> Object:
    """The older form of a catalog's bindings: numbers only."""
    add, remove = ask.body.get("assign_workspaces") or [], ask.body.get("unassign_workspaces") or []
    ask.body = {"add": [{"workspace_id": n} for n in add], "remove": [{"workspace_id": n} for n in remove]}
    found = change_bindings(ask, "catalog", name)["bindings"]
    return {"workspaces": [one["workspace_id"] for one in found]}


def _need_bound(ask: Ask, kind: str, name: str) -> None:
    for one in COLLECTIONS:
        if one.kind == kind:
            ask.resources.need(one.type, name)
            return
    raise invalid(f"securable type '{kind}' is not bound; valid: {', '.join(one.kind for one in COLLECTIONS)}")
