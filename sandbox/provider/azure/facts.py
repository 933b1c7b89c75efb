"""What the binding's text does not say about the schemas of azurerm 4.55.0; see ``sandbox.provider.facts``.

Transcribed by program from the recorded schemas.
"""

from __future__ import annotations

# schema versions other than 0
SCHEMA_VERSIONS: dict[str, int] = {
    "azurerm_application_insights": 2,
    "azurerm_key_vault": 2,
    "azurerm_log_analytics_workspace": 3,
    "azurerm_monitor_action_group": 1,
    "azurerm_storage_account": 4,
    "azurerm_storage_container": 1,
    "azurerm_user_assigned_identity": 1,
}

# dotted paths of attributes that terraform must not print; inside a computed object a schema cannot say it
SENSITIVE: dict[str, list[str]] = {
    "azurerm_databricks_workspace": [
        "managed_disk_identity.principal_id",
        "managed_disk_identity.tenant_id",
        "storage_account_identity.principal_id",
        "storage_account_identity.tenant_id",
    ],
    "azurerm_application_insights": ["connection_string", "instrumentation_key"],
    "azurerm_eventhub_namespace": [
        "default_primary_connection_string",
        "default_primary_connection_string_alias",
        "default_primary_key",
        "default_secondary_connection_string",
        "default_secondary_connection_string_alias",
        "default_secondary_key",
    ],
    "azurerm_key_vault_secret": ["value"],
    "azurerm_log_analytics_workspace": ["primary_shared_key", "secondary_shared_key"],
    "azurerm_storage_account": [
        "primary_access_key",
        "primary_blob_connection_string",
        "primary_connection_string",
        "secondary_access_key",
        "secondary_blob_connection_string",
        "secondary_connection_string",
    ],
}

# upper limits of blocks other than 1
MAX_ITEMS: dict[str, dict[str, int]] = {
    "azurerm_storage_account": {
        "blob_properties.cors_rule": 5,
        "queue_properties.cors_rule": 5,
        "share_properties.cors_rule": 5,
    },
    "azurerm_virtual_network": {"ip_address_pool": 2},
}

# dotted paths of arguments that the provider takes and terraform never keeps
WRITE_ONLY: dict[str, list[str]] = {"azurerm_key_vault_secret": ["value_wo"]}
