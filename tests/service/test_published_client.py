"""The oldest published client, ``toopher`` 1.0.5 of 2013, as it came from PyPI, against a real server.

It needs Python 2.7 and PyPI. Where there is none these tests are left out; with ``REQUIRE_PY27=1`` in the environment
they fail.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

import pytest
import requests
from django.core.signals import request_started

from django_toopher.service.device.cli_phone import CommandLinePhone
from django_toopher.service.models import User

from .sockets import PATIENCE

pytestmark = [pytest.mark.servers, pytest.mark.slow]

DRIVER = Path(__file__).with_name("driven_client.py")
USER = "José Díaz"


def leave_out(reason: str) -> NoReturn:
    if os.environ.get("REQUIRE_PY27") == "1":
        pytest.fail(f"REQUIRE_PY27 is set, but: {reason}", pytrace=False)
    pytest.skip(f"The client of 2013 left out: {reason}")


def plain_environment(**changes: str) -> dict[str, str]:
    """Ours, without what leads a Python or its requests elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, **changes}


def find_python27() -> Path | None:
    """A Python 2.7 that runs; pyenv has shims on the PATH which may not."""
    on_path = shutil.which("python2.7")
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    candidates = [Path(on_path)] if on_path else []
    for candidate in [*candidates, *sorted(pyenv.glob("versions/2.7*/bin/python2.7"))]:
        asked = [candidate, "-c", "import sys; sys.stdout.write(sys.executable + ' %d.%d' % sys.version_info[:2])"]
        answer = subprocess.run(asked, capture_output=True, text=True, check=False, env=plain_environment())
        if answer.returncode == 0 and answer.stdout.endswith(" 2.7"):
            return Path(answer.stdout.removesuffix(" 2.7"))
    return None


@pytest.fixture(scope="session")
def python27() -> Path:
    found = find_python27()
    if found is None:
        leave_out("there is no Python 2.7")
    return found


@pytest.fixture(scope="session")
def client_folder(python27, tmp_path_factory) -> Path:
    """The client and what it needs, from PyPI; once for all of xdist's workers."""
    of_run = tmp_path_factory.getbasetemp()
    of_run = of_run.parent if "PYTEST_XDIST_WORKER" in os.environ else of_run
    folder = of_run / "toopher-1.0.5"
    command = [python27, "-m", "pip", "install", "--disable-pip-version-check", "--target", folder, "toopher==1.0.5"]
    with (of_run / "toopher-1.0.5.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            installed = subprocess.run(command, capture_output=True, text=True, check=False, env=plain_environment())
            if installed.returncode:
                leave_out(f"toopher 1.0.5 can't be installed: {installed.stderr.strip()[-300:]}")
    return folder


@dataclass
class PublishedClient:
    """The other process."""

    say: IO[str]
    hear: IO[str]

    def call(self, method: str, *arguments: str, **extras: Any) -> dict[str, Any]:
        self.say.write(json.dumps([method, arguments, extras]) + "\n")
        self.say.flush()
        return json.loads(self.hear.readline())


@pytest.fixture
def make_client(python27, client_folder, live_server, requester):
    """Starts clients. Afterwards the server's threads end before the database that they share goes."""
    running = []

    def make(key="key", secret="secret", root="/toopher/v1") -> PublishedClient:
        command = [python27, DRIVER, key, secret, f"{live_server.url}{root}"]
        environment = plain_environment(PYTHONPATH=str(client_folder), no_proxy="*")
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, bufsize=1
        )
        running.append(process)
        return PublishedClient(process.stdin, process.stdout)

    yield make
    for process in running:
        process.communicate(timeout=PATIENCE)
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(PATIENCE)


@pytest.fixture
def client105(make_client) -> PublishedClient:
    return make_client()


@pytest.fixture
def live_phone(live_server, client105) -> Iterator[CommandLinePhone]:
    with requests.Session() as session:
        phone = CommandLinePhone(f"{live_server.url}/toopher/phone/", session=session)
        phone.register("Pixel")
        yield phone


