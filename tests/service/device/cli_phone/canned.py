"""The command-line phone without a service: replies are canned, and what was sent is kept."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
import requests
import urllib3
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management import call_command

from django_toopher.service.device.cli_phone import CommandLinePhone
from django_toopher.service.device.cli_replies import Entry, PhoneError

SERVICE = "https://example.org/toopher/phone/"
NOW = 1_700_000_000
RFC6238_SEED = base64.b32encode(b"12345678901234567890").decode()
KEY = ec.generate_private_key(ec.SECP256R1())
OFFER = Entry(requester="Example", user="alice", id="pairing-1", expires=NOW + 600, link="token-1")

QUESTION = {
    "id": "request-1",
    "requester": "Example",
    "user": "alice",
    "action": "Log In",
    "terminal": "Office laptop",
    "address": "203.0.113.5",
    "created": NOW - 5,
    "expires": NOW + 115,
    "number_length": 6,
    "automate": 30 * 86400,
    "latest": NOW + 595,
}

REQUEST = Entry(**QUESTION)

SEED = {"pairing": "pairing-1", "secret": RFC6238_SEED, "digits": 6, "period": 30}


@dataclass
class Reply:
    """One canned reply; ``error`` is raised in its place."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    error: Exception | None = None

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps({"now": NOW, **self.body}).encode()


class Recorder(requests.adapters.HTTPAdapter):
    """Keeps what was sent and answers with the next canned reply."""

    def __init__(self, replies: Iterable[Reply]) -> None:
        super().__init__()
        self.replies = list(replies)
        self.sent: list[requests.PreparedRequest] = []
        self.how: list[dict[str, Any]] = []

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        self.sent.append(request)
        self.how.append(how)
        reply = self.replies.pop(0)
        if reply.error is not None:
            raise reply.error
        raw = urllib3.HTTPResponse(io.BytesIO(reply.content), reply.headers, reply.status, preload_content=False)
        raw._original_response = self._as_http_client_would(reply)  # requests looks for cookies there
        return self.build_response(request, raw)

    @staticmethod
    def _as_http_client_would(reply: Reply) -> Any:
        message = Message()
        for name, value in reply.headers.items():
            message[name] = value
        return SimpleNamespace(msg=message, close=lambda: None, isclosed=lambda: True)

    def session(self) -> requests.Session:
        session = requests.Session()
        session.mount("https://", self)
        session.mount("http://", self)
        return session

    def claims(self, index: int = -1) -> dict[str, Any]:
        """The call's own claims, the signature and ``aud`` verified, without ``aud``, ``iat`` and ``jti``."""
        claims = verified(self.sent[index])
        return {name: value for name, value in claims.items() if name not in ("aud", "iat", "jti")}


def verified(request: requests.PreparedRequest) -> dict[str, Any]:
    assert isinstance(request.body, bytes)
    return jwt.decode(
        request.body,
        KEY.public_key(),
        algorithms=["ES256"],
        audience=str(request.url),
        options={"verify_iat": False},
    )


def header(request: requests.PreparedRequest) -> dict[str, Any]:
    assert isinstance(request.body, bytes)
    return jwt.get_unverified_header(request.body)


def refusal(reason: str, status: int, **more: Any) -> Reply:
    headers = more.pop("headers", {})
    body = {"error_code": status, "error_message": f"Because of {reason}.", "reason": reason, **more}
    return Reply(body, status, headers)


def make_phone(*replies: Reply, registered: bool = True) -> tuple[CommandLinePhone, Recorder]:
    recorder = Recorder(replies)
    phone = CommandLinePhone(SERVICE, session=recorder.session(), clock=lambda: NOW, key=KEY)
    phone.id = "phone-1" if registered else None
    return phone, recorder


def make_paired_phone(*replies: Reply, **seed: Any) -> tuple[CommandLinePhone, Recorder]:
    phone, recorder = make_phone(Reply({**SEED, **seed}), *replies)
    phone.pair(OFFER)
    return phone, recorder


SHOWN = {"requester": "Example", "user": "alice"}

ASKED = {
    "request": "request-1",
    **SHOWN,
    "action": "Log In",
    "terminal": "Office laptop",
    "address": "203.0.113.5",
}


def refused(reason: str) -> Any:
    """That a phone could not do something, for that reason."""
    return pytest.raises(PhoneError, check=lambda error: error.reason == reason)


posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


@dataclass
class Terminal:
    """A person at ``manage.py toopher_phone`` with a state file; ``out`` and ``err`` are what was printed."""

    state: Path
    out: str = ""
    err: str = ""
    recorder: Recorder = field(default_factory=lambda: Recorder([]))
    slept: list[float] = field(default_factory=list)

    def run(self, *words: str, replies: Iterable[Reply] = (), typed: str = "", **more: Any) -> str:
        """Run the command; ``typed`` is what the person types, one line for each question."""
        self.recorder = Recorder(replies)
        out, err = io.StringIO(), io.StringIO()
        options = {"clock": self.now, "sleep": self.sleep, **more}
        try:
            call_command(
                "toopher_phone",
                f"--state={self.state}",
                *words,
                stdin=io.StringIO(typed),
                session=self.recorder.session(),
                stdout=out,
                stderr=err,
                **options,
            )
        finally:
            self.out, self.err = out.getvalue(), err.getvalue()
        return self.out

    def now(self) -> float:
        return NOW + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        """Let time pass; Ctrl-C when the canned replies are used up."""
        if not self.recorder.replies:
            raise KeyboardInterrupt
        self.slept.append(seconds)

    def calls(self) -> list[str]:
        return [str(sent.url).rpartition("/")[2] for sent in self.recorder.sent]

    def saved(self) -> CommandLinePhone:
        return CommandLinePhone.load(self.state, clock=lambda: NOW)


def waiting(*questions: dict[str, Any], pairings: Iterable[dict[str, Any]] = ()) -> Reply:
    return Reply({"requests": list(questions), "pairings": list(pairings)})


TAP = {**QUESTION, "id": "request-2", "number_length": 0}

OFFERED = {"id": "pairing-2", "requester": "Shop", "user": "bob", "expires": NOW + 600}

LINK = f"{SERVICE}#pair=token-1"

GRANTED = Reply({"state": "granted"})

DENIED = Reply({"state": "denied"})


def listed(*accounts: dict[str, Any]) -> Reply:
    return Reply({"pairings": list(accounts)})


ALICE = {"id": "pairing-1", "requester": "Example", "user": "alice", "created": NOW, "last_used": NOW}
