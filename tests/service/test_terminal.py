"""The terminal program's own side of docs/authenticator.rst, without a service: the replies are canned."""

from __future__ import annotations

import base64
import io
import json
import os
import stat
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pyotp
import pytest
import requests
import urllib3
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management import CommandError, call_command
from hypothesis import example, given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm

from django_toopher.service.device.terminal import (
    REPLY_LIMIT,
    AuthenticatorError,
    Automate,
    Automation,
    LinkError,
    PairingOffer,
    RefusedError,
    ReplyError,
    Request,
    StateError,
    TerminalAuthenticator,
    UnpairedError,
    UnreachableError,
    parse_base_url,
    parse_pairing_link,
    printable,
    public_jwk,
)
from django_toopher.service.management.commands.toopher_phone import Command, default_state_file

SERVICE = "https://example.org/toopher/phone/"
NOW = 1_700_000_000
RFC6238_SEED = base64.b32encode(b"12345678901234567890").decode()
KEY = ec.generate_private_key(ec.SECP256R1())

OFFER = PairingOffer("pairing-1", "Example", "alice", NOW + 600, link="token-1")
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
REQUEST = Request(**QUESTION)
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


def make_phone(*replies: Reply, registered: bool = True) -> tuple[TerminalAuthenticator, Recorder]:
    recorder = Recorder(replies)
    phone = TerminalAuthenticator(SERVICE, session=recorder.session(), clock=lambda: NOW, key=KEY)
    phone.id = "phone-1" if registered else None
    return phone, recorder


def make_paired_phone(*replies: Reply, **seed: Any) -> tuple[TerminalAuthenticator, Recorder]:
    phone, recorder = make_phone(Reply({**SEED, **seed}), *replies)
    phone.pair(OFFER)
    return phone, recorder


# What a call looks like


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
    phone = TerminalAuthenticator(SERVICE, clock=lambda: NOW, key=KEY)
    phone.id = "phone-1"
    recorder = Recorder([Reply(headers={"Set-Cookie": "a=b"}), Reply()])
    phone._session.mount("https://", recorder)
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


SHOWN = {"requester": "Example", "user": "alice"}
ASKED = {
    "request": "request-1",
    **SHOWN,
    "action": "Log In",
    "terminal": "Office laptop",
    "address": "203.0.113.5",
}
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


@pytest.mark.parametrize("call", CALLS)
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
    assert {name: recorder.claims()[name] for name in texts} == texts


def test_pending_gives_the_requests_in_the_order_of_the_service():
    phone, _ = make_phone(Reply({"requests": [{**QUESTION, "id": "newer"}, QUESTION], "pairings": []}))
    assert [request.id for request in phone.pending().requests] == ["newer", "request-1"]


def test_an_account_that_was_never_used_has_no_last_use():
    entry = {"id": "pairing-1", **SHOWN, "created": NOW, "last_used": None}
    phone, _ = make_phone(Reply({"pairings": [entry]}))
    assert phone.pairings()[0].last_used is None


def test_a_phone_that_is_not_registered_calls_nothing_but_register():
    phone, recorder = make_phone(registered=False)
    with pytest.raises(UnpairedError):
        phone.pending()
    assert recorder.sent == []


def test_a_phone_without_a_service_calls_nothing():
    with pytest.raises(UnpairedError):
        TerminalAuthenticator().register("My terminal")


# The clock


def test_a_wrong_clock_is_corrected_and_the_call_made_once_more():
    phone, recorder = make_phone(
        refusal("clock", 401, now=NOW + 4000), Reply({"requests": [], "pairings": [], "now": NOW + 4000})
    )
    phone.pending()
    assert [verified(sent)["iat"] for sent in recorder.sent] == [NOW, NOW + 4000]


def test_the_second_try_has_an_id_of_its_own():
    phone, recorder = make_phone(
        refusal("clock", 401, now=NOW + 4000), Reply({"requests": [], "pairings": [], "now": NOW + 4000})
    )
    phone.pending()
    assert verified(recorder.sent[0])["jti"] != verified(recorder.sent[1])["jti"]


def test_a_service_that_refuses_the_corrected_clock_too_is_not_asked_a_third_time():
    phone, recorder = make_phone(refusal("clock", 401, now=NOW + 4000), refusal("clock", 401, now=NOW + 9000))
    with pytest.raises(RefusedError, match="clock"):
        phone.pending()
    assert len(recorder.sent) == 2


@pytest.mark.parametrize("now", [None, "soon", True, 1.5, -1, 10**30, NOW])
def test_a_clock_refusal_that_corrects_nothing_is_not_tried_again(now: Any):
    phone, recorder = make_phone(refusal("clock", 401, now=now))
    with pytest.raises(RefusedError):
        phone.pending()
    assert len(recorder.sent) == 1


@pytest.mark.parametrize("reason", ["bad_signature", "replayed", "gone"])
def test_no_other_refusal_is_tried_again(reason: str):
    phone, recorder = make_phone(refusal(reason, 401, now=NOW + 4000))
    with pytest.raises(RefusedError):
        phone.pending()
    assert len(recorder.sent) == 1


def test_a_clock_that_is_off_by_less_than_a_refusal_is_corrected_for_the_codes():
    phone, _ = make_paired_phone(now=NOW + 90)
    assert phone.code() == pyotp.TOTP(RFC6238_SEED).at(NOW + 90)


def test_a_few_seconds_on_the_way_do_not_move_the_clock():
    phone, _ = make_paired_phone(now=NOW + 4)
    assert phone.now() == NOW


# Errors


def test_a_refusal_carries_reason_status_and_text():
    phone, _ = make_phone(refusal("gone", 409))
    with pytest.raises(RefusedError) as caught:
        phone.approve(REQUEST, "123456")
    error = caught.value
    assert (error.reason, error.status, error.message) == ("gone", 409, "Because of gone.")


