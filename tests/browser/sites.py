"""The site's server, and a site of somebody else."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from django.core.servers.basehttp import ThreadedWSGIServer


class Server(ThreadedWSGIServer):
    """Django's server for tests, which can hang up on who keeps a connection for later, as a Chromium does.

    Each of these has a thread of this process, for which other tests wait.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept: dict[socket.socket, threading.Thread] = {}

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        self._kept[request] = threading.current_thread()
        try:
            super().process_request_thread(request, client_address)
        finally:
            del self._kept[request]

    def hang_up(self) -> None:
        """End all connections. Nothing should be under way in them."""
        for connection, thread in [*self._kept.items()]:
            with suppress(OSError):  # it has just ended
                connection.shutdown(socket.SHUT_RD)
            thread.join()


class ForeignSite:
    """Serves one page at every path of another origin than the live server's."""

    def __init__(self) -> None:
        site = self
        self.page = "<!doctype html><title>Foreign</title><link rel=icon href=data:,>"

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.page.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> ForeignSite:
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
