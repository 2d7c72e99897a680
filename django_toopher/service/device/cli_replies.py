"""What the service answers the command-line phone, of which nothing is believed before a look at its shape."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from types import SimpleNamespace
from typing import Any, TypeGuard

import requests

from ..shown import RequestTexts

LIMIT = 1024 * 1024  # bytes of a reply that are read at most
LAST_SECOND = 253402300799  # of the year 9999, the last that datetime can print

TEXTS = {"id", "answer", "network", "reason", *(text.name for text in fields(RequestTexts))}
TIMES = {"created", "expires", "last_used"}
LISTS = {"requests", "pairings", "automations"}


class PhoneError(Exception):
    """What the phone could not do, as a sentence for the person, and as a slug, the ``reason``.

    ``unreachable``: no answer came, and whether the call was carried out is not known. ``bad_reply``: one came that the
    contract does not know. ``bad_link``, ``other_service``: no link, or one to another service than this phone's.
    ``bad_state``: the state file is broken, or others may read it. ``unpaired``: there is no account for this yet.
    """

    retry_after: int | None = None

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class RefusedError(PhoneError):
    """The service said no, for one of the reasons in docs/authenticator.rst; with what to do next."""

    def __init__(self, reply: Entry, response: requests.Response) -> None:
        left, wait = vars(reply).get("attempts_left"), response.headers.get("Retry-After", "")
        advice = {
            "wrong_number": f"Tries left: {left}.",
            "too_many": f"Try again in {wait} seconds.",
            "bad_signature": "If the service was set up again, delete the state file and pair again.",
        }
        message = vars(reply).get("error_message", f"The service refused ({reply.reason}).")
        super().__init__(f"{message} {advice.get(reply.reason, '')}".rstrip(), reply.reason)
        self.status = response.status_code
        self.attempts_left = left if isinstance(left, int) else None
        self.retry_after = int(wait) if re.fullmatch("[0-9]{1,9}", wait) else None


class Entry(SimpleNamespace):
    """A JSON object from the service, its members as attributes. One that it lacks is a ``bad_reply``."""

    def __getattr__(self, name: str) -> Any:
        raise PhoneError(f"The service's answer can't be understood: it has no {name}.", "bad_reply")


def read(response: requests.Response) -> Entry:
    """The reply, whose status is 200 or 4xx. Raises :class:`PhoneError` for anything that is none."""
    body = b""
    for chunk in response.iter_content(8192):
        body += chunk
        if len(body) > LIMIT:
            raise PhoneError("The service's answer is too long.", "bad_reply")
    status = response.status_code
    try:
        reply = json.loads(body, object_hook=_entry) if status == 200 or 400 <= status < 500 else None
    except (TypeError, ValueError, RecursionError):
        reply = None
    if not isinstance(reply, Entry):
        raise PhoneError(f"No service for phones answers at this address (status {status}).", "bad_reply")
    return reply


def is_time(value: object) -> TypeGuard[int]:
    """Whether it is one, in seconds since the epoch, that datetime can print."""
    return type(value) is int and 0 <= value <= LAST_SECOND


def _entry(members: dict[str, Any]) -> Entry:
    for name in LISTS & members.keys():
        members[name] = tuple(members[name])
    texts = all(isinstance(members[name], str) for name in TEXTS & members.keys())
    times = all(members[name] is None or is_time(members[name]) for name in TIMES & members.keys())
    lists = all(isinstance(each, Entry) for name in LISTS & members.keys() for each in members[name])
    if not (texts and times and lists):
        raise ValueError("A member is of another type than the contract has it.")
    return Entry(**members)
