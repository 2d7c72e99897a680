"""Runs one of the sites as a process: ``python -m tests.sites.serve <settings> wsgi|asgi``.

Migrates its database, makes its people, says on one line of standard output at which port it answers, and ends with its
standard input.
"""

import os
import socket
import sys
import threading
from importlib import import_module

import django

PEOPLE = 8


def make_people() -> list[str]:
    """The site's people; the last one may do everything. Each has the password ``password``."""
    from django.conf import settings
    from django.contrib.auth import get_user_model

    model, name = get_user_model(), getattr(settings, "SITE_NAMES", "person{}")
    names = [name.format(number) for number in range(PEOPLE)]
    for each in names:
        user = model(**{model.USERNAME_FIELD: each})
        user.set_password("password")
        user.email = each if "@" in each else f"{each}@example.com"
        if each == names[-1] and hasattr(user, "is_superuser"):
            user.is_staff = user.is_superuser = True
        user.save()
    return names


def serve(kind: str, listening: socket.socket) -> None:
    from django.conf import settings

    if kind == "asgi":
        import uvicorn
        from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
        from django.core.asgi import get_asgi_application

        config = uvicorn.Config(ASGIStaticFilesHandler(get_asgi_application()), log_level="warning", lifespan="off")
        uvicorn.Server(config).run(sockets=[listening])
        return
    from wsgiref.simple_server import WSGIRequestHandler

    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.servers.basehttp import ThreadedWSGIServer
    from django.core.wsgi import get_wsgi_application

    class Quiet(WSGIRequestHandler):
        def log_message(self, *args: object) -> None:
            """Nothing."""

    application, prefix = StaticFilesHandler(get_wsgi_application()), settings.FORCE_SCRIPT_NAME or ""

    def stripped(environ, start_response):
        """As a proxy that hands on what lies below a prefix, without the prefix."""
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(prefix)
        return application(environ, start_response)

    server = ThreadedWSGIServer(listening.getsockname(), Quiet, bind_and_activate=False)
    server.socket.close()
    server.socket, server.server_name, server.server_port = listening, *listening.getsockname()
    server.setup_environ()
    server.set_app(stripped)
    server.serve_forever()


def main(settings: str, kind: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = settings
    django.setup()
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", run_syncdb=True, verbosity=0)
    call_command("check", stdout=sys.stderr)
    people = make_people()
    preparation = getattr(import_module(settings), "prepare", None)
    if preparation:
        preparation()
    connections.close_all()
    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    sys.stdout.write(f"{listening.getsockname()[1]} {' '.join(people)}\n")
    sys.stdout.flush()
    serve(kind, listening)


if __name__ == "__main__":
    main(*sys.argv[1:])
