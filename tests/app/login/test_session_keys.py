"""The session's key changes with every step, so that one that somebody planted is worthless (SECURITY.md S09)."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from ..acts import ACCOUNT, ACCOUNT_POSTBACK, AUTHENTICATE, LOGIN, POSTBACK, approval, approve, pairing, reason_of

pytestmark = pytest.mark.urls("tests.app.urls")

COOKIE = "sessionid"


def session_key(computer) -> str:
    return computer.client.cookies[COOKIE].value


def test_S09_the_key_changes_with_the_password_and_with_the_login(account, computer, phone):
    planted = SessionStore()
    planted["basket"] = "oars"
    planted.create()
    computer.client.cookies[COOKIE] = planted.session_key
    fields = approval(computer, phone, next_url="/members/")
    after_password = session_key(computer)
    response = computer.post(POSTBACK, fields)
    after_login = session_key(computer)
    assert len({planted.session_key, after_password, after_login}) == 3
    assert not Session.objects.filter(pk__in=[planted.session_key, after_password]).exists()
    assert response["Location"] == "/members/"
    assert computer.client.session["basket"] == "oars"


def test_S09_a_planted_key_is_worthless(account, computer, phone, make_computer):
    planted = SessionStore()
    planted.create()
    computer.client.cookies[COOKIE] = planted.session_key
    thief = make_computer()
    fields = approval(computer, phone)
    for moment in ("after the password", "after the login"):
        thief.client.cookies[COOKIE] = planted.session_key
        assert thief.get(AUTHENTICATE)["Location"] == LOGIN, moment
        assert not thief.is_logged_in(), moment
        thief.client.cookies[COOKIE] = planted.session_key
        assert reason_of(thief.post(POSTBACK, fields)) == "nothing_pending", moment
        if moment == "after the password":
            assert computer.post(POSTBACK, fields).status_code == 302


def test_S09_a_key_that_nobody_made_is_not_taken_over(account, computer):
    computer.client.cookies[COOKIE] = "a" * 32
    computer.password()
    assert session_key(computer) != "a" * 32


def test_S09_the_key_changes_where_other_code_logged_in(account, computer, phone):
    computer.client.force_login(account.user)
    before = session_key(computer)
    computer.get("/members/")
    assert computer.post(POSTBACK, approve(computer, phone))["Location"] == "/members/"
    assert session_key(computer) != before
    assert not Session.objects.filter(pk=before).exists()


def test_S09_a_key_that_a_thief_with_the_password_planted_gains_nothing(account, computer, phone, make_computer):
    thief = make_computer()
    thief.client.force_login(account.user)  # by whatever page that asks for the password only
    computer.client.cookies[COOKIE] = session_key(thief)
    computer.get("/members/")
    computer.post(POSTBACK, approve(computer, phone))
    assert computer.is_logged_in()
    assert not thief.is_logged_in()


def test_S09_the_key_changes_with_the_pairing_that_verifies(alice, computer, phone, make_computer):
    thief = make_computer()
    thief.password()
    thief.get("/members/")
    computer.client.cookies[COOKIE] = session_key(thief)
    computer.post(ACCOUNT_POSTBACK, pairing(computer, phone))
    assert computer.get(ACCOUNT).status_code == 200
    assert thief.get(ACCOUNT).status_code == 302
