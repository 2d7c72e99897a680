"""The form of a message: JWS, claims, clock, size, method (docs/authenticator.rst; SECURITY.md S35)."""

from __future__ import annotations

import base64
import json
import time

import jwt
from django.test import Client

from django_toopher.service.device import urls
from tests.service.callers import RawPhone, rows
from tests.tables import table

from .acts import CALLS, assert_refused, compact


def test_S26_every_call_is_tried_here():
    """So that a new one can't be forgotten."""
    assert {str(each.pattern).removeprefix("v1/") for each in urls.urlpatterns if "v1/" in str(each.pattern)} == {
        *CALLS
    }


@table("off", [-302, 302, -(10**6), 10**6])
def test_a_clock_that_is_off_is_told_so(raw_phone, off):
    assert_refused(raw_phone.call("pending", iat=int(time.time()) + off), 401, "clock")


@table("off", [-290, 290])
def test_a_clock_within_five_minutes_is_accepted(raw_phone, off):
    assert raw_phone.call("pending", iat=int(time.time()) + off).status_code == 200


def test_a_message_refused_for_its_clock_is_not_used_up(raw_phone):
    jti = "0123456789abcdef"
    assert_refused(raw_phone.call("pending", iat=0, jti=jti), 401, "clock")
    assert raw_phone.call("pending", jti=jti).status_code == 200


def test_the_terminal_program_corrects_its_clock(phone):
    phone.clock = lambda: time.time() - 86400
    phone.clock_offset = 0
    assert phone.pending().requests == ()


@table(
    "claim, value",
    [
        *[("iat", value) for value in ("now", "", 1.5, True, [], {}, 10**30, -(10**30), 10**400, None)],
        *[("jti", value) for value in ("", "short", "0" * 15, "0" * 65, "a" * 15 + "\n", "a" * 15 + "\0")],
        *[("jti", value) for value in (7, True, [], {}, None)],
    ],
)
def test_S35_an_iat_that_is_no_time_or_a_jti_that_is_none_is_refused(raw_phone, claim, value):
    claims = {**raw_phone.claims("pending"), claim: value}
    token = compact({"alg": "ES256", "kid": raw_phone.id}, claims, raw_phone.key)
    assert raw_phone.send("pending", token).status_code in {400, 401}


@table("claim", ["aud", "iat", "jti"])
def test_a_message_without_one_of_the_claims_is_a_bad_request(raw_phone, claim):
    assert_refused(raw_phone.call("pending", **{claim: None}), 400, "bad_request")


def encoded(*parts):
    return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)


MALFORMED = {
    "empty": b"",
    "text": b"hello",
    "binary": b"\xff\xfe\0",
    "dots": b"..",
    "two parts": encoded(b"{}", b"{}"),
    "four parts": encoded(b"{}", b"{}", b"", b""),
    "five parts": encoded(b"{}", b"", b"", b"", b""),
    "no base64": b"!!!.???.###",
    "header is no JSON": encoded(b"{", b"{}", b""),
    "header is a list": encoded(b"[]", b"{}", b""),
    "header is null": encoded(b"null", b"{}", b""),
    "header is binary": encoded(b"\xff\xff", b"{}", b""),
    "no algorithm": encoded(b"{}", b"{}", b""),
    "algorithm is a number": encoded(b'{"alg": 7}', b"{}", b""),
    "algorithm is a list": encoded(b'{"alg": ["ES256"]}', b"{}", b""),
    "key id is a number": encoded(b'{"alg": "ES256", "kid": 7}', b"{}", b""),
    "key id is an object": encoded(b'{"alg": "ES256", "kid": {}}', b"{}", b""),
    "critical": encoded(b'{"alg": "ES256", "crit": ["exp"]}', b"{}", b""),
    "detached": encoded(b'{"alg": "ES256", "b64": false, "crit": ["b64"]}', b"", b""),
    "deep header": encoded(b'{"alg":' + b"[" * 5000 + b"]" * 5000 + b"}", b"{}", b""),
    "deepest header": encoded(b"[" * 11000, b"{}", b""),
    "long number": encoded(b'{"alg": ' + b"9" * 9000 + b"}", b"{}", b""),
    "JSON": b'{"payload": "e30", "signatures": []}',
    "too long": b"a" * (16 * 1024 + 1),
    "form": b"jws=abc",
}


@table("call", ["register", "pending", "answer"])
@table("message", MALFORMED.values(), ids=MALFORMED.keys())
def test_S35_a_malformed_message_is_refused(db, call, message):
    before = rows()
    response = RawPhone().send(call, message)
    assert response.status_code in {400, 401}, response.content
    assert response.json().keys() >= {"error_code", "error_message", "reason", "now"}
    assert rows() == before


@table(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"{",
        b"\xff",
        b"[" * 5000 + b"]" * 5000,
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
    ],
)
def test_S35_claims_that_are_no_object_are_refused(raw_phone, payload):
    signed = encoded(json.dumps({"alg": "ES256", "kid": raw_phone.id}).encode(), payload)
    signature = jwt.get_algorithm_by_name("ES256").sign(signed, raw_phone.key)
    response = raw_phone.send("pending", signed + b"." + encoded(signature))
    assert response.status_code in {400, 401}, response.content


def test_S35_a_body_that_is_too_large_is_refused(db, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000
    response = RawPhone().send("register", "a" * 20_000)
    assert response.status_code == 400
    assert response.json()["reason"] == "bad_request"


@table("method", ["get", "put", "patch", "delete"])
@table("call", CALLS)
def test_S35_a_call_answers_to_POST_only(db, call, method):
    response = getattr(Client(), method)(f"/toopher/phone/v1/{call}", secure=True)
    assert response.status_code == 405
    assert response.json()["error_code"] == 405
    assert "POST" in response["Allow"]


def test_S31_the_api_uses_no_cookies_and_is_not_cached(raw_phone):
    response = raw_phone.call("pending")
    assert not response.cookies
    assert "no-store" in response["Cache-Control"]
