"""Staff who act as somebody else, with django-hijack and django-impersonate: who sits there must be verified (S11)."""

from __future__ import annotations

import pytest
from django.contrib.auth import SESSION_KEY

from django_toopher.models import Attempt, ToopherAccount
from tests.app import conftest as fixtures
from tests.app.acts import AUTHENTICATE, POSTBACK, approve
from tests.app.middleware.clock import later
from tests.factories import account_with, verified
from tests.tables import table

pytestmark = pytest.mark.urls("tests.third_party.impersonation_urls")

account, staff = fixtures.account, fixtures.staff

MIDDLEWARE = ["hijack.middleware.HijackUserMiddleware", "impersonate.middleware.ImpersonateMiddleware"]


@pytest.fixture(autouse=True)
def packages(settings):
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "hijack", "impersonate"]
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, *MIDDLEWARE]
    settings.LOGOUT_REDIRECT_URL = "/members/"
    settings.IMPERSONATE = {"DISABLE_LOGGING": True}  # its log needs a table


@pytest.fixture
def boss(staff, make_phone):
    """Somebody who may act as everybody, with a phone."""
    staff.is_superuser = True
    staff.save()
    staff.phone = make_phone("The boss's")
    account_with(staff.phone, staff)
    return staff


class Way:
    """One of the packages: how one begins and ends to act as somebody."""

    def __init__(self, name):
        self.name = name

    def begin(self, computer, user):
        if self.name == "hijack":
            return computer.post("/hijack/acquire/", {"user_pk": user.pk})
        return computer.get(f"/impersonate/{user.pk}/")

    def end(self, computer):
        return computer.post("/hijack/release/") if self.name == "hijack" else computer.get("/impersonate/stop/")


@pytest.fixture(params=["hijack", "impersonate"])
def way(request):
    return Way(request.param)


@pytest.fixture
def acting(way, boss, account, computer):
    """The boss's computer, verified, acting as alice, who has a phone of her own."""
    verified(computer, boss)
    assert way.begin(computer, account.user).status_code == 302
    return computer


def test_S11_who_sits_there_has_passed_and_goes_on(acting, way):
    page = acting.get("/members/")
    assert "alice" in page.content.decode()
    assert not Attempt.objects.filter(outcome="pending").exists()
    assert way.end(acting).status_code == 302
    assert "staff" in acting.get("/members/").content.decode()


def test_S11_who_has_not_passed_acts_as_nobody(way, boss, account, computer):
    computer.client.force_login(boss)
    assert way.begin(computer, account.user)["Location"] == AUTHENTICATE
    assert computer.get("/members/")["Location"] == AUTHENTICATE
    assert computer.client.session[SESSION_KEY] == str(boss.pk)


def test_S11_whom_they_act_as_has_no_say_in_it(acting, account, monkeypatch):
    """Alice's own second factor changes; the boss's session has earned nothing by it and loses nothing."""
    ToopherAccount.objects.get(user=account.user).change()
    later(61, monkeypatch)
    assert "alice" in acting.get("/members/").content.decode()


def test_S11_a_change_of_the_impersonators_second_factor_ends_it(acting, way, boss, monkeypatch):
    ToopherAccount.objects.get(user=boss).change()
    later(61, monkeypatch)
    assert acting.get("/members/")["Location"] == AUTHENTICATE
    assert Attempt.objects.get(outcome="pending").user == boss
    assert way.end(acting).status_code == 302  # the way back is never stopped
    assert acting.get("/members/")["Location"] == AUTHENTICATE
    assert acting.client.session[SESSION_KEY] == str(boss.pk)


def test_S11_the_impersonators_phone_lets_them_in_again(acting, boss, monkeypatch):
    ToopherAccount.objects.get(user=boss).change()
    later(61, monkeypatch)
    acting.get("/members/")
    assert acting.post(POSTBACK, approve(acting, boss.phone))["Location"] == "/members/"


@table(
    "revoked",
    [
        {"is_active": False},
        {"is_superuser": False, "is_staff": False},
        {"password": "!"},
    ],
    ids=str,
)
def test_S11_who_may_no_more_does_not_go_on(revoked, way, boss, account, make_computer):
    type(boss).objects.update_or_create(
        pk=boss.pk, defaults={"is_active": True, "is_superuser": True, "is_staff": True}
    )
    computer = make_computer()
    verified(computer, type(boss).objects.get(pk=boss.pk))
    way.begin(computer, account.user)
    assert "alice" in computer.get("/members/").content.decode()
    type(boss).objects.filter(pk=boss.pk).update(**revoked)
    assert "alice" not in computer.get("/members/").content.decode()


def test_S13_a_step_up_asks_who_sits_there(acting, boss, phone):
    page = acting.get("/transfer/")
    assert page.status_code == 200
    assert Attempt.objects.get(kind="step_up").user == boss


def test_S11_somebody_let_in_stays_let_in_and_becomes_no_more(way, staff, account, computer):
    type(staff).objects.filter(pk=staff.pk).update(is_superuser=True)
    computer.client.force_login(staff)
    way.begin(computer, account.user)
    assert "alice" in computer.get("/members/").content.decode()
    assert "_toopher_verified" not in computer.client.session
    way.end(computer)
    assert "staff" in computer.get("/members/").content.decode()


@table(
    ("method", "path"),
    [
        ("get", "/accounts/phones/"),
        ("post", "/accounts/phones/change/"),
        ("post", "/accounts/phones/codes/"),
        ("get", "/accounts/phones/lost/"),
        ("post", "/accounts/phones/lost/"),
        ("post", "/accounts/phones/computer/"),
        ("post", "/accounts/phones/sign-out-others/"),
        ("get", "/accounts/recover/"),
    ],
    ids=str,
)
def test_S38_nobody_changes_the_second_factor_of_whom_they_act_as(method, path, acting):
    generation = ToopherAccount.objects.get(name="alice").generation
    response = getattr(acting, method)(path)
    assert response.status_code == 403, response
    assert "You are acting as somebody else" in response.content.decode()
    assert ToopherAccount.objects.get(name="alice").generation == generation
