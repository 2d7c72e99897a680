"""Fixtures that all tests share: a phone, a computer, a requester, users."""

from __future__ import annotations

import gc

import pytest
from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.urls import set_urlconf
from hypothesis import is_hypothesis_test
from hypothesis import settings as hypothesis_settings

from django_toopher.connection import api
from django_toopher.service.models import Requester

from .databases import copied
from .drivers import Computer
from .factories import registered_phone

hypothesis_settings.register_profile("patient", deadline=None)  # a busy machine is no fault
hypothesis_settings.load_profile("patient")


SERVERS = {"gateway", "live_server", "scripted_service", "service"}
"""Fixtures that answer at a socket."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What touches a database, what needs a server, and what is slow by its kind, is marked so."""
    for item in items:
        fixtures = {*item.fixturenames}
        if fixtures & {"db", "transactional_db"} or item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.database)
        if fixtures & SERVERS:
            item.add_marker(pytest.mark.servers)
        if "threaded_db" in fixtures or is_hypothesis_test(item.obj):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session):
    """Slow tests go first, so that no worker is left alone with one.

    The tests live as long as the run: looking through all of them for garbage took a fifth of its time.
    """
    session.items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(autouse=True)
def _django_set_urlconf(request):
    """``pytest.mark.urls``, as pytest-django has it. Django keeps resolvers by name: no test makes them anew."""
    marker, own = request.node.get_closest_marker("urls"), project.ROOT_URLCONF
    if marker:
        project.ROOT_URLCONF = marker.args[0]
        set_urlconf(None)
    yield
    if marker:
        project.ROOT_URLCONF = own
        set_urlconf(None)


@pytest.fixture
def make_user(db):
    """Makes Django users; the password is ``"password"``."""

    def make(username="alice", **fields):
        return get_user_model().objects.create_user(
            username, fields.pop("email", f"{username}@example.com"), "password", **fields
        )

    return make


@pytest.fixture
def alice(make_user):
    return make_user("alice")


@pytest.fixture
def make_phone(db):
    """Makes command-line phones, over the real API without a socket."""
    return registered_phone


@pytest.fixture
def phone(make_phone):
    return make_phone()


@pytest.fixture
def make_computer():
    """Makes browsers without a window: one person's cookies, the login flow and the iframe."""
    return Computer


@pytest.fixture
def computer(make_computer):
    return make_computer()


@pytest.fixture
def embedded_api(db):
    """The client of the embedded service, as the app uses it."""
    return api()


@pytest.fixture
def make_requester(db):
    """Makes requesters of the service; each secret is known to the test only."""

    def make(key="key", secret="secret", **fields):
        fields = {"name": f"Site {key}", "origins": "https://site.example", **fields}
        return Requester.objects.create(consumer_key=key, consumer_secret=secret, **fields)

    return make


@pytest.fixture(scope="session")
def migrated(tmp_path_factory, django_db_setup, django_db_blocker):
    """The test project's tables in a file for SQLite in other processes; "" where the tests have another database."""
    with django_db_blocker.unblock():
        return copied(tmp_path_factory.mktemp("migrated") / "db.sqlite3")