def test_a_wrong_number_says_how_many_tries_are_left():
    phone, _ = make_phone(refusal("wrong_number", 403, attempts_left=2))
    with pytest.raises(RefusedError) as caught:
        phone.approve(REQUEST, "000000")
    assert caught.value.attempts_left == 2


def test_too_many_says_how_long_to_wait():
    phone, _ = make_phone(refusal("too_many", 429, headers={"Retry-After": "17"}))
    with pytest.raises(RefusedError) as caught:
        phone.pending()
    assert caught.value.retry_after == 17


@pytest.mark.parametrize("error", [requests.ConnectionError(), requests.ReadTimeout(), requests.exceptions.SSLError()])
def test_no_answer_is_an_error_of_its_own(error: Exception):
    phone, recorder = make_phone(Reply(error=error))
    with pytest.raises(UnreachableError) as caught:
        phone.approve(REQUEST, "123456")
    assert caught.value.reason == "unreachable"
    assert len(recorder.sent) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"<html>Not found</html>", 404),
        Reply(b"<html>Welcome</html>"),
        Reply(b"", 200),
        Reply(b"[]", 200),
        Reply(b"[" * 100_000, 200),
        Reply(b"\xff\xfe\x00", 200),
        Reply({"error": "no reason"}, 400),
        Reply({"reason": "gone"}, 500),
        Reply({}, 201),
        Reply({"requests": []}),
        Reply({"requests": {}, "pairings": []}),
        Reply({"requests": ["x"], "pairings": []}),
        Reply({"requests": [{**QUESTION, "user": None}], "pairings": []}),
        Reply({"requests": [{**QUESTION, "created": 10**20}], "pairings": []}),
        Reply({"requests": [{**QUESTION, "number_length": True}], "pairings": []}),
        Reply(b'{"requests": [], "pairings": []}' + b" " * REPLY_LIMIT, 200),
        Reply(b"moved", 302, {"Location": "https://elsewhere.example/"}),
    ],
    ids=lambda reply: f"{reply.status}-{reply.content[:30]!r}",
)
def test_an_answer_that_the_contract_does_not_know_is_an_error(reply: Reply):
    phone, recorder = make_phone(reply)
    with pytest.raises(ReplyError):
        phone.pending()
    assert len(recorder.sent) == 1


@pytest.mark.parametrize(
    "seed", [{"secret": "not base32!"}, {"digits": 0}, {"digits": 99}, {"period": 0}, {"secret": 5}]
)
def test_a_seed_that_gives_no_code_is_an_error(seed: dict[str, Any]):
    with pytest.raises(ReplyError):
        make_paired_phone(**seed)


@given(st.binary(), st.sampled_from([200, 201, 302, 400, 401, 404, 429, 500, 503]))
def test_whatever_bytes_come_back_nothing_but_our_errors_is_raised(body: bytes, status: int):
    phone, _ = make_phone(Reply(body, status))
    with pytest.raises(AuthenticatorError):
        phone.pending()


def test_what_is_printed_of_an_account_has_no_seed():
    phone, _ = make_paired_phone()
    assert RFC6238_SEED not in repr(phone.accounts)


# Links


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://example.org/toopher/phone/", SERVICE),
        ("  https://example.org/toopher/phone  ", SERVICE),
        ("HTTPS://Example.ORG:443/toopher/phone/", SERVICE),
        ("http://localhost:8000/toopher/phone/", "http://localhost:8000/toopher/phone/"),
        ("http://[::1]:80/phone/", "http://[::1]/phone/"),
        ("https://bücher.example/phone/", "https://xn--bcher-kva.example/phone/"),
    ],
)
def test_an_address_has_one_spelling(written: str, read: str):
    assert parse_base_url(written) == read


@pytest.mark.parametrize(
    "written",
    [
        "",
        "example.org/toopher/phone/",
        "ftp://example.org/phone/",
        "https:///phone/",
        "https://example.org/toopher/",
        "https://user:secret@example.org/phone/",
        "https://example.org/phone/?a=b",
        "https://example.org:99999/phone/",
        "https://exam ple.org/phone/",
        "https://[::1/phone/",
    ],
)
def test_what_is_no_address_of_a_service_is_refused(written: str):
    with pytest.raises(LinkError):
        parse_base_url(written)


TOKENS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_:.", min_size=1, max_size=200)


@given(TOKENS)
def test_a_link_is_taken_apart_into_service_and_token(token: str):
    link = parse_pairing_link(f"{SERVICE}#pair={token}")
    assert (link.base_url, link.token) == (SERVICE, token)


@given(TOKENS)
def test_a_bare_token_is_a_link_too(token: str):
    assert parse_pairing_link(token).token == token


def test_a_link_that_a_program_has_quoted_is_read():
    assert parse_pairing_link(f"{SERVICE}#pair=a%3Ab").token == "a:b"


@pytest.mark.parametrize("text", ["", "#", SERVICE, f"{SERVICE}#", f"{SERVICE}#pair=", f"{SERVICE}#other=x", "a b"])
def test_what_is_no_link_is_refused(text: str):
    with pytest.raises(LinkError) as caught:
        parse_pairing_link(text)
    assert caught.value.reason == "bad_link"


@given(st.text() | st.text().map(lambda text: f"https://{text}/phone/#pair=x"))
@example("https://\ud800/phone/#pair=x")
def test_whatever_is_given_as_a_link_nothing_but_a_link_error_is_raised(text: str):
    try:
        link = parse_pairing_link(text)
    except LinkError:
        return
    assert link.base_url is None or parse_base_url(link.base_url) == link.base_url


def test_the_first_link_says_where_the_service_is():
    phone = TerminalAuthenticator()
    assert phone.follow(f"{SERVICE}#pair=token-1") == "token-1"
    assert phone.base_url == SERVICE


