"""From the settings to a ``ToopherApi`` and a ``ToopherIframe``; the transport to the service in the same process."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from django.apps import apps
from django.conf import settings
from django.core.exceptions import DisallowedHost, ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse, set_urlconf
from django.utils import timezone, translation
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from . import embedded
from .client import SignatureError, ToopherApi, ToopherIframe
from .client.transport import DeadlineAdapter
from .conf import conf


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


class DerivedIframe(ToopherIframe):
    """With derived credentials: what a slower worker signed before ``SECRET_KEY`` was rotated verifies, too."""

    def validate_postback(self, *args: Any, **kwargs: Any) -> dict[str, str]:
        """As ``ToopherIframe``'s, with each secret that is valid now."""
        newest, *fallbacks = embedded.consumer_secrets()
        for self.secret in fallbacks:
            with suppress(SignatureError):
                return super().validate_postback(*args, **kwargs)
        self.secret = newest
        return super().validate_postback(*args, **kwargs)


def iframe(request: HttpRequest) -> ToopherIframe:
    """Signs iframe addresses for ``request``'s browser, and verifies postbacks."""
    key, secret = credentials()
    kind = DerivedIframe if key == embedded.CONSUMER_KEY else ToopherIframe
    return kind(key, secret, base_url(request))


def api(request: HttpRequest | None = None, *, connections: int = 10) -> ToopherApi:
    """The client of the REST API; to the embedded service it goes without a socket.

    ``connections`` is how many of them its pool keeps open for threads that call at the same moment.
    """
    root = base_url(request)
    client = ToopherApi(*credentials(), root, timeout=conf.TOOPHER_TIMEOUT)
    if is_embedded():
        client.session.adapters.clear()  # whatever a Host header makes of the address, nothing goes over the network
        client.session.mount("http", InProcessAdapter())
    else:
        client.session.mount(root, DeadlineAdapter(pool_maxsize=connections))
    return client


class InProcessAdapter(HTTPAdapter):
    """Hands a request to Django's own WSGI handler: signed and verified as over the network, without a socket.

    One worker can't wait for itself, then. What the outer request has active (URLconf, language, time zone) is kept.
    """

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The service's response to ``request``. ``timeout`` has no meaning: nothing waits."""
        handler = WSGIHandler()
        urlconf = get_urlconf()
        try:
            with translation.override(None), timezone.override(None):
                response: Any = handler.get_response(WSGIRequest(_environ(request)))
        finally:
            set_urlconf(urlconf)
        raw = HTTPResponse(
            body=io.BytesIO(response.content),
            headers=dict(response.items()),
            status=response.status_code,
            preload_content=False,
        )
        return self.build_response(request, raw)


def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
    """The WSGI environment (PEP 3333) of a prepared request."""
    url = urlsplit(request.url or "")
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    headers = {name: _text(value) for name, value in request.headers.items()}
    script_name = get_script_prefix().rstrip("/")
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": script_name,
        "PATH_INFO": unquote(url.path.removeprefix(script_name)).encode().decode("latin-1"),
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port or (443 if url.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    environ["HTTP_HOST"] = url.netloc
    return environ


def _text(header: str | bytes) -> str:
    """A header as WSGI wants it; the one with the signature comes as bytes."""
    return header.decode("latin-1") if isinstance(header, bytes) else header
