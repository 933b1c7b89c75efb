"""The things of one stage, their owners and who has what on them, read from a synthesized `cdk.tf.json`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from review.rights import ENTITLEMENTS, LEVELS, LIES_IN, TARGETS

_REFERENCE = re.compile(r"\$\{(?P<type>databricks_\w+)\.(?P<address>\w+)\.(?P<field>\w+)\}")
_SECURABLES = {
    "databricks_catalog": "catalog", "databricks_schema": "schema", "databricks_volume": "volume",
    "databricks_registered_model": "model", "databricks_external_location": "external_location",
    "databricks_storage_credential": "storage_credential",
}  # fmt: skip
_OBJECTS = {
    "databricks_alert_v2": "alert", "databricks_cluster_policy": "cluster-policy",
    "databricks_dashboard": "dashboard", "databricks_directory": "directory", "databricks_job": "job",
    "databricks_mlflow_experiment": "experiment", "databricks_model_serving": "endpoint",
    "databricks_secret_scope": "secret-scope", "databricks_sql_endpoint": "warehouse",
}  # fmt: skip
_ENTITLED = ("databricks_entitlements", "databricks_service_principal")
_WHO = ("group_name", "service_principal_name", "user_name")


class ReviewError(Exception):
    """What was asked, or what was read, cannot be; the text names it and the valid values."""


def refused(what: str, value: str, valid: Iterable[str], where: str) -> ReviewError:
    """The error for a name that is none, with the nearest that is one."""
    known = sorted(valid)
    near = difflib.get_close_matches(value, known, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return ReviewError(f"{where}: {what} {value!r} is unknown{hint}; valid: {', '.join(known) or 'none'}")


@dataclass(frozen=True, kw_only=True)
class Thing:
    """What can be granted or permitted on. above: keys of what hands its rights down to it, nearest first."""

    kind: str
    name: str
    address: str
    owner: str | None = None
    above: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """How it is named: ``schema/cdh_dev.ml``, ``job/readmission_train``."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """things: by key. given: key -> principal -> right -> address of the grant. principals: everyone who is named.

    part_of: the groups of principals that were asked about, which `names` remembers.
    """

    stage: str
    things: Mapping[str, Thing]
    given: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    principals: tuple[str, ...] = ()
    part_of: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    def names(self, principal: str) -> tuple[str, ...]:
        """The principal and the group it is part of: a dataset's analysts are members of the role's own group."""
        if principal not in self.part_of:
            self.part_of[principal] = tuple(one for one in self.principals if principal.startswith(f"{one}-"))
        return (principal, *self.part_of[principal])

    def thing(self, name: str) -> Thing:
        """The thing of that name, with or without its kind and its catalog; a table only has to lie in a zone."""
        if name in self.things:
            return self.things[name]
        kind, _, rest = name.partition("/")
        if kind not in {*LIES_IN, *LEVELS, "workspace"}:
            kind, rest = "", name
        found = {
            one.key: one for one in self.things.values()
            if kind in ("", one.kind) and rest in _called(one)
        }  # fmt: skip
        if not found and (table := self._table(rest)) and kind in ("", "table"):
            return table
        if len(found) > 1:
            raise ReviewError(f"{self.stage}: object {name!r} is several things; valid: {', '.join(sorted(found))}")
        if not found:
            raise refused("object", name, self._known(), self.stage)
        return next(iter(found.values()))

    def _known(self) -> list[str]:
        tables = [f"table/{_short(one)}.<table>" for one in self.things.values() if one.kind == "schema"]
        return [f"{one.kind}/{_short(one)}" for one in self.things.values()] + tables

    def _table(self, name: str) -> Thing | None:
        """A table is nothing that terraform makes: what it lies in says who may do what."""
        *schema, table = name.split(".")
        for one in self.things.values():
            if table and one.kind == "schema" and ".".join(schema) in (one.name, _short(one)):
                return Thing(kind="table", name=f"{one.name}.{table}", address=one.address, above=(one.key, *one.above))
        return None


def _short(thing: Thing) -> str:
    """Without the catalog that all have in common."""
    return thing.name.partition(".")[2] if thing.kind in ("schema", "volume", "model") else thing.name


def _called(thing: Thing) -> set[str]:
    """Everything a person may call it by."""
    names = {thing.name, _short(thing), thing.name.rpartition("/")[2], thing.address.partition(".")[2]}
    return names | ({thing.name.rpartition(".")[2]} if thing.kind in ("volume", "model") else set())


class _Reader:
    """Follows references inside one document."""

    def __init__(self, document: Mapping[str, Any], stage: str) -> None:
        self.workspace = f"workspace/{stage}"
        self.resources: Mapping[str, Mapping[str, Mapping[str, Any]]] = document.get("resource", {})
        self.keys: dict[tuple[str, str], str] = {}

    def text(self, value: object) -> str:
        """A value with its references replaced: a service principal's id by its name, a thing's id by its name."""
        return _REFERENCE.sub(self._followed, str(value))

    def _followed(self, found: re.Match[str]) -> str:
        type_, address, attribute = found.groups()
        body = self.resources.get(type_, {}).get(address)
        if body is None:
            raise ReviewError(f"{found.group()} refers to nothing in the document")
        if type_ == "databricks_service_principal":
            return address.replace("_", "-")
        # The same folder, below /Workspace.
        attribute = "path" if attribute == "workspace_path" else attribute
        return self.text(body[attribute]) if attribute in body else self.keys.get((type_, address), address)

    def things(self) -> Iterable[Thing]:
        """Everything that can be granted or permitted on, catalogs first, the workspace last."""
        for type_, kind in (_SECURABLES | _OBJECTS).items():
            for address, body in self.resources.get(type_, {}).items():
                name = self.text(body.get("name") or body.get("path") or body.get("display_name") or address)
                above: tuple[str, ...] = ()
                if len(LIES_IN.get(kind, ())) > 0:
                    catalog = self.text(body["catalog_name"])
                    above = (f"catalog/{catalog}",)
                    if "schema_name" in body:
                        schema = f"{catalog}.{self.text(body['schema_name'])}"
                        above, name = (f"schema/{schema}", *above), f"{schema}.{name}"
                    else:
                        name = f"{catalog}.{name}"
                elif kind in ("experiment", "directory"):
                    above = tuple(f"directory/{one}" for one in PurePosixPath(name).parents)
                elif "parent_path" in body:
                    folder = PurePosixPath(self.text(body["parent_path"]))
                    above = tuple(f"directory/{one}" for one in (folder, *folder.parents))
                owner = self.text(body["owner"]) if body.get("owner") else None
                self.keys[type_, address] = name
                yield Thing(kind=kind, name=name, address=f"{type_}.{address}", owner=owner, above=above)
        if any(type_ in self.resources for type_ in _ENTITLED):
            yield Thing(kind="workspace", name=self.workspace.partition("/")[2], address="the workspace")

    def given(self) -> Iterable[tuple[str, str, str, str]]:
        """(key of the thing, principal, right, address of the grant) for all that is granted or permitted."""
        for address, body in self.resources.get("databricks_grants", {}).items():
            kind = next((one for one in LIES_IN if one in body), None)
            if kind is None:
                raise refused("securable of", f"databricks_grants.{address}", LIES_IN, "cdk.tf.json")
            for one in body["grant"]:
                for right in one["privileges"]:
                    who = self.text(one["principal"])
                    yield f"{kind}/{self.text(body[kind])}", who, right, f"databricks_grants.{address}"
        for address, body in self.resources.get("databricks_permissions", {}).items():
            target = next((one for one in TARGETS if one in body), None)
            if target is None:
                raise refused("object of", f"databricks_permissions.{address}", TARGETS, "cdk.tf.json")
            for one in body["access_control"]:
                who = self.text(next(one[name] for name in _WHO if one.get(name)))
                key = f"{TARGETS[target]}/{self.text(body[target])}"
                yield key, who, one["permission_level"], f"databricks_permissions.{address}"
        for address, body in self.resources.get("databricks_secret_acl", {}).items():
            scope = f"secret-scope/{self.text(body['scope'])}"
            yield scope, self.text(body["principal"]), body["permission"], f"databricks_secret_acl.{address}"
        yield from self.entitled()

    def entitled(self) -> Iterable[tuple[str, str, str, str]]:
        """The same of the workspace itself. The document has a group's number alone: its address has the name."""
        for type_ in _ENTITLED:
            for address, body in self.resources.get(type_, {}).items():
                for right in (one for one in ENTITLEMENTS if body.get(one) is True):
                    yield self.workspace, address.replace("_", "-"), right, f"{type_}.{address}"


def read(document: Mapping[str, Any], stage: str) -> Deployed:
    """What a stage's `cdk.tf.json` deploys, as far as access goes; a grant on nothing that it deploys is an error."""
    reader = _Reader(document, stage)
    things = {one.key: one for one in reader.things()}
    given: dict[str, dict[str, dict[str, str]]] = {key: {} for key in things}
    principals = {address.replace("_", "-") for address in reader.resources.get("databricks_service_principal", {})}
    for key, who, right, address in reader.given():
        if key not in things:
            raise refused(f"{address} is on a thing that is not deployed:", key, things, stage)
        given[key].setdefault(who, {})[right] = address
        principals.add(who)
    return Deployed(stage=stage, things=things, given=given, principals=tuple(sorted(principals)))