def test_the_link_of_another_service_is_refused():
    phone, recorder = make_phone()
    with pytest.raises(LinkError) as caught:
        phone.pair_link("https://other.example/toopher/phone/#pair=token-1")
    assert caught.value.reason == "other_service"
    assert recorder.sent == []


def test_pairing_by_a_link_asks_what_it_is_and_says_yes_to_that():
    phone, recorder = make_phone(Reply({"id": "pairing-1", **SHOWN, "expires": NOW}), Reply(SEED))
    phone.pair_link(f"{SERVICE}#pair=token-1")
    assert recorder.claims() == {"pairing": "pairing-1", **SHOWN, "decision": "allow", "link": "token-1"}


# Texts on a terminal


@given(st.text(st.characters(exclude_categories=())))
@example("\x1b[2J\r\x08\x7f\x9b\u202e\u2028\ud800\U000e0001")
def test_nothing_that_a_terminal_obeys_is_printed(text: str):
    assert all(unicodedata.category(one)[0] != "C" and one not in "\u2028\u2029" for one in printable(text))


@given(st.text(st.characters(exclude_categories=("C", "Zl", "Zp"))))
def test_all_other_text_is_printed_as_it_is(text: str):
    assert printable(text) == text


def test_an_escape_says_which_character_it_was():
    assert printable("a\x1b[2J\u202e\x7f") == "a\\x1b[2J\\u202e\\x7f"


# One-time codes


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238(seconds: int, code: str):
    phone, _ = make_paired_phone(digits=8)
    assert phone.account().code_at(seconds) == code


@given(st.integers(min_value=0, max_value=2**34))
def test_codes_are_those_of_pyotp_at_the_time_of_the_clock(seconds: int):
    state = make_paired_phone()[0].to_dict()
    phone = TerminalAuthenticator.from_dict(state, clock=lambda: seconds)
    assert phone.code("pairing-1") == pyotp.TOTP(RFC6238_SEED).at(seconds)


def test_a_code_needs_no_network():
    phone, recorder = make_paired_phone()
    phone.code()
    assert len(recorder.sent) == 1


def test_a_phone_without_accounts_has_no_code():
    with pytest.raises(UnpairedError):
        make_phone()[0].code()


def test_with_two_accounts_a_code_must_be_asked_for_by_id():
    phone, _ = make_paired_phone(Reply(SEED))
    phone.pair(PairingOffer("pairing-2", "Example", "bob", NOW))
    with pytest.raises(UnpairedError):
        phone.code()
    assert phone.code("pairing-2")


def test_removing_an_account_forgets_its_seed():
    phone, _ = make_paired_phone(Reply())
    phone.remove("pairing-1")
    assert phone.accounts == ()


def test_an_account_that_the_service_has_removed_can_be_forgotten():
    phone, _ = make_paired_phone(refusal("not_found", 404))
    phone.remove("pairing-1")
    assert phone.accounts == ()


def test_removing_what_neither_side_knows_is_an_error():
    phone, _ = make_paired_phone(refusal("not_found", 404))
    with pytest.raises(RefusedError):
        phone.remove("pairing-9")


@pytest.mark.parametrize("reply", [refusal("bad_signature", 401), Reply(error=requests.ConnectionError())])
def test_a_seed_is_kept_when_the_account_could_not_be_removed(reply: Reply):
    phone, _ = make_paired_phone(reply)
    with pytest.raises(AuthenticatorError):
        phone.remove("pairing-1")
    assert phone.code("pairing-1")


# The state file


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "phone.json"


def test_a_phone_comes_back_from_its_file_as_it_was(state: Path):
    phone, _ = make_paired_phone(now=NOW + 4000)
    phone.save(state)
    assert TerminalAuthenticator.load(state).to_dict() == phone.to_dict()


def test_a_phone_without_a_service_comes_back_too(state: Path):
    phone = TerminalAuthenticator()
    phone.save(state)
    assert TerminalAuthenticator.load(state).to_dict() == phone.to_dict()


def test_a_phone_makes_its_key_when_it_is_first_needed_and_keeps_it(state: Path):
    phone = TerminalAuthenticator(SERVICE)
    first = public_jwk(phone.key.public_key())
    phone.save(state)
    assert public_jwk(TerminalAuthenticator.load(state).key.public_key()) == first


posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


@posix
def test_only_the_owner_may_read_the_file(state: Path):
    make_phone()[0].save(state)
    assert stat.S_IMODE(state.stat().st_mode) == 0o600


@posix
def test_a_file_that_was_open_to_others_is_closed_when_it_is_written(state: Path):
    state.touch(0o644)
    make_phone()[0].save(state)
    assert stat.S_IMODE(state.stat().st_mode) == 0o600


@posix
def test_folders_that_are_made_for_the_file_are_the_owners_alone(tmp_path: Path):
    make_phone()[0].save(tmp_path / "new" / "phone.json")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_that_others_may_read_is_refused_with_the_remedy(state: Path, mode: int):
    make_phone()[0].save(state)
    state.chmod(mode)
    with pytest.raises(StateError, match="chmod 600"):
        TerminalAuthenticator.load(state)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(state: Path):
    class Interrupted(TerminalAuthenticator):
        def to_dict(self) -> dict[str, object]:
            return {**super().to_dict(), "last": object()}  # json fails here, after it wrote the rest

    make_phone()[0].save(state)
    before = state.read_bytes()
    with pytest.raises(TypeError):
        Interrupted(SERVICE).save(state)
    assert state.read_bytes() == before
    assert list(state.parent.iterdir()) == [state]


def test_a_file_that_cannot_be_put_in_place_leaves_no_copy_of_the_key(state: Path):
    state.mkdir()
    with pytest.raises(OSError, match="phone"):
        make_phone()[0].save(state)
    assert list(state.parent.iterdir()) == [state]


