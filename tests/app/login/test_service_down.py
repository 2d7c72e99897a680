"""The pages of the app when the service is elsewhere and does not do what it should (SECURITY.md S15)."""

from __future__ import annotations

import json
import logging
import socket
import time
from contextlib import closing

import pytest

from django_toopher.client import ToopherApi
from django_toopher.login import attempts, phone_changes
from django_toopher.models import Attempt, ToopherAccount
from django_toopher.session.state import LET_IN, VERIFIED
from django_toopher.testing import verified_login
from tests.tables import table

from ..acts import (
    ACCOUNT,
    ACCOUNT_POSTBACK,
    AUTHENTICATE,
    LOGIN,
    POSTBACK,
    known,
    logged_in,
    outcomes,
    reason_of,
    signed,
    signed_parameters,
)

PATIENCE = 0.5
"""Seconds that the app waits for the service in these tests."""
SLACK = 3
"""Seconds that a busy machine may take longer. What is tested would otherwise take for ever."""

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture
def half(alice, computer, elsewhere, settings):
    """Alice's computer after the password; her phone would be asked by a service elsewhere."""
    settings.TOOPHER_TIMEOUT = PATIENCE
    ToopherAccount.objects.create(user=alice, name="alice", paired=True)
    computer.password(next_url="/members/")
    return computer


def will_hang(service):
    service.replies.append(lambda handler: service.is_over.wait(30))


BROKEN = {
    "hangs up": lambda service: service.will_send(),
    "hangs": will_hang,
    "HTML": lambda service: service.will_answer(b"<html>It works!</html>", Content_Type="text/html"),
    "empty": lambda service: service.will_answer(b""),
    "garbage": lambda service: service.will_send(b"\0\xff\r\n" * 99),
    "a number": lambda service: service.will_answer(1),
    "500": lambda service: service.will_answer(b"<h1>Server Error</h1>", 500),
    "503 as JSON": lambda service: service.will_answer({"error_code": 503, "error_message": "busy"}, 503),
    "404 as HTML": lambda service: service.will_answer(b"<h1>Not Found</h1>", 404),
    "redirect": lambda service: service.will_answer([], 302, Location=f"{service.url}/elsewhere"),
    "drips": lambda service: service.will_send(HEAD + b"Content-Length: 100000\r\n\r\n[", forever=b" "),
    "drips headers": lambda service: service.will_send(HEAD, forever=b"X-Drip: x\r\n"),
    "huge": lambda service: service.will_send(HEAD, b"\r\n[", forever=b" " * 1_000_000, pause=0),
    "says it is huge": lambda service: service.will_send(HEAD + b"Content-Length: 104857600\r\n\r\n", b" " * 2_000_000),
}


def only(misbehave, service):
    """Whatever the service was asked, or was to answer, before."""
    service.received.clear()
    service.replies.clear()
    misbehave(service)


def lets_nobody_in(half):
    """Open the page that asks, and see that it says in time what is wrong."""
    started = time.monotonic()
    response = half.get(AUTHENTICATE)
    assert time.monotonic() - started < PATIENCE + SLACK
    assert (response.status_code, reason_of(response)) == (503, "service_down")
    assert "Wait a minute, then sign in again." in response.content.decode()
    assert not half.is_logged_in()
    assert logged_in() == []


@table("misbehave", BROKEN.values(), ids=BROKEN)
def test_S15_a_broken_service_logs_nobody_in_and_holds_nobody_up(misbehave, half, elsewhere, caplog):
    caplog.clear()
    only(misbehave, elsewhere)
    lets_nobody_in(half.twin())
    assert len(elsewhere.received) == 1  # asked once, and followed nowhere
    errors = [
        record for record in caplog.records if record.levelno == logging.ERROR and record.name == attempts.__name__
    ]
    assert len(errors) == 1


def test_S15_a_service_that_refuses_connections_logs_nobody_in(half, settings):
    with closing(socket.socket()) as freed:
        freed.bind(("127.0.0.1", 0))
        settings.TOOPHER_BASE_URL = f"http://127.0.0.1:{freed.getsockname()[1]}/v1"
    lets_nobody_in(half)


def test_S15_a_service_that_accepts_nobody_holds_nobody_up(half, settings):
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        settings.TOOPHER_BASE_URL = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        lets_nobody_in(half)


def test_S15_a_service_that_does_not_know_us_logs_nobody_in(half, elsewhere):
    elsewhere.will_answer({"error_code": 401, "error_message": "not signed"}, 401)
    lets_nobody_in(half)


def test_a_service_that_answers_is_asked_a_signed_question_and_shown(half, elsewhere):
    elsewhere.will_answer([])
    asked = signed_parameters(half)
    (received,) = elsewhere.received
    assert (received.method, received.path, received.is_signed) == ("GET", "/toopher/v1/users", True)
    assert received.parameters == {"user_name": "alice"}
    assert (asked["username"], asked["oauth_consumer_key"]) == ("alice", "abcdefg")


def test_the_postback_of_a_service_elsewhere_is_verified_with_its_secret(half, elsewhere):
    elsewhere.will_answer([])
    fields = {
        "resource_type": "authentication_request",
        "granted": "true",
        "pending": "false",
        "action_name": "Log In",
        "user_name": "alice",
        "pairing_user_id": "u1",
        "session_token": signed_parameters(half)["session_token"],
        "timestamp": str(int(time.time())),
    }
    assert reason_of(half.post(POSTBACK, signed(fields))) == "invalid_postback"  # the derived secret
    assert half.post(POSTBACK, signed(fields, "hijklmnop"))["Location"] == "/members/"
    assert half.is_logged_in()


