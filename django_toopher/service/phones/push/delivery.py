"""One message to one push service. pywebpush encrypts and signs; ours is whom it may reach (SECURITY.md S33).

The endpoint is an address that somebody's browser has given. So it is called without redirects, cookies and proxies, at
addresses of the public internet only (looked up once: what was checked is what is called), and for so long only.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import requests
from cryptography.hazmat.primitives.asymmetric import ec
from urllib3 import HTTPSConnectionPool
from urllib3.util.connection import create_connection

from ....client.transport import DeadlineAdapter, DeadlineHTTPSConnection
from ...conf import conf

logger = logging.getLogger(__name__)

GONE = frozenset({404, 410})
"""What a push service answers when the browser is subscribed no more (RFC 8030 §7.3)."""

TIMEOUT = 2
"""Seconds that the push services of all of a user's phones have together: a person waits for the page meanwhile."""


def send(subscription: Mapping[str, str], body: str, private_key: ec.EllipticCurvePrivateKey, ttl: int) -> bool:
    """Whether the subscription is over. A push service that fails is logged, without the endpoint: it is a secret."""
    from py_vapid import Vapid02  # here: it brings a whole HTTP library along, which few workers need
    from pywebpush import WebPusher

    endpoint = urlsplit(subscription["endpoint"])
    claims = {"aud": f"https://{endpoint.hostname}", "sub": _contact(subscription)}
    browser = {"endpoint": subscription["endpoint"], "keys": {name: subscription[name] for name in ("p256dh", "auth")}}
    # no-strict: `sub` may be this service's own address, and strict takes no port and no name without a dot.
    # Topic: of several that wait at the push service, the newest is enough (RFC 8030 §5.4).
    headers = {**Vapid02(private_key, {"no-strict": True}).sign(claims), "Urgency": "high", "Topic": "question"}
    try:
        with Session() as session:
            reply = WebPusher(browser, requests_session=session).send(body, headers, ttl, timeout=TIMEOUT)
    except (requests.RequestException, OSError) as exc:
        logger.warning("%s could not be reached: %s", endpoint.hostname, type(exc).__name__)
        return False
    if not reply.ok:
        logger.log(logging.INFO if reply.status_code in GONE else logging.WARNING, _REFUSED, endpoint.hostname, reply)
    return reply.status_code in GONE


_REFUSED = "%s refused a push message: %s"


def _contact(subscription: Mapping[str, str]) -> str:
    """Whom the push service may write to: the setting, or else this service's address as the phone sees it."""
    return conf.TOOPHER_SERVICE_PUSH_CONTACT or f"https://{subscription['host']}"


def public_addresses(host: str) -> list[tuple[str, int]]:
    """Where ``host`` is, with the port; ``PermissionError`` when any of its addresses is not a public one."""
    found = [info[4] for info in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)]
    addresses = [(str(address[0]), 443) for address in found]
    if not all(_is_public(ip_address(address)) for address, _port in addresses):
        raise PermissionError(f"{host} is not on the public internet.")
    return addresses


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is one machine of the public internet; of one that a gateway translates to IPv4, whether that is."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    inside = IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address.sixtofour
    return _is_public(inside) if inside else address.is_global and address in _UNICAST


_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052
_UNICAST = ip_network("2000::/3")  # RFC 4291 §2.4: all that was given out


class _PublicConnection(DeadlineHTTPSConnection):
    """A connection that is opened to a public address or not at all."""

    def _new_conn(self) -> socket.socket:
        failure = OSError(f"{self.host} has no address.")
        for address in public_addresses(self.host):
            try:
                # by address: a second look-up of the name could give another one (DNS rebinding, S33)
                return create_connection(address, self.timeout, socket_options=self.socket_options)
            except OSError as exc:
                failure = exc
        raise failure


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


class _PublicAdapter(DeadlineAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": _PublicPool}


class Session(requests.Session):
    """Speaks HTTPS with the public internet alone, directly, and follows no redirect, nor reads one's body."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # no proxy, no .netrc
        self.adapters.clear()
        self.mount("https://", _PublicAdapter())

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere, whatever the reply says."""
