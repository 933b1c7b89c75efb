"""Private endpoints: the only doors of lake, vault and workspace, with the DNS zones that lead to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from constructs import Construct

from infra.azure.network import ENDPOINTS, Network
from infra.azure.providers import (
    PrivateDnsZone,
    PrivateDnsZoneVirtualNetworkLink,
    PrivateEndpoint,
    PrivateEndpointPrivateDnsZoneGroup,
    PrivateEndpointPrivateServiceConnection,
)
from infra.azure.site import PLATFORM, Site
from infra.storage import Data

# What a door leads to -> the DNS zone that Azure's public cloud resolves it in:
# learn.microsoft.com/azure/private-link/private-endpoint-dns
ZONES: Mapping[str, str] = MappingProxyType({
    "blob": "privatelink.blob.core.windows.net",
    "browser_authentication": "privatelink.azuredatabricks.net",
    "databricks_ui_api": "privatelink.azuredatabricks.net",
    "dfs": "privatelink.dfs.core.windows.net",
    "vault": "privatelink.vaultcore.azure.net",
})  # fmt: skip


# Not proved here: that private endpoints, DNS zones and firewalls let in whom they should. Why: the Azure stacks are
# checked as JSON, against the schema and against rules of our own. On Azure: steps 4 and 5 of [the first
# deployment](first-deployment.md).
@dataclass(frozen=True, kw_only=True)
class Door:
    """A private way to one part (`leads_to`, a key of ZONES) of a resource (`target`, its Azure id)."""

    address: str
    target: str
    leads_to: str


class Endpoints(Construct):
    """zones, links: by DNS zone. endpoints: by the address of their door, in their order."""

    def __init__(self, scope: Construct, id_: str, *, site: Site, network: Network, doors: tuple[Door, ...]) -> None:
        super().__init__(scope, id_)
        self.site, self.network = site, network
        self.zones: dict[str, PrivateDnsZone] = {}
        self.links: dict[str, PrivateDnsZoneVirtualNetworkLink] = {}
        for zone in sorted({ZONES[door.leads_to] for door in doors}):
            self.zone(zone)
        self.endpoints: dict[str, PrivateEndpoint] = {}
        for door in doors:
            self.endpoint(door)

    def zone(self, name: str) -> None:
        """A DNS zone that the network asks; nothing registers itself in it."""
        address = name.split(".")[1]
        tags = self.site.tags(zone=PLATFORM, data=Data.INTERNAL)
        made = self.zones[name] = self.site.place(address, PrivateDnsZone(
            self, f"zone_{address}", name=name, resource_group_name=self.site.group, tags=tags
        ))  # fmt: skip
        self.links[name] = self.site.place(address, PrivateDnsZoneVirtualNetworkLink(
            self, f"link_{address}", name=self.site.name("pdl", address), resource_group_name=self.site.group,
            private_dns_zone_name=made.name, virtual_network_id=self.network.virtual_network.id,
            registration_enabled=False, tags=tags,
        ))  # fmt: skip

    def endpoint(self, door: Door) -> None:
        """The endpoint of one door. It waits for its zone's link: else the first lookups go to the closed door.

        And for the endpoint before it: made at one time, two of one workspace fail (terraform-provider-azurerm#26373).
        """
        zone = ZONES[door.leads_to]
        part = door.address.replace("_", "-")
        before = list(self.endpoints.values())[-1:]
        self.endpoints[door.address] = self.site.place(door.address, PrivateEndpoint(
            self, f"door_{door.address}", name=self.site.name("pep", part), location=self.site.location,
            resource_group_name=self.site.group, subnet_id=self.network.subnets[ENDPOINTS].id,
            custom_network_interface_name=self.site.name("nic", part),
            private_service_connection=PrivateEndpointPrivateServiceConnection(
                name=self.site.name("psc", part), private_connection_resource_id=door.target,
                subresource_names=[door.leads_to], is_manual_connection=False,
            ),
            private_dns_zone_group=PrivateEndpointPrivateDnsZoneGroup(
                name="default", private_dns_zone_ids=[self.zones[zone].id],
            ),
            depends_on=[self.links[zone], *before], tags=self.site.tags(zone=PLATFORM, data=Data.INTERNAL),
        ))  # fmt: skip
