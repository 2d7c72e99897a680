"""The counter below the limits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.service import limits
from django_toopher.service.errors import TooManyError
from django_toopher.service.models import Tally

from ..callers import at_once
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
