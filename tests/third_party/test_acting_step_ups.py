"""Step-ups of staff who act as somebody else (SECURITY.md S13)."""

from __future__ import annotations

import pytest

from django_toopher.models import Attempt
from tests.app import conftest as fixtures
from tests.app.step_up.clients import JSON, TOKEN, approve, told
from tests.factories import account_with, verified

pytestmark = pytest.mark.urls("tests.third_party.acting_urls")

account, bob, staff = fixtures.account, fixtures.bob, fixtures.staff


@pytest.fixture
def boss(staff, make_phone, settings):
    """Somebody who may act as everybody, with a phone."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "hijack", "impersonate"]
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "hijack.middleware.HijackUserMiddleware",
        "impersonate.middleware.ImpersonateMiddleware",
    ]
    settings.IMPERSONATE = {"DISABLE_LOGGING": True}  # its log needs a table
    staff.phone = make_phone("The boss's")
    account_with(staff.phone, staff)
    return staff


@pytest.fixture(params=["hijack", "impersonate"])
def act_as(request, computer):
    """Ends to act as who was before, and begins to act as somebody."""
    acting = []

    def begin(user):
        if request.param == "hijack":
            _ = acting and computer.post("/hijack/release/")
            computer.post("/hijack/acquire/", {"user_pk": user.pk})
        else:
            _ = acting and computer.get("/impersonate/stop/")
            computer.get(f"/impersonate/{user.pk}/")
        acting.append(user)

    return begin


def ask(computer, url, **headers):
    return told(computer.get(url, headers={**JSON, **headers}))


@pytest.mark.parametrize("url", ["/transfer/", "/pay/"])
def test_S13_the_phone_of_who_sits_there_confirms(url, act_as, boss, account, computer):
    verified(computer, boss)
    act_as(account.user)
    reply = ask(computer, url)
    assert Attempt.objects.get(kind="step_up").user == boss
    approve(boss.phone, reply["number"])
    done = computer.get(url, headers={**JSON, "X-Toopher-Step-Up": reply["step_up"]})
    assert (done.status_code, b"alice" in done.content) == (200, True), done.content


@pytest.mark.parametrize("url", ["/transfer/", "/pay/"])
def test_S13_what_was_confirmed_for_one_is_done_for_no_other(url, act_as, boss, account, bob, computer):
    verified(computer, boss)
    act_as(account.user)
    reply = ask(computer, url)
    approve(boss.phone, reply["number"])
    act_as(bob)
    refused = computer.get(url, headers={**JSON, "X-Toopher-Step-Up": reply["step_up"]})
    assert told(refused)["reason"] == "request_changed"


def test_S13_a_token_is_its_owners_whoever_sits_there(act_as, boss, account, bob, computer):
    verified(computer, boss)
    act_as(bob)
    ask(computer, "/pay/", **TOKEN)
    assert Attempt.objects.get(kind="step_up").user == account.user
