"""Runs sites, each as one process under WSGI and one under ASGI: ``python -m tests.sites.serve``.

A line of standard input is what one site's environment has more, in JSON: ``DJANGO_SETTINGS_MODULE``, ``SITE_FOLDER``
for database, mail and log, and perhaps ``SITE_MIGRATED``, a database to begin with. The site migrates its own, makes
its people, and says on one line of standard output at which ports it answers; an empty line says that it could not.
All of them end with standard input.
"""

import gc
import json
import os
import select
import shutil
import socket
import sys
import threading
import traceback
from importlib import import_module
from pathlib import Path

import django

COMMON = (
    "django.contrib.auth.hashers",
    "django.contrib.staticfiles.handlers",
    "django.core.servers.basehttp",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.executor",
    "jwt",
    "mnemonic",
    "pyotp",
    "pywebpush",
    "requests_oauthlib",
    "segno",
    "uvicorn",
)
"""What every site imports, and what asks for no settings while it is imported: most of a site's first second."""

KINDS = ("wsgi", "asgi")
PEOPLE, CHIEFS = 7, 5


def is_enlarged_startproject() -> bool:
    """Whether this site has the tables of ``startproject``, and perhaps more."""
    from django.conf import settings

    from . import startproject

    return settings.AUTH_USER_MODEL == "auth.User" and {*settings.INSTALLED_APPS} >= {*startproject.INSTALLED_APPS}


def migrate() -> None:
    from django.conf import settings
    from django.core.management import call_command

    migrated = os.environ.get("SITE_MIGRATED")
    if migrated and is_enlarged_startproject():
        shutil.copyfile(migrated, settings.DATABASES["default"]["NAME"])
    call_command("migrate", run_syncdb=True, verbosity=0)


def make_people() -> list[str]:
    """The site's people; the last ones may do everything. Each has the password ``password``."""
    from django.conf import settings
    from django.contrib.auth import get_user_model

    model, name = get_user_model(), getattr(settings, "SITE_NAMES", "person{}")
    names = [name.format(number) for number in range(PEOPLE + CHIEFS)]
    for each in names:
        user = model(**{model.USERNAME_FIELD: each})
        user.set_password("password")
        user.email = each if "@" in each else f"{each}@example.com"
        if each in names[PEOPLE:] and hasattr(user, "is_superuser"):
            user.is_staff = user.is_superuser = True
        user.save()
    return names


def serve(kind: str, listening: socket.socket) -> None:
    from django.conf import settings

    if kind == "asgi":
        select.select([listening], [], [])  # on many sites nobody comes
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


def run(end: int) -> None:
    """Be a site, until the pipe ``end`` has no other end."""
    django.setup()
    from django.core.management import call_command
    from django.db import connections

    migrate()
    call_command("check", stdout=sys.stderr)
    people = make_people()
    preparation = getattr(import_module(os.environ["DJANGO_SETTINGS_MODULE"]), "prepare", None)
    if preparation:
        preparation()
    connections.close_all()
    listening = [socket.create_server(("127.0.0.1", 0)) for _kind in KINDS]
    ports = [str(each.getsockname()[1]) for each in listening]
    child = os.fork()
    if child:
        sys.stdout.write(f"{' '.join([*ports, *people])}\n")
        sys.stdout.flush()

    def wait() -> None:
        os.read(end, 1)
        if child:
            os.waitpid(child, 0)
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
    serve(KINDS[0 if child else 1], listening[0 if child else 1])


def main() -> None:
    for module in COMMON:
        import_module(module)
    gc.collect()
    gc.freeze()  # no site copies this memory only to look for garbage
    end, kept_open = os.pipe()
    for line in sys.stdin:
        if os.fork():
            continue
        os.close(kept_open)
        os.environ.update(json.loads(line))
        log = os.open(Path(os.environ["SITE_FOLDER"], "log"), os.O_WRONLY | os.O_CREAT)
        os.dup2(log, sys.stderr.fileno())
        try:
            run(end)
        except BaseException:  # noqa: BLE001 (a fork must not go on as its parent)
            traceback.print_exc()
            sys.stdout.write("\n")
            sys.stdout.flush()
        finally:
            os._exit(1)
    os.close(kept_open)
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass


if __name__ == "__main__":
    main()
