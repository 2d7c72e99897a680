"""Callers of the service that are written from the specifications alone, not from this project's client.

``Caller`` is a requester (OAuth 1.0a, RFC 5849), ``RawPhone`` an authenticator (docs/authenticator.rst), ``at_once``
runs calls in real threads.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from django.apps import apps
from django.db import connection, connections
from django.test import Client

ORIGIN = "https://testserver"
ROOT = f"{ORIGIN}/toopher/v1"
PHONE = f"{ORIGIN}/toopher/phone/"
FORM = "application/x-www-form-urlencoded"
INITIATE = "authentication_requests/initiate"

Pairs = Mapping[str, str] | Iterable[tuple[str, str]]


def rows() -> dict[str, int]:
    """How many rows each table of the service has, but for the nonces that every call leaves behind."""
    models = [each for each in apps.get_app_config("toopher_service").get_models() if each.__name__ != "SpentNonce"]
    tables = [connection.ops.quote_name(model._meta.db_table) for model in models]
    with connection.cursor() as cursor:  # one query: many tests count
        cursor.execute("SELECT " + ", ".join(f"(SELECT COUNT(*) FROM {table})" for table in tables))  # noqa: S608
        counts = cursor.fetchone()
    return {model.__name__: count for model, count in zip(models, counts, strict=True)}


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls in one thread each, from the same moment on; their results in the same order."""
    barrier = threading.Barrier(len(calls), timeout=30)

    def run(call: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result() for each in [pool.submit(run, call) for call in calls]]


def percent(text: str) -> str:
    """RFC 5849 §3.6."""
    return quote(text, safe="-._~")


def form(pairs: Pairs) -> str:
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in as_pairs(pairs))


def as_pairs(pairs: Pairs) -> list[tuple[str, str]]:
    return [*pairs.items()] if isinstance(pairs, Mapping) else [*pairs]


def oauth_signature(method: str, url: str, pairs: Pairs, secret: str) -> str:
    """RFC 5849 §3.4, HMAC-SHA1 without a token."""
    encoded = sorted((percent(name), percent(value)) for name, value in as_pairs(pairs))
    normalized = "&".join(f"{name}={value}" for name, value in encoded)
    base = "&".join(percent(part) for part in (method, url, normalized))
    return base64.b64encode(hmac.digest(f"{percent(secret)}&".encode(), base.encode(), "sha1")).decode()


@dataclass
class Caller:
    """One requester: signs requests and sends them. ``fields`` go into the query of a GET, else into the body."""

    key: str = "key"
    secret: str = "secret"
    client: Client = field(default_factory=Client)

    def oauth(self, **changes: str | None) -> dict[str, str]:
        """The protocol's parameters without the signature; a change to None leaves one out."""
        usual = {
            "oauth_consumer_key": self.key,
            "oauth_nonce": secrets.token_hex(16),
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": str(int(time.time())),
            "oauth_version": "1.0",
        }
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def signed(self, method: str, path: str, fields: Pairs, oauth: Mapping[str, str]) -> dict[str, str]:
        """``oauth`` with the signature over it and ``fields``."""
        pairs = [*as_pairs(fields), *oauth.items()]
        return {**oauth, "oauth_signature": oauth_signature(method, f"{ORIGIN}{path}", pairs, self.secret)}

    def header(self, parameters: Mapping[str, str], separator: str = ", ") -> str:
        return "OAuth " + separator.join(f'{percent(name)}="{percent(value)}"' for name, value in parameters.items())

    def send(self, method: str, endpoint: str, fields: Pairs = (), *, where: str = "header", **changes: str | None):
        """Sign and send; ``where`` the OAuth parameters travel is ``header``, ``body`` or ``query``."""
        path = f"/toopher/v1/{endpoint}"
        return self.deliver(method, path, fields, self.signed(method, path, fields, self.oauth(**changes)), where)

    def deliver(self, method: str, path: str, fields: Pairs, signed: Mapping[str, str], where: str = "header"):
        """Send what is signed already."""
        query, body = (as_pairs(fields), []) if method in {"GET", "HEAD"} else ([], as_pairs(fields))
        headers = {}
        if where == "header":
            headers["Authorization"] = self.header(signed)
        elif where == "query":
            query = [*query, *signed.items()]
        else:
            body = [*body, *signed.items()]
        return self.raw(method, path, form(query), form(body).encode(), headers)

    def raw(self, method: str, path: str, query: str, body: bytes, headers: Mapping[str, str], content_type=FORM):
        """Send these very bytes."""
        return self.client.generic(
            method, f"{path}?{query}" if query else path, body, content_type, secure=True, headers=dict(headers)
        )

    def get(self, endpoint: str, **fields: str):
        return self.send("GET", endpoint, fields)

    def post(self, endpoint: str, **fields: str):
        return self.send("POST", endpoint, fields)


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwk_of(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """RFC 7518 §6.2.1."""
    numbers = key.public_key().public_numbers()
    size = (key.key_size + 7) // 8
    curve = {256: "P-256", 384: "P-384"}[key.key_size]
    x, y = (base64url(number.to_bytes(size, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": curve, "x": x, "y": y}


@dataclass
class RawPhone:
    """One authenticator: makes each message by hand, so that any part of it can be wrong."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: str = ""
    client: Client = field(default_factory=Client)

    def claims(self, call: str, **own: Any) -> dict[str, Any]:
        """The claims of every call and its own; a claim of None is left out."""
        usual = {"aud": f"{PHONE}v1/{call}", "iat": int(time.time()), "jti": secrets.token_urlsafe(16)}
        return {name: value for name, value in {**usual, **own}.items() if value is not None}

    def token(self, claims: Mapping[str, Any], key: Any = None, algorithm: str = "ES256", **header: Any) -> str:
        return jwt.encode(dict(claims), key or self.key, algorithm, headers=header or {"kid": self.id})

    def send(self, call: str, token: str | bytes):
        return self.client.post(f"/toopher/phone/v1/{call}", token, content_type="application/jose", secure=True)

    def call(self, name: str, **own: Any):
        return self.send(name, self.token(self.claims(name, **own)))

    def register(self, name: str = "Phone") -> RawPhone:
        response = self.send("register", self.token(self.claims("register", name=name), jwk=jwk_of(self.key)))
        self.id = response.json()["id"]
        return self

    def question(self) -> dict[str, Any]:
        """The newest request that waits."""
        return self.call("pending").json()["requests"][0]

    def answer(self, question: Mapping[str, Any], number: str = "", decision: str = "allow", **changes: Any):
        return self.call("answer", **self.answer_claims(question, number, decision) | changes)

    def answer_claims(self, question: Mapping[str, Any], number: str = "", decision: str = "allow") -> dict[str, Any]:
        shown = {name: question[name] for name in ("requester", "user", "action", "terminal", "address")}
        return {"request": question["id"], **shown, "decision": decision, "number": number}


def wrong_code(phone: Any) -> str:
    """Six digits that are ``phone``'s code at no step around now."""
    account = phone.account()
    near = {account.code_at(time.time() + 30 * step) for step in range(-3, 4)}
    return next(code for code in (f"{n:06}" for n in range(10)) if code not in near)


def body_hash(text: str) -> str:
    """SHA-1 in base64, as ``oauth_body_hash`` has it."""
    return base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode()
