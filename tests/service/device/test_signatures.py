"""Whose message it is, for which call, and that it is carried out once (SECURITY.md S26)."""

from __future__ import annotations

import hmac
import json

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from django_toopher.service.models import AuthenticationRequest
from tests.service.callers import PHONE, RawPhone, at_once, base64url, jwk_of
from tests.tables import table

from .acts import CALLS, another, assert_refused, compact


def test_S26_a_captured_answer_is_refused_as_replayed(paired, asked):
    token = paired.token(paired.claims("answer", **paired.answer_claims(paired.question(), another(asked.number))))
    assert_refused(paired.send("answer", token), 403, "wrong_number")
    assert_refused(paired.send("answer", token), 401, "replayed")
    assert AuthenticationRequest.objects.get().failures == 1


@table("call", ["pending", "pairings", "phrase"])
def test_S26_a_captured_message_is_refused_as_replayed(raw_phone, call):
    token = raw_phone.token(raw_phone.claims(call))
    assert raw_phone.send(call, token).status_code == 200
    assert_refused(raw_phone.send(call, token), 401, "replayed")


def test_S26_a_captured_registration_is_refused_as_replayed(db):
    phone = RawPhone()
    token = phone.token(phone.claims("register", name="Phone"), jwk=jwk_of(phone.key))
    assert phone.send("register", token).status_code == 200
    assert_refused(phone.send("register", token), 401, "replayed")


def test_S26_of_two_threads_with_one_message_one_is_carried_out(threaded_db, raw_phone):
    token = raw_phone.token(raw_phone.claims("phrase"))
    replies = at_once(*[lambda: RawPhone(raw_phone.key).send("phrase", token).status_code] * 2)
    assert sorted(replies) == [200, 401]


def test_one_jti_serves_two_phones(make_raw_phone):
    phones = [make_raw_phone(), make_raw_phone()]
    assert [phone.call("pending", jti="0123456789abcdef").status_code for phone in phones] == [200, 200]


@table("call", [each for each in CALLS if each != "pending"])
def test_S26_one_calls_message_is_refused_at_another(raw_phone, call):
    token = raw_phone.token(raw_phone.claims("pending"), kid=raw_phone.id, jwk=jwk_of(raw_phone.key))
    assert_refused(raw_phone.send(call, token), 401, "bad_signature")


@table(
    "aud",
    [
        "https://other.example/toopher/phone/v1/pending",
        "http://testserver/toopher/phone/v1/pending",
        "https://testserver/toopher/phone/v1/pending/",
        "https://testserver/toopher/phone/v1/pending?a=b",
        "/toopher/phone/v1/pending",
        "",
        7,
        {},
        [],
        "\ud800",
        [f"{PHONE}v1/pending", f"{PHONE}v1/remove"],  # docs/authenticator.rst: never several calls' at once
    ],
)
def test_S26_another_audience_is_refused(raw_phone, aud):
    token = compact({"alg": "ES256", "kid": raw_phone.id}, {**raw_phone.claims("pending"), "aud": aud}, raw_phone.key)
    response = raw_phone.send("pending", token)
    assert response.status_code in {400, 401}, response.content


def test_S26_alg_none_is_refused(raw_phone):
    header, claims = {"alg": "none", "kid": raw_phone.id}, raw_phone.claims("pending")
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    for signature in ("", base64url(b"\0" * 64)):
        assert_refused(raw_phone.send("pending", f"{signed}.{signature}"), 401, "bad_signature")


def test_S26_the_public_key_is_no_secret_of_an_HMAC(raw_phone):
    pem = raw_phone.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in (pem, json.dumps(jwk_of(raw_phone.key)).encode()):
        header, claims = {"alg": "HS256", "kid": raw_phone.id}, raw_phone.claims("pending")
        signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        token = f"{signed}.{base64url(hmac.digest(secret, signed.encode(), 'sha256'))}"
        assert_refused(raw_phone.send("pending", token), 401, "bad_signature")


def test_S26_an_algorithm_on_another_curve_is_refused(raw_phone):
    key = ec.generate_private_key(ec.SECP384R1())
    token = raw_phone.token(raw_phone.claims("pending"), key, "ES384", kid=raw_phone.id)
    assert_refused(raw_phone.send("pending", token), 401, "bad_signature")


@table("part", [0, 1, 2])
def test_S26_a_message_altered_anywhere_is_refused(raw_phone, part):
    parts = raw_phone.token(raw_phone.claims("pending")).split(".")
    parts[part] = parts[part][:10] + ("A" if parts[part][10] != "A" else "B") + parts[part][11:]
    assert raw_phone.send("pending", ".".join(parts)).status_code in {400, 401}


@table("kid", ["00000000-0000-4000-8000-000000000000", "nobody", "", "\ud800", "a\0"])
def test_an_unknown_authenticator_is_answered_as_a_bad_signature(raw_phone, kid):
    token = compact({"alg": "ES256", "kid": kid}, raw_phone.claims("pending"), raw_phone.key)
    assert_refused(raw_phone.send("pending", token), 401, "bad_signature")
