"""Unity Catalog: catalog, schema, volume, file, registered model."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import shutil
from pathlib import Path

from sandbox.errors import ServiceError
from sandbox.provider.kinds import Context, Kind, fill, now
from sandbox.provider.planning import Refusal
from sandbox.provider.values import UNKNOWN, Object
from sandbox.store import new_uuid
from sandbox.whole import whole

METASTORE = "00000000-0000-0000-0000-000000000000"


def owned(context: Context, body: Object) -> None:
    """Owner, metastore, and the times and names of creation and change, where the type has them."""
    time = now()
    fill(body, owner=context.deployer, metastore_id=METASTORE)
    for name, value in {"created_at": time, "created_by": context.deployer}.items():
        if name in body:
            fill(body, **{name: value})
    for name, value in {"updated_at": time, "updated_by": context.deployer}.items():
        if name in body:
            body[name] = value


class Catalog(Kind):
    """The workspace's catalog: the Delta warehouse."""

    noun = "catalog"

    def identify(self, context: Context, body: Object) -> str:
        """Its name; the sandbox keeps one catalog a workspace."""
        others = [name for name in context.names("databricks_catalog") if name != body["name"]]
        if others:
            raise ServiceError(
                "INVALID_PARAMETER_VALUE",
                f"the sandbox keeps one catalog a workspace, and {context.workspace.name} has '{others[0]}'",
            )
        owned(context, body)
        fill(
            body,
            full_name=body["name"],
            catalog_type="MANAGED_CATALOG",
            isolation_mode="OPEN",
            securable_type="CATALOG",
            enable_predictive_optimization="INHERIT",
        )
        return str(body["name"])

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """The warehouse's folder."""
        if prior and prior["name"] != body["name"]:
            raise ServiceError(
                "INVALID_PARAMETER_VALUE", "the sandbox does not rename a catalog; destroy and deploy again"
            )
        if prior:
            owned(context, body)
        context.workspace.warehouse.mkdir(parents=True, exist_ok=True)
        (context.workspace.volumes / str(body["name"])).mkdir(parents=True, exist_ok=True)

    def remove(self, context: Context, body: Object) -> None:
        """Refused while it has schemas, unless force_destroy is set."""
        schemas = context.names("databricks_schema", f"{body['name']}.")
        if schemas and not body.get("force_destroy"):
            raise ServiceError(
                "INVALID_STATE", f"Catalog '{body['name']}' is not empty. The catalog has {len(schemas)} schema(s)."
            )
        for schema in schemas:
            _forget_below(context, schema)
            context.workspace.store.delete("databricks_schema", schema)
        shutil.rmtree(context.workspace.warehouse, ignore_errors=True)
        shutil.rmtree(context.workspace.volumes / str(body["name"]), ignore_errors=True)


class CatalogSchema(Kind):
    """A schema: a folder of the warehouse with a folder a table."""

    noun = "schema"

    def identify(self, context: Context, body: Object) -> str:
        """``catalog.schema``."""
        context.need("databricks_catalog", body["catalog_name"], "Catalog")
        owned(context, body)
        fill(body, schema_id=new_uuid(), enable_predictive_optimization="INHERIT")
        return f"{body['catalog_name']}.{body['name']}"

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """The folder."""
        del prior
        self._folder(context, body).mkdir(parents=True, exist_ok=True)

    def remove(self, context: Context, body: Object) -> None:
        """Refused while it has tables, volumes or models, unless force_destroy is set."""
        name, folder = f"{body['catalog_name']}.{body['name']}", self._folder(context, body)
        tables = sum(child.is_dir() for child in folder.iterdir()) if folder.is_dir() else 0
        volumes = len(context.names("databricks_volume", f"{name}."))
        models = len(context.names("databricks_registered_model", f"{name}."))
        if tables + volumes + models and not body.get("force_destroy"):
            raise ServiceError(
                "INVALID_STATE",
                f"Schema '{name}' is not empty. The schema has"
                f" {tables} table(s), {volumes} volume(s), {models} model(s)."
                " Set force_destroy = true to delete it with all that is in it.",
            )
        _forget_below(context, name)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(context.workspace.volumes / body["catalog_name"] / body["name"], ignore_errors=True)

    @staticmethod
    def _folder(context: Context, body: Object) -> Path:
        return context.workspace.warehouse / str(body["name"])


class Volume(Kind):
    """A volume: a folder below the one that stands for ``/Volumes``, wherever it is said to lie."""

    noun = "volume"

    def check(self, planned: Object) -> list[Refusal]:
        """The volume's type."""
        if planned["volume_type"] in ("MANAGED", "EXTERNAL", UNKNOWN):
            return []
        given = planned["volume_type"]
        detail = f'expected volume_type to be one of ["MANAGED" "EXTERNAL"], got {given}'
        return [Refusal(detail, "", ("volume_type",))]

    def identify(self, context: Context, body: Object) -> str:
        """``catalog.schema.volume``."""
        context.need("databricks_schema", f"{body['catalog_name']}.{body['schema_name']}", "Schema")
        fill(body, owner=context.deployer)
        body["volume_path"] = "/Volumes/" + "/".join(body[key] for key in ("catalog_name", "schema_name", "name"))
        return f"{body['catalog_name']}.{body['schema_name']}.{body['name']}"

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """The folder; renaming moves it."""
        folder = context.workspace.volume_path(body["volume_path"])
        if prior and prior["volume_path"] != body["volume_path"]:
            context.workspace.volume_path(prior["volume_path"]).rename(folder)
        folder.mkdir(parents=True, exist_ok=True)

    def remove(self, context: Context, body: Object) -> None:
        """The folder with all files, if it is managed; an external one's files stay, and are there again with it."""
        if body["volume_type"] == "MANAGED":
            shutil.rmtree(context.workspace.volume_path(body["volume_path"]), ignore_errors=True)
        for path in context.names("databricks_file", f"{body['volume_path']}/"):
            context.workspace.store.delete("databricks_file", path)


