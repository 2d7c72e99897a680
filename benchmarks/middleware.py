"""What ``ToopherMiddleware`` adds to an empty view: queries, and time as a share of the view's.

``python -m benchmarks.middleware`` calls Django's WSGI handler in this process, with the middleware and without it in
turn, and prints the medians. It needs no database but SQLite in memory. See README.rst beside this file.
"""

from __future__ import annotations

import io
import os
import sys
import time
from statistics import median

ROUNDS = 60
REQUESTS = 100

OURS = "django_toopher.middleware.ToopherMiddleware"


def main() -> None:
    """Measure and print."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    cookies = {"nobody": "", "verified": verified_cookie()}
    for view, path in [("empty view", "/empty/"), ("view that reads request.user", "/benchmark/user/")]:
        for who, cookie in cookies.items():
            compare(view, path, who, cookie)


def verified_cookie() -> str:
    """The cookie of a session that has passed its second factor."""
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.test import Client

    from django_toopher.testing import verified_login

    settings.TOOPHER_SESSION_CHECK = 10**6
    client = Client()
    verified_login(client, get_user_model().objects.create_user("alice"))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def compare(view: str, path: str, who: str, cookie: str) -> None:
    """Medians of both, in changing order."""
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler

    project = list(settings.MIDDLEWARE)
    handlers = {}
    for name, middleware in [("without", [each for each in project if each != OURS]), ("with", project)]:
        settings.MIDDLEWARE = middleware
        handlers[name] = WSGIHandler()
    times: dict[str, list[float]] = {"without": [], "with": []}
    for turn in range(ROUNDS):
        for name in sorted(handlers, reverse=bool(turn % 2)):
            times[name].append(timed(handlers[name], path, cookie))
    queries = {name: counted(handler, path, cookie) for name, handler in handlers.items()}
    without, added = (
        median(times["without"]),
        median(w - o for w, o in zip(times["with"], times["without"], strict=True)),
    )
    sys.stdout.write(
        f"{view}, {who}: {without * 1e6:.0f} us without, {added * 1e6:+.1f} us with it ({added / without:+.1%}); "
        f"queries {queries['without']} and {queries['with']}\n"
    )


def timed(handler: object, path: str, cookie: str) -> float:
    """CPU seconds of one request."""
    began = time.process_time()
    for _ in range(REQUESTS):
        call(handler, path, cookie)
    return (time.process_time() - began) / REQUESTS


def counted(handler: object, path: str, cookie: str) -> int:
    """Queries of one request."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        call(handler, path, cookie)
    return len(captured)


def call(handler: object, path: str, cookie: str) -> None:
    """One request; anything but 200 ends the run."""
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "HTTP_COOKIE": cookie,
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    response = handler(environ, lambda status, headers, *rest: None)  # type: ignore[operator]
    if response.status_code != 200:
        raise SystemExit(f"{path}: {response.status_code}")
    # The response is not closed: that would close the connection, and with it the database in memory.


if __name__ == "__main__":
    main()
