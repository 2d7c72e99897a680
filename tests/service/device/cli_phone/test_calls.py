"""What the command-line phone sends (docs/authenticator.rst)."""

from __future__ import annotations

import base64

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm

from django_toopher.service.device.cli_phone import CommandLinePhone, public_jwk
from tests.tables import table

from .canned import (
    ASKED,
    KEY,
    NOW,
    OFFER,
    QUESTION,
    REQUEST,
    SEED,
    SERVICE,
    SHOWN,
    Recorder,
    Reply,
    header,
    make_phone,
    refused,
    verified,
)


def test_registering_sends_the_public_key_in_place_of_an_id():
    phone, recorder = make_phone(Reply({"id": "phone-1"}), registered=False)
    phone.register("My terminal")
    assert header(recorder.sent[0]) == {"alg": "ES256", "jwk": public_jwk(KEY.public_key())}


def test_the_key_that_is_sent_verifies_the_signature():
    phone, recorder = make_phone(Reply({"id": "phone-1"}), registered=False)
    phone.register("My terminal")
    key = ECAlgorithm.from_jwk(header(recorder.sent[0])["jwk"])
    assert jwt.decode(recorder.sent[0].body, key, algorithms=["ES256"], options={"verify_aud": False})


def test_registering_keeps_the_id():
    phone, _ = make_phone(Reply({"id": "phone-1"}), registered=False)
    phone.register("My terminal")
    assert phone.id == "phone-1"


def test_every_other_call_names_the_phone_by_its_id():
    phone, recorder = make_phone(Reply({"phrase": "one two three four", "expires": NOW + 600}))
    phone.phrase()
    assert header(recorder.sent[0]) == {"alg": "ES256", "kid": "phone-1"}


def test_a_call_is_addressed_to_the_very_url_it_goes_to():
    phone, recorder = make_phone(Reply({"phrase": "one two three four", "expires": NOW + 600}))
    phone.phrase()
    assert verified(recorder.sent[0])["aud"] == f"{SERVICE}v1/phrase" == recorder.sent[0].url


def test_a_call_tells_its_time_in_whole_seconds():
    phone, recorder = make_phone(Reply({"requests": [], "pairings": []}))
    phone.pending()
    assert verified(recorder.sent[0])["iat"] == NOW


def test_no_two_calls_have_the_same_id():
    phone, recorder = make_phone(*[Reply({"requests": [], "pairings": []}) for _ in range(20)])
    for _ in range(20):
        phone.pending()
    identifiers = {verified(sent)["jti"] for sent in recorder.sent}
    assert len(identifiers) == 20
    assert all(len(base64.urlsafe_b64decode(identifier + "==")) >= 16 for identifier in identifiers)


def test_a_call_is_a_post_of_type_jose():
    phone, recorder = make_phone(Reply({"requests": [], "pairings": []}))
    phone.pending()
    assert (recorder.sent[0].method, recorder.sent[0].headers["Content-Type"]) == ("POST", "application/jose")


def test_a_call_has_a_timeout():
    phone, recorder = make_phone(Reply({"requests": [], "pairings": []}))
    phone.pending()
    assert recorder.how[0]["timeout"] == 10.0


def test_a_cookie_of_the_service_is_not_kept():
    phone = CommandLinePhone(SERVICE, clock=lambda: NOW, key=KEY)
    phone.id = "phone-1"
    recorder = Recorder([Reply(headers={"Set-Cookie": "a=b"}), Reply()])
    phone.session.mount("https://", recorder)
    phone.remove("pairing-1")
    phone.remove("pairing-1")
    assert "Cookie" not in recorder.sent[1].headers


@given(st.integers(min_value=1, max_value=2**20) | st.integers(min_value=1, max_value=2**255))
def test_the_coordinates_of_a_key_are_always_32_bytes(private_value: int):
    key = ec.derive_private_key(private_value, ec.SECP256R1()).public_key()
    jwk = public_jwk(key)
    numbers = key.public_numbers()
    assert base64.urlsafe_b64decode(jwk["x"] + "=") == numbers.x.to_bytes(32, "big")
    assert base64.urlsafe_b64decode(jwk["y"] + "=") == numbers.y.to_bytes(32, "big")


