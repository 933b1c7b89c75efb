"""Serving endpoints, quality monitors, and the storage that tables outside the metastore's own lie on."""

from __future__ import annotations

from sandbox.errors import ServiceError
from sandbox.provider.kinds import Context, Kind, fill, now
from sandbox.provider.unity import METASTORE, owned
from sandbox.provider.values import UNKNOWN, Object
from sandbox.store import new_hex, new_uuid


class ModelServing(Kind):
    """A serving endpoint: stored; nothing answers at it."""

    noun = "model serving endpoint"

    def identify(self, context: Context, body: Object) -> str:
        """Its name, taken once."""
        name = str(body["name"])
        if context.workspace.store.read("databricks_model_serving", name):
            raise ServiceError("RESOURCE_ALREADY_EXISTS", f"Endpoint with name '{name}' already exists.")
        fill(body, serving_endpoint_id=new_hex().lower())
        fill(body, endpoint_url=f"sandbox://{context.workspace.name}/serving-endpoints/{name}/invocations")
        return name

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """Names and sizes that the service chooses for what is served."""
        del context, prior
        for config in body["config"] or []:
            for entity in config["served_entities"] or []:
                model = str(entity["entity_name"] or "external").rsplit(".", 1)[-1]
                fill(entity, name=f"{model}-{entity['entity_version'] or 1}", workload_type="CPU")
            for served in config["served_models"] or []:
                fill(served, name=f"{served['model_name']}-{served['model_version']}", workload_type="CPU")


class QualityMonitor(Kind):
    """A monitor of one table: stored; the jobs of this project compute what it would."""

    noun = "monitor"
    takes_all = True

    def identify(self, context: Context, body: Object) -> str:
        """The table's name: one monitor a table."""
        name = str(body["table_name"])
        if context.workspace.store.read("databricks_quality_monitor", name):
            raise ServiceError("RESOURCE_ALREADY_EXISTS", f"Monitor already exists for table {name}.")
        fill(body, dashboard_id=new_hex().lower())
        return name

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """The tables it writes; each change is a new version of the monitor."""
        del context
        table = str(body["table_name"]).rsplit(".", 1)[-1]
        for which in ("drift", "profile"):
            body[f"{which}_metrics_table_name"] = f"{body['output_schema_name']}.{table}_{which}_metrics"
        body["monitor_version"] = (prior["monitor_version"] or 0) + 1 if prior else 1
        body["status"] = "MONITOR_STATUS_ACTIVE"
        for schedule in body["schedule"] or []:
            fill(schedule, pause_status="UNPAUSED")


class StorageCredential(Kind):
    """How the metastore reaches a storage account."""

    noun = "storage credential"

    def identify(self, context: Context, body: Object) -> str:
        """Its name, taken once in the metastore."""
        fill(body, owner=context.deployer, metastore_id=METASTORE, isolation_mode="ISOLATION_MODE_OPEN")
        fill(body, storage_credential_id=new_uuid())
        return str(body["name"])

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """Ids that the service gives to an identity."""
        del context, prior
        for name in ("azure_managed_identity", "databricks_gcp_service_account"):
            for block in body[name] or []:
                if block["credential_id"] is UNKNOWN:
                    block["credential_id"] = new_uuid()

    def remove(self, context: Context, body: Object) -> None:
        """Refused while a location uses it, unless force_destroy is set."""
        used = [
            item.id
            for item in context.workspace.store.list("databricks_external_location")
            if item.body["credential_name"] == body["name"]
        ]
        if used and not body.get("force_destroy"):
            message = f"Storage credential '{body['name']}' is used by external location '{used[0]}'."
            raise ServiceError("INVALID_STATE", message)


class ExternalLocation(Kind):
    """A path of cloud storage that the metastore governs."""

    noun = "external location"

    def identify(self, context: Context, body: Object) -> str:
        """Its name; the credential must exist."""
        credential = context.need("databricks_storage_credential", body["credential_name"], "Storage credential")
        owned(context, body)
        fill(body, isolation_mode="ISOLATION_MODE_OPEN", credential_id=credential.get("storage_credential_id"))
        fill(body, browse_only=False)
        return str(body["name"])

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """Who changed it and when."""
        if prior:
            body["updated_at"], body["updated_by"] = now(), context.deployer
