"""What stands in front of the site in these tests: a strict content security policy, and a say over its requests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.http import HttpRequest, HttpResponseBase

STRICT = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "frame-src 'self' http://127.0.0.1:*",  # the second for attackers: what keeps them out must be ours
        "form-action 'self'",
        "base-uri 'none'",
    ]
)
"""For the pages that bring no policy of their own, as a careful site would set it."""


class Traffic:
    """Lets one request in at a time.

    SQLite in memory is one connection, which the server's threads and the test share: two transactions in it at once
    would become one. It also lets the test work while no request does.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._changed = threading.Condition()
        self._count = 0

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """No request is under way, and none begins."""
        with self._lock:
            yield

    @contextmanager
    def passing(self) -> Iterator[None]:
        """A request is under way, alone."""
        self._count_up(1)
        try:
            with self._lock:
                yield
        finally:
            self._count_up(-1)

    def settle(self) -> None:
        """Wait until all requests that came are answered."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._count == 0, timeout=30)

    def _count_up(self, change: int) -> None:
        with self._changed:
            self._count += change
            self._changed.notify_all()


traffic = Traffic()


class TrafficMiddleware:
    """The outermost middleware of the live server."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with traffic.passing():
            response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", STRICT)
        return response