CALLS = {
    "register": (lambda phone: phone.register("My terminal"), {"name": "My terminal"}, {"id": "phone-1"}),
    "phrase": (lambda phone: phone.phrase(), {}, {"phrase": "one two three four", "expires": NOW}),
    "offer": (
        lambda phone: phone.offer("token-1"),
        {"link": "token-1"},
        {"id": "pairing-1", **SHOWN, "expires": NOW},
    ),
    "pair": (
        lambda phone: phone.pair(OFFER),
        {"pairing": "pairing-1", **SHOWN, "decision": "allow", "link": "token-1"},
        SEED,
    ),
    "pending": (lambda phone: phone.pending(), {}, {"requests": [], "pairings": []}),
    "answer": (
        lambda phone: phone.approve(REQUEST, "012345"),
        {**ASKED, "decision": "allow", "number": "012345"},
        {"state": "granted"},
    ),
    "report": (lambda phone: phone.report(REQUEST), ASKED, {}),
    "extend": (lambda phone: phone.extend(REQUEST), {"request": "request-1"}, {"expires": NOW + 120}),
    "automations": (lambda phone: phone.automations(), {}, {"automations": []}),
    "automation-remove": (lambda phone: phone.remove_automation("automation-1"), {"automation": "automation-1"}, {}),
    "pairings": (lambda phone: phone.pairings(), {}, {"pairings": []}),
    "remove": (lambda phone: phone.remove("pairing-1"), {"pairing": "pairing-1"}, {}),
}


@table("call", CALLS)
def test_a_call_has_the_claims_of_the_contract(call: str):
    make, claims, reply = CALLS[call]
    phone, recorder = make_phone(Reply(reply))
    make(phone)
    assert recorder.sent[0].url == f"{SERVICE}v1/{call}"
    assert recorder.claims() == claims


def test_declining_a_pairing_says_deny():
    phone, recorder = make_phone(Reply({"pairing": "pairing-1"}))
    phone.decline(OFFER)
    assert recorder.claims()["decision"] == "deny"


def test_a_pairing_that_pending_told_of_is_answered_without_a_link():
    phone, recorder = make_phone(
        Reply({"requests": [], "pairings": [{"id": "pairing-2", **SHOWN, "expires": NOW}]}),
        Reply({**SEED, "pairing": "pairing-2"}),
    )
    phone.pair(phone.pending().pairings[0])
    assert recorder.claims() == {"pairing": "pairing-2", **SHOWN, "decision": "allow"}


def test_denying_a_request_sends_no_number():
    phone, recorder = make_phone(Reply({"state": "denied"}))
    assert phone.deny(REQUEST) == "denied"
    assert recorder.claims() == {**ASKED, "decision": "deny", "number": ""}


@given(st.fixed_dictionaries(dict.fromkeys(("requester", "user", "action", "terminal", "address"), st.text())))
def test_an_answer_repeats_every_text_exactly_as_it_came(texts: dict[str, str]):
    phone, recorder = make_phone(
        Reply({"requests": [{**QUESTION, **texts}], "pairings": []}), Reply({"state": "granted"})
    )
    phone.approve(phone.pending().requests[0], "123456")
    claims = recorder.claims()
    assert {name: claims[name] for name in texts} == texts


def test_pending_gives_the_requests_in_the_order_of_the_service():
    phone, _ = make_phone(Reply({"requests": [{**QUESTION, "id": "newer"}, QUESTION], "pairings": []}))
    assert [request.id for request in phone.pending().requests] == ["newer", "request-1"]


def test_an_account_that_was_never_used_has_no_last_use():
    entry = {"id": "pairing-1", **SHOWN, "created": NOW, "last_used": None}
    phone, _ = make_phone(Reply({"pairings": [entry]}))
    assert phone.pairings()[0].last_used is None


def test_a_phone_that_is_not_registered_calls_nothing_but_register():
    phone, recorder = make_phone(registered=False)
    with refused("unpaired"):
        phone.pending()
    assert recorder.sent == []


def test_a_phone_without_a_service_calls_nothing():
    with refused("unpaired"):
        CommandLinePhone().register("My terminal")
