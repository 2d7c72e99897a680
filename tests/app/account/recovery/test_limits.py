"""Whoever types wrong recovery codes has to wait, longer each time (as SECURITY.md S23)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher import backoff
from django_toopher.factors import recovery_codes
from django_toopher.models import ToopherAccount

from .page import recover

pytestmark = [
    pytest.mark.urls("tests.app.urls"),
    pytest.mark.filterwarnings("ignore:Django 2028 will not have a default mailer"),
]


def test_S23_after_five_wrong_codes_even_the_right_one_has_to_wait(half, codes, account):
    for _ in range(5):
        assert recover(half, "0000-0000-0000").status_code == 200
    response = recover(half, codes[0])
    assert response.status_code == 429
    assert b"Try again in 1 minute." in response.content
    ToopherAccount.objects.update(blocked_until=timezone.now() - timedelta(seconds=1))
    assert recover(half, codes[0]).status_code == 302
    account.refresh_from_db()
    assert (account.failures, account.blocked_until) == (0, None)


def test_S23_the_wait_doubles_and_a_new_login_does_not_reset_it(half, account, make_computer, settings):
    settings.TOOPHER_LIMITS = {"failures": 2, "failure_wait": 100}
    waits = []
    for _ in range(4):
        computer = make_computer()
        computer.password()
        assert recover(computer, "0000-0000-0000").status_code == 200
        account.refresh_from_db()
        until = account.blocked_until
        waits.append(until and round((until - timezone.now()).total_seconds(), -1))
        ToopherAccount.objects.update(blocked_until=timezone.now())
    assert waits == [None, 100, 200, 400]


def test_S23_after_a_hundred_in_a_row_no_code_is_taken_until_new_ones_are_made(half, codes, account):
    ToopherAccount.objects.update(failures=backoff.MOST_FAILURES)
    assert recover(half, codes[0]).status_code == 429
    fresh = recovery_codes.make(account.user)
    assert recover(half, fresh[0]).status_code == 302
