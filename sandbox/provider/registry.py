"""The two providers that stand in, and resource type -> what it does.

Types that are not here are refused when they are validated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.errors import SandboxError
from sandbox.provider import access, account, compute, objects, principals, serving, unity
from sandbox.provider.azure import behaviour as azure_behaviour
from sandbox.provider.azure import facts as azure_facts
from sandbox.provider.azure import resource as azure_resource
from sandbox.provider.behaviour import BEHAVIOURS
from sandbox.provider.derive import DATABRICKS as DATABRICKS_BINDING
from sandbox.provider.derive import Binding
from sandbox.provider.kinds import Kind
from sandbox.provider.rules import Behaviour
from sandbox.provider.values import Object
from sandbox.workspace import account_of

KINDS: dict[str, Kind] = {
    "databricks_access_control_rule_set": access.AccessControlRuleSet(),
    "databricks_alert": compute.Alert(),
    "databricks_alert_v2": compute.AlertV2(),
    "databricks_budget_policy": account.BudgetPolicy(),
    "databricks_catalog": unity.Catalog(),
    "databricks_cluster_policy": objects.ClusterPolicy(),
    "databricks_dashboard": compute.Dashboard(),
    "databricks_directory": objects.Directory(),
    "databricks_entitlements": access.Entitlements(),
    "databricks_external_location": serving.ExternalLocation(),
    "databricks_file": unity.File(),
    "databricks_grant": access.Grant(),
    "databricks_grants": access.Grants(),
    "databricks_group": principals.Group(),
    "databricks_group_member": principals.GroupMember(),
    "databricks_instance_pool": compute.InstancePool(),
    "databricks_job": objects.Job(),
    "databricks_metastore_assignment": account.MetastoreAssignment(),
    "databricks_mlflow_experiment": objects.Experiment(),
    "databricks_model_serving": serving.ModelServing(),
    "databricks_mws_permission_assignment": account.PermissionAssignment(),
    "databricks_notification_destination": principals.NotificationDestination(),
    "databricks_permissions": access.Permissions(),
    "databricks_quality_monitor": serving.QualityMonitor(),
    "databricks_query": compute.Query(),
    "databricks_registered_model": unity.RegisteredModel(),
    "databricks_schema": unity.CatalogSchema(),
    "databricks_secret_acl": principals.SecretAcl(),
    "databricks_secret_scope": principals.SecretScope(),
    "databricks_service_principal": objects.ServicePrincipal(),
    "databricks_service_principal_federation_policy": account.FederationPolicy(),
    "databricks_sql_endpoint": compute.Warehouse(),
    "databricks_storage_credential": serving.StorageCredential(),
    "databricks_system_schema": account.SystemSchema(),
    "databricks_volume": unity.Volume(),
    "databricks_workspace_binding": access.WorkspaceBinding(),
    "databricks_workspace_file": compute.WorkspaceFile(),
}


@dataclass(frozen=True)
class Provider:
    """One provider: its schemas, its resource types, and where the resources of one configuration are kept."""

    binding: Binding
    kinds: dict[str, Kind]
    behaviours: dict[str, Behaviour]
    workspace: Callable[[Object], str]  # name of the local workspace; ``SandboxError`` when it is not said


def _databricks_workspace(config: Object) -> str:
    if account := account_of(config):
        return account
    resource_id = config.get("azure_workspace_resource_id")
    if not isinstance(resource_id, str) or "/" not in resource_id:
        raise SandboxError(
            "the databricks provider needs azure_workspace_resource_id (a text that is known at plan): "
            "its last part names the local workspace; or the account's host and account_id"
        )
    return resource_id.rsplit("/", 1)[-1]


def _azure_subscription(config: Object) -> str:
    subscription = config.get("subscription_id")
    if not isinstance(subscription, str) or not subscription:
        raise SandboxError("`subscription_id` is a required provider property when performing a plan/apply operation")
    return f"azure-{subscription}"


_AZURE_BINDING = Binding(
    name="azurerm",
    versions=azure_facts.SCHEMA_VERSIONS,
    sensitive=azure_facts.SENSITIVE,
    max_items=azure_facts.MAX_ITEMS,
    write_only=azure_facts.WRITE_ONLY,
    only=frozenset(azure_resource.KINDS),
)

PROVIDERS: dict[str, Provider] = {
    "databricks": Provider(DATABRICKS_BINDING, KINDS, BEHAVIOURS, _databricks_workspace),
    "azurerm": Provider(_AZURE_BINDING, azure_resource.KINDS, azure_behaviour.BEHAVIOURS, _azure_subscription),
}
