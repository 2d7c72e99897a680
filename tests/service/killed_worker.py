"""A web server that dies: a supervisor, and one worker process that it replaces whenever the worker was killed.

Run as ``python -m tests.service.killed_worker FOLDER``, with the settings of the tests. The supervisor listens on a
port that it writes to ``FOLDER/port``, and ends when its standard input does. A worker is forked from it, and uses the
database that ``FOLDER/database`` names when it starts. The one named there first is the supervisor's: in it somebody
logs in before there are workers, so that what the code keeps from its first run is there in each of them.

A request with the header ``Kill-Before: N`` makes its worker end itself with SIGKILL just before it would do its Nth
further step: an SQL statement, the end of a transaction, or a reply. Later requests go on counting. 0 stops that.
What a worker did not get to do is the last line of ``FOLDER/kills``.

A statement that changes nothing (SELECT, BEGIN) and whatever comes after it are one step: the database is the same
before and after it, and so is what anybody else knows. With the environment variable ``KILL_BEFORE_EVERY_STEP`` each is
a step of its own.
"""

from __future__ import annotations

import gc
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
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, connections, transaction
from django.template.loader import get_template

from tests.databases import HURRY
from tests.drivers import Computer


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


def demands(user: Any, request: Any) -> bool:
    """``TOOPHER_POLICY``: "optional" for those whose name begins with "newcomer", "required" for everybody else."""
    if not user.get_username().startswith("newcomer"):
        return True
    accounts = apps.get_model("django_toopher", "ToopherAccount")
    return accounts.objects.filter(user=user, paired=True).exists()


def work(server: WSGIServer, countdown: Countdown, database: Path) -> None:
    """Serve until killed."""
    connections.settings["default"].update(NAME=database.read_text(), CONN_MAX_AGE=None)
    countdown.watch()
    server.serve_forever()


def warm_up(database: Path) -> None:
    """Import, compile and keep now what each worker would have to by itself. Nothing stays in the database."""
    of_supervisor = connections.settings["default"]
    of_supervisor["NAME"] = database.read_text()
    if of_supervisor["ENGINE"] == "django.db.backends.sqlite3":
        of_supervisor["OPTIONS"]["init_command"] = HURRY
    get_template("django_toopher/failed.html")
    with transaction.atomic():
        name = f"warm {os.getpid()}"
        get_user_model().objects.create_superuser(name, "warm@example.com", "password")
        from tests.factories import registered_phone  # its models are there after setup() only

        phone, computer = registered_phone(), Computer()
        computer.log_in(phone, name)
        assert computer.is_logged_in()
        assert computer.open_iframe("/accounts/phones/").poll()
        assert computer.get("/admin/django_toopher/toopheraccount/").status_code == 200
        transaction.set_rollback(True)
    cache.clear()
    connections.close_all()
    gc.collect()
    gc.freeze()  # so that no worker copies the memory of all that is there already, only to look for garbage


def supervise(folder: Path) -> None:
    """Keep one worker alive until standard input ends."""
    countdown = Countdown(folder / "kills")
    server = make_server("127.0.0.1", 0, Application(countdown), handler_class=QuietHandler)  # type: ignore[arg-type]
    warm_up(folder / "database")
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
