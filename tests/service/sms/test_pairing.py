"""Pairing by SMS (PROTOCOL.md §2.1, row 2, and §2.2)."""

from __future__ import annotations

import re

import pytest

from django_toopher.client import RequestRefusedError
from django_toopher.service import sms
from django_toopher.service.device.cli_phone import RefusedError
from django_toopher.service.models import Pairing
from django_toopher.service.phones import authenticators
from tests.tables import table

from ..callers import PHONE, rows
from ..shapes import PAIRING, assert_error, assert_shape
from ..test_models import dump
from .acts import BACKENDS, CREATE, NUMBER


@pytest.fixture
def outbox(settings):
    """What was sent; the back end ``locmem`` is chosen."""
    settings.TOOPHER_SERVICE_SMS = {"BACKEND": f"{BACKENDS}.locmem.SmsBackend"}
    sms.outbox.clear()
    yield sms.outbox
    sms.outbox.clear()


def link_in(message):
    return re.search(r"https://\S+", message.text).group()


@table("number", ["555-555-5555", "x", ""])
def test_pairing_by_SMS_is_refused_until_a_back_end_is_set(caller, number):
    before = rows()
    response = caller.post(CREATE, user_name="alice", phone_number=number)
    assert_error(response, 403, 403, "SMS is not available for this service.")
    assert rows() == before


def test_a_pairing_by_SMS_is_pending_and_one_message_goes_out(caller, outbox):
    told = caller.post(CREATE, user_name="alice", phone_number="555-555-5555").json()
    assert_shape(told, PAIRING)
    assert (told["pending"], told["enabled"], told["authenticator"]) == (True, False, {})
    [message] = outbox
    assert message.to == NUMBER
    assert link_in(message).startswith(f"{PHONE}#pair=")


def test_the_message_says_who_sends_it_and_how_long_it_can_be_used(monkeypatch, caller, outbox, requester):
    monkeypatch.setattr(authenticators, "PAIRING_AGE", 300)
    caller.post(CREATE, user_name="alice", phone_number="555-555-5555")
    [message] = outbox
    assert message.text.startswith(requester.name)
    assert "5 minutes" in message.text
    assert "alice" not in message.text


def test_the_link_opens_the_phones_page_and_pairs_it(api, outbox, phone):
    pairing = api.pair("alice", "555-555-5555")
    phone.pair_link(link_in(outbox[0]))
    pairing.refresh_from_server(api)
    assert (bool(pairing), pairing.pending) == (True, False)


def test_S29_the_link_pairs_one_phone(api, outbox, make_phone):
    api.pair("alice", "555-555-5555")
    make_phone().pair_link(link_in(outbox[0]))
    with pytest.raises(RefusedError):
        make_phone().pair_link(link_in(outbox[0]))
    assert Pairing.objects.get().is_enabled


def test_S29_the_link_is_over_with_its_time(api, outbox, phone):
    api.pair("alice", "555-555-5555")
    Pairing.objects.update(expires="2020-01-01T00:00:00Z")
    with pytest.raises(RefusedError):
        phone.pair_link(link_in(outbox[0]))


@table("parameter", ["phone_country", "country_code"])
def test_the_country_has_either_name(caller, outbox, parameter):
    caller.post(CREATE, user_name="alice", phone_number="7911 123456", **{parameter: "44"})
    assert outbox[0].to == "+447911123456"


def test_the_country_of_one_is_what_clients_send(api, outbox):
    api.pair("alice", "555-555-5555", phone_country="1")
    assert outbox[0].to == NUMBER


@table(
    "fields",
    [
        {"phone_number": ""},
        {"user_name": ""},
        {"user_name": "a\0"},
        {"user_name": "n" * 256},
        {"phone_number": "555"},
        {"phone_number": "\0"},
        {"phone_number": "5" * 5000},
        {"phone_number": "555-555-5555 ext. 7"},
        {"phone_number": "\u0665\u0665\u0665-555-5555"},
        {"phone_country": "+1"},
        {"phone_country": "0"},
        {"phone_country": "\u0661"},
        {"phone_country": "1234"},
    ],
)
def test_S35_what_is_no_number_changes_nothing_and_sends_nothing(caller, outbox, fields):
    before = rows()
    response = caller.post(CREATE, **{"user_name": "alice", "phone_number": "555-555-5555", **fields})
    assert_error(response, 400, 400)
    assert rows() == before
    assert outbox == []


def test_an_opted_out_number_is_409_and_pairs_nobody(settings, api):
    settings.TOOPHER_SERVICE_SMS = {"BACKEND": "tests.service.sms.acts.OptedOutBackend"}
    with pytest.raises(RequestRefusedError) as refused:
        api.pair("alice", "555-555-5555")
    assert (refused.value.status, refused.value.code) == (409, 409)
    assert not Pairing.objects.exists()


def test_a_gateway_that_fails_is_told_clearly_and_leaves_no_pairing(settings, caller):
    settings.TOOPHER_SERVICE_SMS = {"BACKEND": "tests.service.sms.acts.BrokenBackend"}
    response = caller.post(CREATE, user_name="alice", phone_number="555-555-5555")
    assert_error(response, 502, 502, "The SMS gateway could not be reached.")
    assert not Pairing.objects.exists()


def test_S34_the_number_is_kept_nowhere(caller, outbox, caplog):
    told = caller.post(CREATE, user_name="alice", phone_number="555-555-5555").content.decode()
    for text in (dump(), told, caplog.text):
        assert "5555" not in text
