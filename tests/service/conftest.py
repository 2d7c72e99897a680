"""A requester of its own (key ``key``, secret ``secret``), its clients, and phones that are paired with its users."""

from __future__ import annotations

import pytest
from django.db import connection, connections

from django_toopher.client import ToopherApi, ToopherIframe
from django_toopher.connection import InProcessAdapter

from .callers import ROOT, Caller, RawPhone


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
def pair(api):
    """Pairs a phone (of either kind) with a user, through the API; the pairing's id."""

    def make(phone, user="alice", api=api):
        if isinstance(phone, RawPhone):
            pairing = api.pair(user, phone.call("phrase").json()["phrase"])
            offer = phone.call("pending").json()["pairings"][0]
            shown = {"requester": offer["requester"], "user": offer["user"]}
            assert phone.call("pair", pairing=offer["id"], decision="allow", **shown).status_code == 200
        else:
            pairing = api.pair(user, phone.phrase().phrase)
            phone.pair(phone.pending().pairings[0])
        return pairing.id

    return make


@pytest.fixture
def raw_phone(db):
    """A registered phone whose messages are made by hand."""
    return RawPhone().register()


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
