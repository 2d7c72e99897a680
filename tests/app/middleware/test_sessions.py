"""What a session says of its second factor, and how long that holds."""

from __future__ import annotations

import json
from functools import partial

import pytest

from django_toopher import connection
from django_toopher.session.state import LET_IN, PENDING_LOGIN, VERIFIED
from django_toopher.support import verbs
from tests.factories import account_with, verified
from tests.tables import table

from ..acts import AUTHENTICATE, LOGIN, Statements
from .clock import later

pytestmark = pytest.mark.urls("tests.app.urls")


def test_strangers_are_not_looked_at(db, computer):
    with Statements() as statements:
        assert computer.get("/").status_code == 200
        assert computer.get("/members/")["Location"] == f"{LOGIN}?next=/members/"
    assert not statements.queries + statements.controls


def test_S11_the_mark_of_one_user_serves_no_other(account, make_user, computer):
    computer.client.force_login(account.user)
    for mark in (VERIFIED, LET_IN):
        session = computer.client.session
        session[mark] = str(make_user(f"other {mark}").pk)
        session.save()
        assert not computer.is_logged_in()


@table("value", [True, 1, "", None, ["1"]], ids=repr)
def test_S11_a_mark_is_the_primary_key_and_nothing_else(value, unmarked):
    session = unmarked.client.session
    session[VERIFIED] = value
    session.save()
    assert not unmarked.is_logged_in()


def test_the_session_holds_nothing_but_marks_and_pending_in_plain_texts(unmarked):
    unmarked.get("/members/")
    kept = json.loads(json.dumps(unmarked.client.session[PENDING_LOGIN]))
    assert set(kept) == {"attempt", "token", "next_url", "backend"}
    assert (kept["next_url"], kept["backend"]) == ("/members/", "django.contrib.auth.backends.ModelBackend")


def test_the_marks_stay_when_the_password_is_changed_by_its_owner(account, computer):
    account.user.is_staff = True
    account.user.save()
    verified(computer, account.user)
    new = {"old_password": "password", "new_password1": "a long new one", "new_password2": "a long new one"}
    assert computer.post("/admin/password_change/", new).status_code == 302
    assert computer.is_logged_in()


def test_somebody_let_in_before_the_phone_was_paired_does_not_reach_the_phones(alice, phone, computer):
    computer.client.force_login(alice)
    assert computer.is_logged_in()
    account_with(phone, alice)
    assert computer.get("/accounts/phones/")["Location"] == AUTHENTICATE


def test_S08_a_verified_session_follows_what_support_does(account, computer, settings, monkeypatch):
    verified(computer, account.user)
    for seconds, act, is_in in [
        (61, partial(verbs.carry_out, verbs.VERBS["disable"]), True),  # let in, not verified
        (122, partial(verbs.carry_out, verbs.VERBS["enable"]), False),
    ]:
        act(account, connection.api())
        later(seconds, monkeypatch)
        assert computer.is_logged_in() is is_in
        assert VERIFIED not in computer.client.session
    settings.TOOPHER_POLICY = "required"
    verbs.reset(account, connection.api())
    later(61, monkeypatch)
    assert not computer.is_logged_in()


def test_S08_another_password_ends_a_verified_session(account, computer):
    verified(computer, account.user)
    account.user.set_password("another")
    account.user.save()
    assert computer.get("/members/")["Location"].startswith(LOGIN)
