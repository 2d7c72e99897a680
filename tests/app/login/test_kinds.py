"""One kind of postback is not another, and an approval is for one requester (S05)."""

from __future__ import annotations

import pytest

from django_toopher.client import ToopherIframe
from django_toopher.errors import NothingPendingError
from django_toopher.login import attempts
from django_toopher.models import Attempt
from tests.app.acts import ACCOUNT_POSTBACK, POSTBACK, known, logged_in, pairing, reason_of, signed, signed_parameters
from tests.drivers import Frame
from tests.factories import verified
from tests.service.callers import ROOT
from tests.tables import table


@table(
    "changes",
    [
        {"resource_type": "pairing", "enabled": "true"},
        {"resource_type": "requester_user"},
        {"resource_type": None},
        {"action_name": "Transfer money"},
        {"action_name": "log in"},
        {"action_name": None},
    ],
    ids=str,
)
def test_S05_another_kind_of_postback_is_no_login(changes, approved, computer, account):
    before = known(account)
    response = computer.post(POSTBACK, signed(approved, **changes))
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert not computer.is_logged_in()
    assert known(account) == before


def test_S05_a_pairing_is_no_login(alice, phone, computer, make_computer):
    computer.password()
    fields = pairing(computer, phone)
    assert computer.post(ACCOUNT_POSTBACK, fields).status_code == 302
    other = make_computer()
    other.password()
    token = signed_parameters(other)["session_token"]
    for each in (fields, signed(fields, session_token=token)):
        assert reason_of(other.post(POSTBACK, each)) == "invalid_postback"
    assert not other.is_logged_in()


@pytest.fixture
def paired(account, computer, make_phone):
    """What says that Alice has paired another phone; it is not handed in yet."""
    return pairing(verified(computer, account.user), make_phone("another"))


@table("kind", ["authentication_request", "requester_user", None])
def test_S05_a_login_is_no_pairing(kind, paired, computer, account):
    before, sessions = known(account), logged_in()
    response = computer.post(ACCOUNT_POSTBACK, signed(paired, resource_type=kind))
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert (known(account), logged_in()) == (before, sessions)


def test_S05_the_attempt_of_one_kind_is_not_found_as_another(alice):
    login, change = attempts.begin(alice), attempts.begin(alice, Attempt.Kind.PAIRING)
    with pytest.raises(NothingPendingError):
        attempts.find_open(change)
    with pytest.raises(NothingPendingError):
        attempts.find_open(login, Attempt.Kind.PAIRING)


def test_S05_the_approval_that_another_requester_got_is_refused(account, computer, phone, make_requester):
    make_requester("key", "secret")
    computer.password()
    token = signed_parameters(computer)["session_token"]
    url = ToopherIframe("key", "secret", ROOT).get_auth_iframe_url("alice", "", token, terminal_name="PC")
    frame = Frame.at(computer, url)
    phone.pair_link(frame.state["link"])
    frame.call("ask")
    frame.approve(phone)
    theirs = frame.poll()["postback"]
    assert (theirs["granted"], theirs["user_name"], theirs["session_token"]) == ("true", "alice", token)
    response = computer.post(POSTBACK, theirs)
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert not computer.is_logged_in()
