"""A requester of its own (key ``key``, secret ``secret``), its clients, and phones that are paired with its users."""

from __future__ import annotations

import pytest
from django.db import connection, connections

from django_toopher.client import ToopherApi, ToopherIframe
from django_toopher.connection import InProcessAdapter
from django_toopher.service import authenticators
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
def raw_phone(db):
    """A registered phone whose messages are made by hand."""
    phone = RawPhone()
    phone.id = str(authenticators.register(jwk_of(phone.key), "Phone").pk)
    return phone


@pytest.fixture
def threaded_db(transactional_db, tmp_path):
    """A database that several threads can use: the configured one, or a file in place of SQLite's in memory."""
    if connection.vendor != "sqlite" or not connection.is_in_memory_db():
        yield
        return
    file = tmp_path / "threads.sqlite3"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(file)])
    in_memory, settings = connections["default"], connections.settings["default"]
    name = settings["NAME"]
    settings["NAME"] = str(file)
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        settings["NAME"] = name
        connections["default"] = in_memory
