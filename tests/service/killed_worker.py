"""A web server that dies: a supervisor, and one worker process that it replaces whenever the worker was killed.

Run as ``python -m tests.service.killed_worker FOLDER``, with the settings of the tests. The supervisor listens on a
port that it writes to ``FOLDER/port``, opens no database, and ends when its standard input does. A worker uses the
database that ``FOLDER/database`` names when it starts.

A request with the header ``Kill-Before: N`` makes its worker end itself with SIGKILL just before it would do its Nth
further step: an SQL statement, the end of a transaction, or a reply. Later requests go on counting. 0 stops that.
What a worker did not get to do is the last line of ``FOLDER/kills``.

A statement that changes nothing (SELECT, BEGIN) and whatever comes after it are one step: the database is the same
before and after it, and so is what anybody else knows. With the environment variable ``KILL_BEFORE_EVERY_STEP`` each is
a step of its own.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.apps import apps
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, connections
from django.db.backends.signals import connection_created
from django.template.loader import get_template
from django.test import Client


class Countdown:
    """Ends this process before its Nth step."""

    def __init__(self, kills: Path) -> None:
        self.kills = kills
        self.left = 0
        self.is_idle = False
        self.every = "KILL_BEFORE_EVERY_STEP" in os.environ

    def arm(self, left: int) -> None:
        """End this process before this step."""
        self.left, self.is_idle = left, False

    def step(self, what: str) -> None:
        """Called before each step."""
        was_idle, self.is_idle = self.is_idle, what.startswith(("SELECT", "BEGIN", "SAVEPOINT"))
        if was_idle and not self.every:
            return
        if self.left == 1:
            with self.kills.open("a") as file:
                file.write(f"{what[:200]!r}\n")
            os.kill(os.getpid(), signal.SIGKILL)
        self.left = max(self.left - 1, 0)

    def watch(self) -> None:
        """Count what goes to the database."""
        commit = connection._commit

        def counted_commit() -> Any:
            self.step("COMMIT")
            return commit()

        connection._commit = counted_commit
        connection.execute_wrappers.append(self._execute)

    def _execute(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self.step(sql)
        return execute(sql, params, many, context)


class Application:
    """Django's application, as a proxy that speaks https would reach it; each reply is a step of the countdown."""

    def __init__(self, countdown: Countdown) -> None:
        self.django = WSGIHandler()
        self.countdown = countdown

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "HTTP_KILL_BEFORE" in environ:
            self.countdown.arm(int(environ["HTTP_KILL_BEFORE"]))
        started: list[Any] = []
        response: Any = self.django({**environ, "wsgi.url_scheme": "https"}, lambda *head: started.extend(head))
        body = b"".join(response)
        response.close()
        self.countdown.step(f"the reply to {environ['PATH_INFO']}")
        status, headers = started
        start_response(status, [*headers, ("X-Worker", str(os.getpid()))])
        return [body]


class QuietHandler(WSGIRequestHandler):
    """Writes no log."""

    def log_message(self, *args: Any) -> None:
        pass


def hurry(connection: Any, **kwargs: Any) -> None:
    """SQLite need not wait for the disk: the process dies here, the machine stays (receives ``connection_created``)."""
    if connection.vendor == "sqlite":
        connection.connection.execute("PRAGMA synchronous = OFF")


def demands(user: Any, request: Any) -> bool:
    """``TOOPHER_POLICY``: "optional" for those whose name begins with "newcomer", "required" for everybody else."""
    if not user.get_username().startswith("newcomer"):
        return True
    accounts = apps.get_model("django_toopher", "ToopherAccount")
    return accounts.objects.filter(user=user, paired=True).exists()


def work(server: WSGIServer, countdown: Countdown, database: Path) -> None:
    """Serve until killed."""
    connections.settings["default"]["NAME"] = database.read_text()
    connections.settings["default"]["CONN_MAX_AGE"] = None
    connection_created.connect(hurry)
    countdown.watch()
    server.serve_forever()


def warm_up() -> None:
    """Import and compile now what each worker would have to by itself. No query."""
    Client().get("/accounts/login/", secure=True)
    for name in (
        "django_toopher/account.html",
        "django_toopher/authenticate.html",
        "django_toopher/failed.html",
        "toopher_service/web/frame.html",
    ):
        get_template(name)
    connections.close_all()


def supervise(folder: Path) -> None:
    """Keep one worker alive until standard input ends."""
    countdown = Countdown(folder / "kills")
    server = make_server("127.0.0.1", 0, Application(countdown), handler_class=QuietHandler)  # type: ignore[arg-type]
    warm_up()
    (folder / "port.new").write_text(str(server.server_port))
    (folder / "port.new").rename(folder / "port")
    ended, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup)
    worker = 0
    while True:
        if not worker:
            worker = os.fork()
            if not worker:
                signal.set_wakeup_fd(-1)
                work(server, countdown, folder / "database")
        readable, _, _ = select.select([sys.stdin, ended], [], [])
        if sys.stdin in readable:
            os.kill(worker, signal.SIGKILL)
            return
        os.read(ended, 4096)
        if os.waitpid(worker, os.WNOHANG)[0]:
            worker = 0


if __name__ == "__main__":
    settings.TOOPHER_POLICY = "tests.service.killed_worker.demands"
    django.setup()
    supervise(Path(sys.argv[1]))
