"""The credentials of the embedded requester: both apps in one project, nothing configured.

App and service derive the same consumer secret from ``SECRET_KEY``, each by itself, so a site has nothing to copy
from one to the other. This is one of the leaves that both sides may import (DESIGN.md).
"""

from __future__ import annotations

from django.conf import settings
from django.utils.crypto import salted_hmac

CONSUMER_KEY = "embedded"
"""The consumer key of the embedded requester; reserved, so that rotating ``SECRET_KEY`` keeps the requester."""

_SALT = "django_toopher.embedded.consumer_secret"


def is_own(consumer_key: str) -> bool:
    """Whether this project's own site signs with it: the derived one, or that of ``TOOPHER_CONSUMER_KEY``."""
    return consumer_key in {CONSUMER_KEY, getattr(settings, "TOOPHER_CONSUMER_KEY", None)}


def consumer_secrets() -> list[str]:
    """Every consumer secret (64 hex digits, 256 bits) that is valid now.

    The one that ``SECRET_KEY`` gives comes first: it signs. Those of ``SECRET_KEY_FALLBACKS`` still verify, so that
    workers may restart one after another while the key is rotated.
    """
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [salted_hmac(_SALT, CONSUMER_KEY, secret=key, algorithm="sha256").hexdigest() for key in keys]
