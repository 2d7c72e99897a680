"""What these tests try: browsers and their sessions, changes to the user meanwhile, every way."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model

from django_toopher.connection import api
from django_toopher.support import verbs
from tests.app.ways import STEP_UPS, WAYS
from tests.drivers import Computer
from tests.factories import verified

COMPUTER = "/accounts/phones/computer/"
PHONES = "/accounts/phones/change/"
ACCOUNTS = "/admin/django_toopher/toopheraccount/"
ATTEMPTS = "/admin/django_toopher/attempt/"
RUNS = "/admin/django_toopher/supportrun/"

EMBEDS = ["iframe", "redirect", "native"]

PAGES = [
    pytest.mark.urls("tests.app.step_up_urls"),
    pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer"),
]

every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
every_step_up = pytest.mark.parametrize("way", STEP_UPS.values(), ids=STEP_UPS)

CHANGES = {
    "deactivated": lambda user: type(user).objects.update(is_active=False),
    "another password": lambda user: type(user).objects.update(password="x"),
    "renamed": lambda user: type(user).objects.update(username="alicia"),
    "disabled": lambda user: verbs.carry_out(verbs.VERBS["disable"], user.toopher_account, api()),
    "reset": lambda user: user.toopher_account.change(),
}


def name_of(way) -> str:
    """How ``WAYS`` calls it."""
    return next(name for name, each in WAYS.items() if each is way)


def logged_in_as_alice(browser: Computer) -> Computer:
    """The browser, with alice logged in and her second factor passed."""
    return verified(browser, get_user_model().objects.get(username="alice"))


def kept(browser) -> dict:
    """What the browser's session holds."""
    return dict(browser.client.session.items())


def restored(make_browser, session):
    """A browser with a session of this content, as somebody who stole it would make one."""
    store = import_module(django_settings.SESSION_ENGINE).SessionStore()
    store.update(session)
    store.save()
    browser = make_browser()
    browser.client.cookies[django_settings.SESSION_COOKIE_NAME] = store.session_key
    return browser
