"""Staff who act as somebody else, with django-hijack and django-impersonate: who sits there must be verified (S11)."""

from __future__ import annotations

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser, Group, Permission

from django_toopher.models import Attempt, SupportRun, ToopherAccount
from django_toopher.service.people import requesters, users
from tests.app import conftest as fixtures
from tests.app.account.test_fresh import passes
from tests.app.acts import ACCOUNT, AUTHENTICATE, POSTBACK, approve
from tests.app.middleware.clock import later
from tests.app.test_asgi import scope_of, seen
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
    settings.IMPERSONATE = {"DISABLE_LOGGING": True, "URI_EXCLUSIONS": []}  # its log needs a table; it spares the admin


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


@pytest.fixture
def unverified(staff, computer):
    """A superuser's computer, with the password alone, which is enough for who has no phone."""
    type(staff).objects.filter(pk=staff.pk).update(is_superuser=True)
    computer.client.force_login(staff)
    assert "staff" in computer.get("/members/").content.decode()
    return computer


def test_S11_somebody_let_in_stays_let_in_and_becomes_no_more(way, unverified, alice):
    way.begin(unverified, alice)
    assert "alice" in unverified.get("/members/").content.decode()
    assert "_toopher_verified" not in unverified.client.session
    way.end(unverified)
    assert "staff" in unverified.get("/members/").content.decode()


def refused(computer):
    page = computer.get("/members/")
    assert page.status_code == 403
    assert "Pair a phone of your own first" in page.content.decode()
    asked = computer.get("/members/", headers={"Accept": "application/json"})
    assert (asked.status_code, asked.json()) == (403, {"reason": "acting_unverified"})
    return page


def test_S11_a_password_alone_opens_the_account_of_nobody_with_a_phone(way, unverified, account):
    way.begin(unverified, account.user)
    refused(unverified)
    assert unverified.get(AUTHENTICATE).status_code == 403
    assert not Attempt.objects.filter(outcome="pending").exists()
    way.end(unverified)  # the way back is never stopped
    assert "staff" in unverified.get("/members/").content.decode()


def test_S11_nor_when_the_policy_wants_one_of_them(way, unverified, alice, settings):
    settings.TOOPHER_POLICY = "group:treasurers"
    alice.groups.add(Group.objects.create(name="treasurers"))
    way.begin(unverified, alice)
    refused(unverified)


def test_S37_nor_of_somebody_whose_phone_the_site_has_not_heard_of(way, unverified, account):
    ToopherAccount.objects.filter(pk=account.pk).update(paired=False, pairing_id="")
    way.begin(unverified, account.user)
    refused(unverified)


def test_S11_nor_when_a_phone_is_paired_meanwhile(way, unverified, alice, phone, monkeypatch):
    way.begin(unverified, alice)
    assert "alice" in unverified.get("/members/").content.decode()
    account_with(phone, alice)
    later(61, monkeypatch)
    refused(unverified)


def test_S11_the_page_that_says_so_signs_out(way, unverified, account):
    way.begin(unverified, account.user)
    assert "/accounts/cancel/" in refused(unverified).content.decode()
    assert unverified.post("/accounts/cancel/").status_code == 302
    assert SESSION_KEY not in unverified.client.session
    assert "_impersonate" not in unverified.client.session


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


def with_all_permissions(user):
    type(user).objects.filter(pk=user.pk).update(is_staff=True)
    user.user_permissions.set(Permission.objects.all())


def test_S11_support_does_nothing_to_anybody_as_somebody_else(acting, account, make_user):
    bobs = ToopherAccount.objects.for_user(make_user("bob"))
    with_all_permissions(account.user)
    list_ = "/admin/django_toopher/toopheraccount/"
    shown = acting.get(list_)
    assert shown.status_code == 200
    assert "toopher_reset" not in shown.content.decode()
    chosen = {"action": "toopher_disable", "_selected_action": bobs.pk}
    acting.post(list_, chosen)
    assert acting.post(f"{list_}{bobs.pk}/support/", {"verb": "disable"}).status_code == 403
    assert not SupportRun.objects.exists()
    begun = SupportRun.objects.create(verb="disable", by=account.user, by_name="alice")
    page = f"/admin/django_toopher/supportrun/{begun.pk}/change/"
    assert acting.post(page, {"press": "confirm"}).status_code in {302, 403, 404}
    begun.refresh_from_db()
    assert not begun.confirmed


def test_S11_nor_in_the_services_admin(acting, account, embedded_api):
    with_all_permissions(account.user)
    site = requesters.create("Club", [])
    member = users.get_or_create(site, "member")
    list_ = "/admin/toopher_service/user/"
    shown = acting.get(list_)
    assert shown.status_code == 200
    assert '<option value="disable"' not in shown.content.decode()
    assert acting.post(list_, {"action": "disable", "_selected_action": member.pk}).status_code == 403
    member.refresh_from_db()
    assert member.toopher_authentication_enabled
    change = f"/admin/toopher_service/requester/{site.pk}/change/"
    assert acting.post(change, {"name": "Club", "permitted_opt_out": "on"}).status_code == 403


def test_S41_who_was_found_by_a_token_has_nothing_of_who_acts_as_another(acting, account, make_user, make_phone):
    bob = make_user("bob")
    account_with(make_phone(), bob)
    assert seen(scope_of(acting.client)).is_authenticated
    assert seen(scope_of(acting.client, user=bob)) == AnonymousUser()


def test_S38_to_come_back_is_not_to_sign_in(way, staff, alice, computer):
    staff.is_superuser = True
    staff.set_unusable_password()
    staff.save()
    computer.client.force_login(staff)
    computer.get("/members/")
    passes(computer)
    assert "Sign in again" in computer.get(ACCOUNT).content.decode()
    way.begin(computer, alice)
    way.end(computer)
    assert "Sign in again" in computer.get(ACCOUNT).content.decode()
