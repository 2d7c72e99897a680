"""Time that passes, and what is left of it."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from django_toopher.service.models import AuthenticationRequest
from django_toopher.service.models import Frame as FrameRow
from django_toopher.service.requests import waiting


def let_pass(seconds):
    """All that waits was asked so many seconds earlier."""
    earlier = timedelta(seconds=seconds)
    AuthenticationRequest.objects.update(created=F("created") - earlier, expires=F("expires") - earlier)
    FrameRow.objects.update(created=F("created") - earlier, expires=F("expires") - earlier)


def time_left():
    return (AuthenticationRequest.objects.get().expires - timezone.now()).total_seconds()


def prolong_until_the_end():
    """As somebody does who asks for more time in the last seconds each time."""
    for _ in range(10):
        waiting.extend(AuthenticationRequest.objects.get())
        let_pass(time_left() - 10)


def row():
    return AuthenticationRequest.objects.values().get()
