"""One resource of Azure Resource Manager: stored, with the values that Azure would compute; nothing runs.

Values are invented in the documented shape; a test reads that none of those a stack refers to stays unknown.
"""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import Callable
from typing import Any

from sandbox.errors import ServiceError
from sandbox.provider.azure.ids import IDS, REFERENCES
from sandbox.provider.kinds import Context, Kind, fill
from sandbox.provider.planning import Refusal
from sandbox.provider.values import UNKNOWN, Object
from sandbox.store import new_uuid

_NO_TENANT = "00000000-0000-0000-0000-000000000000"
_IDENTITIES = ("identity", "managed_disk_identity", "storage_account_identity")
_SERVICES = ("blob", "dfs", "file", "queue", "table", "web")


class AzureResource(Kind):
    """A resource of one type; its id follows from its names, as in Azure."""

    takes_all = True

    def __init__(self, type_name: str) -> None:
        self.type_name = type_name
        self.noun = type_name.removeprefix("azurerm_").replace("_", " ")

    def check(self, planned: Object) -> list[Refusal]:
        """Write-only arguments would land in the state: the plugin library here cannot mark them."""
        if planned.get("value_wo") is None:
            return []
        detail = "the sandbox does not model write-only arguments; use value"
        return [Refusal("Unsupported argument", detail, ("value_wo",))]

    def identify(self, context: Context, body: Object) -> str:
        """What it stands in must exist, its id must be free; then the values that Azure computes."""
        subscription = str(context.configuration["subscription_id"])
        for name, type_name in REFERENCES.items():
            value = body.get(name)
            ours = isinstance(value, str) and value.startswith(f"/subscriptions/{subscription}/")
            if ours and not _there(context, type_name, str(value)):
                raise ServiceError("ResourceNotFound", f"ResourceNotFound: The Resource '{value}' was not found.")
        tenant = str(context.configuration.get("tenant_id") or _NO_TENANT)
        parts = {"subscription": subscription, **_names(self.type_name, body, subscription)}
        group = body.get("resource_group_name")
        if group and not _there(
            context, "azurerm_resource_group", f"/subscriptions/{subscription}/resourceGroups/{group}"
        ):
            message = f"ResourceGroupNotFound: Resource group '{group}' could not be found."
            raise ServiceError("ResourceGroupNotFound", message)
        id_ = IDS[self.type_name].format_map(parts)
        if _there(context, self.type_name, id_):
            message = (
                f'A resource with the ID "{id_}" already exists - to be managed via Terraform this resource needs to be'
                f' imported into the State. Please see the resource documentation for "{self.type_name}" for more'
                " information."
            )
            raise ServiceError("ImportAsExistsError", message)
        compute = _COMPUTED.get(self.type_name)
        if compute:
            fill(body, **compute(body, {**parts, "id": id_, "tenant": tenant}))
        return id_

    def make(self, context: Context, body: Object, prior: Object | None) -> None:
        """A principal for each identity that Azure assigns."""
        del prior
        tenant = str(context.configuration.get("tenant_id") or _NO_TENANT)
        for name in _IDENTITIES:
            blocks = body.get(name)
            for block in blocks if isinstance(blocks, list) else []:
                if "SystemAssigned" in str(block.get("type")):
                    fill(block, principal_id=new_uuid(), tenant_id=tenant)

    def remove(self, context: Context, body: Object) -> None:
        """A resource group that still has resources is kept, as the provider's feature flag has it by default."""
        if self.type_name != "azurerm_resource_group":
            return
        inside = sorted(item.id for item in context.workspace.store.list() if item.id.startswith(f"{body['id']}/"))
        if inside:
            message = (
                f'deleting Resource Group "{body["name"]}": the Resource Group still contains Resources: {inside[0]}'
            )
            raise ServiceError("ResourceGroupNotEmpty", message)


def _there(context: Context, type_name: str, id_: str) -> bool:
    return context.workspace.store.read(type_name, id_) is not None


def _names(type_name: str, body: Object, subscription: str) -> Object:
    """What an id is made of: the attributes, and those that are computed from others before it."""
    if type_name == "azurerm_role_assignment":
        fill(body, name=new_uuid())
    if type_name == "azurerm_key_vault_secret":
        fill(body, version=secrets.token_hex(16))
    names = {key: value for key, value in body.items() if value is not None and value is not UNKNOWN}
    group = f"/subscriptions/{subscription}/resourceGroups/{names.get('resource_group_name')}/providers"
    if type_name == "azurerm_eventhub":
        fill(body, namespace_id=f"{group}/Microsoft.EventHub/namespaces/{names.get('namespace_name')}")
        *_, of_group, _, _, _, namespace = str(body["namespace_id"]).split("/")
        fill(body, namespace_name=namespace, resource_group_name=of_group)
        names["namespace_id"] = body["namespace_id"]
    account = str(names.get("storage_account_id") or names.get("storage_account_name") or "")
    names["account_id"] = account if account.startswith("/") else f"https://{account}.blob.core.windows.net"
    names["account"] = account.rsplit("/", 1)[-1]
    names["vault"] = str(names.get("key_vault_id", "")).rsplit("/", 1)[-1]
    return names


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(64)).decode()


