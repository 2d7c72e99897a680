"""A transport for ``requests`` to this very process: signed and verified as over the network, without a socket."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.urls import get_script_prefix, get_urlconf, set_urlconf
from django.utils import timezone, translation
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse


class InProcessAdapter(HTTPAdapter):
    """Hands a request to Django's own WSGI handler. One worker can't wait for itself, then.

    What the outer request has active (URLconf, language, time zone) is kept.
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
        urlconf = get_urlconf()
        try:
            with translation.override(None), timezone.override(None):
                # not __call__, whose request_started may close the outer request's connections to the database
                response: Any = _handler().get_response(WSGIRequest(_environ(request)))
        finally:
            set_urlconf(urlconf)
        raw = HTTPResponse(
            body=io.BytesIO(response.content),
            headers=dict(response.items()),
            status=response.status_code,
            preload_content=False,
        )
        return self.build_response(request, raw)


@lru_cache(maxsize=1)
def _handler() -> WSGIHandler:
    """With all middleware, which is made once in a process, as a server does it."""
    return WSGIHandler()


@receiver(setting_changed)
def _forget_handler(**kwargs: Any) -> None:
    """Tests override settings, which middleware may have read when it was made."""
    _handler.cache_clear()


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
