"""A service on 127.0.0.1 that answers as it is told to, and checks who signed what it is sent."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

from django_toopher.client import ToopherApi

KEY = "abcdefg"
SECRET = "hijklmnop"

Misbehaviour = Callable[[BaseHTTPRequestHandler], None]


class _AnyNonce(RequestValidator):
    """Knows one requester, whose secret is what matters here."""

    enforce_ssl = False
    nonce_length = (1, 255)
    client_key_length = (1, 255)
    dummy_client = "nobody"

    def validate_client_key(self, client_key, request):
        return client_key == KEY

    def validate_timestamp_and_nonce(self, *args, **kwargs):
        return True

    def get_client_secret(self, client_key, request):
        return SECRET


@dataclass(frozen=True)
class Received:
    """One request, as it arrived."""

    method: str
    target: str
    body: str
    headers: dict[str, str]
    is_signed: bool

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query or self.body, keep_blank_values=True))


@dataclass
class ScriptedService:
    """Answers each request with the next of its replies, and keeps the requests."""

    server: ThreadingHTTPServer
    received: list[Received] = field(default_factory=list)
    replies: deque[Misbehaviour] = field(default_factory=deque)
    sockets: list[socket.socket] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def url(self) -> str:
        return f"{self.origin}/toopher/v1"

    @property
    def connections(self) -> int:
        return len(self.sockets)

    def forget(self) -> None:
        """What it was asked so far, and what it would have answered: for the next row of a table."""
        self.received.clear()
        self.replies.clear()

    def hang_up(self) -> None:
        """End what is still going on, so that no thread waits for a client that keeps its connection."""
        self.is_over.set()
        for connection in self.sockets:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def will_answer(self, content: Any, status: int = 200, **headers: str) -> None:
        """Line up a reply: bytes as they are, anything else as JSON."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(body)

        self.replies.append(answer)

    def will_send(self, *pieces: bytes, forever: bytes = b"", pause: float = 0.05) -> None:
        """Line up raw bytes, then more of them again and again until the client has had enough."""

        def send(handler: BaseHTTPRequestHandler) -> None:
            handler.close_connection = True
            for piece in pieces:
                handler.wfile.write(piece)
            while forever and not self.is_over.wait(pause):
                handler.wfile.write(forever)

        self.replies.append(send)


def _handler_class(service: ScriptedService) -> type[BaseHTTPRequestHandler]:
    endpoint = SignatureOnlyEndpoint(_AnyNonce())

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20
        disable_nagle_algorithm = True  # a reply is two writes: the second would wait for the first one's receipt

        def setup(self):
            super().setup()
            service.sockets.append(self.connection)

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            headers = dict(self.headers)
            is_signed, _ = endpoint.validate_request(
                urljoin(service.origin, self.path), self.command, body or None, headers
            )
            service.received.append(Received(self.command, self.path, body, headers, is_signed))
            try:
                service.replies.popleft()(self)
            except (ConnectionError, TimeoutError):
                self.close_connection = True

        do_GET = do_POST = answer

        def log_message(self, *args):
            """Be quiet."""

    return Handler


@contextmanager
def serving() -> Iterator[ScriptedService]:
    """A service, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.daemon_threads = False
    service = ScriptedService(server)
    server.RequestHandlerClass = _handler_class(service)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        service.hang_up()
        server.server_close()
        thread.join()


@pytest.fixture
def service() -> Iterator[ScriptedService]:
    with serving() as service:
        yield service


@pytest.fixture
def make_api(service: ScriptedService) -> Iterator[Callable[..., ToopherApi]]:
    """Make clients of the scripted service, and hang up when the test is over."""
    made: list[ToopherApi] = []

    def make(url: str | None = None, **kwargs: Any) -> ToopherApi:
        made.append(ToopherApi(KEY, SECRET, url or service.url, **kwargs))
        return made[-1]

    yield make
    for api in made:
        api.session.close()


@pytest.fixture
def api(make_api: Callable[..., ToopherApi]) -> ToopherApi:
    return make_api()


@pytest.fixture
def stopwatch() -> Callable[[], float]:
    """Seconds since the test began."""
    started = time.monotonic()
    return lambda: time.monotonic() - started
