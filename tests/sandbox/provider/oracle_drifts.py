"""The recorded drifts as changes of the workspace store: what was deployed, and what somebody then changed in it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from provider_project import WHEEL

from sandbox.provider.values import Object
from sandbox.store import Store

Drift = Callable[[Store], None]

_CLUSTER = {
    "spark_version": "17.3.x-cpu-ml-scala2.13",
    "node_type_id": "Standard_D4ds_v5",
    "num_workers": 2,
    "spark_conf": {"spark.sql.shuffle.partitions": "64"},
    "custom_tags": {"stage": "dev"},
}
_APPLICATION = "00000000-0000-0000-0000-0000000000ab"

# the recording names its addresses and not its configuration; this one has those addresses, and all that is changed
DEPLOYED: dict[str, dict[str, Any]] = {
    "databricks_catalog": {"c": {"name": "cdh_dev", "comment": "v1", "properties": {"stage": "dev"}}},
    "databricks_schema": {"s": {"catalog_name": "${databricks_catalog.c.name}", "name": "ml"}},
    "databricks_volume": {
        "v": {
            "catalog_name": "cdh_dev",
            "schema_name": "ml",
            "name": "artifacts",
            "volume_type": "MANAGED",
            "comment": "v1",
            "depends_on": ["databricks_schema.s"],
        }
    },
    "databricks_registered_model": {
        "m": {
            "catalog_name": "cdh_dev",
            "schema_name": "ml",
            "name": "readmission",
            "comment": "v1",
            "depends_on": ["databricks_schema.s"],
        }
    },
    "databricks_grants": {
        "g": {
            "schema": "${databricks_schema.s.id}",
            "grant": [
                {"principal": "analysts", "privileges": ["SELECT", "USE_SCHEMA"]},
                {"principal": "engineers", "privileges": ["USE_SCHEMA"]},
            ],
        }
    },
    "databricks_service_principal": {"s": {"application_id": _APPLICATION, "display_name": "sp-train"}},
    "databricks_group": {"g": {"display_name": "analysts"}},
    "databricks_group_member": {
        "gm": {"group_id": "${databricks_group.g.id}", "member_id": "${databricks_service_principal.s.id}"}
    },
    "databricks_directory": {"d": {"path": "/cdh"}},
    "databricks_mlflow_experiment": {"x": {"name": "${databricks_directory.d.path}/readmission"}},
    "databricks_file": {
        "f": {
            "path": "/Volumes/cdh_dev/ml/artifacts/requirements.txt",
            "content_base64": "YQ==",
            "depends_on": ["databricks_volume.v"],
        }
    },
    "databricks_cluster_policy": {
        "p": {"name": "cdh-ml-cpu", "definition": '{"spark_version": {"type": "fixed", "value": "17.3"}}'}
    },
    "databricks_job": {
        "j": {
            "name": "readmission_train",
            "max_concurrent_runs": 1,
            "timeout_seconds": 3600,
            "run_as": {"service_principal_name": "${databricks_service_principal.s.application_id}"},
            "queue": {"enabled": True},
            "tags": {"stage": "dev"},
            "parameter": [{"name": "catalog", "default": "cdh_dev"}],
            "job_cluster": [{"job_cluster_key": "ml_cpu", "new_cluster": _CLUSTER}],
            "task": [
                {
                    "task_key": "a_prepare",
                    "job_cluster_key": "ml_cpu",
                    "timeout_seconds": 600,
                    "max_retries": 1,
                    "python_wheel_task": WHEEL,
                    "library": [{"whl": "/Volumes/cdh_dev/ml/artifacts/jobs.whl"}],
                },
                {
                    "task_key": "b_train",
                    "job_cluster_key": "ml_cpu",
                    "python_wheel_task": WHEEL,
                    "depends_on": [{"task_key": "a_prepare"}],
                },
            ],
            "email_notifications": {"on_failure": ["team@example.gov"]},
            "health": {"rules": [{"metric": "RUN_DURATION_SECONDS", "op": "GREATER_THAN", "value": 3000}]},
            "schedule": {"quartz_cron_expression": "0 0 2 * * ?", "timezone_id": "UTC"},
        }
    },
    "databricks_permissions": {
        "p": {
            "job_id": "${databricks_job.j.id}",
            "access_control": [{"group_name": "analysts", "permission_level": "CAN_VIEW"}],
        }
    },
    "databricks_sql_endpoint": {"w": {"name": "cdh-dev", "cluster_size": "2X-Small", "warehouse_type": "PRO"}},
    "databricks_secret_scope": {"k": {"name": "cdh-dev-kv"}},
    "databricks_secret_acl": {
        "k": {"scope": "${databricks_secret_scope.k.name}", "principal": "analysts", "permission": "READ"}
    },
    "databricks_model_serving": {
        "m": {
            "name": "readmission",
            "config": {
                "served_entities": [
                    {
                        "entity_name": "cdh_dev.ml.readmission",
                        "entity_version": "1",
                        "workload_size": "Small",
                        "scale_to_zero_enabled": True,
                    }
                ]
            },
        }
    },
    "databricks_quality_monitor": {
        "q": {
            "table_name": "cdh_dev.ml.predictions",
            "assets_dir": "/cdh/mon",
            "output_schema_name": "cdh_dev.ml",
            "snapshot": {},
        }
    },
    "databricks_workspace_binding": {
        "b": {"securable_name": "${databricks_catalog.c.name}", "securable_type": "catalog", "workspace_id": 123456}
    },
}


def put(kind: str, path: str, value: Any) -> Drift:
    """Set what is at a dotted path of the type's one resource; list positions are numbers."""

    def drift(store: Store) -> None:
        item = store.list(f"databricks_{kind}")[0]
        body: Object = copy.deepcopy(item.body)
        *parents, last = path.split(".")
        at: Any = body
        for step in parents:
            at = at[int(step)] if step.isdigit() else at[step]
        at[last] = value
        store.update(item.type, item.id, body)

    return drift


