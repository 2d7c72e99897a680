"""The counter below the limits."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from django.utils import timezone

from django_toopher.service import limits
from django_toopher.service.errors import TooManyError
from django_toopher.service.models import Tally, User
from django_toopher.service.people import verbs

from ..callers import Caller, at_once
from .acts import PUBLIC, refusal


def test_of_fifty_calls_at_once_as_many_pass_as_may(threaded_db, requester):
    now = timezone.now()
    outcomes = at_once(*[lambda: refusal(limits.count_registration, PUBLIC, now)] * 50)
    assert outcomes.count(None) == 30
    assert Tally.objects.get().count == 30


def test_a_wait_is_told_until_the_end_of_the_period(db, settings):
    settings.TOOPHER_SERVICE_LIMITS = {"registrations": 1}
    now = timezone.now()
    limits.count_registration(PUBLIC, now)
    with pytest.raises(TooManyError) as refused:
        limits.count_registration(PUBLIC, now + timedelta(seconds=500))
    assert refused.value.retry_after == 101
    limits.count_registration(PUBLIC, now + timedelta(seconds=600))


def test_S49_whatever_support_lifts_meanwhile_no_question_fails(threaded_db, requester, raw_phone, pair):
    """To clients that let people in when a call fails a deadlock would be a yes."""
    pair(raw_phone)
    alice, places = User.objects.get(), count()

    def ask(**more):
        terminal = {"terminal_name": "PC", "terminal_name_extra": f"secret-{next(places) % 50}"}
        return Caller().post("authentication_requests/initiate", user_name="alice", **terminal, **more).status_code

    def lift_by_rest():
        return Caller().post(f"users/{alice.pk}/waits", lift="True").status_code

    def lift_in_admin():
        verbs.carry_out(verbs.VERBS["lift"], alice, list)
        return 200

    for _ in range(8):
        calls = [ask, partial(ask, otp="000000"), partial(ask, withheld="code")] * 8
        assert {*at_once(*calls, *[lift_by_rest] * 4, *[lift_in_admin] * 2)} == {200}
