"""The message that wakes a phone up (RFC 8030, 8291, 8292)."""

from __future__ import annotations

import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from django_toopher.service.models import AuthenticationRequest
from django_toopher.service.phones.push import keys
from tests.push_server import HOST, raw_of


def test_a_question_wakes_the_phone_up(subscribed, push_server, browser, ask):
    ask()
    [message] = push_server.received
    assert message.path == "/push/0123456789"
    expires = AuthenticationRequest.objects.get().expires
    assert browser.decrypt(message.body) == {"expires": int(expires.timestamp())}


def test_the_message_is_urgent_and_lives_as_long_as_the_question(subscribed, push_server, ask):
    ask()
    headers = push_server.received[0].headers
    assert (headers["urgency"], headers["content-encoding"]) == ("high", "aes128gcm")
    assert 110 <= int(headers["ttl"]) <= 120


def test_the_message_is_signed_for_this_push_service(subscribed, push_server, ask):
    ask()
    scheme, _space, rest = push_server.received[0].headers["authorization"].partition(" ")
    parts = dict(part.split("=", 1) for part in rest.split(","))
    assert (scheme, parts["k"]) == ("vapid", keys.public_key())
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw_of(parts["k"]))
    claims = jwt.decode(parts["t"], point, ["ES256"], audience=f"https://{HOST}")
    assert claims["sub"] == "https://testserver"
    assert claims["exp"] < time.time() + 24 * 3600


def test_whom_a_push_service_may_write_to_is_a_setting(settings, subscribed, push_server, ask):
    settings.TOOPHER_SERVICE_PUSH_CONTACT = "mailto:admin@example.org"
    ask()
    token = push_server.received[0].headers["authorization"].removeprefix("vapid t=").split(",")[0]
    assert jwt.decode(token, options={"verify_signature": False})["sub"] == "mailto:admin@example.org"


def test_the_message_tells_nothing_of_the_question(subscribed, push_server, browser, ask):
    request = ask()
    told = str(browser.decrypt(push_server.received[0].body)) + str(push_server.received[0].headers)
    for secret in (request.number, request.id, "alice", "Log In", "Office laptop"):
        assert secret not in told