def _insights(body: Object, at: Object) -> Object:
    del at
    key = new_uuid()
    connection = (
        f"InstrumentationKey={key};IngestionEndpoint=https://{body['location']}.in.applicationinsights.azure.com/"
    )
    return {"app_id": new_uuid(), "instrumentation_key": key, "connection_string": connection}


def _workspace(body: Object, at: Object) -> Object:
    number = str(10**15 + uuid.uuid5(uuid.NAMESPACE_URL, at["id"]).int % 10**15)
    group = body["managed_resource_group_name"]
    group = f"databricks-rg-{body['resource_group_name']}" if group in (None, UNKNOWN) else group
    return {
        "workspace_id": number,
        "workspace_url": f"adb-{number}.{int(number) % 20}.azuredatabricks.net",
        "managed_resource_group_name": group,
        "managed_resource_group_id": f"/subscriptions/{at['subscription']}/resourceGroups/{group}",
        "disk_encryption_set_id": "",
        "managed_disk_identity": [],
        "storage_account_identity": [],
    }


def _event_hubs(body: Object, at: Object) -> Object:
    del at
    found = {}
    for which in ("primary", "secondary"):
        key = _key()
        endpoint = f"Endpoint=sb://{body['name']}.servicebus.windows.net/"
        found[f"default_{which}_key"] = key
        found[f"default_{which}_connection_string"] = (
            f"{endpoint};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey={key}"
        )
    return found


def _secret(body: Object, at: Object) -> Object:
    versionless = at["id"].rsplit("/", 1)[0]
    resource = f"{body['key_vault_id']}/secrets/{body['name']}"
    versions = f"{resource}/versions/{at['id'].rsplit('/', 1)[1]}"
    return {"versionless_id": versionless, "resource_versionless_id": resource, "resource_id": versions}


def _storage_account(body: Object, at: Object) -> Object:
    del at
    found: Object = {"primary_location": body["location"], "access_tier": "Hot", "large_file_share_enabled": False}
    for service in _SERVICES:
        zone = "z6.web" if service == "web" else service
        host = f"{body['name']}.{zone}.core.windows.net"
        found |= {f"primary_{service}_host": host, f"primary_{service}_endpoint": f"https://{host}/"}
    for which in ("primary", "secondary"):
        key = _key()
        account = f"DefaultEndpointsProtocol=https;AccountName={body['name']};AccountKey={key}"
        text = f"{account};EndpointSuffix=core.windows.net"
        found |= {f"{which}_access_key": key, f"{which}_connection_string": text}
    return found


def _role_assignment(body: Object, at: Object) -> Object:
    role = uuid.uuid5(uuid.NAMESPACE_URL, str(body["role_definition_name"]))
    prefix = f"/subscriptions/{at['subscription']}/providers/Microsoft.Authorization/roleDefinitions"
    return {"principal_type": "ServicePrincipal", "role_definition_id": f"{prefix}/{role}"}


_COMPUTED: dict[str, Callable[[Object, Object], dict[str, Any]]] = {
    "azurerm_application_insights": _insights,
    "azurerm_databricks_workspace": _workspace,
    "azurerm_eventhub": lambda body, _: {"partition_ids": [str(n) for n in range(int(body["partition_count"]))]},
    "azurerm_eventhub_namespace": _event_hubs,
    "azurerm_key_vault": lambda body, _: {
        "vault_uri": f"https://{body['name']}.vault.azure.net/",
        "rbac_authorization_enabled": False,
        "enable_rbac_authorization": False,
    },
    "azurerm_key_vault_secret": _secret,
    "azurerm_log_analytics_workspace": lambda _, __: {
        "workspace_id": new_uuid(),
        "primary_shared_key": _key(),
        "secondary_shared_key": _key(),
        "sku": "PerGB2018",
        "retention_in_days": 30,
        "local_authentication_enabled": True,
        "local_authentication_disabled": False,
    },
    "azurerm_nat_gateway": lambda _, __: {"resource_guid": new_uuid()},
    "azurerm_private_dns_a_record": lambda body, _: {"fqdn": f"{body['name']}.{body['zone_name']}."},
    "azurerm_private_dns_zone": lambda _, __: {
        "number_of_record_sets": 1,
        "max_number_of_record_sets": 25000,
        "max_number_of_virtual_network_links": 1000,
        "max_number_of_virtual_network_links_with_registration": 100,
    },
    "azurerm_private_dns_zone_virtual_network_link": lambda _, __: {"resolution_policy": "Default"},
    "azurerm_public_ip": lambda body, _: {"ip_address": "192.0.2.1"} if body["allocation_method"] == "Static" else {},
    "azurerm_role_assignment": _role_assignment,
    "azurerm_storage_account": _storage_account,
    "azurerm_storage_container": lambda _, at: {
        "has_immutability_policy": False,
        "has_legal_hold": False,
        "resource_manager_id": at["id"],
        "default_encryption_scope": "$account-encryption-key",
        "metadata": {},
    },
    "azurerm_user_assigned_identity": lambda _, at: {
        "client_id": new_uuid(),
        "principal_id": new_uuid(),
        "tenant_id": at["tenant"],
    },
    "azurerm_virtual_network": lambda _, __: {"guid": new_uuid(), "dns_servers": []},
}

KINDS: dict[str, Kind] = {type_name: AzureResource(type_name) for type_name in IDS}
