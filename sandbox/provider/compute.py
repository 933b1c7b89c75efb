"""What SQL and clusters run on: warehouses, pools, saved queries and alerts; a workspace's files."""

from __future__ import annotations

import datetime
import hashlib
import json

from sandbox.errors import ServiceError
from sandbox.provider.kinds import Context, Kind, fill
from sandbox.provider.objects import folder_exists
from sandbox.provider.planning import Refusal
from sandbox.provider.unity import File, md5_of
from sandbox.provider.values import UNKNOWN, Object
from sandbox.store import new_hex, new_uuid


class InstancePool(Kind):
    """An instance pool: stored."""

    noun = "instance pool"

    def identify(self, context: Context, body: Object) -> str:
        """A number."""
        id_ = str(context.workspace.store.number("pool"))
        body["instance_pool_id"] = id_
        return id_


class Warehouse(Kind):
    """A SQL warehouse: stored; the sandbox starts none."""

    noun = "SQL warehouse"

    def identify(self, context: Context, body: Object) -> str:
        """Sixteen digits as the service gives; addresses that lead nowhere."""
        id_ = f"{context.workspace.store.number('warehouse'):016x}"
        path, host = f"/sql/1.0/warehouses/{id_}", f"{context.workspace.name}.sandbox"
        fill(
            body,
            data_source_id=new_uuid(),
            creator_name=context.deployer,
            jdbc_url=f"jdbc:databricks://{host}:443/default;transportMode=http;ssl=1;httpPath={path}",
            odbc_params=[{"hostname": host, "path": path, "port": 443, "protocol": "https"}],
            enable_serverless_compute=False,
            state="RUNNING",
            num_clusters=1,
            num_active_sessions=0,
            health=[],
        )
        return id_


class Query(Kind):
    """A saved SQL query."""

    noun = "query"

    def identify(self, context: Context, body: Object) -> str:
        """A UUID; who wrote it and when."""
        time = _time()
        if "warehouse_id" in body:
            context.need("databricks_sql_endpoint", body["warehouse_id"], "SQL warehouse")
            fill(body, last_modifier_user_name=context.deployer)
        fill(body, create_time=time, update_time=time, lifecycle_state="ACTIVE")
        return new_uuid()

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """The time of a change."""
        del context
        if prior:
            body["update_time"] = _time()


class Alert(Query):
    """An alert on a saved query; nothing evaluates it."""

    noun = "alert"

    def identify(self, context: Context, body: Object) -> str:
        """A UUID; the query must exist."""
        context.need("databricks_query", body["query_id"], "Query")
        fill(body, state="UNKNOWN")
        return super().identify(context, body)


class AlertV2(Kind):
    """An alert with its own query, schedule and recipients; nothing evaluates it."""

    noun = "alert"

    def identify(self, context: Context, body: Object) -> str:
        """A UUID; warehouse and destinations must exist, and an alert of a service principal runs as one."""
        time = _time()
        fill(body, owner_user_name=context.deployer, create_time=time, update_time=time, lifecycle_state="ACTIVE")
        runs_as = {context.caller: context.deployer} | (body["run_as"] or {})
        names = ("service_principal_name", "user_name")
        fill(body, effective_run_as={name: runs_as.get(name) for name in names})
        return new_uuid()

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """What it refers to, and the time of a change."""
        context.need("databricks_sql_endpoint", body["warehouse_id"], "SQL warehouse")
        for one in (body["evaluation"].get("notification") or {}).get("subscriptions") or []:
            if one["destination_id"]:
                context.need("databricks_notification_destination", one["destination_id"], "Notification destination")
        if prior:
            body["update_time"] = _time()
            fill(body, **{name: prior[name] for name, value in body.items() if value is UNKNOWN})


class Dashboard(Kind):
    """A dashboard, published as it is made: stored; `serialized_dashboard` must be JSON."""

    noun = "dashboard"

    def identify(self, context: Context, body: Object) -> str:
        """Thirty-two hexadecimal digits; its folder must exist."""
        parent, time = str(body["parent_path"]).removeprefix("/Workspace"), _time()
        if not folder_exists(context, parent):
            raise ServiceError("RESOURCE_DOES_NOT_EXIST", f"Path ({parent}) doesn't exist.")
        id_ = new_hex().lower()
        path = f"{parent}/{body['display_name']}.lvdash.json"
        fill(body, dashboard_id=id_, path=path, create_time=time, lifecycle_state="ACTIVE")
        return id_

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """The warehouse exists and the text is a dashboard; its fingerprint, and the etag of a change."""
        del prior
        context.need("databricks_sql_endpoint", body["warehouse_id"], "SQL warehouse")
        text = str(body["serialized_dashboard"] or "{}")
        try:
            json.loads(text)
        except ValueError:
            raise ServiceError("INVALID_PARAMETER_VALUE", "serialized_dashboard is not valid JSON") from None
        body["md5"] = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        body["etag"], body["update_time"] = new_hex(), _time()


class WorkspaceFile(File):
    """A file in the workspace's folders; its bytes are in its resource, no folder on disk."""

    noun = "workspace file"

    def check(self, planned: Object) -> list[Refusal]:
        """An absolute path, and a source or content that can be read."""
        path = planned["path"]
        if path is not UNKNOWN and not path.startswith("/"):
            return [Refusal("invalid path", f"path '{path}' must be absolute", ("path",))]
        return self.check_content(planned)

    def identify(self, context: Context, body: Object) -> str:
        """Its path; parents are made with it."""
        url = f"sandbox://{context.workspace.name}/workspace{body['path']}"
        fill(body, object_id=context.workspace.store.number("object"), url=url)
        body["workspace_path"] = "/Workspace" + str(body["path"]).removeprefix("/Workspace")
        return str(body["path"])

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """The fingerprint of what was uploaded."""
        del context, prior
        body["md5"] = md5_of(body)

    def remove(self, context: Context, body: Object) -> None:
        """Nothing on disk."""

    def present(self, context: Context, body: Object) -> Object | None:
        """As it was stored."""
        del context
        return body


def _time() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
