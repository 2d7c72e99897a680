"""Whom the policy asks, in a session that goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from django_toopher import policy
from django_toopher.models import ToopherAccount
from django_toopher.session.state import LET_IN, VERIFIED

from ..acts import ACCOUNT, AUTHENTICATE, POSTBACK, Statements
from .clock import later

pytestmark = pytest.mark.urls("tests.app.urls")


def test_optional_lets_in_who_has_no_phone_and_asks_once_in_a_session(alice, computer):
    ToopherAccount.objects.create(user=alice, name="alice", found_without=timezone.now())
    computer.client.force_login(alice)
    with Statements() as first:
        assert computer.is_logged_in()
    assert computer.client.session[LET_IN] == str(alice.pk)
    assert VERIFIED not in computer.client.session
    with Statements() as second:
        assert computer.is_logged_in()
    asked = [query for query in first.queries if "django_toopher" in query]
    # the account; and again, once the service was asked for a phone (S37)
    assert (len(asked), [query for query in second.queries if "django_toopher" in query]) == (2, [])


def test_required_asks_who_has_no_phone_to_pair_one(alice, computer, phone, settings):
    settings.TOOPHER_POLICY = "required"
    computer.client.force_login(alice)
    assert computer.get("/members/")["Location"] == AUTHENTICATE
    frame = computer.open_iframe()
    phone.pair_link(frame.state["link"])
    frame.call("ask")
    frame.approve(phone)
    assert computer.post(POSTBACK, frame.poll()["postback"])["Location"] == "/members/"


def test_a_callable_is_asked(alice, staff, make_computer, settings):
    settings.TOOPHER_POLICY = "tests.app.policies.staff_only"
    for user, is_asked in [(alice, False), (staff, True)]:
        computer = make_computer()
        computer.client.force_login(user)
        assert computer.is_logged_in() is not is_asked


def test_somebody_who_opted_out_is_let_in(account, computer, embedded_api):
    embedded_api.disable_user("alice")
    ToopherAccount.objects.update(enabled=False)
    computer.client.force_login(account.user)
    assert computer.is_logged_in()
    assert VERIFIED not in computer.client.session


@pytest.mark.parametrize("setting", ["staff", "superusers", "group:Treasurers", ["superusers", "group:Treasurers"]])
def test_S11_who_comes_under_the_policy_during_a_session_is_asked_within_a_minute(
    setting, alice, computer, settings, monkeypatch
):
    settings.TOOPHER_POLICY = setting
    computer.client.force_login(alice)
    assert computer.is_logged_in()
    type(alice).objects.update(is_staff=True, is_superuser=True)
    alice.groups.add(Group.objects.create(name="Treasurers"))
    assert computer.is_logged_in()
    later(61, monkeypatch)
    assert computer.get("/members/")["Location"] == AUTHENTICATE


@pytest.mark.parametrize("seconds", [61, -3600])  # the clock may be set back, too
def test_S11_another_policy_reaches_sessions_within_a_minute(seconds, alice, computer, settings, monkeypatch):
    computer.client.force_login(alice)
    assert computer.is_logged_in()
    settings.TOOPHER_POLICY = "required"
    later(seconds, monkeypatch)
    assert not computer.is_logged_in()


def test_a_grace_period_lets_in_says_until_when_and_ends(alice, computer, settings, monkeypatch):
    settings.TOOPHER_POLICY, settings.TOOPHER_GRACE_DAYS = "required", 14
    computer.password()
    page = computer.get(ACCOUNT).content.decode()
    assert page.count("Pair a phone until") == 2  # the message, and what the page always says
    assert computer.get(ACCOUNT).content.decode().count("Pair a phone until") == 1
    assert VERIFIED not in computer.client.session
    ToopherAccount.objects.update(created=timezone.now() - timedelta(days=14))
    assert computer.is_logged_in()  # whoever joined later than that
    type(alice).objects.update(date_joined=timezone.now() - timedelta(days=14))
    later(61, monkeypatch)
    assert computer.get("/members/")["Location"] == AUTHENTICATE
    other = type(computer)()
    assert other.password()["Location"] == AUTHENTICATE
    assert other.open_iframe().state["state"] == "pairing"


def test_in_a_grace_period_who_has_a_phone_is_asked(account, computer, settings):
    settings.TOOPHER_POLICY, settings.TOOPHER_GRACE_DAYS = "required", 14
    assert computer.password()["Location"] == AUTHENTICATE


def test_S11_a_policy_that_raises_lets_nobody_in(account, alice, computer, phone, settings):
    ToopherAccount.objects.update(paired=False)
    settings.TOOPHER_POLICY = "tests.app.policies.broken"
    for way_in in (computer.password, lambda: (computer.client.force_login(alice), computer.get("/members/"))):
        with pytest.raises(policy.PolicyError, match="broken of TOOPHER_POLICY raised ZeroDivisionError"):
            way_in()
    assert LET_IN not in computer.client.session
