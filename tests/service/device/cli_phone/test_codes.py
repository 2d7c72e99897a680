"""One-time codes of the command-line phone, and the end of an account."""

from __future__ import annotations

import pyotp
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from django_toopher.service.device.cli_phone import CommandLinePhone
from django_toopher.service.device.cli_replies import Entry, PhoneError, RefusedError
from tests.tables import table

from .canned import KEY, RFC6238_SEED, SEED, Reply, make_paired_phone, make_phone, refusal, refused

ACCOUNT = make_paired_phone()[0].account()


@table(
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
    phone = CommandLinePhone(clock=lambda: seconds, key=KEY, accounts=(ACCOUNT,))
    assert phone.code("pairing-1") == pyotp.TOTP(RFC6238_SEED).at(seconds)


def test_a_code_needs_no_network():
    phone, recorder = make_paired_phone()
    phone.code()
    assert len(recorder.sent) == 1


def test_a_phone_without_accounts_has_no_code():
    with refused("unpaired"):
        make_phone()[0].code()


def test_with_two_accounts_a_code_must_be_asked_for_by_id():
    phone, _ = make_paired_phone(Reply(SEED))
    phone.pair(Entry(requester="Example", user="bob", id="pairing-2"))
    with refused("unpaired"):
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


@table("reply", [refusal("bad_signature", 401), Reply(error=requests.ConnectionError())])
def test_a_seed_is_kept_when_the_account_could_not_be_removed(reply: Reply):
    phone, _ = make_paired_phone(reply)
    with pytest.raises(PhoneError):
        phone.remove("pairing-1")
    assert phone.code("pairing-1")
