"""The store's resources for the REST door: planned and made by the plugin door's kinds, so the entries are equal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.errors import ServiceError
from sandbox.provider import derive, keeping
from sandbox.provider.behaviour import BEHAVIOURS
from sandbox.provider.facts import PLUGIN_FRAMEWORK
from sandbox.provider.kinds import Context, Kind
from sandbox.provider.planning import Planner
from sandbox.provider.registry import KINDS
from sandbox.provider.values import Object, Schema, conform
from sandbox.rest.asking import missing
from sandbox.store import Resource
from sandbox.workspace import Workspace

# type -> (kind of object in the id of its permissions, attribute with the object's id when that is not the id)
_PERMITTED = {
    "databricks_cluster_policy": ("cluster-policies", ""),
    "databricks_directory": ("directories", "object_id"),
    "databricks_instance_pool": ("instance-pools", ""),
    "databricks_job": ("jobs", ""),
    "databricks_mlflow_experiment": ("experiments", ""),
    "databricks_model_serving": ("serving-endpoints", "serving_endpoint_id"),
    "databricks_sql_endpoint": ("sql/warehouses", ""),
}
Mlflow = Callable[[str, str, Object], Object]


class Resources:
    """Creates, changes and removes as one principal."""

    def __init__(self, workspace: Workspace, who: str, mlflow: Mlflow, schemas: dict[str, Any]) -> None:
        self.context = Context(workspace, who, mlflow, {})
        self._store, self._schemas = workspace.store, schemas

    def block(self, name: str) -> Schema:
        """The schema of a resource type."""
        block: Schema = self._schemas["resources"][name]["block"]
        return block

    def create(self, name: str, given: Object) -> Object:
        """Make a resource with these attributes; the body as stored."""
        config = conform(self.block(name), given)
        return keeping.create(self.context, name, KINDS[name], self._planned(name, None, config, config))

    def change(self, name: str, id_: str, given: Object) -> Object:
        """Set these attributes and keep all others."""
        prior = self.need(name, id_).body
        return self._update(name, id_, prior, prior | given)

    def replace(self, name: str, id_: str, given: Object) -> Object:
        """Set exactly these attributes; what the service computes stays."""
        block, prior = self.block(name), self.need(name, id_).body
        kept = {key: prior.get(key) for key, one in block["attributes"].items() if one.get("computed")}
        return self._update(name, id_, prior, kept | given)

    def put(self, name: str, id_: str, given: Object) -> Object:
        """Replace it, or create it when there is none."""
        return self.replace(name, id_, given) if self._store.read(name, id_) else self.create(name, given)

    def remove(self, name: str, id_: str, **forced: bool) -> None:
        """Remove it with the permissions on it; ``ServiceError`` when there is none or the service refuses."""
        body = self.need(name, id_).body
        keeping.delete(self.context, name, KINDS[name], body | forced | {"id": id_})
        if name in _PERMITTED:
            kind, field = _PERMITTED[name]
            self._store.delete("databricks_permissions", f"/{kind}/{body.get(field) if field else id_}")

    def find(self, name: str, id_: str) -> Resource | None:
        """The resource as it is now, or None."""
        found = self._store.read(name, id_)
        body = KINDS[name].present(self.context, found.body) if found else None
        if found is None or body is None:
            return None
        return Resource(found.type, found.id, body, found.created_at, found.updated_at)

    def need(self, name: str, id_: str) -> Resource:
        """The resource; RESOURCE_DOES_NOT_EXIST names it otherwise."""
        found = self.find(name, id_)
        if found is None:
            noun = self.kind(name).noun
            raise missing(noun[:1].upper() + noun[1:], id_)
        return found

    def list(self, name: str) -> list[Resource]:
        """All of a type, in the order of their creation."""
        return self._store.list(name)

    @staticmethod
    def kind(name: str) -> Kind:
        """What a type does."""
        return KINDS[name]

    def _update(self, name: str, id_: str, prior: Object, proposed: Object) -> Object:
        config = conform(self.block(name), proposed | {"id": id_})
        before = conform(self.block(name), prior)
        return keeping.update(self.context, name, KINDS[name], before, self._planned(name, before, config, config))

    def _planned(self, name: str, prior: Object | None, proposed: Object, config: Object) -> Object:
        planner = Planner(self.block(name), BEHAVIOURS[name], framework=name in PLUGIN_FRAMEWORK)
        planned = KINDS[name].plan(prior, planner.plan(prior, proposed, config))
        for found in KINDS[name].check(planned):
            raise ServiceError("INVALID_PARAMETER_VALUE", f"{found.summary} {found.detail}".strip())
        return planned


def schemas(cache: Path) -> dict[str, Any]:
    """The provider's schemas, derived as the plugin door derives them."""
    return derive.schemas(cache / "provider")
