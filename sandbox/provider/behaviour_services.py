"""Behaviour of what stands beside jobs and tables: compute, storage, groups, secrets, serving, queries, monitors.

Transcribed by program from what was read off the real databricks 1.99.0, so the test that compares them shows that the
table is current, not that two sources agree. Which kind each hidden difference is was chosen here, by its name.
"""

from __future__ import annotations

from sandbox.provider.rules import Behaviour, among, kinds, paths

SERVICES: dict[str, Behaviour] = {
    "databricks_alert": Behaviour(
        force_new=paths("parent_path"),
        defaults={"notify_on_ok": True},
        hidden=kinds(prefix="parent_path", removed="owner_user_name"),
        exactly_one=(
            paths(
                "condition.threshold.value.bool_value condition.threshold.value.double_value "
                "condition.threshold.value.string_value"
            ),
        ),
    ),
    "databricks_alert_v2": Behaviour(),
    "databricks_dashboard": Behaviour(
        force_new=paths("parent_path"),
        defaults={"embed_credentials": True},
        # The provider compares the fingerprint of the text, whatever the service makes of it.
        hidden=kinds(prefix="parent_path", content="serialized_dashboard"),
        conflicts={"file_path": paths("serialized_dashboard"), "serialized_dashboard": paths("file_path")},
    ),
    "databricks_external_location": Behaviour(
        force_new=paths("name"),
        hidden=kinds(case="name", skipped="skip_validation", slash="url"),
        conflicts=among(
            paths("managed_aqs managed_pubsub managed_sqs provided_aqs provided_pubsub provided_sqs"),
            "file_event_queue.",
        ),
    ),
    "databricks_group": Behaviour(
        force_new=paths("external_id"),
        defaults={
            "allow_cluster_create": False,
            "allow_instance_pool_create": False,
            "databricks_sql_access": False,
            "workspace_access": False,
            "workspace_consume": False,
        },
        hidden=kinds(removed="external_id"),
        conflicts={"workspace_consume": paths("databricks_sql_access workspace_access")},
    ),
    "databricks_group_member": Behaviour(force_new=paths("group_id member_id")),
    "databricks_instance_pool": Behaviour(
        force_new=paths(
            "aws_attributes aws_attributes.availability aws_attributes.instance_profile_arn "
            "aws_attributes.spot_bid_price_percent aws_attributes.zone_id azure_attributes "
            "azure_attributes.availability azure_attributes.spot_bid_max_price disk_spec "
            "disk_spec.disk_type.azure_disk_volume_type disk_spec.disk_type.ebs_volume_type "
            "enable_elastic_disk gcp_attributes gcp_attributes.gcp_availability "
            "gcp_attributes.local_ssd_count gcp_attributes.zone_id instance_pool_fleet_attributes "
            "instance_pool_fleet_attributes.fleet_on_demand_option "
            "instance_pool_fleet_attributes.fleet_on_demand_option.allocation_strategy "
            "instance_pool_fleet_attributes.fleet_spot_option "
            "instance_pool_fleet_attributes.fleet_spot_option.allocation_strategy "
            "instance_pool_fleet_attributes.launch_template_override "
            "instance_pool_fleet_attributes.launch_template_override.availability_zone "
            "instance_pool_fleet_attributes.launch_template_override.instance_type node_type_id "
            "preloaded_docker_image preloaded_docker_image.basic_auth "
            "preloaded_docker_image.basic_auth.password preloaded_docker_image.basic_auth.username "
            "preloaded_docker_image.url preloaded_spark_versions"
        ),
        defaults={
            "aws_attributes.availability": "SPOT",
            "aws_attributes.spot_bid_price_percent": 100,
            "azure_attributes.availability": "ON_DEMAND_AZURE",
            "enable_elastic_disk": True,
            "gcp_attributes.gcp_availability": "ON_DEMAND_GCP",
        },
        hidden=kinds(
            removed=(
                "aws_attributes aws_attributes.availability aws_attributes.instance_profile_arn "
                "aws_attributes.spot_bid_price_percent aws_attributes.zone_id azure_attributes "
                "azure_attributes.availability azure_attributes.spot_bid_max_price gcp_attributes "
                "gcp_attributes.gcp_availability gcp_attributes.local_ssd_count gcp_attributes.zone_id "
                "instance_pool_fleet_attributes instance_pool_fleet_attributes.fleet_on_demand_option "
                "instance_pool_fleet_attributes.fleet_on_demand_option.allocation_strategy "
                "instance_pool_fleet_attributes.fleet_on_demand_option.instance_pools_to_use_count "
                "instance_pool_fleet_attributes.fleet_spot_option "
                "instance_pool_fleet_attributes.fleet_spot_option.allocation_strategy "
                "instance_pool_fleet_attributes.fleet_spot_option.instance_pools_to_use_count "
                "instance_pool_fleet_attributes.launch_template_override "
                "instance_pool_fleet_attributes.launch_template_override.availability_zone "
                "instance_pool_fleet_attributes.launch_template_override.instance_type max_capacity node_type_id"
            )
        ),
        conflicts=among(paths("aws_attributes azure_attributes gcp_attributes")),
    ),
    "databricks_model_serving": Behaviour(
        force_new=paths(
            "config.auto_capture_config.catalog_name config.auto_capture_config.schema_name "
            "config.auto_capture_config.table_name_prefix name route_optimized"
        ),
        defaults={"config.served_models.scale_to_zero_enabled": True},
        hidden=kinds(
            removed="config.traffic_config.routes.served_entity_name config.traffic_config.routes.served_model_name"
        ),
        conflicts=among(paths("served_entities served_models"), "config."),
    ),
    "databricks_notification_destination": Behaviour(
        force_new=paths("config.email config.generic_webhook config.microsoft_teams config.pagerduty config.slack"),
        exactly_one=(
            paths("config.email config.generic_webhook config.microsoft_teams config.pagerduty config.slack"),
        ),
        required_with={
            "config.email": paths("config.email.addresses"),
            "config.generic_webhook": paths("config.generic_webhook.url"),
            "config.microsoft_teams": paths("config.microsoft_teams.url"),
            "config.pagerduty": paths("config.pagerduty.integration_key"),
            "config.slack": paths("config.slack.url"),
        },
    ),
    "databricks_query": Behaviour(
        force_new=paths("parent_path"),
        hidden=kinds(
            prefix="parent_path",
            removed="owner_user_name parameter.date_range_value.precision parameter.date_value.precision run_as_mode",
        ),
    ),
    "databricks_secret_acl": Behaviour(force_new=paths("permission principal scope")),
    "databricks_secret_scope": Behaviour(
        force_new=paths(
            "initial_manage_principal keyvault_metadata keyvault_metadata.dns_name keyvault_metadata.resource_id name"
        )
    ),
    "databricks_sql_endpoint": Behaviour(
        defaults={
            "auto_stop_mins": 120,
            "channel.name": "CHANNEL_NAME_CURRENT",
            "enable_photon": True,
            "max_num_clusters": 1,
            "no_wait": False,
            "spot_instance_policy": "COST_OPTIMIZED",
        },
        hidden=kinds(
            removed=(
                "channel channel.dbsql_version channel.name min_num_clusters tags tags.custom_tags warehouse_type"
            ),
            skipped="no_wait",
        ),
    ),
    "databricks_storage_credential": Behaviour(
        force_new=paths("name"),
        hidden=kinds(case="name", removed="gcp_service_account_key", skipped="skip_validation"),
        at_least_one=(
            paths(
                "aws_iam_role azure_managed_identity azure_service_principal cloudflare_api_token "
                "databricks_gcp_service_account gcp_service_account_key"
            ),
        ),
    ),
    "databricks_workspace_file": Behaviour(
        force_new=paths("path"),
        defaults={"md5": "different"},
        hidden=kinds(content="md5"),
        conflicts=among(paths("content_base64 source")),
    ),
    "databricks_quality_monitor": Behaviour(),
}
