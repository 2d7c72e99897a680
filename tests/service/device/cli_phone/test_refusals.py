"""The command-line phone corrects its clock, and believes no reply that the contract does not know."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from django_toopher.service.device.cli_replies import REPLY_LIMIT, PhoneError, RefusedError
from tests.tables import table

from .canned import (
    NOW,
    QUESTION,
    REQUEST,
    RFC6238_SEED,
    Reply,
    make_paired_phone,
    make_phone,
    refusal,
    refused,
    verified,
)


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


@table("now", [None, "soon", True, 1.5, -1, 10**30, NOW])
def test_a_clock_refusal_that_corrects_nothing_is_not_tried_again(now: Any):
    phone, recorder = make_phone(refusal("clock", 401, now=now))
    with pytest.raises(RefusedError):
        phone.pending()
    assert len(recorder.sent) == 1


@table("reason", ["bad_signature", "replayed", "gone"])
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


def test_a_refusal_carries_reason_status_and_text():
    phone, _ = make_phone(refusal("gone", 409))
    with pytest.raises(RefusedError) as caught:
        phone.approve(REQUEST, "123456")
    error = caught.value
    assert (error.reason, error.status, str(error)) == ("gone", 409, "Because of gone.")


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


@table("error", [requests.ConnectionError(), requests.ReadTimeout(), requests.exceptions.SSLError()])
def test_no_answer_is_an_error_of_its_own(error: Exception):
    phone, recorder = make_phone(Reply(error=error))
    with refused("unreachable"):
        phone.approve(REQUEST, "123456")
    assert len(recorder.sent) == 1


@table(
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
    with refused("bad_reply"):
        phone.pending()
    assert len(recorder.sent) == 1


@table("seed", [{"secret": "not base32!"}, {"digits": 0}, {"digits": 99}, {"period": 0}, {"secret": 5}])
def test_a_seed_that_gives_no_code_is_an_error(seed: dict[str, Any]):
    with refused("bad_reply"):
        make_paired_phone(**seed)


@given(st.binary(), st.sampled_from([200, 201, 302, 400, 401, 404, 429, 500, 503]))
def test_whatever_bytes_come_back_nothing_but_our_errors_is_raised(body: bytes, status: int):
    phone, _ = make_phone(Reply(body, status))
    with pytest.raises(PhoneError):
        phone.pending()


def test_what_is_printed_of_an_account_has_no_seed():
    phone, _ = make_paired_phone()
    assert RFC6238_SEED not in repr(phone.accounts)
