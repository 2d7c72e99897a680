"""Where a request comes from: the browser's address, or the phone's, behind the proxies that are trusted."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from django.http import HttpRequest

from .typed_settings import Settings

_settings = Settings()


def address_of(request: HttpRequest) -> str:
    """The IP address at the other end, ``""`` when it is unknown.

    With ``TOOPHER_TRUSTED_PROXIES`` = N it is the N-th from the right of ``X-Forwarded-For``: what lies further left,
    the client itself could have written.
    """
    proxies = _settings.TOOPHER_TRUSTED_PROXIES
    claimed = request.META.get("REMOTE_ADDR", "")
    if proxies:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        claimed = forwarded[-proxies] if len(forwarded) >= proxies else ""
    return normalized_address(claimed)


def normalized_address(text: str) -> str:
    """An IP address as we write it, IPv6 without a zone, which can be of any length; ``""`` for anything else."""
    try:
        return str(ip_address(text.strip().partition("%")[0]))
    except ValueError:
        return ""


def network_of(address: str, ipv4_prefix: int) -> str:
    """The network that an address lies in, ``203.0.113.0/24``; IPv6 is given out by /64. ``""`` for an unknown one."""
    return str(ip_network(f"{address}/{64 if ':' in address else ipv4_prefix}", strict=False)) if address else ""