def _pem(curve: ec.EllipticCurve) -> str:
    return (
        ec.generate_private_key(curve)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": None},
        {"key": "no key"},
        {"key": None},
        {"key": _pem(ec.SECP384R1())},
        {"service": "nowhere"},
        {"id": 5},
        {"clock_offset": "1"},
        {"accounts": {}},
        {"accounts": [{"id": "x"}]},
    ],
)
def test_a_state_with_a_wrong_part_is_refused(change: dict[str, object]):
    with pytest.raises(StateError):
        TerminalAuthenticator.from_dict({**make_paired_phone()[0].to_dict(), **change})


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000, "null"])
def test_a_file_that_is_no_state_is_refused(state: Path, content: str):
    state.touch(0o600)
    state.write_text(content)
    with pytest.raises(StateError):
        TerminalAuthenticator.load(state)


# manage.py toopher_phone


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

    def saved(self) -> TerminalAuthenticator:
        return TerminalAuthenticator.load(self.state, clock=lambda: NOW)


@pytest.fixture
def new_terminal(state: Path) -> Terminal:
    return Terminal(state)


@pytest.fixture
def terminal(state: Path) -> Terminal:
    """One whose phone is paired as alice at Example."""
    make_paired_phone()[0].save(state)
    return Terminal(state)


def waiting(*questions: dict[str, Any], pairings: Iterable[dict[str, Any]] = ()) -> Reply:
    return Reply({"requests": list(questions), "pairings": list(pairings)})


TAP = {**QUESTION, "id": "request-2", "number_length": 0}
OFFERED = {"id": "pairing-2", "requester": "Shop", "user": "bob", "expires": NOW + 600}
LINK = f"{SERVICE}#pair=token-1"
GRANTED = Reply({"state": "granted"})
DENIED = Reply({"state": "denied"})


def test_the_command_runs_where_checks_would_fail():
    assert Command.requires_system_checks == []


def test_pairing_by_a_link_registers_a_new_phone_and_keeps_the_seed(new_terminal: Terminal):
    replies = [Reply({"id": "phone-1"}), Reply(OFFERED), Reply(SEED)]
    new_terminal.run("pair", LINK, replies=replies, typed="y\n")
    assert new_terminal.calls() == ["register", "offer", "pair"]
    assert new_terminal.saved().code("pairing-2") == pyotp.TOTP(RFC6238_SEED).at(NOW)


def test_a_registered_phone_is_not_registered_again(terminal: Terminal):
    terminal.run("pair", LINK, replies=[Reply(OFFERED), Reply(SEED)], typed="y\n")
    assert terminal.calls() == ["offer", "pair"]


def test_pairing_shows_site_and_user_before_it_asks(terminal: Terminal):
    out = terminal.run("pair", LINK, replies=[Reply(OFFERED), Reply(SEED)], typed="y\n")
    assert out.index("Shop") < out.index("bob") < out.index("[y/n]")


def test_a_no_to_a_pairing_is_sent_as_a_no(terminal: Terminal):
    terminal.run("pair", LINK, replies=[Reply(OFFERED), Reply({"pairing": "pairing-2"})], typed="n\n")
    assert terminal.recorder.claims()["decision"] == "deny"


def test_anything_but_yes_or_no_is_asked_again(terminal: Terminal):
    out = terminal.run("pair", LINK, replies=[Reply(OFFERED), Reply(SEED)], typed="what\n\nyes\n")
    assert out.count("[y/n]") == 3


def test_pairing_without_anybody_to_ask_answers_nothing(terminal: Terminal):
    with pytest.raises(CommandError, match="Nobody"):
        terminal.run("pair", LINK, replies=[Reply(OFFERED)])
    assert terminal.calls() == ["offer"]


def test_pairing_with_yes_asks_nothing(terminal: Terminal):
    assert "[y/n]" not in terminal.run("pair", LINK, "--yes", replies=[Reply(OFFERED), Reply(SEED)])


def test_pairing_without_a_link_answers_the_one_that_waits(terminal: Terminal):
    terminal.run("pair", replies=[waiting(pairings=[OFFERED]), Reply(SEED)], typed="y\n")
    assert terminal.recorder.claims()["pairing"] == "pairing-2"


def test_pairing_without_a_link_when_none_waits_is_an_error(terminal: Terminal):
    with pytest.raises(CommandError, match="No pairing waits"):
        terminal.run("pair", replies=[waiting()])


def test_a_service_without_https_is_refused(new_terminal: Terminal):
    with pytest.raises(CommandError, match="not https"):
        new_terminal.run("pair", "http://example.org/phone/#pair=token-1")
    assert new_terminal.calls() == []


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]", "site.localhost"])
def test_this_very_computer_needs_no_https(new_terminal: Terminal, host: str):
    replies = [Reply({"id": "phone-1"}), Reply(OFFERED), Reply(SEED)]
    new_terminal.run("pair", f"http://{host}/phone/#pair=token-1", "--yes", replies=replies)
    assert new_terminal.saved().base_url == f"http://{host}/phone/"


def test_a_test_network_without_https_can_be_allowed(new_terminal: Terminal):
    replies = [Reply({"id": "phone-1"}), Reply(OFFERED), Reply(SEED)]
    new_terminal.run("--insecure", "pair", "http://example.org/phone/#pair=token-1", "--yes", replies=replies)
    assert new_terminal.saved().accounts


def test_a_mistyped_link_leaves_no_state_behind(new_terminal: Terminal):
    with pytest.raises(CommandError, match="can't be reached"):
        new_terminal.run("pair", LINK, replies=[Reply(error=requests.ConnectionError())])
    assert not new_terminal.state.exists()


def test_the_link_of_another_service_is_a_clear_error(terminal: Terminal):
    with pytest.raises(CommandError, match="Use another state file"):
        terminal.run("pair", "https://other.example/phone/#pair=token-1")


