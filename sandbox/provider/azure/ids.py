"""Resource ids of Azure Resource Manager, in the form that terraform's import takes.

Written from knowledge, not recorded.

``{subscription}`` is the provider's; every other name in braces is an attribute of the resource.
"""

from __future__ import annotations

_GROUP = "/subscriptions/{subscription}/resourceGroups/{resource_group_name}"
_NETWORK = f"{_GROUP}/providers/Microsoft.Network"
_ZONE = f"{_NETWORK}/privateDnsZones"
_VAULT = "https://{vault}.vault.azure.net/secrets"

IDS: dict[str, str] = {
    "azurerm_application_insights": f"{_GROUP}/providers/Microsoft.Insights/components/{{name}}",
    "azurerm_consumption_budget_resource_group": "{resource_group_id}/providers/Microsoft.Consumption/budgets/{name}",
    "azurerm_databricks_access_connector": f"{_GROUP}/providers/Microsoft.Databricks/accessConnectors/{{name}}",
    "azurerm_databricks_workspace": f"{_GROUP}/providers/Microsoft.Databricks/workspaces/{{name}}",
    "azurerm_databricks_workspace_root_dbfs_customer_managed_key": "{workspace_id}",
    "azurerm_eventhub": "{namespace_id}/eventhubs/{name}",
    "azurerm_eventhub_namespace": f"{_GROUP}/providers/Microsoft.EventHub/namespaces/{{name}}",
    "azurerm_federated_identity_credential": "{parent_id}/federatedIdentityCredentials/{name}",
    "azurerm_key_vault": f"{_GROUP}/providers/Microsoft.KeyVault/vaults/{{name}}",
    "azurerm_key_vault_access_policy": "{key_vault_id}/objectId/{object_id}",
    "azurerm_key_vault_secret": f"{_VAULT}/{{name}}/{{version}}",
    "azurerm_log_analytics_workspace": f"{_GROUP}/providers/Microsoft.OperationalInsights/workspaces/{{name}}",
    "azurerm_management_lock": "{scope}/providers/Microsoft.Authorization/locks/{name}",
    "azurerm_monitor_action_group": f"{_GROUP}/providers/Microsoft.Insights/actionGroups/{{name}}",
    "azurerm_monitor_diagnostic_setting": "{target_resource_id}|{name}",
    "azurerm_nat_gateway": f"{_NETWORK}/natGateways/{{name}}",
    "azurerm_nat_gateway_public_ip_association": "{nat_gateway_id}|{public_ip_address_id}",
    "azurerm_network_security_group": f"{_NETWORK}/networkSecurityGroups/{{name}}",
    "azurerm_private_dns_a_record": f"{_ZONE}/{{zone_name}}/A/{{name}}",
    "azurerm_private_dns_zone": f"{_ZONE}/{{name}}",
    "azurerm_private_dns_zone_virtual_network_link": f"{_ZONE}/{{private_dns_zone_name}}/virtualNetworkLinks/{{name}}",
    "azurerm_private_endpoint": f"{_NETWORK}/privateEndpoints/{{name}}",
    "azurerm_public_ip": f"{_NETWORK}/publicIPAddresses/{{name}}",
    "azurerm_resource_group": "/subscriptions/{subscription}/resourceGroups/{name}",
    "azurerm_role_assignment": "{scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
    "azurerm_storage_account": f"{_GROUP}/providers/Microsoft.Storage/storageAccounts/{{name}}",
    "azurerm_storage_container": "{account_id}/blobServices/default/containers/{name}",
    "azurerm_storage_data_lake_gen2_filesystem": "https://{account}.dfs.core.windows.net/{name}",
    "azurerm_storage_management_policy": "{storage_account_id}/managementPolicies/default",
    "azurerm_subnet": f"{_NETWORK}/virtualNetworks/{{virtual_network_name}}/subnets/{{name}}",
    "azurerm_subnet_nat_gateway_association": "{subnet_id}",
    "azurerm_subnet_network_security_group_association": "{subnet_id}",
    "azurerm_user_assigned_identity": f"{_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{{name}}",
    "azurerm_virtual_network": f"{_NETWORK}/virtualNetworks/{{name}}",
}

# attribute -> the type that it names by id; that one must exist when it is of this subscription
REFERENCES: dict[str, str] = {
    "key_vault_id": "azurerm_key_vault",
    "nat_gateway_id": "azurerm_nat_gateway",
    "network_security_group_id": "azurerm_network_security_group",
    "public_ip_address_id": "azurerm_public_ip",
    "resource_group_id": "azurerm_resource_group",
    "storage_account_id": "azurerm_storage_account",
    "subnet_id": "azurerm_subnet",
    "virtual_network_id": "azurerm_virtual_network",
}
