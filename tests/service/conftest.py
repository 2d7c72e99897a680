"""A requester of its own (key ``key``, secret ``secret``), its clients, and phones that are paired with its users."""

from __future__ import annotations

import pytest
from django.db import connections
from django.utils import timezone

from django_toopher.client import AuthenticationRequest, ToopherApi, ToopherIframe
from django_toopher.in_process import InProcessAdapter
from django_toopher.service.api import representations
from django_toopher.service.people import users
from django_toopher.service.phones import authenticators
from django_toopher.service.requests import asking
from django_toopher.testing import verified_login
from tests.databases import HURRY, copied
from tests.factories import paired, requester_of

from .callers import ROOT, Caller, RawPhone, jwk_of


@pytest.fixture
def requester(make_requester):
    return make_requester()


@pytest.fixture
def caller(requester):
    """Signs by hand for ``requester``."""
    return Caller()


@pytest.fixture
def make_api(db):
    """Makes real clients of the REST API, without a socket."""

    def make(key="key", secret="secret"):
        api = ToopherApi(key, secret, ROOT, timeout=60)  # a busy machine is no fault
        api.session.mount(ROOT, InProcessAdapter())
        return api

    return make


@pytest.fixture
def api(requester, make_api):
    return make_api()


@pytest.fixture
def iframe(requester):
    return ToopherIframe("key", "secret", ROOT)


@pytest.fixture
def pair(requester):
    """Pairs a phone (of either kind) with a user, of the requester with the consumer key ``at``; the pairing's id."""

    def make(phone, user="alice", at=requester.consumer_key):
        return str(paired(requester_of(at), user, phone).pk)

    return make


@pytest.fixture
def ask_alice(requester):
    """Asks alice's phones whether she logs in at this computer; the request, as the requester's client knows it."""

    def make(terminal_name, secret):
        alice = users.get_or_create(requester, "alice")
        named = {"terminal_name": terminal_name, "terminal_extra": secret}
        asked = asking.initiate(alice, "Log In", **named)
        return AuthenticationRequest(representations.authentication_request(asked, timezone.now()))

    return make


@pytest.fixture
def make_raw_phone(db):
    """Makes registered phones whose messages are made by hand."""

    def make(name="Phone"):
        phone = RawPhone()
        phone.id = str(authenticators.register(jwk_of(phone.key), name).pk)
        return phone

    return make


@pytest.fixture
def raw_phone(make_raw_phone):
    return make_raw_phone()


@pytest.fixture
def threaded_db(transactional_db, tmp_path):
    """A database that several threads can use: the configured one, or a file in place of SQLite's in memory."""
    file = copied(tmp_path / "threads.sqlite3")
    if not file:
        yield
        return
    in_memory, settings = connections["default"], connections.settings["default"]
    kept = {**settings}
    patience = {"timeout": 60}  # seconds for a lock: a busy machine is no fault
    settings.update(NAME=file, OPTIONS={**settings["OPTIONS"], **patience, "init_command": HURRY})
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        settings.update(kept)
        connections["default"] = in_memory


@pytest.fixture
def admin_client(admin_client, admin_user):
    """pytest-django's, as of somebody who has passed the second factor."""
    verified_login(admin_client, admin_user)
    return admin_client
