"""Which service is asked, at which address, with which credentials: from the settings."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.exceptions import DisallowedHost, ImproperlyConfigured
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from .. import embedded
from ..conf import conf


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
    """``DisallowedHost`` for a port that can't be: Django believes any in ``Host``, and no service would answer there.

    That must not look like a service that is down (``TOOPHER_FAIL_OPEN``).
    """
    try:
        is_port = urlsplit(url).port != 0
    except ValueError:
        is_port = False
    if not is_port:
        raise DisallowedHost("The Host header names a port that does not exist.")
    return url


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
    for host in settings.ALLOWED_HOSTS:
        if host != "*":
            return host.lstrip(".")
    return "localhost"
