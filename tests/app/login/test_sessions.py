"""An approval is for the session that asked (S03), and once (S04), however many hand it in at the same moment."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.signals import user_logged_in
from django.utils import timezone

from django_toopher.client import ToopherIframe
from django_toopher.connection import api
from django_toopher.errors import ExpiredAttemptError, InvalidPostbackError
from django_toopher.login import answers, attempts
from django_toopher.models import Attempt, digest
from django_toopher.service_link import endpoint
from django_toopher.session.state import PENDING_LOGIN, Pending, load
from tests.app.acts import POSTBACK, approval, outcomes, reason_of, signed
from tests.factories import account_with
from tests.service.callers import ROOT, at_once
from tests.tables import table


def test_S03_without_a_pending_login_no_postback_is_accepted(approved, computer, make_computer):
    other = make_computer()
    response = other.post(POSTBACK, approved)
    assert (response.status_code, reason_of(response)) == (403, "nothing_pending")
    assert not other.is_logged_in()
    assert computer.post(POSTBACK, approved).status_code == 302


@table("token", ["", " ", "None", None], ids=repr)
def test_S03_a_postback_without_the_expected_token_is_refused(token, approved, computer):
    response = computer.post(POSTBACK, signed(approved, session_token=token))
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert not computer.is_logged_in()


@pytest.mark.parametrize("token", ["", " "], ids=repr)
def test_S03_a_blank_token_is_refused_even_where_a_blank_one_is_expected(token, approved, alice, computer):
    pending = attempts.begin(alice)
    Attempt.objects.filter(pk=pending.attempt).update(token_digest=digest(token))
    blank = Pending(attempt=pending.attempt, token=token)
    iframe = ToopherIframe(*endpoint.credentials(), ROOT)
    with pytest.raises(InvalidPostbackError):
        answers.complete_with_postback(iframe, api(), blank, signed(approved, session_token=token))


def test_S03_the_approval_of_another_session_of_the_same_user_is_refused(approved, computer, make_computer):
    other = make_computer()
    other.password()
    response = other.post(POSTBACK, approved)
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert not other.is_logged_in()
    assert computer.post(POSTBACK, approved).status_code == 302


# S04: once


def test_S04_a_postback_is_accepted_once(approved, computer):
    assert computer.post(POSTBACK, approved).status_code == 302
    computer.client.logout()
    response = computer.post(POSTBACK, approved)
    assert (response.status_code, reason_of(response)) == (403, "nothing_pending")
    assert not computer.is_logged_in()


def test_S04_a_restored_session_accepts_its_postback_no_second_time(account, computer, phone, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"  # an old cookie is an old session
    fields = approval(computer, phone)
    old = computer.client.cookies[settings.SESSION_COOKIE_NAME].value
    assert computer.post(POSTBACK, fields).status_code == 302
    computer.client.cookies[settings.SESSION_COOKIE_NAME] = old
    response = computer.post(POSTBACK, fields)
    assert (response.status_code, reason_of(response)) == (403, "expired")
    assert not computer.is_logged_in()
    assert outcomes() == [("granted", "")]


def test_S04_fifty_at_the_same_moment_are_one_login(threaded_db, make_user, phone, make_computer):
    account_with(phone, make_user("alice"))
    computer = make_computer()
    fields = approval(computer, phone, next_url="/members/")
    computers = [make_computer() for _ in range(50)]
    for each in computers:
        each.client.cookies = computer.client.cookies
        each.client.raise_request_exception = False
    logins: list[str] = []

    def count(user, **kwargs):
        logins.append(user.get_username())

    user_logged_in.connect(count)
    try:
        responses = at_once(*[lambda each=each: each.post(POSTBACK, fields) for each in computers])
    finally:
        user_logged_in.disconnect(count)
    statuses = [response.status_code for response in responses]
    assert statuses.count(302) == 1
    assert set(statuses) <= {302, 400, 403}  # 400: the session was renewed by the login meanwhile
    assert (logins, outcomes()) == (["alice"], [("granted", "")])


class Meeting(ToopherIframe):
    """Verifies as usual, then waits until everybody has."""

    barrier = threading.Barrier(50, timeout=30)

    def validate_postback(self, *args, **kwargs):
        fields = super().validate_postback(*args, **kwargs)
        self.barrier.wait()
        return fields


@pytest.mark.usefixtures("restless")
def test_S04_fifty_that_are_verified_at_the_same_moment_are_one_approval(threaded_db, make_user, phone, make_computer):
    account_with(phone, make_user("alice"))
    computer = make_computer()
    fields = approval(computer, phone)
    pending = load(computer.client.session, PENDING_LOGIN)

    def complete():
        try:
            return answers.complete_with_postback(Meeting(*endpoint.credentials(), ROOT), api(), pending, fields)
        except ExpiredAttemptError:
            return None

    approvals = [each for each in at_once(*[complete] * 50) if each]
    assert [each.user.get_username() for each in approvals] == ["alice"]
    assert outcomes() == [("granted", "")]


def test_S04_an_approval_that_comes_too_late_is_refused(approved, computer):
    Attempt.objects.update(expires=timezone.now())
    response = computer.post(POSTBACK, approved)
    assert (response.status_code, reason_of(response)) == (403, "expired")
    assert not computer.is_logged_in()


def test_the_time_from_password_to_approval_is_a_setting(alice, settings):
    settings.TOOPHER_ATTEMPT_AGE = 60
    attempts.begin(alice)
    attempt = Attempt.objects.get()
    assert timedelta(seconds=59) < attempt.expires - attempt.created < timedelta(seconds=61)
