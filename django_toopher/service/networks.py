"""Networks: who comes from the same one is mostly the same household or machine."""

from __future__ import annotations

from ipaddress import ip_network


def network_of(address: str, ipv4_prefix: int) -> str:
    """The network that an address lies in, ``203.0.113.0/24``; IPv6 is given out by /64. ``""`` for an unknown one."""
    return str(ip_network(f"{address}/{64 if ':' in address else ipv4_prefix}", strict=False)) if address else ""
