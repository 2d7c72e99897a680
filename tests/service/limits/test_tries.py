"""Wrong numbers and codes (SECURITY.md S23)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models import Sum
from django.utils import timezone

from django_toopher.client import RateLimitError
from django_toopher.service import limits
from django_toopher.service.models import Action, AuthenticationRequest, Authenticator, Terminal, User
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


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("step", "failures"), [("tries_left", 1), ("_finish", 0)], ids=["wrong", "right"])
def test_S23_a_deadlock_after_a_try_was_counted_does_not_count_it_twice(step, failures, pair, raw_phone, monkeypatch):
    pair(raw_phone)
    request = begin()
    phone = Authenticator.objects.get(pk=raw_phone.id)
    carry_out, deadlocks = getattr(answering, step), [OperationalError(1213, "Deadlock found")]

    def stumble(*args, **kwargs):
        if deadlocks:
            raise deadlocks.pop()
        return carry_out(*args, **kwargs)

    monkeypatch.setattr(answering, step, stumble)
    number = another(request.number) if failures else request.number
    refusal(answering.answer, request.pk, phone, said(request, number))
    request.refresh_from_db()
    assert not deadlocks
    assert (request.failures, User.objects.get().failures, request.is_granted()) == (failures, failures, not failures)


@pytest.mark.parametrize("known", [False, True], ids=["unknown computers", "a known computer"])
def test_S23_of_fifty_codes_at_many_requests_ten_are_compared(threaded_db, settings, paired, known):
    settings.TOOPHER_SERVICE_LIMITS = {"requests": 50}
    user = User.objects.get()
    if known:
        Terminal.objects.create(user=user, name="PC", extra="secret-1", approved=timezone.now())
    waiting = [asking.initiate(user, "Log In", terminal_name="PC", terminal_extra="secret-1") for _ in range(20)]

    def guess(request):
        fresh = AuthenticationRequest.objects.select_related("user", "terminal").get(pk=request.pk)
        return refusal(lambda: answering.authenticate_with_otp(fresh, "x").state)

    outcomes = at_once(*[lambda each=each: guess(each) for each in [*waiting * 2, *waiting[:10]]])
    assert outcomes.count("too_many") == 40, outcomes
    counted, other = (Terminal, User) if known else (User, Terminal)
    assert (counted.objects.get().failures, other.objects.get().failures) == (10, 0)
    compared = AuthenticationRequest.objects.aggregate(Sum("failures"))["failures__sum"]
    assert compared == 10


@pytest.mark.parametrize("known", [False, True], ids=["unknown computers", "a known computer"])
@pytest.mark.parametrize("kind", ["number", "code"])
def test_S45_of_thirty_wrong_ones_at_once_as_many_count_as_were_compared(threaded_db, pair, raw_phone, kind, known):
    pair(raw_phone)
    if known:
        Terminal.objects.create(user=User.objects.get(), name="PC", extra="secret-1", approved=timezone.now())
    request = begin()
    phone, wrong = Authenticator.objects.get(pk=raw_phone.id), said(request, another(request.number))

    def guess():
        if kind == "number":
            return refusal(answering.answer, request.pk, phone, wrong)
        fresh = AuthenticationRequest.objects.select_related("user", "terminal").get(pk=request.pk)
        return refusal(lambda: answering.authenticate_with_otp(fresh, "x").state)

    outcomes = at_once(*[guess] * 30)
    assert outcomes.count("gone") == 27, outcomes
    counted, other = (Terminal, User) if known else (User, Terminal)
    assert (counted.objects.get().failures, other.objects.get().failures) == (3, 0)


def waiting_request(user, **fields):
    """A request of ``user`` at a computer that is not known."""
    User.objects.filter(pk=user.pk).update(**fields)
    user.refresh_from_db()
    terminal = Terminal.objects.create(user=user, name="PC")
    action = Action.objects.create(requester=user.requester, name="Log In", name_digest="x")
    expires = timezone.now() + timedelta(seconds=60)
    return AuthenticationRequest.objects.create(user=user, terminal=terminal, action=action, expires=expires)


@pytest.fixture
def alice(requester):
    return User.objects.create(requester=requester, name="alice")


def test_S23_in_fifty_threads_no_more_than_ninety_codes_are_ever_counted(threaded_db, alice):
    request = waiting_request(alice, failures=85)

    def guess(now=None):
        fresh = AuthenticationRequest.objects.select_related("user", "terminal").get(pk=request.pk)
        return refusal(limits.count_code, fresh, now or timezone.now())

    outcomes = at_once(*[guess] * 50)
    assert outcomes.count(None) == 1, outcomes  # beyond the limit, each is followed by a wait
    for n in range(20):
        guess(timezone.now() + timedelta(days=n + 2))
    assert User.objects.get().failures == 90


def test_S23_in_fifty_threads_no_more_than_a_hundred_numbers_are_ever_counted(threaded_db, alice):
    request = waiting_request(alice, failures=95)

    def guess():
        fresh = AuthenticationRequest.objects.select_related("user", "terminal").get(pk=request.pk)
        return refusal(limits.count_number, fresh, timezone.now())

    outcomes = at_once(*[guess] * 50)
    assert outcomes.count(None) == 5, outcomes
    assert User.objects.get().failures == 100


def test_S23_after_ninety_no_wait_helps_a_code(alice):
    request = waiting_request(alice, failures=90)
    with pytest.raises(limits.CodesLockedError):
        limits.count_code(request, timezone.now() + timedelta(days=100_000))
    limits.require_not_blocked(request, timezone.now())  # the phone may still be asked


def test_S23_after_a_hundred_no_wait_helps(alice):
    request = waiting_request(alice, failures=100)
    for attempt in (limits.count_code, limits.count_number, limits.require_not_blocked):
        with pytest.raises(limits.LockedError):
            attempt(request, timezone.now() + timedelta(days=100_000))


def test_S23_a_wait_is_a_day_at_the_most(alice):
    request, now = waiting_request(alice, failures=60), timezone.now()
    limits.count_code(request, now)
    alice.refresh_from_db()
    assert alice.blocked_until - now == timedelta(days=1)


@table(("limit", "failures"), [(1, 0), (2, 85), (100, 85), (500, 85)])
def test_S23_any_limit_ends_at_a_hundred(settings, alice, limit, failures):
    settings.TOOPHER_SERVICE_LIMITS = {"failures": limit}
    Action.objects.all().delete()
    request, now = waiting_request(alice, failures=failures), timezone.now()
    for _ in range(100 - failures):
        now += timedelta(days=2)
        refusal(limits.count_code, request, now)
    assert User.objects.get().failures == 90
    for _ in range(20):
        refusal(limits.count_number, request, now)
    assert User.objects.get().failures == 100


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


def test_S23_a_new_request_does_not_reset_the_count(settings, api, ask, paired):
    settings.TOOPHER_SERVICE_LIMITS = {"failures": 3}
    for _ in range(3):
        asked = ask()
        assert refusal(paired.approve, paired.pending().requests[0], another(asked.number)) == "wrong_number"
    with pytest.raises(RateLimitError):
        ask().authenticate_with_otp(paired.code(), api)
    assert AuthenticationRequest.objects.filter(state="granted").count() == 0
