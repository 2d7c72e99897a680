"""Getting a request to the service and its reply back, within a given time and a given amount of memory.

The timeout of requests is one per read: a server that sends a byte now and then holds its caller for ever, be
it in the middle of the headers. Here the timeout is a deadline for the whole call, from looking up the name
to the last byte:

* `_DeadlineConnection` gives looking up, connecting, a proxy's greeting and the TLS handshake that time
  together;
* `_DeadlineResponse` gives the reply what is left of it, and a limit in bytes that holds for headers and
  framing too.

Both hang on the sockets of `DeadlineAdapter` alone. An adapter that a caller mounts on the session (an
in-process one, say) is given the timeout in seconds, and minds it or not.
"""

from __future__ import annotations

import http.client
import io
import logging
import socket
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests_oauthlib import OAuth1Session
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError

DEFAULT_BASE_URL = "https://api.toopher.com/v1"
"""Where the company's service was until it closed. Nobody answers there."""

MAX_REPLY_BYTES = 1024 * 1024
"""The longest reply that is read. The service's own are a few kilobytes."""

for _name in ("oauthlib", "requests_oauthlib"):
    logging.getLogger(_name).setLevel(logging.INFO)  # at DEBUG they log what is signed, codes and tokens among it

_MAX_WIRE_BYTES = 2 * MAX_REPLY_BYTES  # headers and the framing of chunks come on top


def service_root(url: str | None) -> str:
    """The API's root without a slash at its end; `DEFAULT_BASE_URL`, with a warning, where none is given."""
    if url is None:
        warnings.warn(
            f"No service URL was given: {DEFAULT_BASE_URL} is used, where nobody answers any more.",
            stacklevel=3,  # where the ToopherApi or ToopherIframe is made
        )
        url = DEFAULT_BASE_URL
    return url.rstrip("/")


class ServiceSession(OAuth1Session):
    """A session that signs every request, follows no redirect and keeps no cookie.

    Following none also means reading none: requests would read a redirect's body to the end, however long.
    """

    def __init__(self, key: str, secret: str) -> None:
        super().__init__(key, client_secret=secret)
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers.update({"Accept-Encoding": "identity", "User-Agent": "django-toopher"})
        for scheme in ("https://", "http://"):
            self.mount(scheme, DeadlineAdapter())

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere, whatever the reply says."""


class _DeadlineReader(io.RawIOBase):
    """A socket's bytes, until the deadline or the limit, whichever comes first."""

    def __init__(self, sock: socket.socket, stream: io.RawIOBase) -> None:
        seconds = sock.gettimeout()  # urllib3 has set it to what is left of the whole call
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._bytes_left = _MAX_WIRE_BYTES
        self._sock = sock
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._deadline is not None:
            self._sock.settimeout(self._seconds_left(self._deadline))
        count = self._stream.readinto(buffer)
        self._bytes_left -= count or 0
        if self._bytes_left < 0:
            raise OSError("the reply is too long")
        return count

    @staticmethod
    def _seconds_left(deadline: float) -> float:
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("timed out")
        return seconds

    def close(self) -> None:
        self._stream.close()
        super().close()


class _DeadlineResponse(http.client.HTTPResponse):
    """A reply for which the socket's timeout is the time for all of it, not for each read."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_DeadlineReader(sock, self.fp.detach()))


class _DeadlineConnection(HTTPConnection):
    """A connection for which the connect timeout is the time for all of connecting.

    Neither looking up a name nor trying its addresses in turn can be interrupted, so both happen in a thread
    of their own. One that is given up ends by itself, when the resolver's and the socket's own timeouts have
    passed.
    """

    response_class = _DeadlineResponse

    def connect(self) -> None:
        executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="toopher-connect")
        attempt = executor.submit(super().connect)
        executor.shutdown(wait=False)
        try:
            attempt.result(self.timeout)
        except FutureTimeoutError as exc:
            attempt.add_done_callback(lambda _: self.close())  # it may still connect, and nobody would close it
            raise ConnectTimeoutError(self, f"Connecting to {self.host} took too long") from exc


class DeadlineHTTPSConnection(_DeadlineConnection, HTTPSConnection):
    """The same with TLS: MRO puts the waiting around `HTTPSConnection.connect`."""


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _DeadlineConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = DeadlineHTTPSConnection


_POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _HTTPPool, "https": _HTTPSPool}


class DeadlineAdapter(HTTPAdapter):
    """The usual adapter, for which ``timeout`` is how many seconds the whole call may take.

    Through a SOCKS proxy the timeout is that of requests again: one per read.
    """

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **proxy_kwargs)
        if isinstance(manager, ProxyManager):
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        whole: Any = Timeout(total=timeout)
        return super().send(request, stream, whole, verify, cert, proxies)
