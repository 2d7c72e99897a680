"""What the service answers the command-line phone. Nothing of it is believed before a look at its shape."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from types import SimpleNamespace
from typing import Any, TypeGuard

import requests

from ..shown import RequestTexts

REPLY_LIMIT = 1024 * 1024  # bytes that are read at most

TEXTS = {"id", "reason", "answer", "network", *(text.name for text in fields(RequestTexts))}
TIMES = {"created", "expires", "last_used"}
NUMBERS = {"number_length", "automate", "attempts_left", *TIMES}
LISTS = {"requests", "pairings", "agreed", "automations"}


class PhoneError(Exception):
    """What the phone could not do: a sentence for the person, and a slug, the ``reason``.

    ``unreachable``: no answer came, and whether the call was carried out is not known. ``bad_reply``: one came that the
    contract does not know. ``bad_link``, ``other_service``: no link, or one to another service than this phone's.
    ``bad_state``: the state file is broken, or others may read it. ``unpaired``: there is no account for this yet.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class RefusedError(PhoneError):
    """The service said no, for one of the reasons in docs/authenticator.rst; the sentence says what to do next."""

    def __init__(self, reply: Entry, response: requests.Response) -> None:
        wait = response.headers.get("Retry-After", "")
        self.status, self.attempts_left = response.status_code, vars(reply).get("attempts_left")
        self.retry_after = int(wait) if re.fullmatch("[0-9]{1,9}", wait) else 0
        advice = {
            "wrong_number": f"Tries left: {self.attempts_left}.",
            "too_many": f"Try again in {self.retry_after} seconds.",
            "bad_signature": "If the service was set up again, delete the state file and pair again.",
        }
        message = vars(reply).get("error_message", f"The service refused ({reply.reason}).")
        super().__init__(f"{message} {advice.get(reply.reason, '')}".rstrip(), reply.reason)


class Entry(SimpleNamespace):
    """A JSON object from the service: a request, a pairing or another, with the members that the contract names."""

    requests: tuple[Entry, ...]
    pairings: tuple[Entry, ...]
    automations: tuple[Entry, ...]

    def __getattr__(self, name: str) -> Any:
        raise PhoneError(f"The service's answer can't be understood: it has no {name}.", "bad_reply")


def read(response: requests.Response) -> Entry:
    """The reply, whose status is 200 or 4xx. Raises :class:`PhoneError` for anything else."""
    body = b""
    for chunk in response.iter_content(8192):
        body += chunk
        if len(body) > REPLY_LIMIT:
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
    """Whether it is one, in seconds since the epoch, that datetime can print: before the year 10000."""
    return type(value) is int and 0 <= value < 253402300800


def _entry(members: dict[str, Any]) -> Entry:
    for name in LISTS & members.keys():
        members[name] = tuple(members[name])
    texts = all(isinstance(members[name], str) for name in TEXTS & members.keys())
    numbers = all(members[name] is None or is_time(members[name]) for name in NUMBERS & members.keys())
    entries = all(isinstance(each, Entry) for name in LISTS & members.keys() for each in members[name])
    if not (texts and numbers and entries):
        raise ValueError("A member is of another type than the contract has it.")
    return Entry(**members)