def test_another_service_than_the_phones_is_a_clear_error(terminal: Terminal):
    with pytest.raises(CommandError, match="Use another state file"):
        terminal.run("--service", "https://other.example/phone/", "list")


def test_a_phrase_needs_to_know_the_service(new_terminal: Terminal):
    with pytest.raises(CommandError, match="--service"):
        new_terminal.run("phrase")


PHRASE = Reply({"phrase": "one two three four", "expires": NOW + 600})


def test_a_phrase_is_shown_and_its_pairing_confirmed_when_the_site_has_used_it(new_terminal: Terminal):
    replies = [
        Reply({"id": "phone-1"}),
        waiting(),
        PHRASE,
        waiting(),
        waiting(pairings=[OFFERED]),
        Reply(SEED),
    ]
    out = new_terminal.run("--service", SERVICE, "phrase", replies=replies, typed="y\n")
    assert out.index("one two three four") < out.index("Shop") < out.index("Paired.")


def test_the_phone_gets_the_name_it_was_given(new_terminal: Terminal):
    replies = [Reply({"id": "phone-1"}), Reply(OFFERED), Reply(SEED)]
    new_terminal.run("--name", "Rack 7", "pair", LINK, "--yes", replies=replies)
    first = new_terminal.recorder.sent[0]
    assert jwt.decode(first.body, options={"verify_signature": False})["name"] == "Rack 7"


def test_an_earlier_pairing_is_not_taken_for_the_phrases_own(terminal: Terminal):
    earlier = {**OFFERED, "id": "pairing-0", "requester": "Earlier"}
    both = waiting(pairings=[earlier, OFFERED])
    terminal.run("phrase", "--yes", replies=[waiting(pairings=[earlier]), PHRASE, both, Reply(SEED)])
    assert terminal.recorder.claims()["pairing"] == "pairing-2"


def test_waiting_for_a_site_ends_in_time(terminal: Terminal):
    with pytest.raises(CommandError, match="in time"):
        terminal.run("phrase", "--wait", "4", replies=[waiting(), PHRASE, *[waiting()] * 10])
    assert terminal.slept == [2.0, 2.0]


def test_waiting_for_a_site_can_be_stopped(terminal: Terminal):
    with pytest.raises(CommandError, match="Stopped") as caught:
        terminal.run("phrase", replies=[waiting(), PHRASE, waiting()])
    assert caught.value.returncode == 130


def test_a_service_that_is_away_for_a_moment_is_waited_for(terminal: Terminal):
    away = Reply(error=requests.ConnectionError())
    replies = [waiting(), PHRASE, away, away, waiting(pairings=[OFFERED]), Reply(SEED)]
    out = terminal.run("phrase", "--yes", replies=replies)
    assert out.count("can't be reached") == 1
    assert "Paired." in out


def test_a_service_that_says_slow_down_is_left_alone_for_as_long(terminal: Terminal):
    slow = refusal("too_many", 429, headers={"Retry-After": "30"})
    terminal.run("phrase", "--yes", replies=[waiting(), PHRASE, slow, waiting(pairings=[OFFERED]), Reply(SEED)])
    assert terminal.slept == [30]


def listed(*accounts: dict[str, Any]) -> Reply:
    return Reply({"pairings": list(accounts)})


ALICE = {"id": "pairing-1", "requester": "Example", "user": "alice", "created": NOW, "last_used": NOW}


def test_list_shows_requests_and_accounts(terminal: Terminal):
    out = terminal.run("list", replies=[waiting(QUESTION), listed(ALICE)])
    assert "request-1" in out
    assert "alice at Example (pairing-1), last used 2023-11-14 22:13:20 UTC" in out


def test_list_shows_a_waiting_pairing(terminal: Terminal):
    assert "bob" in terminal.run("list", replies=[waiting(pairings=[OFFERED]), listed()])


def test_list_says_when_nothing_waits(terminal: Terminal):
    assert "Nothing waits" in terminal.run("list", replies=[waiting(), listed(ALICE)])


def test_list_marks_an_account_that_the_service_has_removed(terminal: Terminal):
    assert "(pairing-1), removed at the service" in terminal.run("list", replies=[waiting(), listed()])


def test_list_marks_an_account_whose_seed_got_lost(terminal: Terminal):
    out = terminal.run("list", replies=[waiting(), listed({**ALICE, "id": "pairing-5"})])
    assert "(pairing-5), last used 2023-11-14 22:13:20 UTC, no one-time codes here" in out


def test_list_as_json_has_everything_but_secrets(terminal: Terminal):
    out = terminal.run("list", "--format=json", replies=[waiting(QUESTION, pairings=[OFFERED]), listed(ALICE)])
    assert json.loads(out) == {
        "requests": [QUESTION],
        "pairings": [OFFERED],
        "accounts": [{**ALICE, "known": True, "has_code": True}],
    }


def test_approving_shows_all_that_is_approved_before_it_asks(terminal: Terminal):
    out = terminal.run("approve", replies=[waiting(QUESTION), GRANTED], typed="123456\n")
    shown, _, answered = out.partition("The 6 digits")
    texts = [
        "Example",
        "alice",
        "Log In",
        "Office laptop",
        "203.0.113.5",
        "22:13:15 UTC (5 s ago)",
        "(in 115 s)",
    ]
    assert [text for text in texts if text not in shown] == []
    assert "Approved." in answered


def test_approving_without_a_name_takes_the_newest(terminal: Terminal):
    terminal.run("approve", replies=[waiting({**QUESTION, "id": "newer"}, QUESTION), GRANTED], typed="123456\n")
    assert terminal.recorder.claims()["request"] == "newer"


def test_a_number_may_be_typed_in_groups(terminal: Terminal):
    terminal.run("approve", replies=[waiting(QUESTION), GRANTED], typed=" 123 456 \n")
    assert terminal.recorder.claims()["number"] == "123456"


