"""The same under the server that most sites run."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from django_toopher import embedded
from django_toopher.service.device.cli_phone import CommandLinePhone
from tests.databases import HURRY

from ..generations import Sender
from ..sockets import connect
from .acts import ask_and_answer, only

pytestmark = [pytest.mark.servers, pytest.mark.slow]


@pytest.fixture(scope="module")
def gunicorn_url(tmp_path_factory, migrated):
    """Gunicorn with threads, and a database of its own. ``keepalive = 0`` is for PROTOCOL.md §1.3-5."""
    if importlib.util.find_spec("gunicorn") is None:
        pytest.skip("gunicorn is not installed")
    folder = tmp_path_factory.mktemp("gunicorn")
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "",  # it imports all of Django
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}?init_command={quote(HURRY)}",
        "CACHE_URL": "locmemcache://",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    here = {"cwd": Path(__file__).parents[3], "env": environment}
    if migrated:
        shutil.copyfile(migrated, folder / "db.sqlite3")
    else:
        subprocess.run([sys.executable, "-m", "django", "migrate", "--verbosity", "0"], check=True, timeout=120, **here)
    with socket.create_server(("127.0.0.1", 0)) as listener, (folder / "log").open("w") as log:
        command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}"]
        command += ["--threads", "2", "--keep-alive", "0", "django.core.wsgi:get_wsgi_application()"]
        gunicorn = subprocess.Popen(command, pass_fds=[listener.fileno()], stdout=log, stderr=log, **here)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/toopher/"
        gunicorn.terminate()
        gunicorn.wait(timeout=30)


@only("py105", "py110", "seed", "java1", "javaref", "php1", "phpref", "rb11", "net11", "netref", "perl", "radius")
def test_under_gunicorn_it_pairs_and_has_a_question_answered(gunicorn_url, generation):
    sender = Sender(generation, f"{gunicorn_url}v1", embedded.CONSUMER_KEY, embedded.consumer_secrets()[0])
    with requests.Session() as session:
        phone = CommandLinePhone(f"{gunicorn_url}phone/", session=session)
        phone.register("Pixel")
        ask_and_answer(sender, phone)


@only("seed")
def test_under_gunicorn_an_empty_form_without_length_ends_the_connection(gunicorn_url, generation):
    sender = Sender(generation, f"{gunicorn_url}v1", embedded.CONSUMER_KEY, embedded.consumer_secrets()[0])
    request, stray = sender.request("POST", "users/reset", [])
    with connect(sender.root) as connection:
        reply = sender.deliver("POST", request + stray, on=connection)
        assert (reply.status, reply.headers["Connection"]) == (400, "close")
        assert connection.is_ended()