def add(kind: str, path: str, item: Any) -> Drift:
    """Append to the list, or merge into the map, at a dotted path."""

    def drift(store: Store) -> None:
        at: Any = store.list(f"databricks_{kind}")[0].body
        for step in path.split("."):
            at = at[int(step)] if step.isdigit() else at[step]
        value = at | item if isinstance(item, dict) and isinstance(at, dict) else [*at, item]
        put(kind, path, value)(store)

    return drift


def delete(kind: str) -> Drift:
    """The type's one resource is gone."""

    def drift(store: Store) -> None:
        item = store.list(f"databricks_{kind}")[0]
        assert store.delete(item.type, item.id)

    return drift


def only_the_owner(store: Store) -> None:
    entries = store.list("databricks_permissions")[0].body["access_control"]
    owner = [entry for entry in entries if entry["permission_level"] == "IS_OWNER"]
    assert len(owner) == 1
    put("permissions", "access_control", owner)(store)


def another_binding(store: Store) -> None:
    item = store.list("databricks_workspace_binding")[0]
    store.create(item.type, "99|catalog|cdh_dev", item.body | {"id": "99|catalog|cdh_dev", "workspace_id": 99})


def _level(level: str, group: str) -> Object:
    return {"group_name": group, "permission_level": level, "user_name": None, "service_principal_name": None}


_JOB_CLUSTER = "job_cluster.0.new_cluster.0"
_TASK: Object = {"task_key": "c_more", "depends_on": []}
_ANALYSTS: Object = {"principal": "analysts", "privileges": ["SELECT", "USE_SCHEMA"]}
_ENGINEERS: Object = {"principal": "engineers", "privileges": ["USE_SCHEMA"]}

