"""Every other way in is held to the same rule (SECURITY.md S11)."""

from __future__ import annotations

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from django_toopher.session.state import PENDING_LOGIN, VERIFIED
from tests.factories import account_with, verified

from ..acts import AUTHENTICATE, LOGIN, POSTBACK, approve, outcomes, reason_of

pytestmark = pytest.mark.urls("tests.app.urls")

OURS = "django_toopher.middleware.ToopherMiddleware"


@pytest.fixture
def chief(staff, make_phone):
    """Somebody with a phone who may do everything in the admin."""
    staff.phone = make_phone("Chief's")
    account_with(staff.phone, staff)
    return staff


def test_S11_the_login_of_the_admin_is_not_enough(chief, computer):
    credentials = {"username": "staff", "password": "password", "next": "/admin/auth/user/"}
    assert computer.post("/admin/login/", credentials)["Location"] == "/admin/auth/user/"
    assert computer.get("/admin/auth/user/")["Location"] == AUTHENTICATE
    assert computer.post(POSTBACK, approve(computer, chief.phone))["Location"] == "/admin/auth/user/"
    assert computer.get("/admin/auth/user/").status_code == 200


def test_S11_a_session_made_by_other_code_is_not_enough(unmarked, phone):
    assert unmarked.get("/members/?a=1&b=2")["Location"] == AUTHENTICATE
    assert unmarked.post(POSTBACK, approve(unmarked, phone))["Location"] == "/members/?a=1&b=2"
    assert unmarked.client.session[VERIFIED]
    assert unmarked.get("/members/").content == b"welcome alice"
    assert outcomes() == [("granted", "")]


def test_S11_a_session_of_another_backend_is_not_enough(account, computer, settings, phone):
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend",
        "django.contrib.auth.backends.AllowAllUsersModelBackend",
    ]
    backend = settings.AUTHENTICATION_BACKENDS[1]
    computer.client.force_login(account.user, backend=backend)
    assert computer.get("/members/")["Location"] == AUTHENTICATE
    computer.post(POSTBACK, approve(computer, phone))
    assert computer.client.session["_auth_user_backend"] == backend
    assert computer.is_logged_in()


def test_S11_a_password_reset_that_logs_in_is_not_enough(account, computer):
    uid = urlsafe_base64_encode(force_bytes(account.user.pk))
    page = computer.get(f"/reset/{uid}/{default_token_generator.make_token(account.user)}/")["Location"]
    new = {"new_password1": "a long new one", "new_password2": "a long new one"}
    assert computer.post(page, new)["Location"] == "/members/"
    assert computer.get("/members/")["Location"] == AUTHENTICATE


def test_S11_a_login_page_at_a_second_prefix_asks_too(account, computer, phone):
    response = computer.post("/second/login/", {"username": "alice", "password": "password"})
    assert response["Location"] == AUTHENTICATE
    assert not computer.is_logged_in()
    computer.post("/second/postback/", approve(computer, phone))
    assert computer.is_logged_in()


def test_S11_a_session_that_the_server_makes_within_the_request_is_not_enough(account, computer, settings):
    """As single sign-on by ``REMOTE_USER`` does it, for a browser without any cookie."""
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]
    behind = "django.contrib.auth.middleware.AuthenticationMiddleware"
    remote = "django.contrib.auth.middleware.RemoteUserMiddleware"
    order = [each for each in settings.MIDDLEWARE if each != behind]
    settings.MIDDLEWARE = [*order[:4], behind, remote, *order[4:]]
    assert computer.get("/members/", REMOTE_USER="alice")["Location"] == AUTHENTICATE
    assert computer.client.get("/members/", REMOTE_USER="alice", secure=True)["Location"] == AUTHENTICATE


def test_S11_somebody_verified_who_logs_in_by_other_code_is_asked_again(account, computer):
    verified(computer, account.user)
    assert computer.is_logged_in()
    computer.client.force_login(account.user)
    assert not computer.is_logged_in()


def test_S11_there_is_no_loop(unmarked):
    response = unmarked.get("/members/", follow=True)
    assert (response.status_code, len(response.redirect_chain)) == (200, 1)
    assert unmarked.get(LOGIN).status_code == 200
    assert reason_of(unmarked.post(POSTBACK, {})) == "invalid_postback"


def test_S11_giving_up_leaves_the_session_as_useless_as_before(unmarked):
    unmarked.get("/members/")
    assert unmarked.post("/accounts/cancel/")["Location"] == LOGIN
    assert not {PENDING_LOGIN, SESSION_KEY} & set(unmarked.client.session.keys())
    assert not unmarked.is_logged_in()


def test_giving_up_leads_to_the_login_page_of_the_site(unmarked, settings):
    settings.LOGIN_URL = "/admin/login/"
    unmarked.get("/members/")
    assert unmarked.post("/accounts/cancel/")["Location"] == "/admin/login/"


def test_giving_up_what_was_not_asked_leaves_a_verified_session_alone(account, computer):
    verified(computer, account.user)
    computer.post("/accounts/cancel/")
    assert computer.is_logged_in()


def test_standing_before_authentication_it_says_where_to_stand(settings, db):
    settings.MIDDLEWARE = [OURS, "django.contrib.sessions.middleware.SessionMiddleware"]
    with pytest.raises(ImproperlyConfigured, match="below AuthenticationMiddleware"):
        Client().get("/")
