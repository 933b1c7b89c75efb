"""The storage of a stage: one account with a container for each class of zone, reached by identity and privately."""

from __future__ import annotations

from constructs import Construct

from infra import names
from infra.azure.providers import (
    StorageAccount,
    StorageAccountBlobProperties,
    StorageAccountBlobPropertiesContainerDeleteRetentionPolicy,
    StorageAccountBlobPropertiesDeleteRetentionPolicy,
    StorageAccountNetworkRules,
    StorageAccountNetworkRulesPrivateLinkAccess,
    StorageContainer,
    StorageManagementPolicy,
    StorageManagementPolicyRule,
    StorageManagementPolicyRuleActions,
    StorageManagementPolicyRuleActionsBaseBlob,
    StorageManagementPolicyRuleFilters,
)
from infra.azure.site import Site
from infra.constructs.lifecycle import keeping
from infra.storage import Data, containers

ALL_ZONES = "all"
COOL_AFTER_DAYS = 30
EXPORTS_LEAVE_AFTER_DAYS = 90


def rule(name: str, prefix: str, action: StorageManagementPolicyRuleActionsBaseBlob) -> StorageManagementPolicyRule:
    """A lifecycle rule for the blobs of one container."""
    return StorageManagementPolicyRule(
        name=name,
        enabled=True,
        filters=StorageManagementPolicyRuleFilters(blob_types=["blockBlob"], prefix_match=[f"{prefix}/"]),
        actions=StorageManagementPolicyRuleActions(base_blob=action),
    )


class Lake(Construct):
    """account; containers by name; lifecycle of what is delivered and exported.

    Tables have no lifecycle here: a Delta table's files are as old as their rows, and in use.
    """

    def __init__(self, scope: Construct, id_: str, *, site: Site, connector: str) -> None:
        """connector: the Azure id of the access connector, the only thing let in past the firewall."""
        super().__init__(scope, id_)
        stage, days = site.stage, site.stage.recover_days
        self.account = site.place("lake", StorageAccount(
            self, "account", name=names.storage_account(stage, site.inputs.azure.name_suffix), location=site.location,
            resource_group_name=site.group, account_kind="StorageV2", account_tier="Standard",
            account_replication_type=stage.replication, is_hns_enabled=True,
            infrastructure_encryption_enabled=True, min_tls_version="TLS1_2", https_traffic_only_enabled=True,
            public_network_access_enabled=False, allow_nested_items_to_be_public=False,
            shared_access_key_enabled=False, default_to_oauth_authentication=True, local_user_enabled=False,
            sftp_enabled=False, nfsv3_enabled=False, cross_tenant_replication_enabled=False, allowed_copy_scope="AAD",
            network_rules=StorageAccountNetworkRules(
                default_action="Deny", bypass=["None"], ip_rules=[], virtual_network_subnet_ids=[],
                private_link_access=[StorageAccountNetworkRulesPrivateLinkAccess(
                    endpoint_resource_id=connector, endpoint_tenant_id=site.inputs.azure.tenant_id,
                )],
            ),
            blob_properties=StorageAccountBlobProperties(
                delete_retention_policy=StorageAccountBlobPropertiesDeleteRetentionPolicy(days=days),
                container_delete_retention_policy=StorageAccountBlobPropertiesContainerDeleteRetentionPolicy(days=days),
            ),
            tags=site.tags(zone=ALL_ZONES, data=Data.RESTRICTED), lifecycle=keeping(stage),
        ))  # fmt: skip
        self.containers: dict[str, StorageContainer] = {}
        for name, data in containers(stage).items():
            # Made through Azure's management, not through the account's own door, which is closed from outside.
            # Containers take no tags; their metadata say the same.
            self.containers[name] = site.place(name.replace("-", "_"), StorageContainer(
                self, name, name=name, storage_account_id=self.account.id, container_access_type="private",
                metadata=site.tags(zone=name, data=data), lifecycle=keeping(stage),
            ))  # fmt: skip
        self.lifecycle = site.place("lake", StorageManagementPolicy(
            self, "lifecycle", storage_account_id=self.account.id,
            rule=[
                rule("deliveries-cool", names.LANDING, StorageManagementPolicyRuleActionsBaseBlob(
                    tier_to_cool_after_days_since_modification_greater_than=COOL_AFTER_DAYS,
                )),
                rule("exports-leave", names.EXPORTS, StorageManagementPolicyRuleActionsBaseBlob(
                    delete_after_days_since_modification_greater_than=EXPORTS_LEAVE_AFTER_DAYS,
                )),
            ],
        ))  # fmt: skip
