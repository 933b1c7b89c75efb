"""A platform for one stage in Azure: every modelled resource type once, as a stack would declare it."""

from __future__ import annotations

from typing import Any

TENANT = "11111111-1111-1111-1111-111111111111"
SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
_OBJECT = "33333333-3333-3333-3333-333333333333"
_IN = {"resource_group_name": "${azurerm_resource_group.g.name}", "location": "West Europe"}
_GROUP = {"resource_group_name": "${azurerm_resource_group.g.name}"}

PLATFORM: dict[str, dict[str, dict[str, Any]]] = {
    "azurerm_resource_group": {"g": {"name": "rg-cdh-dev", "location": "West Europe", "tags": {"stage": "dev"}}},
    "azurerm_virtual_network": {"v": {**_IN, "name": "vnet", "address_space": ["10.0.0.0/16"]}},
    "azurerm_subnet": {
        "s": {
            **_GROUP,
            "name": "private",
            "virtual_network_name": "${azurerm_virtual_network.v.name}",
            "address_prefixes": ["10.0.1.0/24"],
            "delegation": {
                "name": "databricks",
                "service_delegation": {"name": "Microsoft.Databricks/workspaces", "actions": ["a"]},
            },
        }
    },
    "azurerm_network_security_group": {"n": {**_IN, "name": "nsg"}},
    "azurerm_subnet_network_security_group_association": {
        "a": {
            "subnet_id": "${azurerm_subnet.s.id}",
            "network_security_group_id": "${azurerm_network_security_group.n.id}",
        }
    },
    "azurerm_public_ip": {"p": {**_IN, "name": "ip", "allocation_method": "Static"}},
    "azurerm_nat_gateway": {"n": {**_IN, "name": "nat", "sku_name": "Standard"}},
    "azurerm_nat_gateway_public_ip_association": {
        "a": {"nat_gateway_id": "${azurerm_nat_gateway.n.id}", "public_ip_address_id": "${azurerm_public_ip.p.id}"}
    },
    "azurerm_subnet_nat_gateway_association": {
        "a": {"nat_gateway_id": "${azurerm_nat_gateway.n.id}", "subnet_id": "${azurerm_subnet.s.id}"}
    },
    "azurerm_private_dns_zone": {"z": {**_GROUP, "name": "privatelink.azuredatabricks.net"}},
    "azurerm_private_dns_zone_virtual_network_link": {
        "l": {
            **_GROUP,
            "name": "link",
            "private_dns_zone_name": "${azurerm_private_dns_zone.z.name}",
            "virtual_network_id": "${azurerm_virtual_network.v.id}",
        }
    },
    "azurerm_private_dns_a_record": {
        "r": {
            **_GROUP,
            "name": "ws",
            "zone_name": "${azurerm_private_dns_zone.z.name}",
            "ttl": 300,
            "records": ["10.0.1.4"],
        }
    },
    "azurerm_databricks_workspace": {"w": {**_IN, "name": "dbw-cdh-dev", "sku": "premium"}},
    "azurerm_private_endpoint": {
        "e": {
            **_IN,
            "name": "pe",
            "subnet_id": "${azurerm_subnet.s.id}",
            "private_service_connection": {
                "name": "ui",
                "is_manual_connection": False,
                "private_connection_resource_id": "${azurerm_databricks_workspace.w.id}",
                "subresource_names": ["databricks_ui_api"],
            },
        }
    },
    "azurerm_databricks_access_connector": {"c": {**_IN, "name": "ac", "identity": {"type": "SystemAssigned"}}},
    "azurerm_storage_account": {
        "a": {
            **_IN,
            "name": "cdhdev",
            "account_tier": "Standard",
            "account_replication_type": "ZRS",
            "is_hns_enabled": True,
        }
    },
    "azurerm_storage_container": {"c": {"name": "artifacts", "storage_account_id": "${azurerm_storage_account.a.id}"}},
    "azurerm_storage_data_lake_gen2_filesystem": {
        "f": {"name": "curated", "storage_account_id": "${azurerm_storage_account.a.id}"}
    },
    "azurerm_storage_management_policy": {
        "p": {
            "storage_account_id": "${azurerm_storage_account.a.id}",
            "rule": {
                "name": "old",
                "enabled": True,
                "filters": {"blob_types": ["blockBlob"]},
                "actions": {"base_blob": {"delete_after_days_since_modification_greater_than": 30}},
            },
        }
    },
    "azurerm_role_assignment": {
        "r": {
            "scope": "${azurerm_storage_account.a.id}",
            "role_definition_name": "Storage Blob Data Contributor",
            "principal_id": "${azurerm_databricks_access_connector.c.identity[0].principal_id}",
        }
    },
    "azurerm_user_assigned_identity": {"i": {**_IN, "name": "id-deploy"}},
    "azurerm_federated_identity_credential": {
        "f": {
            **_GROUP,
            "name": "ci",
            "parent_id": "${azurerm_user_assigned_identity.i.id}",
            "issuer": "https://token.example.gov",
            "subject": "repo:cdh:ref:main",
            "audience": ["api://AzureADTokenExchange"],
        }
    },
    "azurerm_key_vault": {"k": {**_IN, "name": "kv-cdh-dev", "sku_name": "standard", "tenant_id": TENANT}},
    "azurerm_key_vault_access_policy": {
        "p": {"key_vault_id": "${azurerm_key_vault.k.id}", "tenant_id": TENANT, "object_id": _OBJECT}
    },
    "azurerm_key_vault_secret": {
        "s": {"key_vault_id": "${azurerm_key_vault.k.id}", "name": "salt", "value": "invented"}
    },
    "azurerm_databricks_workspace_root_dbfs_customer_managed_key": {
        "k": {
            "workspace_id": "${azurerm_databricks_workspace.w.id}",
            "key_vault_key_id": "https://kv-cdh-dev.vault.azure.net/keys/k/1",
        }
    },
    "azurerm_log_analytics_workspace": {"l": {**_IN, "name": "log"}},
    "azurerm_application_insights": {
        "a": {
            **_IN,
            "name": "insights",
            "application_type": "web",
            "workspace_id": "${azurerm_log_analytics_workspace.l.id}",
        }
    },
    "azurerm_monitor_diagnostic_setting": {
        "d": {
            "name": "audit",
            "target_resource_id": "${azurerm_databricks_workspace.w.id}",
            "log_analytics_workspace_id": "${azurerm_log_analytics_workspace.l.id}",
            "enabled_log": {"category": "jobs"},
        }
    },
    "azurerm_monitor_action_group": {
        "a": {
            **_GROUP,
            "name": "team",
            "short_name": "team",
            "email_receiver": {"name": "team", "email_address": "team@example.gov"},
        }
    },
    "azurerm_consumption_budget_resource_group": {
        "b": {
            "name": "budget",
            "resource_group_id": "${azurerm_resource_group.g.id}",
            "amount": 1000,
            "time_period": {"start_date": "2026-01-01T00:00:00Z"},
            "notification": {"operator": "GreaterThan", "threshold": 90, "contact_emails": ["team@example.gov"]},
        }
    },
    "azurerm_management_lock": {
        "l": {"name": "keep", "scope": "${azurerm_storage_account.a.id}", "lock_level": "CanNotDelete"}
    },
    "azurerm_eventhub_namespace": {"n": {**_IN, "name": "hubs", "sku": "Standard"}},
    "azurerm_eventhub": {
        "h": {
            "name": "predictions",
            "namespace_id": "${azurerm_eventhub_namespace.n.id}",
            "partition_count": 2,
            "message_retention": 1,
        }
    },
}
