"""Resource type -> what it does: the types that the stand-in models. Others are refused when they are validated."""

from __future__ import annotations

from sandbox.provider import access, compute, objects, principals, serving, unity
from sandbox.provider.kinds import Kind

KINDS: dict[str, Kind] = {
    "databricks_access_control_rule_set": access.AccessControlRuleSet(),
    "databricks_alert": compute.Alert(),
    "databricks_catalog": unity.Catalog(),
    "databricks_cluster_policy": objects.ClusterPolicy(),
    "databricks_directory": objects.Directory(),
    "databricks_entitlements": access.Entitlements(),
    "databricks_external_location": serving.ExternalLocation(),
    "databricks_file": unity.File(),
    "databricks_grants": access.Grants(),
    "databricks_group": principals.Group(),
    "databricks_group_member": principals.GroupMember(),
    "databricks_instance_pool": compute.InstancePool(),
    "databricks_job": objects.Job(),
    "databricks_mlflow_experiment": objects.Experiment(),
    "databricks_model_serving": serving.ModelServing(),
    "databricks_notification_destination": principals.NotificationDestination(),
    "databricks_permissions": access.Permissions(),
    "databricks_quality_monitor": serving.QualityMonitor(),
    "databricks_query": compute.Query(),
    "databricks_registered_model": unity.RegisteredModel(),
    "databricks_schema": unity.CatalogSchema(),
    "databricks_secret_acl": principals.SecretAcl(),
    "databricks_secret_scope": principals.SecretScope(),
    "databricks_service_principal": objects.ServicePrincipal(),
    "databricks_sql_endpoint": compute.Warehouse(),
    "databricks_storage_credential": serving.StorageCredential(),
    "databricks_volume": unity.Volume(),
    "databricks_workspace_binding": access.WorkspaceBinding(),
    "databricks_workspace_file": compute.WorkspaceFile(),
}
