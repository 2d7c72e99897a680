"""Failures in a row (SECURITY.md S23)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.client import RateLimitError
from django_toopher.service import limits
from django_toopher.service.models import AuthenticationRequest, User
from tests.service.callers import at_once

from .acts import another, assert_refused, state_of


def test_S23_wrong_numbers_count_across_requests(settings, api, paired):
    settings.TOOPHER_SERVICE_LIMITS = {"failures": 3}
    for failures in (1, 2, 3):
        asked = api.authenticate("alice", "t", terminal_name="PC")
        assert_refused(paired.answer(paired.question(), another(asked.number)), 403, "wrong_number")
        assert User.objects.get().failures == failures
    assert 55 < (User.objects.get().blocked_until - timezone.now()).total_seconds() <= 60
    with pytest.raises(RateLimitError) as refused:
        asked.authenticate_with_otp("000000", api)
    assert 55 <= refused.value.retry_after <= 61
    assert state_of(asked) == "pending"


def test_S45_who_is_blocked_for_wrong_codes_is_asked_and_says_yes(api, paired, asked):
    User.objects.update(failures=90, blocked_until=timezone.now() + timedelta(seconds=60))
    asked = api.authenticate("alice", "another", terminal_name="PC")
    assert asked.pending
    assert paired.answer(paired.question(), asked.number).json()["state"] == "granted"
    assert (User.objects.get().failures, User.objects.get().blocked_until) == (0, None)


def test_S23_a_blocked_user_can_still_say_no(paired, asked):
    User.objects.update(failures=10, blocked_until=timezone.now() + timedelta(seconds=60))
    assert paired.answer(paired.question(), "", "deny").json()["state"] == "denied"


def test_S23_success_forgets_the_failures(api, paired, asked):
    question = paired.question()
    paired.answer(question, another(asked.number))
    assert User.objects.get().failures == 1
    paired.answer(question, asked.number)
    assert User.objects.get().failures == 0


def test_S23_a_no_does_not_forget_the_failures(paired, asked):
    question = paired.question()
    paired.answer(question, another(asked.number))
    paired.answer(question, "", "deny")
    assert User.objects.get().failures == 1


def test_S23_the_wait_doubles_with_every_further_failure(settings, asked):
    settings.TOOPHER_SERVICE_LIMITS = {"failures": 2, "failure_wait": 10}
    request, user, now = AuthenticationRequest.objects.get(), User.objects.get(), timezone.now()
    waits = []
    for _ in range(5):
        limits.count_code(request, now)
        user.refresh_from_db()
        waits.append((user.blocked_until - now).total_seconds() if user.blocked_until else 0)
        now = user.blocked_until or now
    assert waits == pytest.approx([0, 10, 20, 40, 80], abs=0.01)


def test_S23_after_a_hundred_failures_only_a_reset_helps(api, pair, paired, asked):
    question, user = paired.question(), User.objects.get()
    User.objects.update(failures=99)
    assert_refused(paired.answer(question, another(asked.number)), 403, "wrong_number")
    assert_refused(paired.answer(question, asked.number), 429, "too_many")
    assert api.authenticate("alice", "t", terminal_name="PC").reason_code == 106
    api.reset_user("alice")
    user.refresh_from_db()
    assert (user.failures, user.blocked_until) == (0, None)
    pair(paired)
    assert api.authenticate("alice", "t", terminal_name="PC").pending


def test_S23_failures_of_two_threads_are_both_counted(threaded_db, paired, asked):
    requests = [AuthenticationRequest.objects.select_related("user", "terminal").get() for _ in range(2)]
    at_once(*[lambda each=each: limits.count_code(each, timezone.now()) for each in requests])
    assert User.objects.get().failures == 2


def test_S23_failures_of_one_user_do_not_block_another(api, pair, paired):
    pair(paired, "bob")
    User.objects.filter(name="alice").update(failures=50, blocked_until=timezone.now() + timedelta(hours=1))
    assert api.authenticate("bob", "t", terminal_name="PC").pending