@pytest.mark.parametrize("typed", ["12345", "1234567", "12345x", "\u0661\u0662\u0663\u0664\u0665\u0666"])
def test_what_cannot_be_the_number_costs_no_try(terminal: Terminal, typed: str):
    out = terminal.run("approve", replies=[waiting(QUESTION), GRANTED], typed=f"{typed}\n123456\n")
    assert "The number has 6 digits." in out
    assert terminal.calls() == ["pending", "answer"]


def test_a_wrong_number_is_asked_for_again_while_tries_remain(terminal: Terminal):
    replies = [waiting(QUESTION), refusal("wrong_number", 403, attempts_left=2), GRANTED]
    out = terminal.run("approve", replies=replies, typed="000000\n123456\n")
    assert out.index("Tries left: 2.") < out.index("Approved.")


def test_the_last_wrong_number_ends_it(terminal: Terminal):
    replies = [waiting(QUESTION), refusal("wrong_number", 403, attempts_left=0)]
    with pytest.raises(CommandError, match=r"Because of wrong_number\. Tries left: 0\."):
        terminal.run("approve", replies=replies, typed="000000\n123456\n")


def test_approving_with_request_and_number_asks_nothing(terminal: Terminal):
    out = terminal.run("approve", "request-1", "123456", replies=[waiting(TAP, QUESTION), GRANTED])
    assert terminal.recorder.claims() == {**ASKED, "decision": "allow", "number": "123456"}
    assert "The 6 digits" not in out


def test_a_wrong_number_on_the_command_line_is_an_error(terminal: Terminal):
    replies = [waiting(QUESTION), refusal("wrong_number", 403, attempts_left=2)]
    with pytest.raises(CommandError, match=r"Tries left: 2\."):
        terminal.run("approve", "request-1", "000000", replies=replies)


def test_a_request_may_be_named_by_how_its_id_begins(terminal: Terminal):
    other = {**QUESTION, "id": "x-1"}
    terminal.run("approve", "x", "123456", replies=[waiting(QUESTION, other), GRANTED])
    assert terminal.recorder.claims()["request"] == "x-1"


@pytest.mark.parametrize("name", ["request", "nothing"])
def test_a_name_that_no_request_or_several_have_is_an_error(terminal: Terminal, name: str):
    with pytest.raises(CommandError, match="No such request"):
        terminal.run("approve", name, "123456", replies=[waiting(QUESTION, TAP)])


def test_approving_when_nothing_waits_is_an_error(terminal: Terminal):
    with pytest.raises(CommandError, match="No request waits"):
        terminal.run("approve", replies=[waiting()])


def test_where_no_number_is_asked_a_yes_approves(terminal: Terminal):
    terminal.run("approve", replies=[waiting(TAP), GRANTED], typed="123456\nY\n")
    assert terminal.recorder.claims()["number"] == ""
    assert terminal.calls() == ["pending", "answer"]


def test_where_no_number_is_asked_yes_may_be_said_beforehand(terminal: Terminal):
    terminal.run("approve", "--yes", replies=[waiting(TAP), GRANTED])
    assert terminal.calls() == ["pending", "answer"]


def test_where_a_number_is_asked_a_yes_beforehand_is_not_enough(terminal: Terminal):
    with pytest.raises(CommandError, match="Nobody"):
        terminal.run("approve", "--yes", replies=[waiting(QUESTION)])


@pytest.mark.parametrize(("question", "typed"), [(QUESTION, "123456"), (TAP, "y")], ids=["number", "tap"])
def test_m_takes_more_time_and_asks_again(terminal: Terminal, question: dict[str, Any], typed: str):
    replies = [waiting(question), Reply({"expires": NOW + 300}), GRANTED]
    out = terminal.run("approve", replies=replies, typed=f"m\n{typed}\n")
    assert terminal.calls() == ["pending", "extend", "answer"]
    assert out.count("m = more time") == 2
    assert "(in 300 s)" in out


def test_more_time_that_comes_too_late_is_an_error(terminal: Terminal):
    with pytest.raises(CommandError):
        terminal.run("approve", replies=[waiting(QUESTION), refusal("gone", 409)], typed="m\n")


def test_enter_leaves_a_request_unanswered(terminal: Terminal):
    terminal.run("approve", replies=[waiting(QUESTION)], typed="\n")
    assert terminal.calls() == ["pending"]


def test_no_at_the_prompt_denies(terminal: Terminal):
    terminal.run("approve", replies=[waiting(QUESTION), DENIED], typed="n\n")
    assert terminal.recorder.claims()["decision"] == "deny"


def test_denying_asks_nothing(terminal: Terminal):
    assert "Refused." in terminal.run("deny", replies=[waiting(QUESTION), DENIED])


def test_an_answer_that_came_too_late_is_an_error(terminal: Terminal):
    with pytest.raises(CommandError, match="Because of gone"):
        terminal.run("deny", replies=[waiting(QUESTION), refusal("gone", 409)])


def test_code_prints_the_code_alone(terminal: Terminal):
    assert terminal.run("code") == pyotp.TOTP(RFC6238_SEED).at(NOW) + "\n"
    assert terminal.err == "alice at Example, for 10 more seconds\n"


@pytest.mark.parametrize("name", ["alice", "alice@Example", "pairing-1", "pair"])
def test_an_account_goes_by_user_site_or_id(terminal: Terminal, name: str):
    assert terminal.run("code", name)


def test_a_name_that_two_accounts_have_is_an_error_that_lists_them(state: Path):
    phone, _ = make_paired_phone(Reply(SEED))
    phone.pair(PairingOffer("pairing-2", "Shop", "alice", NOW))
    phone.save(state)
    with pytest.raises(CommandError, match=r"alice@Example \(pairing-1\), alice@Shop \(pairing-2\)"):
        Terminal(state).run("code", "alice")


