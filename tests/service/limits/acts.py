"""What is asked and answered until there is a limit."""

from __future__ import annotations

from django_toopher.service.device.cli_phone import RefusedError
from django_toopher.service.errors import ServiceError
from django_toopher.service.models import User
from django_toopher.service.requests import answering, asking

PUBLIC = "8.8.8.8"


def refusal(call, *arguments):
    """The reason for which a call is refused, or what it returns."""
    try:
        return call(*arguments)
    except (RefusedError, ServiceError) as refused:
        return refused.reason


def begin():
    """A question on alice's phone, asked below the web."""
    alice = User.objects.get(name="alice")
    return asking.initiate(alice, "Log In", terminal_name="PC", terminal_extra="secret-1")


def said(request, number=""):
    """The phone's yes with ``number``, or its no without one."""
    return answering.Answer(request.texts, allow=bool(number), number=number, evidence="")
