"""A real Chromium in front of a live server.

Everything here is marked ``browser``. Where no Chromium is found, the tests are left out; with ``REQUIRE_BROWSER=1`` in
the environment they fail.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.test.testcases import LiveServerThread
from pytest_django.live_server_helper import LiveServer

from django_toopher.service.models import Pairing
from tests.factories import account_with, paired, registered_phone, requester_of

from .chromium import ANY, LEFT_OUT, Driver, path_of
from .people import Computer, Phone
from .sites import ForeignSite, Server
from .traffic import TrafficMiddleware, traffic
from .watch import Watch

COMPUTER = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}

FOLDER = Path(__file__).parent
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items):
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Where all are left out, the summary has one line for them, not one each."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    if report.skipped and LEFT_OUT in str(report.longrepr):
        report.longrepr = (str(FOLDER), None, LEFT_OUT)
    return report


@pytest.fixture(scope="session")
def driver():
    driver = Driver()
    yield driver
    driver.stop()


@pytest.fixture
def chromium_names():
    """What the Chromium may be called that these tests run in."""
    return ANY


@pytest.fixture
def windows(chromium_names, request, live_server):
    """The Chromium's windows. The tests are left out, or fail, where there is no Chromium."""
    path_of(chromium_names)
    driver = request.getfixturevalue("driver")
    request.node.getparent(pytest.Module).addfinalizer(live_server.thread.httpd.hang_up)
    with driver.at_work():
        yield driver.chromium(chromium_names, live_server.url)


@pytest.fixture(scope="session")
def tables(django_db_setup, django_db_blocker):
    """A copy of the database before the first test here; other databases than SQLite's are flushed."""
    if connection.vendor != "sqlite":
        yield None
        return
    copy = sqlite3.connect(":memory:")
    with django_db_blocker.unblock():
        connection.ensure_connection()
        connection.connection.backup(copy)
    yield copy
    copy.close()


@pytest.fixture
def transactional_db(tables, django_db_blocker):
    """In place of pytest-django's, which empties each table after the test, and fills some again."""
    with django_db_blocker.unblock():
        yield
        if tables is None:
            call_command("flush", verbosity=0, interactive=False)
        else:
            tables.backup(connection.connection)
            ContentType.objects.clear_cache()


@pytest.fixture
def db(transactional_db):
    """The server must see what is written."""


@pytest.fixture(scope="session")
def live_server(django_db_setup):
    """pytest-django's, with our middleware around it. Chromium holds ``http://localhost`` for secure.

    A page that opens ours keeps its hold on it, as on a site that has switched Django's opener policy off: what keeps
    an attacker out must be ours.
    """
    ours = f"{TrafficMiddleware.__module__}.{TrafficMiddleware.__qualname__}"
    changed = override_settings(MIDDLEWARE=[ours, *project.MIDDLEWARE], SECURE_CROSS_ORIGIN_OPENER_POLICY=None)
    with changed, pytest.MonkeyPatch.context() as django:
        django.setattr(LiveServerThread, "server_class", Server)
        server = LiveServer("localhost")
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def polls_in_a_hurry(settings):
    """Pages poll six times as often here (``HURRY``), and a busy machine lets a burst of them through at once."""
    settings.TOOPHER_SERVICE_LIMITS = {"polls": 1000}


@pytest.fixture
def watch():
    """What goes wrong in the pages. Asks for its verdict once they are closed."""
    watch = Watch()
    yield watch
    watch.verdict()


@pytest.fixture
def make_context(watch, windows, transactional_db, settings, request):
    """Makes browsers of different people: each has its own cookies and storage. Each is cleared and used again."""
    settings.TOOPHER_SERVICE_NAME = "Rowing Club"
    used = []

    def make(**options):
        window = windows.take(**options)
        watch.over(window.context)
        used.append(window)
        return window.context

    yield make
    for window in used:
        window.leave(for_good=request.node.stash.get(FAILED, False))
    traffic.settle()  # before the tables are cleared
    for window in used:
        window.clear()
    watch.over_no_more()


@pytest.fixture
def make_computer(make_context):
    """Makes computers; ``options`` are Playwright's for a context."""

    def make(**options):
        return Computer(make_context(**{**COMPUTER, **options}))

    return make


@pytest.fixture
def make_phone(make_context):
    """Makes phones with the web app open."""

    def make(**options):
        phone = Phone(make_context(**{**PHONE, **options}))
        phone.open()
        return phone

    return make


@pytest.fixture
def make_paired_phone(make_context):
    """Makes phones with the web app open that have a key and, by rows, are paired with these users.

    ``known``: the site has noted that they have a phone, as after a login. ``script`` runs in each page.
    """

    def make(*usernames, known=False, script="", **options):
        phone = Phone(make_context(**{**PHONE, **options}))
        if script:
            phone.context.add_init_script(script)
        phone.register()
        with traffic.stopped():
            for user in get_user_model().objects.filter(username__in=usernames):
                account_with(phone, user) if known else paired(requester_of(), user.username, phone)
            pairings = [*Pairing.objects.select_related("user__requester").order_by("created")]
        phone.keep(pairing for pairing in pairings if str(pairing.authenticator_id) == phone.id)
        phone.open()
        return phone

    return make


@pytest.fixture
def computer(alice, make_computer):
    return make_computer()


@pytest.fixture
def phone(alice, make_phone):
    return make_phone()


@pytest.fixture
def paired_phone(alice, make_paired_phone):
    """Alice's phone."""
    return make_paired_phone("alice")


@pytest.fixture
def rows_of_phone(alice, transactional_db, settings):
    """A phone of Alice's that the site knows, where nobody looks at it: there are only its rows."""
    settings.TOOPHER_SERVICE_NAME = "Rowing Club"
    with traffic.stopped():
        phone = registered_phone()
        account_with(phone, alice)
    return phone


@pytest.fixture
def known_phone(alice, make_paired_phone):
    """Alice's phone, and the site knows that she has one."""
    return make_paired_phone("alice", known=True)


@pytest.fixture
def required(settings):
    """Everybody needs a phone."""
    settings.TOOPHER_POLICY = "required"


@pytest.fixture
def foreign_site():
    """Another origin, under an attacker's control."""
    with ForeignSite() as site:
        yield site