def test_a_name_that_no_account_has_is_an_error(terminal: Terminal):
    with pytest.raises(CommandError, match="no such account"):
        terminal.run("code", "mallory")


def test_removing_an_account_asks_first(terminal: Terminal):
    terminal.run("remove", "alice", replies=[listed(ALICE)], typed="n\n")
    assert terminal.calls() == ["pairings"]
    assert terminal.saved().accounts


def test_removing_an_account_takes_it_out_of_the_file(terminal: Terminal):
    terminal.run("remove", "alice", replies=[listed(ALICE), Reply()], typed="y\n")
    assert terminal.saved().accounts == ()


def test_watching_asks_about_each_thing_once(terminal: Terminal):
    offered = waiting(QUESTION, pairings=[OFFERED])
    out = terminal.run("watch", replies=[offered, Reply(SEED), offered], typed="y\n\n")
    assert (out.count("[y/n]"), out.count("The 6 digits")) == (1, 1)


def test_watching_goes_on_after_an_answer_that_came_too_late(terminal: Terminal):
    replies = [waiting(QUESTION), refusal("gone", 409), waiting(TAP), GRANTED]
    out = terminal.run("watch", replies=replies, typed="123456\ny\n")
    assert out.index("Because of gone") < out.index("Approved.")


def test_watching_asks_again_when_the_answer_did_not_get_through(terminal: Terminal):
    replies = [waiting(QUESTION), Reply(error=requests.ConnectionError()), waiting(QUESTION), GRANTED]
    assert "Approved." in terminal.run("watch", replies=replies, typed="123456\n123456\n")


def test_watching_ends_well_with_ctrl_c(terminal: Terminal):
    assert terminal.run("watch", replies=[waiting()]).endswith("Stopped.\n")


def test_watching_ends_when_the_service_does_not_know_the_phone_any_more(terminal: Terminal):
    with pytest.raises(CommandError, match="pair again"):
        terminal.run("watch", replies=[waiting(QUESTION), refusal("bad_signature", 401)], typed="123456\n")


def test_looking_does_not_write_the_file(terminal: Terminal):
    before = terminal.state.stat()
    terminal.run("list", replies=[waiting(), listed(ALICE)])
    assert (terminal.state.stat().st_ino, terminal.state.stat().st_mtime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
    )


def test_a_phone_that_the_service_does_not_know_stops_watching_and_is_told_what_to_do(terminal: Terminal):
    with pytest.raises(CommandError, match="pair again"):
        terminal.run("watch", replies=[refusal("bad_signature", 401)])


@pytest.mark.parametrize("words", [["list"], ["approve"], ["deny"], ["code"], ["remove", "alice"], ["watch"]])
def test_without_a_phone_it_is_said_how_to_make_one(new_terminal: Terminal, words: list[str]):
    with pytest.raises(CommandError, match="There is no phone in"):
        new_terminal.run(*words)


def test_a_state_file_that_cannot_be_read_is_a_clear_error(new_terminal: Terminal):
    new_terminal.state.mkdir()
    with pytest.raises(CommandError, match="phone"):
        new_terminal.run("list")


CONTROL = "\x1b]0;x\x07\r\u202e\x9b"


@pytest.mark.parametrize("name", ["requester", "user", "action", "terminal", "address", "id"])
def test_no_text_of_a_request_reaches_the_terminal_raw(terminal: Terminal, name: str):
    replies = [waiting({**QUESTION, name: f"a{CONTROL}b"}), GRANTED]
    out = terminal.run("approve", replies=replies, typed="123456\n")
    assert "a\\x1b]0;x\\x07\\x0d\\u202e\\x9bb" in out
    assert not set(CONTROL) - set("]0;x") & set(out)


@pytest.mark.parametrize("name", ["requester", "user", "id"])
def test_no_text_of_an_account_reaches_the_terminal_raw(terminal: Terminal, name: str):
    hostile = {**ALICE, name: CONTROL}
    out = terminal.run("list", replies=[waiting(pairings=[{**OFFERED, name: CONTROL}]), listed(hostile)])
    assert not set(CONTROL) - set("]0;x") & set(out)


def test_no_phrase_reaches_the_terminal_raw(terminal: Terminal):
    phrase = Reply({"phrase": CONTROL, "expires": NOW + 600})
    out = terminal.run("phrase", "--yes", replies=[waiting(), phrase, waiting(pairings=[OFFERED]), Reply(SEED)])
    assert "\x1b" not in out


def test_no_error_of_the_service_reaches_the_terminal_raw(terminal: Terminal):
    hostile = Reply({"error_message": CONTROL, "reason": "gone"}, 409)
    with pytest.raises(CommandError, match=r"\\x1b\]0;x\\x07") as caught:
        terminal.run("list", replies=[hostile])
    assert "\x1b" not in str(caught.value)


def test_json_has_control_characters_escaped_too(terminal: Terminal):
    replies = [waiting({**QUESTION, "user": CONTROL}), listed()]
    out = terminal.run("list", "--format=json", replies=replies)
    assert out.isascii()
    assert "\x1b" not in out


def test_letters_that_the_terminal_cannot_show_are_escaped(terminal: Terminal):
    class AsciiTerminal(io.StringIO):
        encoding = "ascii"

    out = AsciiTerminal()
    call_command(
        "toopher_phone",
        f"--state={terminal.state}",
        "deny",
        session=Recorder([waiting({**QUESTION, "user": "Zo\xeb"}), DENIED]).session(),
        stdout=out,
    )
    assert "Zo\\xeb" in out.getvalue()


@posix
def test_the_file_is_in_the_folder_that_xdg_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_state_file() == tmp_path / "django-toopher" / "phone.json"


@posix
@pytest.mark.parametrize("named", ["", "relative/folder"])
def test_without_a_usable_name_the_file_is_in_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str):
    monkeypatch.setenv("XDG_CONFIG_HOME", named)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_state_file() == tmp_path / ".config" / "django-toopher" / "phone.json"


