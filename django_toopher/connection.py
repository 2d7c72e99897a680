"""From the settings to a ``ToopherApi`` and a ``ToopherIframe``."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.http import HttpRequest

from . import embedded
from .client import SignatureError, ToopherApi, ToopherIframe
from .client.transport import DeadlineAdapter
from .conf import conf
from .in_process import InProcessAdapter
from .service_link.endpoint import base_url, credentials, is_embedded

BRIEFLY = 2
"""Seconds, at most, for a call whose answer the person does not need, or has waited for already."""


class DerivedIframe(ToopherIframe):
    """With derived credentials: what a slower worker signed before ``SECRET_KEY`` was rotated verifies, too."""

    def validate_postback(self, *args: Any, **kwargs: Any) -> dict[str, str]:
        """As ``ToopherIframe``'s, with each secret that is valid now."""
        newest, *fallbacks = embedded.consumer_secrets()
        # the newest comes last: it is the one that stays, and its error is the one that is raised
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


def api(request: HttpRequest | None = None, *, connections: int = 10, briefly: bool = False) -> ToopherApi:
    """The client of the REST API; to the embedded service it goes without a socket.

    ``connections`` is how many of them its pool keeps open for threads that call at the same moment. ``briefly``:
    for ``BRIEFLY`` seconds a call, where ``TOOPHER_TIMEOUT`` is longer.
    """
    root = base_url(request)
    timeout = min(conf.TOOPHER_TIMEOUT, BRIEFLY) if briefly else conf.TOOPHER_TIMEOUT
    client = ToopherApi(*credentials(), root, timeout=timeout)
    if is_embedded():
        client.session.adapters.clear()  # whatever a Host header makes of the address, nothing goes over the network
        client.session.mount("http", InProcessAdapter())
    else:
        client.session.mount(root, DeadlineAdapter(pool_maxsize=connections))
    return client
