"""Wakes phones up: Web Push (RFC 8030, 8291, 8292) to the subscriptions that phones have left here.

A message says that a request waits, and until when; what it asks, the phone fetches as ever. So push is a convenience:
where it fails, the phone's page still polls, and no request fails with it.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from django.db import transaction
from django.http.request import validate_host
from django.utils import timezone

from ...conf import conf
from ...errors import BadParameterError
from ...models import Authenticator, Pairing, PushSubscription, User
from . import delivery, keys

logger = logging.getLogger(__name__)

LONGEST_ENDPOINT = 2000
"""Characters of a push service's URL."""

HOSTS = ["fcm.googleapis.com", "updates.push.services.mozilla.com", ".push.apple.com", ".notify.windows.com"]
"""The push services of Chrome (and what is made of it), Firefox, Safari and Edge, as in ``ALLOWED_HOSTS``."""

MOST_PHONES = 10
"""Phones of one user that are woken up, those that subscribed last."""


def subscribe(authenticator: Authenticator, service: str, endpoint: str, p256dh: str, auth: str, key: str) -> None:
    """Wake ``authenticator`` up at ``endpoint`` from now on, instead of where it was woken before.

    ``service`` is this service's URL as the phone sees it; ``p256dh`` and ``auth`` are the browser's keys, ``key`` is
    the public key of ours that it was told. ``BadParameterError`` for what could not work.
    """
    if not may_fetch(endpoint):
        raise BadParameterError("endpoint is not at a push service that this service may call.")
    if keys.private_key(key) is None:
        raise BadParameterError("key is not this service's.")
    _require_point(p256dh)
    _require_bytes(auth, 16, "auth")
    contents = {"endpoint": endpoint, "p256dh": p256dh, "auth": auth, "key": key, "host": urlsplit(service).netloc}
    fresh = {"contents": contents, "created": timezone.now()}
    if not PushSubscription.objects.filter(authenticator=authenticator).update(**fresh):
        row = PushSubscription(authenticator=authenticator, **fresh)
        PushSubscription.objects.bulk_create([row], ignore_conflicts=True)  # another tab's is as good


def unsubscribe(authenticator: Authenticator) -> None:
    """Wake it up no more."""
    PushSubscription.objects.filter(authenticator=authenticator).delete()


def hosts() -> list[str]:
    """The push services that may be called; where there are none, push is switched off."""
    allowed = conf.TOOPHER_SERVICE_PUSH_HOSTS
    return HOSTS if allowed is None else allowed


def may_fetch(endpoint: str) -> bool:
    """Whether ``endpoint`` is an address that a browser may make this service call (SECURITY.md S33)."""
    # `urlsplit` drops line ends and reads "\" in another way than `requests`: what is checked must be what is called
    if len(endpoint) > LONGEST_ENDPOINT or not endpoint.isascii() or not endpoint.isprintable() or " " in endpoint:
        return False
    try:
        parts = urlsplit(endpoint)
        port = parts.port or 443
    except ValueError:
        return False
    if "\\" in endpoint or parts.scheme != "https" or port != 443 or "@" in parts.netloc or not parts.hostname:
        return False
    return validate_host(parts.hostname, hosts())


def wake(user: User, expires: datetime, alone: Pairing | None = None) -> None:
    """Tell all phones of ``user``, or one alone, that a request waits, once the transaction around is through."""
    transaction.on_commit(lambda: _wake(user, expires, alone), robust=True)


def _wake(user: User, expires: datetime, alone: Pairing | None) -> None:
    """All at once, and for no longer than the timeout, whatever the push services do."""
    asked = Pairing.objects.asked(user.pk, alone.pk if alone else None, timezone.now())
    paired = asked.order_by().values("authenticator")
    found = list(PushSubscription.objects.filter(authenticator__in=paired).order_by("-created")[:MOST_PHONES])
    if not found:
        return
    # not `with`: that would wait for the slowest
    pool = ThreadPoolExecutor(len(found), thread_name_prefix="toopher-push")
    sent = {pool.submit(_send, one, expires): one for one in found}
    done, late = wait(sent, delivery.TIMEOUT)
    pool.shutdown(wait=False, cancel_futures=True)
    _forget(sent[one] for one in done if one.result())
    if late:
        logger.warning("Push messages took too long: %s", len(late))


def _send(subscription: PushSubscription, expires: datetime) -> bool:
    """Whether the subscription is over. Runs in a thread of its own: no database here."""
    contents = subscription.contents
    private_key = keys.private_key(contents["key"])
    if private_key is None or not may_fetch(contents["endpoint"]):
        return True  # SECRET_KEY or the list of push services has changed; the phone subscribes anew when it is opened
    ttl = max(1, int((expires - timezone.now()).total_seconds()))
    body = json.dumps({"expires": int(expires.timestamp())})
    return delivery.send(contents, body, private_key, ttl)


def _forget(expired: Iterable[PushSubscription]) -> None:
    """Unless the phone has subscribed anew in the meantime."""
    for one in expired:
        PushSubscription.objects.filter(pk=one.pk, created=one.created).delete()


def _require_point(text: str) -> None:
    point = _require_bytes(text, 65, "p256dh")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise BadParameterError("p256dh is not a point on P-256.") from None


def _require_bytes(text: str, size: int, name: str) -> bytes:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != size:
        raise BadParameterError(f"{name} must be {size} bytes in base64url.")
    return raw