@pytest.fixture
def pairing_id(client105, live_phone) -> str:
    pairing = client105.call("pair", live_phone.phrase().phrase, USER)
    assert (pairing["enabled"], pairing["is_true"], pairing["user_name"]) == (False, False, USER)
    live_phone.pair(live_phone.pending().pairings[0])
    return pairing["id"]


def poll(client: PublishedClient, request_id: str) -> dict[str, Any]:
    """As its README has it: ask about it until it is answered."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        status = client.call("get_authentication_status", request_id)
        if not status["pending"]:
            return status
        time.sleep(0.3)
    raise TimeoutError(status)


def test_it_pairs_by_the_phrase_that_the_phone_shows(client105, pairing_id):
    pairing = client105.call("get_pairing_status", pairing_id)
    assert (pairing["enabled"], pairing["is_true"], pairing["id"]) == (True, True, pairing_id)
    assert pairing["user_id"] == str(User.objects.get().pk)


def test_it_is_granted_once_the_phone_says_yes(client105, live_phone, pairing_id):
    asked = client105.call("authenticate", pairing_id, "Büro 1", "Log In", automation_allowed=True)
    assert (asked["pending"], asked["granted"], asked["is_true"], asked["reason"]) == (True, False, False, "")
    assert asked["terminal_name"] == "Büro 1"
    assert client105.call("get_authentication_status", asked["id"])["pending"] is True
    live_phone.approve(live_phone.pending().requests[0], asked["number"])
    answered = poll(client105, asked["id"])
    assert (answered["granted"], answered["is_true"], answered["automated"]) == (True, True, False)


def test_it_is_not_granted_once_the_phone_says_no(client105, live_phone, pairing_id):
    asked = client105.call("authenticate", pairing_id, "Terminal")
    live_phone.deny(live_phone.pending().requests[0])
    answered = poll(client105, asked["id"])
    assert (answered["granted"], answered["is_true"]) == (False, False)


def test_its_site_reads_the_number_as_an_attribute_while_the_request_waits(client105, live_phone, pairing_id):
    """1.0.5 knows no ``number``, but hands every field of the reply on: ``status.number``."""
    asked = client105.call("authenticate", pairing_id, "Terminal")
    assert len(asked["number"]) == 6
    assert client105.call("get_authentication_status", asked["id"])["number"] == asked["number"]
    live_phone.approve(live_phone.pending().requests[0], asked["number"])
    assert poll(client105, asked["id"])["number"] == ""


def test_it_signs_posts_in_the_form_and_gets_in_the_query(client105, pairing_id):
    seen = []

    def look(environ, **_: Any) -> None:
        seen.append((environ["REQUEST_METHOD"], "HTTP_AUTHORIZATION" in environ, environ["QUERY_STRING"]))

    request_started.connect(look)
    try:
        client105.call("authenticate", pairing_id, "Terminal")
        client105.call("get_pairing_status", pairing_id)
    finally:
        request_started.disconnect(look)
    [post, get] = seen
    assert post == ("POST", False, "")
    assert get[:2] == ("GET", False)
    assert "oauth_signature=" in get[2]
    assert "oauth_body_hash=" in get[2]


def test_it_is_told_what_is_wrong(client105, live_phone, pairing_id, make_client):
    unknown = client105.call("pair", "no such phrase", USER)
    assert unknown == {"error": "No pending pairing requests with specified pairing_phrase"}
    for stranger in (make_client(secret="wrong"), make_client(key="nobody")):
        assert stranger.call("get_pairing_status", pairing_id) == {"error": "Not a valid OAuth signed request"}
    live_phone.remove(pairing_id)
    removed = client105.call("authenticate", pairing_id, "Terminal")
    assert removed == {"error": "Not allowed: This pairing has been deactivated."}


def test_a_slash_at_the_end_of_its_base_url_does_not_matter(make_client, pairing_id):
    assert make_client(root="/toopher/v1/").call("get_pairing_status", pairing_id)["enabled"] is True
