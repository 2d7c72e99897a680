"""A request that waits, and who hears of its report."""

from __future__ import annotations

import django
import pytest

from django_toopher.service.models import Alarm
from django_toopher.service.signals import sign_in_reported


@pytest.fixture
def admins(settings):
    address = "support@example.org"
    settings.ADMINS = [address if django.VERSION >= (6, 0) else ("Support", address)]


@pytest.fixture
def asked(ask_alice, paired):
    """A request that waits for alice's answer."""
    return ask_alice("PC", "secret-1")


@pytest.fixture
def question(asked, paired):
    """The same, as alice's phone shows it."""
    return paired.pending().requests[0]


@pytest.fixture
def by_hand(asked, pair, raw_phone):
    """Another phone of alice's, whose messages are made by hand; it is asked, too."""
    pair(raw_phone)
    return raw_phone


@pytest.fixture
def told(by_hand):
    """The request, as that phone is told of it."""
    return by_hand.question()


@pytest.fixture
def heard():
    """The alarms that a receiver of the signal hears of."""
    alarms = []

    def hear(alarm, **kwargs):
        alarms.append(alarm)

    sign_in_reported.connect(hear)
    yield alarms
    sign_in_reported.disconnect(hear)


@pytest.fixture
def reported(settings, paired, question):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "toopher" not in each]
    paired.report(question)
    return Alarm.objects.get()
