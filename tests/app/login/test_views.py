"""The login pages: what the browser gets, and whom they log in."""

from __future__ import annotations

import json
from functools import wraps

import pytest
from django.contrib.auth import views as auth_views
from django.contrib.sessions.models import Session
from django.test import Client

from django_toopher.factors import recovery_codes
from django_toopher.models import Attempt
from django_toopher.session.state import PENDING_LOGIN, VERIFIED
from tests.drivers import attribute
from tests.tables import table

from ..acts import ACCOUNT_POSTBACK, AUTHENTICATE, LOGIN, POSTBACK, Statements, approval, approve, reason_of

pytestmark = pytest.mark.urls("tests.app.urls")

COOKIE = "sessionid"


# S14: robots


@table("method", ["get", "head"])
@table("path", [LOGIN, f"{LOGIN}?next=/members/", AUTHENTICATE])
def test_S14_a_page_that_a_robot_sees_writes_nothing(method, path, db, computer):
    with Statements() as statements:
        response = getattr(computer.client, method)(path, secure=True)
    assert response.status_code == (302 if path == AUTHENTICATE else 200)
    assert not statements.queries + statements.controls
    assert COOKIE not in response.cookies
    assert not Session.objects.exists()
    assert not Attempt.objects.exists()


def test_S14_a_robot_with_an_old_session_writes_nothing(db, computer):
    computer.client.cookies[COOKIE] = "a" * 32
    with Statements() as statements:
        computer.get(LOGIN)
    assert not [query for query in statements.queries if not query.startswith("SELECT")]
    assert not Session.objects.exists()


# The page that asks


@pytest.mark.parametrize("has_codes", [True, False], ids=["codes", "no codes"])
def test_who_has_no_phone_yet_is_told_to_pair_one(has_codes, alice, computer, settings):
    settings.TOOPHER_POLICY = "required"
    if has_codes:
        recovery_codes.make(alice)
    computer.password()
    page = computer.get(AUTHENTICATE).content.decode()
    assert "This site asks for a phone, too: pair yours now." in page
    assert "Now confirm that it is you." not in page
    assert ("My phone is gone, or not here" in page) == has_codes


def test_who_has_a_phone_is_told_to_confirm_with_it(account, computer, settings):
    settings.TOOPHER_POLICY = "required"
    computer.password()
    page = computer.get(AUTHENTICATE).content.decode()
    assert "Now confirm that it is you." in page
    assert "My phone is gone, or not here" in page


def test_the_page_is_kept_by_no_cache_and_framed_by_nobody(account, computer):
    computer.password()
    response = computer.get(AUTHENTICATE)
    assert "no-store" in response["Cache-Control"]
    assert response["X-Frame-Options"] == "DENY"


def test_the_page_can_be_loaded_again(account, computer, phone):
    computer.password()
    first, second = computer.open_iframe(), computer.open_iframe()
    assert first.token != second.token
    second.approve(phone)
    assert computer.post(POSTBACK, second.poll()["postback"]).status_code == 302


@pytest.mark.parametrize("is_member", [False, True])
def test_the_page_without_anything_pending_leads_on(is_member, alice, computer):
    if is_member:
        computer.password()
        computer.get("/members/")
    assert computer.get(AUTHENTICATE)["Location"] == ("/" if is_member else LOGIN)


def test_the_page_tells_that_the_time_is_over(account, computer):
    computer.password()
    Attempt.objects.update(expires="2020-01-01T00:00Z")
    response = computer.get(AUTHENTICATE)
    assert (response.status_code, reason_of(response)) == (403, "expired")
    assert PENDING_LOGIN not in computer.client.session


@table("path", [POSTBACK, "/accounts/cancel/", ACCOUNT_POSTBACK])
def test_only_posts_are_taken_with_a_csrf_token(path, alice, make_computer):
    computer = make_computer()
    computer.password()
    assert computer.get(path).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = computer.client.cookies
    assert strict.post(path, secure=True).status_code == 403
    assert Attempt.objects.count() == 0


def test_the_csrf_token_of_the_page_is_what_the_script_posts_along(account, computer, phone):
    strict = type(computer)()
    strict.client = Client(enforce_csrf_checks=True)
    token = attribute(strict.get(LOGIN).content.decode().partition("csrfmiddlewaretoken")[2], "value")
    referer = {"Referer": f"https://testserver{LOGIN}"}
    credentials = {"username": "alice", "password": "password", "csrfmiddlewaretoken": token}
    strict.post(LOGIN, credentials, headers=referer)
    post_args = json.loads(attribute(strict.get(AUTHENTICATE).content.decode(), "framework_post_args"))
    response = strict.post(POSTBACK, {**approve(strict, phone), **post_args}, headers=referer)
    assert response.status_code == 302


def test_login_pages_open_to_everybody_where_all_pages_need_a_login(account, computer, phone, settings):
    needed = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, needed]
    assert computer.get(LOGIN).status_code == 200
    assert computer.get("/")["Location"].startswith(LOGIN)
    assert computer.log_in(phone).status_code == 302
    assert computer.get("/").status_code == 200


# Whom the password is enough for


def test_a_user_without_a_phone_logs_in_with_the_password(alice, computer):
    assert computer.password(next_url="/members/")["Location"] == "/members/"
    assert computer.is_logged_in()
    assert not Attempt.objects.exists()
    assert VERIFIED not in computer.client.session


def test_somebody_logged_in_can_log_in_as_another(account, make_user, phone, computer):
    make_user("bob")
    computer.password("bob")
    fields = approval(computer, phone)
    assert computer.get("/members/").content == b"welcome bob"
    computer.post(POSTBACK, fields)
    assert computer.get("/members/").content == b"welcome alice"


# What others put around Django's own view


def test_what_is_put_around_djangos_view_afterwards_runs_here_too(account, computer, monkeypatch):
    """As django-defender's middleware does, once the URLconf is there."""
    seen, dispatch = [], auth_views.LoginView.dispatch

    @wraps(dispatch)
    def watched(self, request, *args, **kwargs):
        seen.append(request.method)
        return dispatch(self, request, *args, **kwargs)

    monkeypatch.setattr(auth_views.LoginView, "dispatch", watched)
    assert computer.password()["Location"] == AUTHENTICATE
    assert seen == ["POST"]


def test_S11_the_login_page_stays_open_to_a_half_authenticated_session(account, computer):
    computer.client.force_login(account.user)
    assert computer.get(LOGIN).status_code == 200
    assert computer.get("/members/").status_code == 302
