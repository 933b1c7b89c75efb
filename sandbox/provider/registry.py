"""Resource type -> what it does: the types that the stand-in models. Others are refused when they are validated."""

from __future__ import annotations

from sandbox.provider import access, objects, unity
from sandbox.provider.kinds import Kind

KINDS: dict[str, Kind] = {
    "databricks_access_control_rule_set": access.AccessControlRuleSet(),
    "databricks_catalog": unity.Catalog(),
    "databricks_cluster_policy": objects.ClusterPolicy(),
    "databricks_directory": objects.Directory(),
    "databricks_entitlements": access.Entitlements(),
    "databricks_file": unity.File(),
    "databricks_grants": access.Grants(),
    "databricks_job": objects.Job(),
    "databricks_mlflow_experiment": objects.Experiment(),
    "databricks_permissions": access.Permissions(),
    "databricks_registered_model": unity.RegisteredModel(),
    "databricks_schema": unity.CatalogSchema(),
    "databricks_service_principal": objects.ServicePrincipal(),
    "databricks_volume": unity.Volume(),
    "databricks_workspace_binding": access.WorkspaceBinding(),
}