class File(Kind):
    """A file on a volume, copied from ``source`` or written from ``content_base64``."""

    noun = "file"
    overwrites = True
    takes_all = True

    def check(self, planned: Object) -> list[Refusal]:
        """Path, source and content, as far as they are known at plan."""
        path = planned["path"]
        if path is not UNKNOWN and not path.startswith("/Volumes/"):
            return [Refusal("cannot create file: invalid path", f"path '{path}' must start with /Volumes/", ("path",))]
        return self.check_content(planned)

    @staticmethod
    def check_content(planned: Object) -> list[Refusal]:
        """A source that is there, content that is base64."""
        source, content = planned["source"], planned["content_base64"]
        if source is not UNKNOWN and source and not Path(source).is_file():
            detail = f"open {source}: no such file; looked from {Path.cwd()}"
            return [Refusal("cannot create file: source is missing", detail, ("source",))]
        if content is not UNKNOWN and content:
            try:
                base64.b64decode(content, validate=True)
            except binascii.Error:
                return [Refusal("expected content_base64 to be a base64 string", "", ("content_base64",))]
        return []

    def plan(self, prior: Object | None, planned: Object) -> Object:
        """An update when the content differs from what was uploaded."""
        if prior and md5_of(planned) == prior["md5"]:
            planned["md5"] = prior["md5"]
        return planned

    def identify(self, context: Context, body: Object) -> str:
        """Its path; the volume must exist."""
        parts = str(body["path"]).split("/")
        if len(parts) < 6 or not parts[-1]:
            raise ServiceError("INVALID_PARAMETER_VALUE", f"'{body['path']}' is no file below a volume")
        context.need("databricks_volume", ".".join(parts[2:5]), "Volume")
        return str(body["path"])

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """Copy, then rename over the old file, so that no reader sees half of it."""
        del prior
        target = context.workspace.volume_path(body["path"])
        try:
            with whole(target) as half:
                if body.get("content_base64") is not None:
                    half.write_bytes(base64.b64decode(body["content_base64"]))
                else:
                    shutil.copyfile(body.get("source") or os.devnull, half)
        except OSError as error:
            what = error.filename or body["path"]
            raise ServiceError("IO_ERROR", f"{what}: {error.strerror}; the file is as it was") from None
        body["md5"] = md5_of(body)
        body["file_size"] = target.stat().st_size
        body["modification_time"] = _modified(target)
        body["remote_file_modified"] = None

    def remove(self, context: Context, body: Object) -> None:
        """The file."""
        context.workspace.volume_path(body["path"]).unlink(missing_ok=True)

    def present(self, context: Context, body: Object) -> Object | None:
        """Gone when the file is; marked when somebody else wrote it."""
        target = context.workspace.volume_path(body["path"])
        if not target.is_file():
            return None
        changed = _modified(target) != body["modification_time"]
        return body | {"remote_file_modified": True} if changed else body


class RegisteredModel(Kind):
    """A registered model of MLflow with a three-level name."""

    noun = "registered model"

    def identify(self, context: Context, body: Object) -> str:
        """``catalog.schema.model``; made in MLflow."""
        context.need("databricks_schema", f"{body['catalog_name']}.{body['schema_name']}", "Schema")
        name = f"{body['catalog_name']}.{body['schema_name']}.{body['name']}"
        owned(context, body)
        fill(body, full_name=name)
        try:
            payload = {"name": name, "description": body.get("comment") or ""}
            context.mlflow("POST", "registered-models/create", payload)
        except ServiceError as error:
            # left over from a deployment that was cut off: the store does not have it, so it is taken over
            if error.code != "RESOURCE_ALREADY_EXISTS":
                raise
        return name

    def stored(self, body: Object) -> Object:
        """Without aliases: the API takes them and does nothing with them (github.com/databricks/cli, issue 4012)."""
        return body | {"aliases": []}

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """Its description."""
        if prior:
            owned(context, body)
            payload = {"name": prior["full_name"], "description": body.get("comment") or ""}
            context.mlflow("PATCH", "registered-models/update", payload)

    def remove(self, context: Context, body: Object) -> None:
        """The model with its versions."""
        try:
            context.mlflow("DELETE", "registered-models/delete", {"name": body["full_name"]})
        except ServiceError as error:
            if error.code != "RESOURCE_DOES_NOT_EXIST":
                raise


def _forget_below(context: Context, schema: str) -> None:
    """Remove what the store keeps of a schema that goes with all that is in it."""
    for model in context.names("databricks_registered_model", f"{schema}."):
        context.mlflow("DELETE", "registered-models/delete", {"name": model})
        context.workspace.store.delete("databricks_registered_model", model)
    for volume in context.names("databricks_volume", f"{schema}."):
        for path in context.names("databricks_file", f"/Volumes/{volume.replace('.', '/')}/"):
            context.workspace.store.delete("databricks_file", path)
        context.workspace.store.delete("databricks_volume", volume)


def _modified(path: Path) -> str:
    return str(path.stat().st_mtime_ns)


def md5_of(body: Object) -> str:
    """MD5 of the content that the configuration names; "different" when it cannot be read yet."""
    content, source = body.get("content_base64"), body.get("source")
    try:
        if content is UNKNOWN or source is UNKNOWN:
            return "different"
        data = base64.b64decode(content) if content is not None else Path(source or os.devnull).read_bytes()
    except (OSError, binascii.Error):
        return "different"
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
