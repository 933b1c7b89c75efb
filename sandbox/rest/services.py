"""What the workspace keeps without doing it: SQL warehouses, queries, alerts, serving, monitors, destinations."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.rest.asking import DOCUMENTED, Ask, Object, Routes, invalid
from sandbox.rest.translate import answer, attributes
from sandbox.store import Resource

ROUTES = Routes()
_WAREHOUSE, _SERVING = "databricks_sql_endpoint", "databricks_model_serving"
_MONITOR, _DESTINATION = "databricks_quality_monitor", "databricks_notification_destination"


def _make(ask: Ask, type_name: str, given: Object) -> Resource:
    ask.caller.need_admin(f"create a {ask.resources.kind(type_name).noun}")
    made = ask.resources.create(type_name, attributes(ask.resources.block(type_name), given))
    return ask.resources.need(type_name, str(made["id"]))


def _change(ask: Ask, type_name: str, id_: str, given: Object) -> Resource:
    ask.caller.need_admin(f"change a {ask.resources.kind(type_name).noun}")
    ask.resources.change(type_name, id_, attributes(ask.resources.block(type_name), given))
    return ask.resources.need(type_name, id_)


def _drop(ask: Ask, type_name: str, id_: str) -> Object:
    ask.caller.need_admin(f"remove a {ask.resources.kind(type_name).noun}")
    ask.resources.remove(type_name, id_)
    return {}


def _warehouse(ask: Ask, found: Resource) -> Object:
    told = answer(ask.resources.block(_WAREHOUSE), found.body, without={"odbc_params", "health", "data_source_id"})
    host = f"{ask.workspace.name}.sandbox"
    path = f"/sql/1.0/warehouses/{found.id}"
    return {
        "state": "STOPPED",
        "num_clusters": 0,
        "jdbc_url": f"jdbc:databricks://{host}:443/default;httpPath={path}",
        "odbc_params": {"hostname": host, "path": path, "protocol": "https", "port": 443},
    } | told


@ROUTES.at("POST", "/api/2.0/sql/warehouses")
def create_warehouse(ask: Ask) -> Object:
    """Keep a warehouse; nothing runs on it."""
    return {"id": _make(ask, _WAREHOUSE, ask.body).id}


@ROUTES.at("GET", "/api/2.0/sql/warehouses", DOCUMENTED)
def warehouses(ask: Ask) -> Object:
    """Every warehouse."""
    return {"warehouses": [_warehouse(ask, item) for item in ask.resources.list(_WAREHOUSE)]}


@ROUTES.at("GET", "/api/2.0/sql/warehouses/<id_>")
def warehouse(ask: Ask, id_: str) -> Object:
    """One warehouse."""
    return _warehouse(ask, ask.resources.need(_WAREHOUSE, id_))


@ROUTES.at("POST", "/api/2.0/sql/warehouses/<id_>/edit")
def edit_warehouse(ask: Ask, id_: str) -> Object:
    """Change it."""
    _change(ask, _WAREHOUSE, id_, ask.body)
    return {}


@ROUTES.at("DELETE", "/api/2.0/sql/warehouses/<id_>")
def delete_warehouse(ask: Ask, id_: str) -> Object:
    """Remove it."""
    return _drop(ask, _WAREHOUSE, id_)


@ROUTES.at("GET", "/api/2.0/preview/sql/data_sources")
def data_sources(ask: Ask) -> list[Object]:
    """One for each warehouse."""
    return [
        {
            "id": item.body.get("data_source_id") or f"ds-{item.id}",
            "endpoint_id": item.id,
            "warehouse_id": item.id,
            "name": item.body["name"],
        }
        for item in ask.resources.list(_WAREHOUSE)
    ]


def _written(ask: Ask, found: Resource) -> Object:
    times = {"create_time": found.created_at, "update_time": found.updated_at}
    told: Object = {name: datetime.fromtimestamp(at / 1000, UTC).isoformat() for name, at in times.items()}
    told |= {"lifecycle_state": "ACTIVE", "owner_user_name": ask.resources.context.deployer}
    return told | answer(ask.resources.block(found.type), found.body) | {"id": found.id}


def _texts(path: str, type_name: str, inner: str) -> None:
    """The endpoints of queries and alerts: the object stands in a field of the body."""

    def given(ask: Ask) -> Object:
        value = ask.body.get(inner)
        if not isinstance(value, dict):
            raise invalid(f"{inner} must be an object")
        return value

    def create(ask: Ask) -> Object:
        return _written(ask, _make(ask, type_name, given(ask)))

    def get(ask: Ask, id_: str) -> Object:
        return _written(ask, ask.resources.need(type_name, id_))

    def every(ask: Ask) -> Object:
        return {"results": [_written(ask, item) for item in ask.resources.list(type_name)]}

    def change(ask: Ask, id_: str) -> Object:
        mask = [name for name in str(ask.body.get("update_mask") or "*").split(",") if name]
        new = {key: one for key, one in given(ask).items() if "*" in mask or key in mask}
        return _written(ask, _change(ask, type_name, id_, new))

    def delete(ask: Ask, id_: str) -> Object:
        return _drop(ask, type_name, id_)

    recorded_change = () if inner == "query" else (DOCUMENTED,)
    ROUTES.add("POST", path, create)
    ROUTES.add("GET", path, every, DOCUMENTED)
    ROUTES.add("GET", f"{path}/<id_>", get)
    ROUTES.add("PATCH", f"{path}/<id_>", change, *recorded_change)
    ROUTES.add("DELETE", f"{path}/<id_>", delete)


_texts("/api/2.0/sql/queries", "databricks_query", "query")
_texts("/api/2.0/sql/alerts", "databricks_alert", "alert")


def _destination(ask: Ask, found: Resource) -> Object:
    return answer(ask.resources.block(_DESTINATION), found.body) | {"id": found.id}


@ROUTES.at("POST", "/api/2.0/notification-destinations")
def create_destination(ask: Ask) -> Object:
    """Keep where messages go."""
    return _destination(ask, _make(ask, _DESTINATION, ask.body))


@ROUTES.at("GET", "/api/2.0/notification-destinations/<id_>")
def destination(ask: Ask, id_: str) -> Object:
    """One destination."""
    return _destination(ask, ask.resources.need(_DESTINATION, id_))


@ROUTES.at("PATCH", "/api/2.0/notification-destinations/<id_>")
def change_destination(ask: Ask, id_: str) -> Object:
    """Change it."""
    return _destination(ask, _change(ask, _DESTINATION, id_, ask.body))


@ROUTES.at("DELETE", "/api/2.0/notification-destinations/<id_>")
def delete_destination(ask: Ask, id_: str) -> Object:
    """Remove it."""
    return _drop(ask, _DESTINATION, id_)


def _endpoint(ask: Ask, found: Resource) -> Object:
    told = answer(ask.resources.block(_SERVING), found.body, without={"id", "serving_endpoint_id", "endpoint_url"})
    told |= {
        "id": found.body.get("serving_endpoint_id") or found.id,
        "state": {"ready": "READY", "config_update": "NOT_UPDATING"},
        "creator": ask.resources.context.deployer,
    }
    if found.body.get("config"):
        # The recorded answers repeat them here; clients read `config`.
        told["served_entities"] = told["config"].get("served_entities", [])
    return told


@ROUTES.at("POST", "/api/2.0/serving-endpoints")
def create_endpoint(ask: Ask) -> Object:
    """Keep an endpoint; nothing answers at it."""
    return _endpoint(ask, _make(ask, _SERVING, ask.body))


@ROUTES.at("GET", "/api/2.0/serving-endpoints", DOCUMENTED)
def endpoints(ask: Ask) -> Object:
    """Every endpoint."""
    return {"endpoints": [_endpoint(ask, item) for item in ask.resources.list(_SERVING)]}


@ROUTES.at("GET", "/api/2.0/serving-endpoints/<name>")
def endpoint(ask: Ask, name: str) -> Object:
    """One endpoint."""
    return _endpoint(ask, ask.resources.need(_SERVING, name))


@ROUTES.at("PUT", "/api/2.0/serving-endpoints/<name>/config")
def configure_endpoint(ask: Ask, name: str) -> Object:
    """Change what it serves."""
    return _endpoint(ask, _change(ask, _SERVING, name, {"config": ask.body}))


@ROUTES.at("DELETE", "/api/2.0/serving-endpoints/<name>")
def delete_endpoint(ask: Ask, name: str) -> Object:
    """Remove it."""
    return _drop(ask, _SERVING, name)


_ONE_OF = ("snapshot", "time_series", "inference_log", "schedule", "notifications", "data_classification_config")
_MONITOR_PATH = "/api/2.1/unity-catalog/tables/<name>/monitor"


def _monitor(ask: Ask, found: Resource) -> Object:
    schema, table = found.body["output_schema_name"], found.id.rpartition(".")[2]
    return {
        "table_name": found.id,
        "status": "MONITOR_STATUS_ACTIVE",
        "monitor_version": 1,
        "drift_metrics_table_name": f"{schema}.{table}_drift_metrics",
        "profile_metrics_table_name": f"{schema}.{table}_profile_metrics",
        "dashboard_id": "none",
    } | answer(ask.resources.block(_MONITOR), found.body, single=_ONE_OF, without={"id"})


@ROUTES.at("POST", _MONITOR_PATH)
def create_monitor(ask: Ask, name: str) -> Object:
    """Keep a monitor; the jobs of the platform compute what it would."""
    ask.resources.need("databricks_schema", name.rpartition(".")[0])
    return _monitor(ask, _make(ask, _MONITOR, ask.body | {"table_name": name}))


@ROUTES.at("GET", _MONITOR_PATH)
def monitor(ask: Ask, name: str) -> Object:
    """The monitor of a table."""
    return _monitor(ask, ask.resources.need(_MONITOR, name))


@ROUTES.at("PUT", _MONITOR_PATH, DOCUMENTED)
def change_monitor(ask: Ask, name: str) -> Object:
    """Change it."""
    return _monitor(ask, _change(ask, _MONITOR, name, ask.body))


@ROUTES.at("DELETE", _MONITOR_PATH)
def delete_monitor(ask: Ask, name: str) -> Object:
    """Remove it."""
    return _drop(ask, _MONITOR, name)
