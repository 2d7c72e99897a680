"""The key pair that push services know this service by (RFC 8292, VAPID).

Derived from ``SECRET_KEY``: nothing to make, to store or to copy between machines. A subscription holds for the key
that the browser was told, so each remembers which; those of ``SECRET_KEY_FALLBACKS`` go on working.
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.utils.crypto import salted_hmac

_SALT = "django_toopher.service.vapid"

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256's group (SEC 2 §2.4.2): a private key is a number from 1 to this, exclusive."""


def public_key() -> str:
    """What a browser is told before it subscribes: the point, uncompressed, in base64url."""
    return _public(_derived(settings.SECRET_KEY))


def private_key(public: str) -> ec.EllipticCurvePrivateKey | None:
    """The private half of a public key that this service has, or had as long as ``SECRET_KEY_FALLBACKS`` says."""
    pairs = map(_derived, [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])
    return next((pair for pair in pairs if _public(pair) == public), None)


def _derived(secret: str | bytes) -> ec.EllipticCurvePrivateKey:
    """From 512 bits, so that the reduction favours no key."""
    number = int.from_bytes(salted_hmac(_SALT, "", secret=secret, algorithm="sha512").digest(), "big")
    return ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1())


def _public(pair: ec.EllipticCurvePrivateKey) -> str:
    point = pair.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).decode().rstrip("=")
