"""A real Chromium in front of a live server.

Everything here is marked ``browser``. Where no Chromium is found, the tests are left out; with ``REQUIRE_BROWSER=1`` in
the environment they fail.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from django.conf import settings as project
from django.test import override_settings
from playwright.sync_api import expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from django_toopher.connection import api

from .people import Computer, Phone
from .sites import ForeignSite
from .traffic import TrafficMiddleware, traffic
from .watch import Watch

WINDOWED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ANY = ("chromium-headless-shell", *WINDOWED)
"""The shell first: it draws no window around its pages, which takes the others half of their time."""
PATIENCE = 30_000
"""Milliseconds for anything to happen: much, for a busy machine. Nothing waits for it to pass."""

COMPUTER = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}

HURRY = """
    const wait = setTimeout;
    window.setTimeout = (act, delay, ...rest) => wait(act, delay > 2000 ? 10 * delay : delay / 6, ...rest);
"""
"""Polls, and the guard against a hasty tap, pass in a sixth of their time. What a person is given to read stays."""


FOLDER = Path(__file__).parent
LEFT_OUT = "Browser tests left out: no Chromium found"


def pytest_collection_modifyitems(items):
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Where all are left out, the summary has one line for them, not one each."""
    report = yield
    if report.skipped and LEFT_OUT in str(report.longrepr):
        report.longrepr = (str(FOLDER), None, LEFT_OUT)
    return report


@pytest.fixture(scope="module")
def chromium_names():
    """What the Chromium may be called that these tests run in."""
    return ANY


@pytest.fixture(scope="module")
def chromium_path(chromium_names):
    """Where the Chromium is. The tests are left out, or fail, where there is none."""
    for path in map(shutil.which, chromium_names):
        if path:
            return path
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail("REQUIRE_BROWSER is set, and no Chromium found", pytrace=False)
    return pytest.skip(LEFT_OUT)


@pytest.fixture(scope="module")
def browser(chromium_path):
    """A Chromium for one module's tests.

    Playwright keeps an event loop running in this thread, which every later test in it would notice: Django refuses its
    database there, and ``asyncio.run`` does not work. So it ends with the module, and Django is told not to mind.
    """
    args = ["--disable-gpu", "--disable-background-networking"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        args.append("--no-sandbox")  # which root can't have
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        expect.set_options(timeout=PATIENCE)
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=args)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def live_server(django_db_setup):
    """pytest-django's, with our middleware around it. Chromium holds ``http://localhost`` for secure.

    A page that opens ours keeps its hold on it, as on a site that has switched Django's opener policy off: what keeps
    an attacker out must be ours.
    """
    ours = f"{TrafficMiddleware.__module__}.{TrafficMiddleware.__qualname__}"
    with override_settings(MIDDLEWARE=[ours, *project.MIDDLEWARE], SECURE_CROSS_ORIGIN_OPENER_POLICY=None):
        server = LiveServer("localhost")
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def polls_in_a_hurry(settings):
    """Pages poll six times as often here (``HURRY``), and a busy machine lets a burst of them through at once."""
    settings.TOOPHER_SERVICE_POLL_LIMIT = 1000


@pytest.fixture
def watch():
    """What goes wrong in the pages. Asks for its verdict once they are closed."""
    watch = Watch()
    yield watch
    watch.verdict()


@pytest.fixture
def make_context(watch, browser, live_server, transactional_db, settings):
    """Makes browsers of different people: each has its own cookies and storage."""
    settings.TOOPHER_SERVICE_NAME = "Rowing Club"
    contexts = []

    def make(**options):
        context = browser.new_context(base_url=live_server.url, locale="en-GB", reduced_motion="reduce", **options)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(HURRY)
        watch.over(context)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    traffic.settle()  # before the tables are cleared


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
def computer(alice, make_computer):
    return make_computer()


@pytest.fixture
def phone(alice, make_phone):
    return make_phone()


@pytest.fixture
def pair():
    """Pairs a phone with a user by the phone's words, without a computer."""

    def act(phone, username="alice"):
        words = phone.make_words()
        with traffic.stopped():
            api().pair(username, words)
        phone.shows("pair")
        phone.allow()

    return act


@pytest.fixture
def paired_phone(phone, pair):
    """Alice's phone."""
    pair(phone)
    return phone


@pytest.fixture
def required(settings):
    """Everybody needs a phone."""
    settings.TOOPHER_POLICY = "required"


@pytest.fixture
def foreign_site():
    """Another origin, under an attacker's control."""
    with ForeignSite() as site:
        yield site