# Standing answers and reports

AUTOMATION = {
    "id": "automation-1",
    "requester": "Example",
    "user": "alice",
    "action": "Log In",
    "terminal": "Office laptop",
    "answer": "allow",
    "network": "203.0.113.0/24",
    "created": NOW,
    "expires": NOW + 86400,
    "last_used": None,
}
UNBOUND = {**AUTOMATION, "id": "automation-2", "answer": "deny", "network": ""}


def standing(*automations: dict[str, Any]) -> Reply:
    return Reply({"automations": list(automations)})


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_an_answer_can_be_wished_from_now_on(decision: str):
    phone, recorder = make_phone(Reply({"state": "granted"}))
    wish = Automate(86400, network=True)
    if decision == "allow":
        phone.approve(REQUEST, "012345", wish)
    else:
        phone.deny(REQUEST, wish)
    assert recorder.claims()["automate"] == {"seconds": 86400, "network": True}


def test_a_service_that_offers_no_standing_answers_is_understood():
    question = {name: value for name, value in QUESTION.items() if name != "automate"}
    phone, _ = make_phone(Reply({"requests": [question], "pairings": []}))
    assert phone.pending().requests[0].automate == 0


def test_standing_answers_are_told_in_the_order_of_the_service():
    phone, _ = make_phone(standing(UNBOUND, AUTOMATION))
    assert phone.automations() == (Automation(**UNBOUND), Automation(**AUTOMATION))


@pytest.mark.parametrize("wrong", [{"answer": None}, {"network": 7}, {"expires": "soon"}, {"id": None}])
def test_a_standing_answer_of_another_shape_is_not_believed(wrong: dict[str, Any]):
    phone, _ = make_phone(standing({**AUTOMATION, **wrong}))
    with pytest.raises(ReplyError):
        phone.automations()


@pytest.mark.parametrize("command", [("approve", "request-1", "012345"), ("deny", "request-1")])
def test_days_make_an_answer_a_standing_one(terminal: Terminal, command: tuple[str, ...]):
    terminal.run(*command, "--days", "7", replies=[waiting(QUESTION), GRANTED])
    assert terminal.recorder.claims()["automate"] == {"seconds": 7 * 86400, "network": False}


def test_a_standing_answer_can_be_bound_to_the_network(terminal: Terminal):
    terminal.run("approve", "request-1", "012345", "--days", "1", "--network", replies=[waiting(QUESTION), GRANTED])
    assert terminal.recorder.claims()["automate"] == {"seconds": 86400, "network": True}


def test_without_days_an_answer_is_given_once(terminal: Terminal):
    terminal.run("approve", "request-1", "012345", replies=[waiting(QUESTION), GRANTED])
    assert "automate" not in terminal.recorder.claims()


@pytest.mark.parametrize("days", ["0", "-1", "31"])
def test_days_that_the_service_does_not_offer_are_refused(terminal: Terminal, days: str):
    with pytest.raises(CommandError, match="from 1 to 30"):
        terminal.run("deny", f"--days={days}", replies=[waiting(QUESTION)])
    assert terminal.calls() == ["pending"]


def test_a_request_for_a_person_offers_no_days(terminal: Terminal):
    with pytest.raises(CommandError, match="can't be answered automatically"):
        terminal.run("deny", "--days", "1", replies=[waiting({**QUESTION, "automate": 0})])


def test_a_network_that_is_not_known_can_not_be_wished(terminal: Terminal):
    with pytest.raises(CommandError, match="network"):
        terminal.run("deny", "--days", "1", "--network", replies=[waiting({**QUESTION, "address": ""})])


def test_a_network_without_days_is_an_error(terminal: Terminal):
    with pytest.raises(CommandError, match="--days"):
        terminal.run("deny", "--network", replies=[waiting(QUESTION)])


def test_a_report_is_sent_after_a_yes(terminal: Terminal):
    out = terminal.run("report", replies=[waiting(QUESTION), Reply()], typed="y\n")
    assert terminal.calls() == ["pending", "report"]
    assert terminal.recorder.claims() == ASKED
    assert "Change the password at Example." in out


def test_a_report_is_not_sent_after_a_no(terminal: Terminal):
    out = terminal.run("report", replies=[waiting(QUESTION)], typed="n\n")
    assert terminal.calls() == ["pending"]
    assert "Nothing was reported." in out


def test_a_report_with_yes_asks_nothing(terminal: Terminal):
    assert "[y/n]" not in terminal.run("report", "--yes", replies=[waiting(QUESTION), Reply()])


def test_standing_answers_are_shown(terminal: Terminal):
    out = terminal.run("automations", replies=[standing(AUTOMATION, UNBOUND)])
    assert out.index("automation-1") < out.index("203.0.113.0/24") < out.index("automation-2") < out.index("any")


def test_that_there_are_none_is_said(terminal: Terminal):
    assert "Nothing is answered unasked." in terminal.run("automations", replies=[standing()])


def test_standing_answers_as_json(terminal: Terminal):
    out = terminal.run("automations", "--format", "json", replies=[standing(AUTOMATION)])
    assert json.loads(out) == [AUTOMATION]


def test_a_standing_answer_is_removed_by_the_beginning_of_its_id(terminal: Terminal):
    terminal.run("forget", "automation-1", replies=[standing(AUTOMATION, UNBOUND), Reply()])
    assert terminal.recorder.claims() == {"automation": "automation-1"}


@pytest.mark.parametrize("wanted", ["automation", "nothing"])
def test_what_is_no_single_standing_answer_is_not_removed(terminal: Terminal, wanted: str):
    with pytest.raises(CommandError, match="no such"):
        terminal.run("forget", wanted, replies=[standing(AUTOMATION, UNBOUND)])
    assert terminal.calls() == ["automations"]
