"""Which service is asked, at which address, with which credentials: from the settings."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.exceptions import DisallowedHost, ImproperlyConfigured
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from .. import embedded
from ..addresses import normalized_address
from ..conf import conf

_NAME = re.compile(r"([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?", re.IGNORECASE)


def is_embedded() -> bool:
    """Whether the service is the one in this project: no ``TOOPHER_BASE_URL`` is set."""
    return conf.TOOPHER_BASE_URL is None


def credentials() -> tuple[str, str]:
    """Consumer key and secret. ``ImproperlyConfigured`` when one is missing and can't be derived."""
    key, secret = conf.TOOPHER_CONSUMER_KEY, conf.TOOPHER_CONSUMER_SECRET
    if key and secret:
        return key, secret
    if key or secret or not is_embedded():
        missing = "TOOPHER_CONSUMER_SECRET" if key else "TOOPHER_CONSUMER_KEY"
        raise ImproperlyConfigured(f"{missing} is not set. Only the embedded service derives key and secret by itself.")
    return embedded.CONSUMER_KEY, embedded.consumer_secrets()[0]


def base_url(request: HttpRequest | None = None) -> str:
    """Root of the API, without trailing slash.

    Of the embedded service, as ``request``'s browser reaches it; without a request, under a host that
    ``ALLOWED_HOSTS`` allows.
    """
    if conf.TOOPHER_BASE_URL is not None:
        return conf.TOOPHER_BASE_URL.rstrip("/")
    root = _embedded_root()
    return _reachable(request.build_absolute_uri(root)) if request else f"https://{_allowed_host()}{root}"


def _reachable(url: str) -> str:
    """``DisallowedHost`` for a host or port that can't be: Django believes more in ``Host`` than can be called.

    That must not look like a service that is down (``TOOPHER_FAIL_OPEN``, SECURITY.md S42).
    """
    try:
        is_real = urlsplit(url).port != 0 and _is_host(urlsplit(url).netloc)
    except ValueError:
        is_real = False
    if not is_real:
        raise DisallowedHost("The Host header names a host or a port that does not exist.")
    return url


def _is_host(netloc: str) -> bool:
    """Labels between dots (RFC 1035 §2.3.4), or an IPv6 address in brackets; and perhaps a port."""
    host = re.sub(r":[0-9]+$", "", netloc)
    if host.startswith("["):
        return host.endswith("]") and bool(normalized_address(host[1:-1]))
    return len(host) <= 254 and _NAME.fullmatch(host) is not None


def _embedded_root() -> str:
    if not apps.is_installed("django_toopher.service"):
        raise ImproperlyConfigured(
            'Set TOOPHER_BASE_URL, or add "django_toopher.service" to INSTALLED_APPS for the embedded service.'
        )
    try:
        return reverse("toopher_service:root").rstrip("/")
    except NoReverseMatch as exc:
        raise ImproperlyConfigured(
            'Add path("toopher/", include("django_toopher.service.urls")) to the URLconf for the embedded service.'
        ) from exc


def _allowed_host() -> str:
    """A host for calls that no browser made: the first of ``ALLOWED_HOSTS`` that is one."""
    hosts = (host.removeprefix(".") for host in settings.ALLOWED_HOSTS)
    return next((host for host in hosts if _is_host(host)), "localhost")
