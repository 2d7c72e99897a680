"""What the tests of text messages have in common."""

from __future__ import annotations

from django_toopher.service import sms
from django_toopher.service.sms.backends.base import BaseSmsBackend

CREATE = "pairings/create/sms"
NUMBER = "+15555555555"
BACKENDS = "django_toopher.service.sms.backends"
TEXT = sms.SmsMessage(NUMBER, "Grüße \N{KEY}")


class OptedOutBackend(BaseSmsBackend):
    """A gateway whose every number was opted out."""

    def send_messages(self, messages):
        raise sms.OptedOutError


class BrokenBackend(BaseSmsBackend):
    """A gateway that takes nothing."""

    def send_messages(self, messages):
        raise sms.SmsError("The SMS gateway could not be reached.")
