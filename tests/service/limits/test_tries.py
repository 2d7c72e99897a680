"""Wrong numbers and codes (SECURITY.md S23)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.client import RateLimitError
from django_toopher.service import limits
from django_toopher.service.models import AuthenticationRequest, Authenticator, User
from django_toopher.service.requests import answering, asking
from tests.tables import table

from ..callers import at_once
from .acts import begin, refusal, said


def another(number):
    return f"{(int(number) + 1) % 10**6:06}"


@pytest.mark.parametrize("kind", ["number", "code"])
def test_S23_of_fifty_guesses_at_one_request_three_are_compared(threaded_db, settings, pair, raw_phone, kind):
    settings.TOOPHER_SERVICE_LIMITS = {"failures": 100}
    pair(raw_phone)
    request = begin()
    phone = Authenticator.objects.get(pk=raw_phone.id)
    wrong = said(request, another(request.number))

    def guess():
        if kind == "number":
            return refusal(answering.answer, request.pk, phone, wrong)
        fresh = AuthenticationRequest.objects.select_related("user").get(pk=request.pk)
        return refusal(lambda: answering.authenticate_with_otp(fresh, "x").state)

    outcomes = at_once(*[guess] * 50)
    assert outcomes.count("gone") == 47, outcomes
    request.refresh_from_db()
    assert (request.failures, request.state, request.reason_code) == (3, "denied", 103)


def test_S23_of_fifty_guesses_at_many_requests_ten_are_compared(threaded_db, settings, paired):
    settings.TOOPHER_SERVICE_LIMITS = {"requests": 50}
    user = User.objects.get()
    numbers = {str(each.pk): each.number for each in (asking.initiate(user, "Log In") for _ in range(20))}
    guesses = [
        lambda each=each: refusal(paired.approve, each, another(numbers[each.id])) for each in paired.pending().requests
    ]
    assert len(guesses) == 20
    outcomes = at_once(*guesses * 2, *guesses[:10])
    assert outcomes.count("wrong_number") == 10, outcomes
    assert outcomes.count("too_many") == 40
    assert User.objects.get().failures == 10


def test_S23_in_fifty_threads_no_more_than_a_hundred_are_ever_counted(threaded_db, requester):
    user = User.objects.create(requester=requester, name="alice", failures=90)
    outcomes = at_once(*[lambda: refusal(limits.count_try, User.objects.get(pk=user.pk), timezone.now())] * 50)
    assert outcomes.count(None) == 1, outcomes  # beyond the limit, each is followed by a wait
    for n in range(20):
        later = timezone.now() + timedelta(days=n + 2)
        refusal(limits.count_try, User.objects.get(pk=user.pk), later)
    assert User.objects.get().failures == 100


def test_S23_after_a_hundred_no_wait_helps(requester):
    user = User.objects.create(requester=requester, name="alice", failures=100)
    with pytest.raises(limits.LockedError):
        limits.count_try(user, timezone.now() + timedelta(days=100_000))
    with pytest.raises(limits.LockedError):
        limits.require_not_blocked(user, timezone.now() + timedelta(days=100_000))


def test_S23_a_wait_is_a_day_at_the_most(requester):
    user, now = User.objects.create(requester=requester, name="alice", failures=60), timezone.now()
    limits.count_try(user, now)
    user.refresh_from_db()
    assert user.blocked_until - now == timedelta(days=1)


@table(("limit", "failures"), [(1, 0), (2, 95), (100, 95), (500, 95)])
def test_S23_any_limit_ends_at_a_hundred(settings, requester, limit, failures):
    settings.TOOPHER_SERVICE_LIMITS = {"failures": limit}
    user, now = User.objects.create(requester=requester, name="alice", failures=failures), timezone.now()
    for _ in range(110 - failures):
        now += timedelta(days=2)
        refusal(limits.count_try, user, now)
    user.refresh_from_db()
    assert user.failures == 100


def test_S23_a_right_number_is_no_failure(ask, paired):
    asked = ask()
    question = paired.pending().requests[0]
    refusal(paired.approve, question, another(asked.number))
    paired.approve(question, asked.number)
    assert AuthenticationRequest.objects.get().failures == 1
    assert (User.objects.get().failures, User.objects.get().blocked_until) == (0, None)


def test_S28_a_right_code_is_no_failure(ask, api, paired):
    ask().authenticate_with_otp(paired.code(), api)
    assert AuthenticationRequest.objects.get().failures == 0
    assert User.objects.get().failures == 0


def test_S23_a_new_request_does_not_reset_the_count(settings, ask, paired):
    settings.TOOPHER_SERVICE_LIMITS = {"failures": 3}
    for _ in range(3):
        asked = ask()
        assert refusal(paired.approve, paired.pending().requests[0], another(asked.number)) == "wrong_number"
    with pytest.raises(RateLimitError):
        ask()


def test_S23_a_right_number_while_blocked_is_refused(ask, paired):
    asked = ask()
    User.objects.update(failures=10, blocked_until=timezone.now() + timedelta(seconds=60))
    assert refusal(paired.approve, paired.pending().requests[0], asked.number) == "too_many"
    assert AuthenticationRequest.objects.get().state == "pending"