@table("misbehave", BROKEN.values(), ids=BROKEN)
def test_a_broken_service_does_not_hinder_a_second_login(misbehave, half, elsewhere):
    half = half.twin()
    only(misbehave, elsewhere)
    started = time.monotonic()
    assert half.password()["Location"] == AUTHENTICATE
    assert time.monotonic() - started < PATIENCE + SLACK
    assert outcomes() == [("failed", "abandoned"), ("pending", "")]


# TOOPHER_FAIL_OPEN


@pytest.fixture
def open_half(half, settings):
    settings.TOOPHER_FAIL_OPEN = True
    return half


DOWN = ["hangs up", "hangs", "500"]


@table("misbehave", [BROKEN[name] for name in DOWN], ids=DOWN)
def test_S15_fail_open_lets_in_unverified_and_says_so(misbehave, open_half, elsewhere, alice, caplog):
    open_half = open_half.twin()
    caplog.clear()
    only(misbehave, elsewhere)
    before = open_half.client.cookies["sessionid"].value
    assert open_half.get(AUTHENTICATE)["Location"] == "/members/"
    assert open_half.is_logged_in()
    assert open_half.client.session[LET_IN] == str(alice.pk)
    assert VERIFIED not in open_half.client.session
    assert open_half.client.cookies["sessionid"].value != before
    assert outcomes() == [("let_in", "service_down")]
    assert "let in without a second factor" in caplog.text
    assert open_half.get(ACCOUNT)["Location"] == AUTHENTICATE  # unverified: the phones stay out of reach
    misbehave(elsewhere)
    assert reason_of(open_half.get(AUTHENTICATE)) == "service_down"  # and nobody is sent round in circles


THERE = ["HTML", "empty", "a number", "404 as HTML", "redirect", "huge"]


@table("misbehave", [BROKEN[name] for name in THERE], ids=THERE)
def test_S42_fail_open_lets_nobody_in_while_something_answers(misbehave, open_half, elsewhere):
    only(misbehave, elsewhere)
    elsewhere.will_answer(b"", 500)  # not even asked
    lets_nobody_in(open_half.twin())
    assert len(elsewhere.received) == 1


def test_S15_fail_open_does_not_let_in_what_the_service_refuses(open_half, elsewhere, settings):
    settings.TOOPHER_TIMEOUT = 30  # it does answer: a busy machine is no fault
    for status in (401, 403, 404, 429):
        open_half.password()
        elsewhere.will_answer({"error_code": status, "error_message": "no"}, status)
        lets_nobody_in(open_half)


def test_S15_fail_open_lets_in_once(open_half, elsewhere, make_computer):
    cookies = open_half.client.cookies["sessionid"].value
    elsewhere.will_send()
    open_half.get(AUTHENTICATE)
    again = make_computer()
    again.client.cookies["sessionid"] = cookies
    assert again.get(AUTHENTICATE)["Location"] == LOGIN
    assert not again.is_logged_in()


@table("change", [{"is_active": False}, {"username": "alicia"}, {"password": "x"}], ids=str)
def test_S07_fail_open_does_not_let_in_who_was_changed_meanwhile(change, open_half, elsewhere, alice):
    type(alice).objects.filter(pk=alice.pk).update(**change)
    elsewhere.will_send()
    response = open_half.twin().get(AUTHENTICATE)
    assert (response.status_code, reason_of(response)) == (403, "user_changed")
    assert logged_in() == []
    assert outcomes() == [("failed", "user_changed")]


def test_S15_fail_open_changes_nothing_while_the_service_answers(open_half, elsewhere):
    elsewhere.will_answer([])
    assert open_half.get(AUTHENTICATE).status_code == 200
    assert not open_half.is_logged_in()


# The account page


def test_S15_a_removal_while_the_service_does_not_tell_what_is_left_stays_due(half, elsewhere, alice):
    account = alice.toopher_account
    ToopherAccount.objects.update(toopher_user_id="u1")
    verified_login(half.client, alice)
    removal = {
        "resource_type": "proposal",
        "change": "remove",
        "id": "p1",
        "value": "",
        "user_name": "alice",
        "pairing_user_id": "u1",
        "session_token": signed_parameters(half, ACCOUNT)["session_token"],
        "timestamp": str(int(time.time())),
    }
    elsewhere.will_answer([{"id": "p1", "enabled": True}])
    elsewhere.will_answer({})
    elsewhere.will_answer(b"", 500)
    assert half.post(ACCOUNT_POSTBACK, signed(removal, "hijklmnop"))["Location"] == ACCOUNT
    assert elsewhere.received[-1].path == "/toopher/v1/users/u1/pairings"
    assert known(account)["paired"] is True


@table("rows", [{}, [1], [{"id": "p2"}], [{"enabled": True}], [{"id": "p2", "enabled": 1}]], ids=json.dumps)
def test_S15_an_odd_list_of_phones_breaks_no_page(rows, elsewhere, settings, alice):
    account = ToopherAccount.objects.create(user=alice, name="alice", paired=True, toopher_user_id="u1")
    elsewhere.will_answer(rows)
    phone_changes._read_phones(account, ToopherApi("abcdefg", "hijklmnop", elsewhere.url))
    assert Attempt.objects.count() == 0
