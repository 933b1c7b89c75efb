"""The network that a workspace's nodes are injected into. No node has a public address; all leave by one."""

from __future__ import annotations

from ipaddress import IPv4Network

from constructs import Construct

from infra.azure.providers import (
    NatGateway,
    NatGatewayPublicIpAssociation,
    NetworkSecurityGroup,
    PublicIp,
    Subnet,
    SubnetDelegation,
    SubnetDelegationServiceDelegation,
    SubnetNatGatewayAssociation,
    SubnetNetworkSecurityGroupAssociation,
    VirtualNetwork,
)
from infra.azure.site import PLATFORM, Site
from infra.storage import Data

# The two subnets that Databricks asks for; it calls them public and private, whatever they are.
NODES = ("host", "container")
ENDPOINTS = "endpoints"
DELEGATE = "Microsoft.Databricks/workspaces"
# What Azure sets when a subnet is delegated to Databricks; unsaid, each plan would want to take it away.
ACTIONS = [
    "Microsoft.Network/virtualNetworks/subnets/join/action",
    "Microsoft.Network/virtualNetworks/subnets/prepareNetworkPolicies/action",
    "Microsoft.Network/virtualNetworks/subnets/unprepareNetworkPolicies/action",
]


def plan(network: IPv4Network) -> dict[str, str]:
    """Subnet -> its range: a quarter of the network for each of the node subnets, a sixteenth for endpoints."""
    quarters = list(network.subnets(prefixlen_diff=2))
    return {
        **{name: str(quarters[index]) for index, name in enumerate(NODES)},
        ENDPOINTS: str(next(quarters[len(NODES)].subnets(prefixlen_diff=2))),
    }


class Network(Construct):
    """virtual_network, security_group, nat_gateway, public_ip.

    By name: subnets, guards (each with the security group), exits (those of nodes with the gateway).
    """

    def __init__(self, scope: Construct, id_: str, *, site: Site) -> None:
        super().__init__(scope, id_)
        self.site = site
        address_space = site.inputs.networks[site.stage.name]
        tags = site.tags(zone=PLATFORM, data=Data.INTERNAL)
        self.virtual_network = site.place("main", VirtualNetwork(
            self, "virtual_network", name=site.name("vnet"), location=site.location, resource_group_name=site.group,
            address_space=[str(address_space)], tags=tags,
        ))  # fmt: skip
        # No rule here: Databricks writes those that it needs itself, and a stated list would take them away again.
        # Azure's own last rules let nothing in from the Internet.
        self.security_group = site.place("main", NetworkSecurityGroup(
            self, "security_group", name=site.name("nsg"), location=site.location, resource_group_name=site.group,
            tags=tags,
        ))  # fmt: skip
        self.public_ip = site.place("nat", PublicIp(
            self, "public_ip", name=site.name("pip", "nat"), location=site.location, resource_group_name=site.group,
            allocation_method="Static", sku="Standard", tags=tags,
        ))  # fmt: skip
        self.nat_gateway = site.place("main", NatGateway(
            self, "nat_gateway", name=site.name("ng"), location=site.location, resource_group_name=site.group,
            sku_name="Standard", tags=tags,
        ))  # fmt: skip
        site.place("main", NatGatewayPublicIpAssociation(
            self, "exit", nat_gateway_id=self.nat_gateway.id, public_ip_address_id=self.public_ip.id
        ))  # fmt: skip
        self.subnets: dict[str, Subnet] = {}
        self.guards: dict[str, SubnetNetworkSecurityGroupAssociation] = {}
        self.exits: dict[str, SubnetNatGatewayAssociation] = {}
        for name, prefix in plan(address_space).items():
            self.subnet(name, prefix, for_nodes=name in NODES)

    def subnet(self, name: str, prefix: str, *, for_nodes: bool) -> None:
        """One subnet under the security group; that of nodes is delegated and leaves through the NAT gateway."""
        delegation = SubnetDelegation(
            name="databricks",
            service_delegation=SubnetDelegationServiceDelegation(name=DELEGATE, actions=ACTIONS),
        )
        made = self.subnets[name] = self.site.place(name, Subnet(
            self, f"subnet_{name}", name=self.site.name("snet", name), resource_group_name=self.site.group,
            virtual_network_name=self.virtual_network.name, address_prefixes=[prefix],
            default_outbound_access_enabled=False, private_endpoint_network_policies="NetworkSecurityGroupEnabled",
            delegation=[delegation] if for_nodes else None,
        ))  # fmt: skip
        self.guards[name] = self.site.place(name, SubnetNetworkSecurityGroupAssociation(
            self, f"guard_{name}", subnet_id=made.id, network_security_group_id=self.security_group.id
        ))  # fmt: skip
        if for_nodes:
            self.exits[name] = self.site.place(name, SubnetNatGatewayAssociation(
                self, f"nat_{name}", subnet_id=made.id, nat_gateway_id=self.nat_gateway.id
            ))  # fmt: skip