# the recording's name of a drift -> the same change in the store; "removed" is what a service then leaves out
DRIFTS: dict[str, Drift] = {
    "job: schedule changed": put("job", "schedule.0.quartz_cron_expression", "0 0 3 * * ?"),
    "job: schedule removed": put("job", "schedule", []),
    "job: schedule paused": put("job", "schedule.0.pause_status", "PAUSED"),
    "job: run_as changed to another principal": put(
        "job", "run_as", [{"service_principal_name": "other", "user_name": None}]
    ),
    "job: run_as removed": put("job", "run_as", []),
    "job: task added": add("job", "task", _TASK),
    "job: task removed": lambda store: put("job", "task", store.list("databricks_job")[0].body["task"][:1])(store),
    "job: task timeout changed": put("job", "task.0.timeout_seconds", 700),
    "job: task retries removed": put("job", "task.0.max_retries", None),
    "job: dependency removed": put("job", "task.1.depends_on", []),
    "job: library added": add("job", "task.0.library", {"whl": "/Volumes/cdh_dev/ml/artifacts/other.whl"}),
    "job: tag changed": put("job", "tags.stage", "prod"),
    "job: tag added": add("job", "tags", {"by": "hand"}),
    "job: parameter default changed": put("job", "parameter.0.default", "cdh_prod"),
    "job: e-mail recipient added": add("job", "email_notifications.0.on_failure", "other@example.gov"),
    "job: e-mail notifications removed": put("job", "email_notifications", []),
    "job: health rule removed": put("job", "health", []),
    "job: queue disabled": put("job", "queue.0.enabled", False),
    "job: timeout removed": put("job", "timeout_seconds", None),
    "job: max_concurrent_runs raised": put("job", "max_concurrent_runs", 5),
    "job: cluster node type changed": put("job", f"{_JOB_CLUSTER}.node_type_id", "Standard_D64ds_v5"),
    "job: cluster workers raised": put("job", f"{_JOB_CLUSTER}.num_workers", 50),
    "job: cluster spark_conf added": add("job", f"{_JOB_CLUSTER}.spark_conf", {"spark.executor.memory": "1g"}),
    "job: cluster tag removed": put("job", f"{_JOB_CLUSTER}.custom_tags", None),
    "job: renamed": put("job", "name", "by hand"),
    "permissions: principal added": add("permissions", "access_control", _level("CAN_MANAGE", "others")),
    "permissions: principal removed": only_the_owner,
    "grants: privilege added": put(
        "grants", "grant", [_ANALYSTS | {"privileges": ["MODIFY", "SELECT", "USE_SCHEMA"]}, _ENGINEERS]
    ),
    "grants: privilege removed": put("grants", "grant", [_ANALYSTS | {"privileges": ["SELECT"]}, _ENGINEERS]),
    "grants: principal added": add("grants", "grant", {"principal": "others", "privileges": ["SELECT"]}),
    "grants: principal removed": put("grants", "grant", [_ANALYSTS]),
    "grants: all removed": put("grants", "grant", []),
    "catalog: comment changed": put("catalog", "comment", "by hand"),
    "catalog: property added": add("catalog", "properties", {"by": "hand"}),
    "catalog: owner changed": put("catalog", "owner", "somebody"),
    "catalog: isolation changed": put("catalog", "isolation_mode", "ISOLATED"),
    "schema: deleted": delete("schema"),
    "schema: owner changed": put("schema", "owner", "somebody"),
    "volume: comment changed": put("volume", "comment", "by hand"),
    "volume: deleted": delete("volume"),
    "registered model: comment changed": put("registered_model", "comment", "by hand"),
    "registered model: owner changed": put("registered_model", "owner", "somebody"),
    "cluster policy: definition changed": put(
        "cluster_policy", "definition", '{"spark_version": {"type": "unlimited"}}'
    ),
    "cluster policy: deleted": delete("cluster_policy"),
    "experiment: renamed": put("mlflow_experiment", "name", "/cdh/other"),
    "experiment: deleted": put("mlflow_experiment", "lifecycle_stage", "deleted"),
    "group: renamed": put("group", "display_name", "others"),
    "group: member removed": delete("group_member"),
    "service principal: deactivated": put("service_principal", "active", False),
    "service principal: entitlement added": put("service_principal", "allow_cluster_create", True),
    "endpoint: entity version changed": put("model_serving", "config.0.served_entities.0.entity_version", "2"),
    "endpoint: workload size changed": put("model_serving", "config.0.served_entities.0.workload_size", "Large"),
    "secret acl: raised": put("secret_acl", "permission", "MANAGE"),
    "secret acl: removed": delete("secret_acl"),
    "quality monitor: schema changed": put("quality_monitor", "output_schema_name", "cdh_dev.other"),
    "quality monitor: deleted": delete("quality_monitor"),
    "warehouse: size changed": put("sql_endpoint", "cluster_size", "Large"),
    "workspace binding: removed": delete("workspace_binding"),
    "workspace binding: added": another_binding,
    "directory: deleted": delete("directory"),
    "file: deleted": delete("file"),
}
