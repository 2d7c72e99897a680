"""A user with a phone; a service elsewhere that does as it is told; a database for several threads."""

from __future__ import annotations

import sys

import pytest

from django_toopher.client import ToopherApi
from tests.client.conftest import KEY, SECRET
from tests.client.conftest import service as scripted_service
from tests.drivers import AsgiComputer, Computer
from tests.factories import account_with
from tests.service.conftest import threaded_db

__all__ = ["scripted_service", "threaded_db"]  # fixtures of others


@pytest.fixture
def restless():
    """Threads that take turns as often as they can, so that what two do at the same moment really overlaps."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture
def account(alice, phone):
    """Alice's account, with her phone paired."""
    return account_with(phone, alice)


@pytest.fixture
def bob(make_user, make_phone):
    """Somebody else with a phone."""
    user = make_user("bob")
    user.phone = make_phone("Bob's")
    account_with(user.phone, user)
    user.refresh_from_db()
    return user


@pytest.fixture
def elsewhere(scripted_service, settings):
    """A service at another address, on a real socket, to script; nothing answers at the embedded one."""
    settings.TOOPHER_BASE_URL = scripted_service.url
    settings.TOOPHER_CONSUMER_KEY = KEY
    settings.TOOPHER_CONSUMER_SECRET = SECRET
    return scripted_service


@pytest.fixture
def staff(make_user):
    """Somebody who may do everything in the admin."""
    return make_user("staff", is_staff=True, is_superuser=True)


@pytest.fixture(
    params=[pytest.param(Computer, id="WSGI"), pytest.param(AsgiComputer, id="ASGI", marks=pytest.mark.asgi)]
)
def make_browser(request):
    """Makes browsers without a window, as ``make_computer`` does; once with each of Django's handlers."""
    return request.param


@pytest.fixture
def browser(make_browser):
    return make_browser()


@pytest.fixture
def calls(monkeypatch):
    """What the app asks the service, through its client."""
    made = []
    ask = ToopherApi._request

    def record(self, method, endpoint, *args, **kwargs):
        made.append(f"{method} {endpoint}")
        return ask(self, method, endpoint, *args, **kwargs)

    monkeypatch.setattr(ToopherApi, "_request", record)
    return made
