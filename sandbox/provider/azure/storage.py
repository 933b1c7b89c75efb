"""Behaviour of storage accounts, what lies in them, and event hubs.

Transcribed by program from what was read off the real azurerm 4.55.0, so the test that compares them shows that the
table is current, not that two sources agree. Which kind each hidden difference is was chosen here, by its name.
"""

from __future__ import annotations

from sandbox.provider.rules import Behaviour, kinds, paths

STORAGE: dict[str, Behaviour] = {
    "azurerm_eventhub": Behaviour(
        force_new=paths("name retention_description.cleanup_policy"),
        defaults={
            "capture_description.interval_in_seconds": 300,
            "capture_description.size_limit_in_bytes": 314572800,
            "capture_description.skip_empty_archives": False,
            "status": "Active",
        },
        exactly_one=(
            paths("message_retention retention_description"),
            paths("namespace_id namespace_name"),
            paths("namespace_id resource_group_name"),
            paths(
                "retention_description.retention_time_in_hours retention_description.tombstone_retention_time_in_hours"
            ),
        ),
    ),
    "azurerm_eventhub_namespace": Behaviour(
        force_new=paths("dedicated_cluster_id location name resource_group_name"),
        defaults={
            "auto_inflate_enabled": False,
            "capacity": 1,
            "local_authentication_enabled": True,
            "minimum_tls_version": "1.2",
            "network_rulesets.ip_rule.action": "Allow",
            "network_rulesets.public_network_access_enabled": True,
            "public_network_access_enabled": True,
        },
        hidden=kinds(case="network_rulesets.virtual_network_rule.subnet_id", location="location"),
        lowered=paths("location"),
    ),
    "azurerm_storage_account": Behaviour(
        force_new=paths(
            "account_tier dns_endpoint_type edge_zone immutability_policy infrastructure_encryption_enabled "
            "is_hns_enabled location name nfsv3_enabled provisioned_billing_model_version "
            "queue_encryption_key_type resource_group_name table_encryption_key_type"
        ),
        defaults={
            "account_kind": "StorageV2",
            "allow_nested_items_to_be_public": True,
            "azure_files_authentication.default_share_level_permission": "None",
            "blob_properties.change_feed_enabled": False,
            "blob_properties.container_delete_retention_policy.days": 7,
            "blob_properties.delete_retention_policy.days": 7,
            "blob_properties.delete_retention_policy.permanent_delete_enabled": False,
            "blob_properties.last_access_time_enabled": False,
            "blob_properties.versioning_enabled": False,
            "cross_tenant_replication_enabled": False,
            "custom_domain.use_subdomain": False,
            "default_to_oauth_authentication": False,
            "dns_endpoint_type": "Standard",
            "https_traffic_only_enabled": True,
            "infrastructure_encryption_enabled": False,
            "is_hns_enabled": False,
            "local_user_enabled": True,
            "min_tls_version": "TLS1_2",
            "nfsv3_enabled": False,
            "public_network_access_enabled": True,
            "queue_encryption_key_type": "Service",
            "routing.choice": "MicrosoftRouting",
            "routing.publish_internet_endpoints": False,
            "routing.publish_microsoft_endpoints": False,
            "sas_policy.expiration_action": "Log",
            "sftp_enabled": False,
            "share_properties.retention_policy.days": 7,
            "share_properties.smb.multichannel_enabled": False,
            "shared_access_key_enabled": True,
            "table_encryption_key_type": "Service",
        },
        hidden=kinds(location="edge_zone location"),
        lowered=paths("edge_zone location"),
        exactly_one=(paths("customer_managed_key.key_vault_key_id customer_managed_key.managed_hsm_key_id"),),
        required_with={"blob_properties.restore_policy": paths("blob_properties.delete_retention_policy")},
    ),
    "azurerm_storage_container": Behaviour(
        force_new=paths("default_encryption_scope encryption_scope_override_enabled name"),
        defaults={"container_access_type": "private", "encryption_scope_override_enabled": True},
        exactly_one=(paths("storage_account_id storage_account_name"),),
        required_with={"encryption_scope_override_enabled": paths("default_encryption_scope")},
    ),
    "azurerm_storage_data_lake_gen2_filesystem": Behaviour(
        force_new=paths("default_encryption_scope name storage_account_id"), defaults={"ace.scope": "access"}
    ),
    "azurerm_storage_management_policy": Behaviour(
        force_new=paths("storage_account_id"),
        defaults={
            "rule.actions.base_blob.delete_after_days_since_creation_greater_than": -1,
            "rule.actions.base_blob.delete_after_days_since_last_access_time_greater_than": -1,
            "rule.actions.base_blob.delete_after_days_since_modification_greater_than": -1,
            "rule.actions.base_blob.tier_to_archive_after_days_since_creation_greater_than": -1,
            "rule.actions.base_blob.tier_to_archive_after_days_since_last_access_time_greater_than": -1,
            "rule.actions.base_blob.tier_to_archive_after_days_since_last_tier_change_greater_than": -1,
            "rule.actions.base_blob.tier_to_archive_after_days_since_modification_greater_than": -1,
            "rule.actions.base_blob.tier_to_cold_after_days_since_creation_greater_than": -1,
            "rule.actions.base_blob.tier_to_cold_after_days_since_last_access_time_greater_than": -1,
            "rule.actions.base_blob.tier_to_cold_after_days_since_modification_greater_than": -1,
            "rule.actions.base_blob.tier_to_cool_after_days_since_creation_greater_than": -1,
            "rule.actions.base_blob.tier_to_cool_after_days_since_last_access_time_greater_than": -1,
            "rule.actions.base_blob.tier_to_cool_after_days_since_modification_greater_than": -1,
            "rule.actions.snapshot.change_tier_to_archive_after_days_since_creation": -1,
            "rule.actions.snapshot.change_tier_to_cool_after_days_since_creation": -1,
            "rule.actions.snapshot.delete_after_days_since_creation_greater_than": -1,
            "rule.actions.snapshot.tier_to_archive_after_days_since_last_tier_change_greater_than": -1,
            "rule.actions.snapshot.tier_to_cold_after_days_since_creation_greater_than": -1,
            "rule.actions.version.change_tier_to_archive_after_days_since_creation": -1,
            "rule.actions.version.change_tier_to_cool_after_days_since_creation": -1,
            "rule.actions.version.delete_after_days_since_creation": -1,
            "rule.actions.version.tier_to_archive_after_days_since_last_tier_change_greater_than": -1,
            "rule.actions.version.tier_to_cold_after_days_since_creation_greater_than": -1,
            "rule.filters.match_blob_index_tag.operation": "==",
        },
    ),
}
