"""Behaviour of networks, addresses, private links and name zones.

Transcribed by program from what was read off the real azurerm 4.55.0, so the test that compares them shows that the
table is current, not that two sources agree. Which kind each hidden difference is was chosen here, by its name.
"""

from __future__ import annotations

from sandbox.provider.rules import Behaviour, kinds, paths

NETWORK: dict[str, Behaviour] = {
    "azurerm_nat_gateway": Behaviour(
        force_new=paths("location name resource_group_name zones"),
        defaults={"idle_timeout_in_minutes": 4, "sku_name": "Standard"},
        hidden=kinds(location="location"),
        lowered=paths("location"),
    ),
    "azurerm_nat_gateway_public_ip_association": Behaviour(force_new=paths("nat_gateway_id public_ip_address_id")),
    "azurerm_network_security_group": Behaviour(
        force_new=paths("location name resource_group_name"),
        hidden=kinds(location="location"),
        lowered=paths("location"),
    ),
    "azurerm_private_dns_a_record": Behaviour(
        force_new=paths("name resource_group_name zone_name"), hidden=kinds(case="resource_group_name")
    ),
    "azurerm_private_dns_zone": Behaviour(
        force_new=paths("name resource_group_name soa_record"),
        defaults={
            "soa_record.expire_time": 2419200,
            "soa_record.minimum_ttl": 10,
            "soa_record.refresh_time": 3600,
            "soa_record.retry_time": 300,
            "soa_record.ttl": 3600,
        },
        hidden=kinds(case="resource_group_name"),
    ),
    "azurerm_private_dns_zone_virtual_network_link": Behaviour(
        force_new=paths("name private_dns_zone_name resource_group_name virtual_network_id"),
        defaults={"registration_enabled": False},
        hidden=kinds(case="name resource_group_name"),
    ),
    "azurerm_private_endpoint": Behaviour(
        force_new=paths(
            "custom_network_interface_name ip_configuration.member_name ip_configuration.name "
            "ip_configuration.private_ip_address ip_configuration.subresource_name location name "
            "private_service_connection.is_manual_connection private_service_connection.name "
            "private_service_connection.private_connection_resource_alias "
            "private_service_connection.private_connection_resource_id "
            "private_service_connection.subresource_names resource_group_name subnet_id"
        ),
        hidden=kinds(case="resource_group_name", location="location"),
        lowered=paths("location"),
        exactly_one=(
            paths(
                "private_service_connection.private_connection_resource_alias "
                "private_service_connection.private_connection_resource_id"
            ),
        ),
    ),
    "azurerm_public_ip": Behaviour(
        force_new=paths(
            "edge_zone ip_tags ip_version location name public_ip_prefix_id resource_group_name sku sku_tier zones"
        ),
        defaults={
            "ddos_protection_mode": "VirtualNetworkInherited",
            "idle_timeout_in_minutes": 4,
            "ip_version": "IPv4",
            "sku": "Standard",
            "sku_tier": "Regional",
        },
        hidden=kinds(location="edge_zone location"),
        lowered=paths("edge_zone location"),
    ),
    "azurerm_subnet": Behaviour(
        force_new=paths("name resource_group_name virtual_network_name"),
        defaults={
            "default_outbound_access_enabled": True,
            "private_endpoint_network_policies": "Disabled",
            "private_link_service_network_policies_enabled": True,
        },
        hidden=kinds(removed="address_prefixes"),
        exactly_one=(paths("address_prefixes ip_address_pool"),),
    ),
    "azurerm_subnet_nat_gateway_association": Behaviour(force_new=paths("nat_gateway_id subnet_id")),
    "azurerm_subnet_network_security_group_association": Behaviour(
        force_new=paths("network_security_group_id subnet_id")
    ),
    "azurerm_virtual_network": Behaviour(
        force_new=paths("edge_zone location name resource_group_name"),
        defaults={
            "private_endpoint_vnet_policies": "Disabled",
            "subnet.default_outbound_access_enabled": True,
            "subnet.private_endpoint_network_policies": "Disabled",
            "subnet.private_link_service_network_policies_enabled": True,
        },
        hidden=kinds(location="edge_zone location", removed="address_space"),
        lowered=paths("edge_zone location"),
        exactly_one=(paths("address_space ip_address_pool"),),
    ),
}
