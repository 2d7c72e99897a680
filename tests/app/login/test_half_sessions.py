"""A session between password and phone opens nothing, and keeps nothing of the logins before it (SECURITY.md S08)."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session

from django_toopher.models import Attempt, ToopherAccount
from django_toopher.session.state import LET_IN, PENDING_LOGIN, PENDING_PAIRING, VERIFIED
from tests.factories import verified
from tests.tables import table

from ..acts import ACCOUNT, ACCOUNT_POSTBACK, AUTHENTICATE, LOGIN, POSTBACK, approve, outcomes, reason_of, remove

pytestmark = pytest.mark.urls("tests.app.urls")

COOKIE = "sessionid"


@pytest.fixture
def half(account, staff, computer):
    """Alice, who may use the admin, behind the login page: her password was right, her phone was not asked yet."""
    account.user.is_staff = account.user.is_superuser = True
    account.user.save()
    computer.password()
    return computer


@pytest.fixture
def half_elsewhere(half, make_computer):
    """The same, logged in by other code than the login page."""
    computer = make_computer()
    computer.client.force_login(ToopherAccount.objects.get().user)
    return computer


PAGES = ["/members/", ACCOUNT, "/admin/", "/admin/password_change/", "/admin/auth/user/", "/anything/"]


@table("path", PAGES)
def test_S08_a_half_logged_in_session_opens_no_view(path, half, half_elsewhere):
    for computer in (half.twin(), half_elsewhere.twin()):
        response = computer.get(path)
        assert response.status_code == 302
        assert response["Location"].partition("?")[0] in {LOGIN, "/admin/login/", AUTHENTICATE}
        assert computer.post(path).status_code in {302, 303, 403}
    assert outcomes("pairing") == [("granted", "")]  # no page asked for another change of phones


def test_S08_a_half_logged_in_session_hands_in_no_change_of_phones(half, half_elsewhere, account, make_computer):
    fields = remove(verified(make_computer(), account.user))
    assert half.post(ACCOUNT_POSTBACK, fields)["Location"].startswith(LOGIN)
    assert half_elsewhere.post(ACCOUNT_POSTBACK, fields)["Location"] == AUTHENTICATE
    assert ToopherAccount.objects.get().paired


def test_S08_a_half_logged_in_session_names_no_user(half):
    assert SESSION_KEY not in half.client.session
    assert set(half.client.session.keys()) == {PENDING_LOGIN}


def test_S08_no_password_and_no_hash_of_one_is_in_the_session(half, account):
    kept = json.dumps(dict(half.client.session.items()))
    user, attempt = account.user, Attempt.objects.get(kind="login")
    hashes = [user.password, *user.password.split("$")[1:], user.get_session_auth_hash(), attempt.auth_digest]
    for secret in ["password", *hashes]:
        assert secret not in kept


def test_S08_logging_out_removes_all_of_it(half, phone):
    fields = approve(half, phone)
    assert half.post("/logout/").status_code == 302
    assert PENDING_LOGIN not in half.client.session
    assert reason_of(half.post(POSTBACK, fields)) == "nothing_pending"
    assert not half.is_logged_in()


def test_S08_logging_in_again_removes_all_of_it(half, phone):
    fields, before = approve(half, phone), half.client.session[PENDING_LOGIN]
    half.password()
    after = half.client.session[PENDING_LOGIN]
    assert before["attempt"] != after["attempt"]
    assert before["token"] != after["token"]
    assert reason_of(half.post(POSTBACK, fields)) == "invalid_postback"
    assert not half.is_logged_in()


def test_S08_a_whole_login_as_another_removes_all_of_it(half, phone, make_user):
    fields = approve(half, phone)
    make_user("bob")
    assert half.password("bob")["Location"] == "/"  # who has no phone
    assert PENDING_LOGIN not in half.client.session
    assert reason_of(half.post(POSTBACK, fields)) == "nothing_pending"
    assert half.get("/members/").content == b"welcome bob"


def test_S08_logging_in_again_ends_the_session_that_was_there(half_elsewhere):
    key = half_elsewhere.client.session.session_key
    half_elsewhere.password()
    assert SESSION_KEY not in half_elsewhere.client.session
    assert half_elsewhere.client.session.session_key != key
    assert not Session.objects.filter(pk=key).exists()


def test_S08_cancelling_removes_all_of_it(half, phone):
    fields = approve(half, phone)
    assert half.post("/accounts/cancel/")["Location"] == LOGIN
    assert reason_of(half.post(POSTBACK, fields)) == "nothing_pending"
    assert outcomes() == [("failed", "abandoned")]
    assert half.get(AUTHENTICATE)["Location"] == LOGIN


def test_S08_a_wrong_password_begins_nothing(account, computer):
    assert computer.password(password="wrong").status_code == 200
    assert not Attempt.objects.filter(kind="login").exists()
    assert COOKIE not in computer.client.cookies


def test_S08_a_login_forgets_the_marks_of_the_one_before(account, computer, phone):
    computer.log_in(phone)
    assert computer.client.session[VERIFIED] == str(account.user.pk)
    computer.client.force_login(account.user)
    assert not {VERIFIED, LET_IN, PENDING_LOGIN, PENDING_PAIRING} & set(computer.client.session.keys())
    assert not computer.is_logged_in()


# The question at the phone


def test_cancelling_takes_the_question_back_at_the_phone(half, phone):
    half.open_iframe()
    assert len(phone.pending().requests) == 1
    half.post("/accounts/cancel/")
    assert phone.pending().requests == ()


def test_a_second_login_takes_the_first_question_back_at_the_phone(half, phone):
    half.open_iframe()
    (first,) = phone.pending().requests
    half.password()
    assert phone.pending().requests == ()
    frame = half.open_iframe()
    (second,) = phone.pending().requests
    assert second.id != first.id
    assert outcomes() == [("failed", "abandoned"), ("pending", "")]
    frame.approve(phone)
    assert half.post(POSTBACK, frame.poll()["postback"]).status_code == 302


@pytest.mark.parametrize("username", ["alice", "bob"])
def test_a_login_as_another_takes_the_question_back_too(username, half, phone, make_user):
    make_user("bob")  # who has no phone
    half.open_iframe()
    half.password(username)
    assert phone.pending().requests == ()
    assert outcomes()[0] == ("failed", "abandoned")


def test_a_wrong_password_leaves_the_question_where_it_is(half, phone):
    half.open_iframe()
    half.password(password="wrong")
    assert len(phone.pending().requests) == 1


def test_S04_a_yes_to_the_first_question_logs_nobody_in_after_a_second_login(half, phone):
    fields = approve(half, phone)
    half.password()
    assert reason_of(half.post(POSTBACK, fields)) == "invalid_postback"
    assert not half.is_logged_in()


def test_another_browser_keeps_its_question(half, phone, make_computer):
    half.open_iframe()
    make_computer().password()
    assert len(phone.pending().requests) == 1
