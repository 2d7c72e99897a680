"""What phones do in these tests, and what can be seen of it afterwards."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import jwt
from django.utils import timezone

from django_toopher.service.device.cli_phone import RefusedError
from django_toopher.service.models import AuthenticationRequest, Pairing
from django_toopher.service.phones import pairings
from tests.service.callers import base64url

CALLS = (
    "register",
    "phrase",
    "offer",
    "pair",
    "pending",
    "answer",
    "report",
    "extend",
    "automations",
    "automation-remove",
    "pairings",
    "remove",
    "push",
    "push-remove",
)


def assert_refused(response, status, reason):
    told = response.json()
    assert (response.status_code, told["reason"]) == (status, reason), told
    assert told["error_code"] == status
    assert told["error_message"]
    assert abs(told["now"] - time.time()) < 10


def refusal(call, *arguments):
    """The reason for which the command-line phone's call is refused, or what it returns."""
    try:
        return call(*arguments)
    except RefusedError as refused:
        return refused.reason


def compact(header, claims, key):
    """A JWS signed by ``key``, whatever its parts are."""
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    signature = jwt.get_algorithm_by_name("ES256").sign(signed.encode(), key)
    return f"{signed}.{base64url(signature)}"


def state_of(asked):
    return AuthenticationRequest.objects.get(pk=asked.id).state


def expire(asked):
    AuthenticationRequest.objects.filter(pk=asked.id).update(expires=timezone.now() - timedelta(seconds=1))


def link_to(api, user="alice"):
    """A pairing by link and the link's token."""
    pairing = api.pair(user)
    return pairing, pairings.link_token(Pairing.objects.get(pk=pairing.id))


def another(number):
    """A number that is certainly not this one."""
    return f"{(int(number) + 1) % 1_000_000:06}"


def end(how, api, phone, asked):
    """Make it impossible to answer ``asked``."""
    if how == "expired":
        expire(asked)
    elif how == "cancelled":
        api.post(f"authentication_requests/{asked.id}/cancel")
    elif how == "disabled":
        api.disable_user("alice")
    elif how == "reset":
        api.reset_user("alice")
    else:
        phone.call("remove", pairing=phone.call("pairings").json()["pairings"][0]["id"])
