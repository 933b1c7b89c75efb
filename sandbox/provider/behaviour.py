"""What neither the binding nor the schema says about databricks 1.99.0: defaults, replacement, conflicts, differences.

One entry per resource type that the stand-in models, in the words of ``rules``.  The source is the documentation of
provider 1.99.0, and a test compares the table with what was read off the real provider.
"""

from __future__ import annotations

from typing import Any

from sandbox.provider.behaviour_services import SERVICES
from sandbox.provider.rules import Behaviour, among, below, kinds, paths

# the arguments of databricks_grants that name what is granted on
SECURABLES = paths(
    "catalog credential external_location foreign_connection function metastore model pipeline recipient schema share"
    " storage_credential table volume"
)

# the arguments of databricks_permissions that name an object -> the kind of object in its id, and the levels it takes
PERMISSION_LEVELS: dict[str, tuple[str, tuple[str, ...]]] = {
    "alert_v2_id": ("alertsv2", ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")),
    "app_name": ("apps", ("CAN_USE", "CAN_MANAGE")),
    "authorization": ("authorization", ("CAN_USE", "CAN_MANAGE")),
    "cluster_id": ("clusters", ("CAN_ATTACH_TO", "CAN_RESTART", "CAN_MANAGE")),
    "cluster_policy_id": ("cluster-policies", ("CAN_USE",)),
    "dashboard_id": ("dashboards", ("CAN_EDIT", "CAN_RUN", "CAN_MANAGE", "CAN_READ")),
    "database_instance_name": ("database-instances", ("CAN_USE", "CAN_MANAGE")),
    "directory_id": ("directories", ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")),
    "directory_path": ("directories", ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")),
    "experiment_id": ("experiments", ("CAN_READ", "CAN_EDIT", "CAN_MANAGE")),
    "instance_pool_id": ("instance-pools", ("CAN_ATTACH_TO", "CAN_MANAGE")),
    "job_id": ("jobs", ("CAN_VIEW", "CAN_MANAGE_RUN", "IS_OWNER", "CAN_MANAGE")),
    "notebook_id": ("notebooks", ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")),
    "notebook_path": ("notebooks", ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")),
    "pipeline_id": ("pipelines", ("CAN_VIEW", "CAN_RUN", "CAN_MANAGE", "IS_OWNER")),
    "registered_model_id": (
        "registered-models",
        ("CAN_READ", "CAN_EDIT", "CAN_MANAGE_STAGING_VERSIONS", "CAN_MANAGE_PRODUCTION_VERSIONS", "CAN_MANAGE"),
    ),
    "repo_id": ("repos", ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")),
    "repo_path": ("repos", ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")),
    "serving_endpoint_id": ("serving-endpoints", ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE")),
    "sql_alert_id": ("sql/alerts", ("CAN_EDIT", "CAN_RUN", "CAN_MANAGE", "CAN_READ")),
    "sql_dashboard_id": ("sql/dashboards", ("CAN_EDIT", "CAN_RUN", "CAN_MANAGE", "CAN_READ")),
    "sql_endpoint_id": ("sql/warehouses", ("CAN_USE", "CAN_MANAGE", "CAN_MONITOR", "CAN_VIEW", "IS_OWNER")),
    "sql_query_id": ("sql/queries", ("CAN_EDIT", "CAN_RUN", "CAN_MANAGE", "CAN_READ")),
    "vector_search_endpoint_id": ("vector-search-endpoints", ("CAN_USE", "CAN_MANAGE")),
    "workspace_file_id": ("files", ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")),
    "workspace_file_path": ("files", ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")),
}

# the fields of an entry of databricks_permissions, one of which names the principal
PRINCIPALS = ("user_name", "group_name", "service_principal_name")

_MAILS = (
    "email_notifications email_notifications.no_alert_for_skipped_runs"
    " email_notifications.on_duration_warning_threshold_exceeded email_notifications.on_failure"
    " email_notifications.on_start email_notifications.on_streaming_backlog_exceeded email_notifications.on_success"
    " webhook_notifications"
)
_SOURCES = "notebook_task.source spark_python_task.source dbt_task.source"
_CLUSTER_HIDDEN = kinds(
    removed="aws_attributes aws_attributes.availability aws_attributes.ebs_volume_count"
    " aws_attributes.ebs_volume_iops aws_attributes.ebs_volume_size aws_attributes.ebs_volume_throughput"
    " aws_attributes.ebs_volume_type aws_attributes.first_on_demand aws_attributes.instance_profile_arn"
    " aws_attributes.spot_bid_price_percent aws_attributes.zone_id azure_attributes azure_attributes.availability"
    " azure_attributes.first_on_demand azure_attributes.log_analytics_info azure_attributes.spot_bid_max_price"
    " data_security_mode gcp_attributes gcp_attributes.availability gcp_attributes.boot_disk_size"
    " gcp_attributes.first_on_demand gcp_attributes.google_service_account gcp_attributes.local_ssd_count"
    " gcp_attributes.use_preemptible_executors gcp_attributes.zone_id spark_conf"
)
_CLUSTER_DEFAULTS = {"num_workers": 0, "workload_type.clients.jobs": True, "workload_type.clients.notebooks": True}
_CLUSTERS = ("new_cluster", "job_cluster.new_cluster", "task.new_cluster", "task.for_each_task.task.new_cluster")
_ONE_TASK = paths(
    "dbt_task notebook_task pipeline_task python_wheel_task run_job_task spark_jar_task spark_python_task"
    " spark_submit_task"
)


def _job() -> Behaviour:
    hidden = kinds(removed=f"{_MAILS} {_SOURCES} queue queue.enabled")
    hidden |= below("task", kinds(removed=f"{_MAILS} {_SOURCES} run_if sql_task.file.source"))
    inner = _MAILS.removesuffix(" webhook_notifications")
    hidden |= below("task.for_each_task.task", kinds(removed=f"{inner} run_if"))
    defaults: dict[str, Any] = {
        "always_running": False,
        "control_run_state": False,
        "continuous.pause_status": "UNPAUSED",
        "max_concurrent_runs": 1,
        "name": "Untitled",
        "schedule.pause_status": "UNPAUSED",
        "trigger.pause_status": "UNPAUSED",
        "dbt_task.schema": "default",
        "task.dbt_task.schema": "default",
        "task.for_each_task.task.dbt_task.schema": "default",
    }
    for cluster in _CLUSTERS:
        hidden |= below(cluster, _CLUSTER_HIDDEN)
        defaults |= below(cluster, _CLUSTER_DEFAULTS)
    conflicts = {
        "always_running": paths("control_run_state continuous"),
        "control_run_state": paths("always_running"),
        **among(paths("continuous schedule trigger")),
        **{task: paths("parameter") for task in _ONE_TASK},
        **among(paths("branch commit tag"), "git_source."),
        **among(paths("aws_attributes azure_attributes gcp_attributes"), "new_cluster."),
        "new_cluster.driver_instance_pool_id": paths("new_cluster.driver_node_type_id new_cluster.node_type_id"),
        "new_cluster.driver_node_type_id": paths("new_cluster.driver_instance_pool_id new_cluster.instance_pool_id"),
        "new_cluster.instance_pool_id": paths("new_cluster.driver_node_type_id new_cluster.node_type_id"),
        "new_cluster.node_type_id": paths("new_cluster.driver_instance_pool_id new_cluster.instance_pool_id"),
    }
    return Behaviour(
        force_new=frozenset(f"{cluster}.idempotency_token" for cluster in _CLUSTERS),
        defaults=defaults,
        hidden=hidden,
        conflicts=conflicts,
        exactly_one=(
            paths("run_as.user_name run_as.service_principal_name"),
            paths("trigger.file_arrival trigger.table_update trigger.periodic"),
        ),
    )


ENTITLEMENTS = {
    "allow_cluster_create": False,
    "allow_instance_pool_create": False,
    "databricks_sql_access": False,
    "workspace_access": False,
    "workspace_consume": False,
}
_CONSUME = {"workspace_consume": paths("workspace_access databricks_sql_access")}

BEHAVIOURS: dict[str, Behaviour] = SERVICES | {
    "databricks_access_control_rule_set": Behaviour(force_new=paths("name")),
    "databricks_catalog": Behaviour(
        force_new=paths("connection_name provider_name share_name storage_root"),
        defaults={"force_destroy": False},
        hidden=kinds(
            case="name connection_name provider_name share_name",
            slash="storage_root",
            server="effective_predictive_optimization_flag effective_predictive_optimization_flag.inherited_from_name"
            " effective_predictive_optimization_flag.inherited_from_type effective_predictive_optimization_flag.value",
        ),
        conflicts={
            "connection_name": paths("provider_name share_name"),
            "provider_name": paths("connection_name storage_root"),
            "share_name": paths("connection_name storage_root"),
        },
    ),
    "databricks_cluster_policy": Behaviour(
        hidden=kinds(json="definition policy_family_definition_overrides"),
        conflicts={
            "definition": paths("policy_family_definition_overrides policy_family_id"),
            "policy_family_definition_overrides": paths("definition"),
            "policy_family_id": paths("definition"),
        },
        required_with={"policy_family_definition_overrides": paths("policy_family_id")},
    ),
    "databricks_directory": Behaviour(
        force_new=paths("path"), defaults={"delete_recursive": False}, hidden=kinds(prefix="path")
    ),
    "databricks_entitlements": Behaviour(
        force_new=paths("group_id service_principal_id user_id"),
        defaults=ENTITLEMENTS,
        conflicts=_CONSUME,
        at_least_one=(paths("group_id service_principal_id user_id"),),
    ),
    "databricks_file": Behaviour(
        force_new=paths("path"),
        defaults={"md5": "different"},
        hidden=kinds(content="md5"),
        conflicts=among(paths("content_base64 source")),
    ),
    "databricks_grant": Behaviour(
        force_new=SECURABLES | paths("principal"), at_least_one=(SECURABLES,), conflicts=among(SECURABLES)
    ),
    "databricks_grants": Behaviour(force_new=SECURABLES, at_least_one=(SECURABLES,)),
    "databricks_job": _job(),
    "databricks_budget_policy": Behaviour(force_new=paths("policy_id")),
    "databricks_metastore_assignment": Behaviour(force_new=paths("metastore_id workspace_id")),
    "databricks_mws_permission_assignment": Behaviour(force_new=paths("permissions principal_id workspace_id")),
    "databricks_service_principal_federation_policy": Behaviour(force_new=paths("policy_id service_principal_id")),
    "databricks_system_schema": Behaviour(),
    "databricks_mlflow_experiment": Behaviour(
        force_new=paths("artifact_location"), hidden=kinds(removed="artifact_location", prefix="name")
    ),
    "databricks_permissions": Behaviour(
        force_new=frozenset(PERMISSION_LEVELS), conflicts=among(frozenset(PERMISSION_LEVELS))
    ),
    "databricks_registered_model": Behaviour(
        force_new=paths("catalog_name name schema_name storage_location"),
        hidden=kinds(case="catalog_name name schema_name"),
    ),
    "databricks_schema": Behaviour(
        force_new=paths("catalog_name name storage_root"),
        defaults={"force_destroy": False},
        hidden=kinds(case="catalog_name name", slash="storage_root"),
    ),
    "databricks_service_principal": Behaviour(
        force_new=paths("application_id"),
        defaults=ENTITLEMENTS | {"active": True},
        hidden=kinds(removed="external_id"),
        conflicts=_CONSUME,
        at_least_one=(paths("application_id display_name"),),
    ),
    "databricks_volume": Behaviour(
        force_new=paths("catalog_name schema_name storage_location volume_type"),
        hidden=kinds(case="catalog_name name schema_name", slash="storage_location"),
    ),
    "databricks_workspace_binding": Behaviour(
        force_new=paths("binding_type catalog_name securable_type workspace_id"),
        defaults={"binding_type": "BINDING_TYPE_READ_WRITE", "securable_type": "catalog"},
        exactly_one=(paths("catalog_name securable_name"),),
    ),
}
