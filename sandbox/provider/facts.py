"""What the binding's text does not say about the schemas of databricks 1.99.0.

Source: the provider's documentation and `terraform providers schema -json`; a test compares the schemas that come out.
"""

from __future__ import annotations

# schema versions other than 0
SCHEMA_VERSIONS: dict[str, int] = {
    "databricks_aws_s3_mount": 2,
    "databricks_azure_adls_gen1_mount": 2,
    "databricks_azure_adls_gen2_mount": 2,
    "databricks_azure_blob_mount": 2,
    "databricks_catalog_workspace_binding": 1,
    "databricks_cluster": 4,
    "databricks_cluster_policy": 1,
    "databricks_dbfs_file": 1,
    "databricks_git_credential": 1,
    "databricks_global_init_script": 1,
    "databricks_job": 2,
    "databricks_metastore_data_access": 1,
    "databricks_mount": 2,
    "databricks_mws_customer_managed_keys": 1,
    "databricks_mws_workspaces": 3,
    "databricks_notebook": 1,
    "databricks_repo": 1,
    "databricks_secret_scope": 2,
    "databricks_workspace_binding": 1,
    "databricks_workspace_file": 1,
}

# types on the plugin framework; all others are on the older SDK and need the legacy type system flag
PLUGIN_FRAMEWORK: frozenset[str] = frozenset(
    {
        "databricks_account_federation_policy",
        "databricks_account_network_policy",
        "databricks_account_setting_v2",
        "databricks_alert_v2",
        "databricks_app",
        "databricks_apps_settings_custom_template",
        "databricks_budget_policy",
        "databricks_data_quality_monitor",
        "databricks_data_quality_refresh",
        "databricks_database_database_catalog",
        "databricks_database_instance",
        "databricks_database_synced_database_table",
        "databricks_entity_tag_assignment",
        "databricks_external_metadata",
        "databricks_feature_engineering_feature",
        "databricks_feature_engineering_kafka_config",
        "databricks_feature_engineering_materialized_feature",
        "databricks_library",
        "databricks_materialized_features_feature_tag",
        "databricks_online_store",
        "databricks_policy_info",
        "databricks_quality_monitor",
        "databricks_quality_monitor_v2",
        "databricks_rfa_access_request_destinations",
        "databricks_service_principal_federation_policy",
        "databricks_share",
        "databricks_tag_policy",
        "databricks_workspace_entity_tag_assignment",
        "databricks_workspace_network_option",
        "databricks_workspace_setting_v2",
    }
)

# dotted paths of attributes that terraform must not print
SENSITIVE: dict[str, list[str]] = {
    "databricks_azure_blob_mount": ["token_secret_key"],
    "databricks_cluster": ["docker_image.basic_auth.password"],
    "databricks_connection": ["options"],
    "databricks_credential": ["azure_service_principal.client_secret"],
    "databricks_custom_app_integration": ["client_secret"],
    "databricks_instance_pool": ["preloaded_docker_image.basic_auth.password"],
    "databricks_job": [
        "job_cluster.new_cluster.docker_image.basic_auth.password",
        "new_cluster.docker_image.basic_auth.password",
        "task.for_each_task.task.new_cluster.docker_image.basic_auth.password",
        "task.new_cluster.docker_image.basic_auth.password",
    ],
    "databricks_metastore_data_access": [
        "azure_service_principal.client_secret",
        "cloudflare_api_token.secret_access_key",
        "gcp_service_account_key.private_key",
    ],
    "databricks_mlflow_webhook": ["http_url_spec.secret", "job_spec.access_token"],
    "databricks_mws_networks": ["account_id"],
    "databricks_mws_storage_configurations": ["account_id"],
    "databricks_mws_workspaces": ["account_id", "token.token_value"],
    "databricks_notification_destination": [
        "config.generic_webhook.password",
        "config.generic_webhook.url",
        "config.generic_webhook.username",
        "config.microsoft_teams.app_id",
        "config.microsoft_teams.auth_secret",
        "config.microsoft_teams.channel_url",
        "config.microsoft_teams.tenant_id",
        "config.microsoft_teams.url",
        "config.pagerduty.integration_key",
        "config.slack.channel_id",
        "config.slack.oauth_token",
        "config.slack.url",
    ],
    "databricks_obo_token": ["token_value"],
    "databricks_provider": ["recipient_profile_str"],
    "databricks_recipient": ["sharing_code"],
    "databricks_secret": ["string_value"],
    "databricks_service_principal_secret": ["secret"],
    "databricks_storage_credential": [
        "azure_service_principal.client_secret",
        "cloudflare_api_token.secret_access_key",
        "gcp_service_account_key.private_key",
    ],
    "databricks_token": ["token_value"],
    "provider": [
        "azure_client_secret",
        "client_secret",
        "google_credentials",
        "metadata_service_url",
        "password",
        "token",
    ],
}

# upper limits of blocks other than 1
MAX_ITEMS: dict[str, dict[str, int]] = {
    "databricks_cluster": {"init_scripts": 10},
    "databricks_job": {
        "job_cluster.new_cluster.init_scripts": 10,
        "new_cluster.init_scripts": 10,
        "task.for_each_task.task.new_cluster.init_scripts": 10,
        "task.new_cluster.init_scripts": 10,
    },
    "databricks_pipeline": {"cluster.init_scripts": 10},
}

# inside a computed attribute the binding calls everything computed: these are, besides being optional
ALSO_COMPUTED: dict[str, list[str]] = {"databricks_database_instance": ["child_instance_refs.lsn"]}
