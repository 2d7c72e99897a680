"""A push service at a socket, and a phone that can be woken up."""

from __future__ import annotations

import pytest
import requests

from django_toopher.service.phones.push import delivery
from tests.push_server import HOST, PushServer, Subscription

from .acts import subscribe


@pytest.fixture(scope="module")
def _server(tmp_path_factory):
    with PushServer(tmp_path_factory.mktemp("push")) as server:
        yield server


@pytest.fixture
def push_server(_server, monkeypatch, settings):
    """A real push service at ``HOST``, which only the tests can find."""
    _server.received.clear()
    _server.status, _server.headers, _server.delay, _server.connections = 201, {}, 0.0, 0
    settings.TOOPHER_SERVICE_PUSH_HOSTS = [HOST]
    monkeypatch.setattr(delivery, "public_addresses", lambda host: [("127.0.0.1", _server.port)])
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(_server.authority))
    return _server


@pytest.fixture
def browser():
    """The phone's browser, subscribed."""
    return Subscription()


@pytest.fixture
def subscribed(push_server, raw_phone, pair, browser):
    """Alice's phone, which can be woken up."""
    pair(raw_phone)
    assert subscribe(raw_phone, browser).status_code == 200
    return raw_phone


@pytest.fixture
def ask(api, django_capture_on_commit_callbacks):
    """Asks alice's phones."""

    def make(**options):
        with django_capture_on_commit_callbacks(execute=True):
            return api.authenticate("alice", "secret-1", "Log In", terminal_name="Office laptop", **options)

    return make
