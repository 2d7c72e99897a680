"""What is written down of each login, and that no secret is (S18)."""

from __future__ import annotations

import logging

from django.db import connection

from django_toopher import embedded
from django_toopher.login import attempts
from django_toopher.models import Attempt, ToopherAccount, digest
from tests.app.acts import POSTBACK, outcomes, signed_parameters


def test_S18_every_attempt_and_its_outcome_is_recorded(account, phone, make_computer, embedded_api):
    agent = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
    computer = make_computer(**{"user-agent": agent})
    computer.log_in(phone)
    computer.client.logout()
    computer.password()
    frame = computer.open_iframe()
    frame.deny(phone)
    computer.post(POSTBACK, frame.poll()["postback"])
    computer.password()
    computer.post("/accounts/cancel/")
    computer.password()
    ended = [("granted", ""), ("denied", "denied"), ("failed", "abandoned"), ("pending", "")]
    assert outcomes() == ended
    for attempt in Attempt.objects.filter(kind="login"):
        assert (attempt.username, attempt.toopher_name, attempt.action) == ("alice", "alice", "Log In")
        assert (attempt.address, attempt.browser) == ("127.0.0.1", agent)
        assert (attempt.finished is None) == (attempt.outcome == "pending")
    granted = Attempt.objects.get(outcome="granted", kind="login")
    assert embedded_api.get_authentication_request_by_id(granted.request_id).granted


THIRD_PARTY = ("oauthlib", "requests_oauthlib", "urllib3", "django.db")


def test_S18_no_secret_is_recorded(alice, phone, computer, settings, caplog):
    caplog.set_level(logging.DEBUG)
    settings.TOOPHER_POLICY = "required"
    computer.password()
    frame = computer.open_iframe()
    link = frame.state["link"]
    phone.pair_link(link)
    frame.call("ask")
    number = frame.state["number"]
    frame.approve(phone)
    fields = frame.poll()["postback"]
    computer.post(POSTBACK, {**fields, "terminal_name": "altered"})
    computer.post(POSTBACK, fields)
    assert computer.is_logged_in()
    cells = []
    with connection.cursor() as cursor:
        for model in (Attempt, ToopherAccount):
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")  # noqa: S608
            cells += [str(cell) for row in cursor.fetchall() for cell in row]
    secrets = {
        "token": fields["session_token"],
        "signature": fields["toopher_sig"],
        "terminal": fields["terminal_requester_specified_id"],
        "link": link.partition("=")[2],
        "frame": frame.token,
        "consumer secret": embedded.consumer_secrets()[0],
        "password hash": alice.password,
        "session hash": alice.get_session_auth_hash(),
    }
    written = "".join(str(record.__dict__) for record in caplog.records if not record.name.startswith(THIRD_PARTY))
    for name, secret in secrets.items():
        assert len(secret) > 16, name
        assert secret not in "\n".join(cells), name
        assert secret not in written, name
    assert number not in cells
    assert "password" not in cells


def test_S18_no_token_is_logged_by_the_signing_library_either(account, computer, caplog):
    caplog.set_level(logging.DEBUG)
    computer.password()
    assert signed_parameters(computer)["session_token"] not in caplog.text


def test_begin_keeps_the_digest_of_a_fresh_token_only(alice):
    one, two = attempts.begin(alice), attempts.begin(alice)
    assert len(one.token) == 43
    assert one.token != two.token
    assert Attempt.objects.get(pk=one.attempt).token_digest == digest(one.token)
