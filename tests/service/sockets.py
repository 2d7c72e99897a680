"""Requests as bytes over a real socket: what published clients send, which no HTTP library of today would."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 30
"""Seconds for one reply."""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One TCP connection. Nothing is sent but what is given, and it is never opened again."""

    def __init__(self, tcp: socket.socket) -> None:
        self.tcp = tcp

    def send(self, method: str, *pieces: bytes) -> Reply:
        """Send each piece by itself; read one reply to a request of that method."""
        for piece in pieces:
            self.tcp.sendall(piece)
        with http.client.HTTPResponse(self.tcp, method=method) as response:
            response.begin()
            return Reply(response.status, response.headers, response.read())

    def is_ended(self) -> bool:
        """Whether the server says nothing more and has hung up."""
        try:
            return self.tcp.recv(1) == b""
        except ConnectionResetError:
            return True


@contextmanager
def connect(url: str) -> Iterator[Connection]:
    """A connection to the server of ``url``."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), PATIENCE) as tcp:
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Connection(tcp)


def head(method: str, target: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """The first part of a request, with the empty line behind it."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")
