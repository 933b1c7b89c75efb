"""The part of the azurerm binding that we use, in one place; every other module takes it from here.

Imported only when an Azure stack is synthesised: even this part costs a second and 400 MB of Node's memory.
"""

from __future__ import annotations

from cdktf_cdktf_provider_azurerm.consumption_budget_resource_group import (
    ConsumptionBudgetResourceGroup,
    ConsumptionBudgetResourceGroupNotification,
    ConsumptionBudgetResourceGroupTimePeriod,
)
from cdktf_cdktf_provider_azurerm.databricks_access_connector import (
    DatabricksAccessConnector,
    DatabricksAccessConnectorIdentity,
)
from cdktf_cdktf_provider_azurerm.databricks_workspace import DatabricksWorkspace, DatabricksWorkspaceCustomParameters
from cdktf_cdktf_provider_azurerm.federated_identity_credential import FederatedIdentityCredential
from cdktf_cdktf_provider_azurerm.key_vault import KeyVault, KeyVaultNetworkAcls
from cdktf_cdktf_provider_azurerm.log_analytics_workspace import LogAnalyticsWorkspace
from cdktf_cdktf_provider_azurerm.management_lock import ManagementLock
from cdktf_cdktf_provider_azurerm.monitor_action_group import MonitorActionGroup, MonitorActionGroupEmailReceiver
from cdktf_cdktf_provider_azurerm.monitor_diagnostic_setting import (
    MonitorDiagnosticSetting,
    MonitorDiagnosticSettingEnabledLog,
    MonitorDiagnosticSettingEnabledMetric,
)
from cdktf_cdktf_provider_azurerm.nat_gateway import NatGateway
from cdktf_cdktf_provider_azurerm.nat_gateway_public_ip_association import NatGatewayPublicIpAssociation
from cdktf_cdktf_provider_azurerm.network_security_group import NetworkSecurityGroup
from cdktf_cdktf_provider_azurerm.private_dns_zone import PrivateDnsZone
from cdktf_cdktf_provider_azurerm.private_dns_zone_virtual_network_link import PrivateDnsZoneVirtualNetworkLink
from cdktf_cdktf_provider_azurerm.private_endpoint import (
    PrivateEndpoint,
    PrivateEndpointPrivateDnsZoneGroup,
    PrivateEndpointPrivateServiceConnection,
)
from cdktf_cdktf_provider_azurerm.provider import (
    AzurermProvider,
    AzurermProviderFeatures,
    AzurermProviderFeaturesDatabricksWorkspace,
    AzurermProviderFeaturesKeyVault,
    AzurermProviderFeaturesResourceGroup,
    AzurermProviderFeaturesStorage,
)
from cdktf_cdktf_provider_azurerm.public_ip import PublicIp
from cdktf_cdktf_provider_azurerm.resource_group import ResourceGroup
from cdktf_cdktf_provider_azurerm.role_assignment import RoleAssignment
from cdktf_cdktf_provider_azurerm.storage_account import (
    StorageAccount,
    StorageAccountBlobProperties,
    StorageAccountBlobPropertiesContainerDeleteRetentionPolicy,
    StorageAccountBlobPropertiesDeleteRetentionPolicy,
    StorageAccountNetworkRules,
    StorageAccountNetworkRulesPrivateLinkAccess,
)
from cdktf_cdktf_provider_azurerm.storage_container import StorageContainer
from cdktf_cdktf_provider_azurerm.storage_management_policy import (
    StorageManagementPolicy,
    StorageManagementPolicyRule,
    StorageManagementPolicyRuleActions,
    StorageManagementPolicyRuleActionsBaseBlob,
    StorageManagementPolicyRuleFilters,
)
from cdktf_cdktf_provider_azurerm.subnet import Subnet, SubnetDelegation, SubnetDelegationServiceDelegation
from cdktf_cdktf_provider_azurerm.subnet_nat_gateway_association import SubnetNatGatewayAssociation
from cdktf_cdktf_provider_azurerm.subnet_network_security_group_association import (
    SubnetNetworkSecurityGroupAssociation,
)
from cdktf_cdktf_provider_azurerm.user_assigned_identity import UserAssignedIdentity
from cdktf_cdktf_provider_azurerm.virtual_network import VirtualNetwork

__all__ = [
    "AzurermProvider", "AzurermProviderFeatures", "AzurermProviderFeaturesDatabricksWorkspace",
    "AzurermProviderFeaturesKeyVault",
    "AzurermProviderFeaturesResourceGroup", "AzurermProviderFeaturesStorage", "ConsumptionBudgetResourceGroup",
    "ConsumptionBudgetResourceGroupNotification", "ConsumptionBudgetResourceGroupTimePeriod",
    "DatabricksAccessConnector", "DatabricksAccessConnectorIdentity", "DatabricksWorkspace",
    "DatabricksWorkspaceCustomParameters", "FederatedIdentityCredential", "KeyVault", "KeyVaultNetworkAcls",
    "LogAnalyticsWorkspace", "ManagementLock", "MonitorActionGroup", "MonitorActionGroupEmailReceiver",
    "MonitorDiagnosticSetting", "MonitorDiagnosticSettingEnabledLog", "MonitorDiagnosticSettingEnabledMetric",
    "NatGateway", "NatGatewayPublicIpAssociation", "NetworkSecurityGroup", "PrivateDnsZone",
    "PrivateDnsZoneVirtualNetworkLink", "PrivateEndpoint", "PrivateEndpointPrivateDnsZoneGroup",
    "PrivateEndpointPrivateServiceConnection", "PublicIp", "ResourceGroup", "RoleAssignment", "StorageAccount",
    "StorageAccountBlobProperties", "StorageAccountBlobPropertiesContainerDeleteRetentionPolicy",
    "StorageAccountBlobPropertiesDeleteRetentionPolicy", "StorageAccountNetworkRules",
    "StorageAccountNetworkRulesPrivateLinkAccess", "StorageContainer", "StorageManagementPolicy",
    "StorageManagementPolicyRule", "StorageManagementPolicyRuleActions", "StorageManagementPolicyRuleActionsBaseBlob",
    "StorageManagementPolicyRuleFilters", "Subnet", "SubnetDelegation", "SubnetDelegationServiceDelegation",
    "SubnetNatGatewayAssociation", "SubnetNetworkSecurityGroupAssociation", "UserAssignedIdentity", "VirtualNetwork",
]  # fmt: skip
