"""Behaviour of resource groups, workspaces, vaults, identities, roles, logs and budgets.

Transcribed by program from what was read off the real azurerm 4.55.0, so the test that compares them shows that the
table is current, not that two sources agree. Which kind each hidden difference is was chosen here, by its name.
"""

from __future__ import annotations

from sandbox.provider.rules import Behaviour, among, kinds, paths

PLATFORM: dict[str, Behaviour] = {
    "azurerm_application_insights": Behaviour(
        force_new=paths("application_type location name resource_group_name"),
        defaults={
            "daily_data_cap_in_gb": 100,
            "disable_ip_masking": False,
            "force_customer_storage_for_profiler": False,
            "internet_ingestion_enabled": True,
            "internet_query_enabled": True,
            "local_authentication_disabled": False,
            "retention_in_days": 90,
            "sampling_percentage": 100,
        },
        hidden=kinds(location="location"),
        lowered=paths("location"),
    ),
    "azurerm_consumption_budget_resource_group": Behaviour(
        force_new=paths("name resource_group_id time_grain time_period.start_date"),
        defaults={
            "filter.dimension.operator": "In",
            "filter.tag.operator": "In",
            "notification.enabled": True,
            "notification.threshold_type": "Actual",
            "time_grain": "Monthly",
        },
        at_least_one=(paths("filter.dimension filter.tag"),),
    ),
    "azurerm_databricks_access_connector": Behaviour(
        force_new=paths("location name resource_group_name"),
        hidden=kinds(location="location"),
        lowered=paths("location"),
    ),
    "azurerm_databricks_workspace": Behaviour(
        force_new=paths(
            "custom_parameters.machine_learning_workspace_id custom_parameters.nat_gateway_name "
            "custom_parameters.private_subnet_name custom_parameters.public_ip_name "
            "custom_parameters.public_subnet_name custom_parameters.storage_account_name "
            "custom_parameters.virtual_network_id custom_parameters.vnet_address_prefix "
            "infrastructure_encryption_enabled load_balancer_backend_address_pool_id location "
            "managed_resource_group_name name resource_group_name"
        ),
        defaults={
            "custom_parameters.no_public_ip": True,
            "customer_managed_key_enabled": False,
            "enhanced_security_compliance.automatic_cluster_update_enabled": False,
            "enhanced_security_compliance.compliance_security_profile_enabled": False,
            "enhanced_security_compliance.enhanced_security_monitoring_enabled": False,
            "infrastructure_encryption_enabled": False,
            "public_network_access_enabled": True,
        },
        hidden=kinds(location="location"),
        lowered=paths("location"),
        at_least_one=(
            paths(
                "custom_parameters.machine_learning_workspace_id custom_parameters.nat_gateway_name "
                "custom_parameters.no_public_ip custom_parameters.private_subnet_name "
                "custom_parameters.private_subnet_network_security_group_association_id "
                "custom_parameters.public_ip_name custom_parameters.public_subnet_name "
                "custom_parameters.public_subnet_network_security_group_association_id "
                "custom_parameters.storage_account_name custom_parameters.storage_account_sku_name "
                "custom_parameters.virtual_network_id custom_parameters.vnet_address_prefix"
            ),
        ),
        required_with={
            "access_connector_id": paths("default_storage_firewall_enabled"),
            "default_storage_firewall_enabled": paths("access_connector_id"),
            "managed_disk_cmk_rotation_to_latest_version_enabled": paths("managed_disk_cmk_key_vault_key_id"),
        },
    ),
    "azurerm_databricks_workspace_root_dbfs_customer_managed_key": Behaviour(),
    "azurerm_federated_identity_credential": Behaviour(force_new=paths("name parent_id resource_group_name")),
    "azurerm_key_vault": Behaviour(
        force_new=paths("location name resource_group_name"),
        defaults={"public_network_access_enabled": True, "soft_delete_retention_days": 90},
        hidden=kinds(location="location"),
        lowered=paths("location"),
        conflicts=among(paths("enable_rbac_authorization rbac_authorization_enabled")),
    ),
    "azurerm_key_vault_access_policy": Behaviour(force_new=paths("application_id key_vault_id object_id tenant_id")),
    "azurerm_key_vault_secret": Behaviour(
        force_new=paths("key_vault_id name"),
        exactly_one=(paths("value value_wo"),),
        required_with={"value_wo": paths("value_wo_version"), "value_wo_version": paths("value_wo")},
    ),
    "azurerm_log_analytics_workspace": Behaviour(
        force_new=paths("location name resource_group_name"),
        defaults={
            "allow_resource_only_permissions": True,
            "daily_quota_gb": -1,
            "internet_ingestion_enabled": True,
            "internet_query_enabled": True,
        },
        hidden=kinds(location="location"),
        lowered=paths("location"),
        conflicts=among(paths("local_authentication_disabled local_authentication_enabled")),
    ),
    "azurerm_management_lock": Behaviour(force_new=paths("lock_level name notes scope")),
    "azurerm_monitor_action_group": Behaviour(
        force_new=paths("location name resource_group_name"),
        defaults={"automation_runbook_receiver.use_common_alert_schema": False, "enabled": True, "location": "global"},
        hidden=kinds(json="itsm_receiver.ticket_configuration", location="itsm_receiver.region location"),
        lowered=paths("location"),
    ),
    "azurerm_monitor_diagnostic_setting": Behaviour(
        force_new=paths("name target_resource_id"),
        defaults={"metric.enabled": True},
        conflicts=among(paths("enabled_metric metric")),
        at_least_one=(
            paths("enabled_log enabled_metric metric"),
            paths("eventhub_authorization_rule_id log_analytics_workspace_id partner_solution_id storage_account_id"),
        ),
    ),
    "azurerm_resource_group": Behaviour(
        force_new=paths("location name"), hidden=kinds(location="location"), lowered=paths("location")
    ),
    "azurerm_role_assignment": Behaviour(
        force_new=paths(
            "condition condition_version delegated_managed_identity_resource_id description name "
            "principal_id principal_type role_definition_id role_definition_name scope"
        ),
        hidden=kinds(case="role_definition_id", removed="role_definition_name"),
        exactly_one=(paths("role_definition_id role_definition_name"),),
    ),
    "azurerm_user_assigned_identity": Behaviour(
        force_new=paths("location name resource_group_name"),
        hidden=kinds(location="location"),
        lowered=paths("location"),
    ),
}
