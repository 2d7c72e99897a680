"""What a site hears of, and what the log says: each once, when it is written down for good."""

from __future__ import annotations

import inspect
import logging
import re

import pytest
from django.db import transaction
from django.dispatch import Signal

from django_toopher import embedded, signals
from django_toopher.login import attempts
from django_toopher.models import Attempt, ToopherAccount

from .acts import ACCOUNT_POSTBACK, POSTBACK, approval, pair, pairing, remove

PUBLIC = {name: value for name, value in vars(signals).items() if isinstance(value, Signal)}
LOG = ["event", "attempt", "user", "kind", "action", "outcome", "reason", "method", "address"]


@pytest.fixture
def heard():
    """Names and arguments of all signals from now on, in their order."""
    told, receivers = [], []
    for name, signal in PUBLIC.items():

        def receive(sender, name=name, **kwargs):
            told.append((name, sender, {key: value for key, value in kwargs.items() if key != "signal"}))

        signal.connect(receive)
        receivers.append((signal, receive))
    yield told
    for signal, receive in receivers:
        signal.disconnect(receive)


@pytest.fixture
def carry_out(django_capture_on_commit_callbacks):
    """The test's transaction never ends: what waits for its end is done at once."""

    def run(act, *args, **kwargs):
        with django_capture_on_commit_callbacks(execute=True):
            return act(*args, **kwargs)

    return run


def names(heard) -> list[str]:
    return [name for name, _sender, _told in heard]


def test_a_login_is_asked_and_granted(account, computer, phone, carry_out, heard):
    carry_out(computer.log_in, phone)
    assert names(heard) == ["asked", "granted"]
    for _name, sender, told in heard:
        assert sender is Attempt
        assert told == {"attempt": Attempt.objects.get(kind="login"), "user": account.user}
    assert heard[1][2]["attempt"].outcome == "granted"


def test_a_no_is_denied(account, computer, phone, carry_out, heard):
    computer.password()
    frame = computer.open_iframe()
    frame.deny(phone)
    fields = frame.poll()["postback"]
    carry_out(computer.post, POSTBACK, fields)
    (name, sender, told) = heard[-1]
    assert (name, sender, told["attempt"].reason) == ("denied", Attempt, "denied")


def test_giving_up_is_failed_once(account, computer, carry_out, heard):
    computer.password()
    for _ in range(2):
        carry_out(computer.post, "/accounts/cancel/")
    assert [(name, told["attempt"].reason) for name, _sender, told in heard] == [("failed", "abandoned")]


def test_a_second_postback_tells_nothing(account, computer, phone, carry_out, heard):
    fields = approval(computer, phone)
    for _ in range(2):
        carry_out(computer.post, POSTBACK, fields)
    assert names(heard) == ["granted"]


def test_pairing_and_removing_a_phone(alice, computer, phone, carry_out, heard):
    computer.password()
    carry_out(computer.post, ACCOUNT_POSTBACK, pairing(computer, phone))
    carry_out(computer.post, ACCOUNT_POSTBACK, remove(computer))
    account = ToopherAccount.objects.get(user=alice)
    assert heard == [
        ("paired", ToopherAccount, {"account": account, "user": alice}),
        ("unpaired", ToopherAccount, {"account": account, "user": alice}),
    ]
    assert heard[1][2]["account"].paired is False


def test_a_phone_that_is_paired_on_the_way_in_is_told(alice, computer, phone, settings, carry_out, heard):
    settings.TOOPHER_POLICY = "required"
    carry_out(computer.log_in, phone)
    assert sorted(names(heard)) == ["asked", "granted", "paired"]


def test_what_is_rolled_back_is_told_to_nobody(alice, heard, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        attempts.begin(alice)
        transaction.set_rollback(True)
    assert heard == []


def test_a_receiver_that_raises_stops_nobody(account, computer, phone, carry_out, caplog):
    def fall_over(**kwargs):
        raise ZeroDivisionError

    signals.granted.connect(fall_over)
    try:
        assert carry_out(computer.log_in, phone).status_code == 302
    finally:
        signals.granted.disconnect(fall_over)
    assert computer.is_logged_in()
    assert "fall_over" in caplog.text


def test_each_event_is_one_log_record_with_the_same_keys(account, computer, phone, carry_out, caplog):
    caplog.set_level(logging.DEBUG, "django_toopher.events")
    carry_out(computer.log_in, phone)
    records = [record for record in caplog.records if record.name == "django_toopher.events"]
    attempt = Attempt.objects.get(kind="login")
    assert [[getattr(record, key) for key in LOG] for record in records] == [
        [event, attempt.pk.hex, account.user_id, "login", "Log In", outcome, "", method, "127.0.0.1"]
        for event, outcome, method in [("asked", "pending", ""), ("granted", "granted", "phone")]
    ]


def test_S18_no_record_of_a_pairing_and_a_login_has_a_secret(alice, phone, computer, settings, carry_out, caplog):
    caplog.set_level(logging.DEBUG)
    settings.TOOPHER_POLICY = "required"
    carry_out(computer.password)
    frame = computer.open_iframe()
    link = frame.state["link"]
    carry_out(phone.pair_link, link)
    carry_out(frame.call, "ask")
    number = frame.state["number"]
    carry_out(frame.approve, phone)
    fields = frame.poll()["postback"]
    carry_out(computer.post, POSTBACK, {**fields, "terminal_name": "altered"})
    carry_out(computer.post, POSTBACK, fields)
    ours = [record for record in caplog.records if record.name.startswith("django_toopher")]
    assert {"asked", "granted", "paired"} <= {getattr(record, "event", "") for record in ours}
    written = "".join(str(record.__dict__) + record.getMessage() for record in ours)
    secrets = {
        "token": fields["session_token"],
        "signature": fields["toopher_sig"],
        "terminal": fields["terminal_requester_specified_id"],
        "link": link.partition("=")[2],
        "frame": frame.token,
        "consumer secret": embedded.consumer_secrets()[0],
        "password hash": alice.password,
        "session hash": alice.get_session_auth_hash(),
        "session key": computer.client.session.session_key,
    }
    assert not [name for name, secret in secrets.items() if secret in written]
    assert not re.search(rf"\b{number}\b", written)
    assert phone.code() not in written


def test_without_receivers_telling_costs_no_query(alice, django_assert_num_queries, carry_out):
    with django_assert_num_queries(0):
        attempt = Attempt(user_id=alice.pk)
        carry_out(attempt.announce, signals.asked)


def test_every_signal_says_what_it_means():
    source = inspect.getsource(signals)
    assert len(PUBLIC) == 9
    for name in PUBLIC:
        assert f'\n{name} = Signal()\n"""' in source, name


def test_two_phones_of_two_people_are_not_mixed_up(make_user, make_phone, make_computer, carry_out, heard):
    for name in ("alice", "bob"):
        make_user(name)
        carry_out(pair, make_computer(), make_phone(), name)
    assert [told["user"].username for _name, _sender, told in heard] == ["alice", "bob"]
