"""Only what the service signed, just now, for a login, is accepted; and the expected signature is told nowhere."""

from __future__ import annotations

import logging
import time
import traceback

import pytest
from django.http import QueryDict
from django.test import RequestFactory

from django_toopher import connection as service_connection
from django_toopher import embedded
from django_toopher.client import sign_postback
from django_toopher.connection import api
from django_toopher.errors import InvalidPostbackError
from django_toopher.login import answers, postbacks
from django_toopher.session.state import PENDING_LOGIN, load
from tests.app.acts import POSTBACK, known, logged_in, outcomes, reason_of, signed, signed_parameters
from tests.tables import table


def from_now(seconds: int) -> str:
    return str(int(time.time()) + seconds)


# S01: only what the service signed, and signed just now

FORGERIES = {
    "unsigned": lambda fields: {name: value for name, value in fields.items() if name != "toopher_sig"},
    "blank signature": lambda fields: {**fields, "toopher_sig": ""},
    "signature of another message": lambda fields: {**fields, "toopher_sig": sign_postback({"a": "b"}, "secret")},
    "altered": lambda fields: {**fields, "terminal_name": "Another computer"},
    "a field more": lambda fields: {**fields, "extra": "1"},
    "a field less": lambda fields: {name: value for name, value in fields.items() if name != "reason"},
    "a field twice": lambda fields: {**fields, "granted": ["false", "true"]},
    "the signature twice": lambda fields: {**fields, "toopher_sig": [fields["toopher_sig"], "x"]},
    "foreign secret": lambda fields: signed(fields, secret="foreign"),
    "blank secret": lambda fields: {**fields, "toopher_sig": sign_postback(fields, "")},
    "the key as secret": lambda fields: signed(fields, secret=embedded.CONSUMER_KEY),
    "expired": lambda fields: signed(fields, timestamp=from_now(-100)),
    "years old": lambda fields: signed(fields, timestamp="1000"),
    "future-dated": lambda fields: signed(fields, timestamp=from_now(90)),
    "without time": lambda fields: signed(fields, timestamp=None),
    "with a broken time": lambda fields: signed(fields, timestamp="9e99"),
    "nothing": lambda fields: {},
}


@table("forge", FORGERIES.values(), ids=FORGERIES)
def test_S01_a_forged_postback_logs_nobody_in_and_spoils_nothing(forge, approved, computer, account):
    computer = computer.twin()  # who gets another session below
    sessions, before = logged_in(), known(account)
    response = computer.post(POSTBACK, forge(approved))
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert not computer.is_logged_in()
    assert (logged_in(), known(account), outcomes()) == (sessions, before, [("pending", "")])
    assert computer.post(POSTBACK, approved)["Location"] == "/members/"


@pytest.fixture
def asked(account, computer):
    """The token of Alice's login, which waits for her phone."""
    computer.password()
    return signed_parameters(computer)["session_token"]


@table("code", ["601", "704", "705", "706", "707", "429", "0", "x"])
@table("secret", [None, "foreign"], ids=["unsigned", "foreign secret"])
def test_S01_a_forged_error_logs_nobody_in_and_changes_nothing(code, secret, account, asked, computer):
    before = known(account)
    fields = {"error_code": code, "error_message": "x", "session_token": asked, "timestamp": from_now(0)}
    response = computer.post(POSTBACK, signed(fields, secret) if secret else fields)
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert not computer.is_logged_in()
    assert (known(account), outcomes()) == (before, [("pending", "")])


@pytest.mark.parametrize("seconds", [-80, 20])
def test_a_clock_that_is_a_little_off_is_tolerated(seconds, approved, computer):
    assert computer.post(POSTBACK, signed(approved, timestamp=from_now(seconds)))["Location"] == "/members/"


def test_S01_the_time_to_hand_a_postback_in_is_limited(approved, computer):
    assert (
        reason_of(computer.post(POSTBACK, signed(approved, timestamp=from_now(-postbacks.AGE - 1))))
        == "invalid_postback"
    )
    assert computer.post(POSTBACK, signed(approved, timestamp=from_now(-postbacks.AGE + 5))).status_code == 302


def test_a_login_survives_that_the_secret_key_is_rotated_meanwhile(approved, computer, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "rotated"
    assert computer.post(POSTBACK, signed(approved))["Location"] == "/members/"


def test_a_postback_of_a_worker_that_has_the_older_secret_key_is_accepted(approved, computer, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "rotated"
    assert computer.post(POSTBACK, approved)["Location"] == "/members/"


# S02: the expected signature stays inside


@table("forge", FORGERIES.values(), ids=FORGERIES)
def test_S02_the_expected_signature_is_told_nowhere(forge, approved, computer, caplog):
    caplog.clear()
    caplog.set_level(logging.DEBUG)
    forged = forge(approved)
    posted = {name: value[-1] if isinstance(value, list) else value for name, value in forged.items()}
    expected = sign_postback(posted, embedded.consumer_secrets()[0])
    response = computer.post(POSTBACK, forged)
    pending = load(computer.client.session, PENDING_LOGIN)
    fields = QueryDict(mutable=True)
    for name, value in forged.items():
        fields.setlist(name, value if isinstance(value, list) else [value])
    with pytest.raises(InvalidPostbackError) as caught:
        answers.complete_with_postback(
            service_connection.iframe(RequestFactory().get("/", secure=True)), api(), pending, fields
        )
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__cause__.__dict__)
    written = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    for secret in (expected, embedded.consumer_secrets()[0]):
        assert secret not in told
        assert secret not in written
        assert secret not in response.content.decode()
        assert secret not in str(response.headers) + str(response.cookies)
