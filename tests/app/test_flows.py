"""What a postback must be so that somebody is logged in, and how each attempt ends."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.db import connection
from django.http import QueryDict
from django.test import RequestFactory
from django.utils import timezone

from django_toopher import connection as service_connection
from django_toopher import embedded, flows, support
from django_toopher.client import ToopherIframe, sign_postback
from django_toopher.models import Attempt, ToopherAccount, digest
from django_toopher.session import PENDING_LOGIN, PENDING_PAIRING, Pending, load
from tests.drivers import Frame
from tests.service.callers import at_once

from .acts import (
    ACCOUNT,
    ACCOUNT_POSTBACK,
    LOGIN,
    POSTBACK,
    approval,
    approve,
    known,
    logged_in,
    message,
    outcomes,
    pair,
    pairing,
    reason_of,
    remove,
    signed,
    signed_parameters,
)

ROOT = "https://testserver/toopher/v1"


def from_now(seconds: int) -> str:
    return str(int(time.time()) + seconds)


@pytest.fixture
def approved(account, computer, phone):
    """Alice's approval, which is not handed in yet."""
    return approval(computer, phone, next_url="/members/")


@pytest.fixture
def bob(make_user, make_phone, make_computer):
    """Somebody else with a phone."""
    user = make_user("bob")
    user.phone = make_phone("Bob's")
    pair(make_computer(), user.phone, "bob")
    return user


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


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_S01_a_forged_postback_logs_nobody_in_and_spoils_nothing(forge, approved, computer, account):
    sessions, before = logged_in(), known(account)
    response = computer.post(POSTBACK, forge(approved))
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert not computer.is_logged_in()
    assert (logged_in(), known(account), outcomes()) == (sessions, before, [("pending", "")])
    assert computer.post(POSTBACK, approved)["Location"] == "/members/"


@pytest.mark.parametrize("code", ["601", "704", "705", "706", "707", "429", "0", "x"])
@pytest.mark.parametrize("secret", [None, "foreign"], ids=["unsigned", "foreign secret"])
def test_S01_a_forged_error_logs_nobody_in_and_changes_nothing(code, secret, account, computer):
    computer.password()
    before, token = known(account), signed_parameters(computer)["session_token"]
    fields = {"error_code": code, "error_message": "x", "session_token": token, "timestamp": from_now(0)}
    response = computer.post(POSTBACK, signed(fields, secret) if secret else fields)
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert not computer.is_logged_in()
    assert (known(account), outcomes()) == (before, [("pending", "")])


@pytest.mark.parametrize("seconds", [-80, 20])
def test_a_clock_that_is_a_little_off_is_tolerated(seconds, approved, computer):
    assert computer.post(POSTBACK, signed(approved, timestamp=from_now(seconds)))["Location"] == "/members/"


def test_S01_the_time_to_hand_a_postback_in_is_a_setting(approved, computer, settings):
    settings.TOOPHER_POSTBACK_TTL = 10
    assert reason_of(computer.post(POSTBACK, signed(approved, timestamp=from_now(-11)))) == "invalid_postback"
    assert computer.post(POSTBACK, signed(approved, timestamp=from_now(-5))).status_code == 302


def test_a_login_survives_that_the_secret_key_is_rotated_meanwhile(approved, computer, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "rotated"
    assert computer.post(POSTBACK, signed(approved))["Location"] == "/members/"


def test_a_postback_of_a_worker_that_has_the_older_secret_key_is_accepted(approved, computer, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "rotated"
    assert computer.post(POSTBACK, approved)["Location"] == "/members/"


# S02: the expected signature stays inside


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_S02_the_expected_signature_is_told_nowhere(forge, approved, computer, caplog):
    caplog.set_level(logging.DEBUG)
    forged = forge(approved)
    posted = {name: value[-1] if isinstance(value, list) else value for name, value in forged.items()}
    expected = sign_postback(posted, embedded.consumer_secrets()[0])
    response = computer.post(POSTBACK, forged)
    pending = load(computer.client.session, PENDING_LOGIN)
    fields = QueryDict(mutable=True)
    for name, value in forged.items():
        fields.setlist(name, value if isinstance(value, list) else [value])
    with pytest.raises(flows.InvalidPostbackError) as caught:
        flows.complete_login(service_connection.iframe(RequestFactory().get("/", secure=True)), pending, fields)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__cause__.__dict__)
    written = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    for secret in (expected, embedded.consumer_secrets()[0]):
        assert secret not in told
        assert secret not in written
        assert secret not in response.content.decode()
        assert secret not in str(response.headers) + str(response.cookies)


# S03: only for the session that asked


def test_S03_without_a_pending_login_no_postback_is_accepted(approved, computer, make_computer):
    other = make_computer()
    response = other.post(POSTBACK, approved)
    assert (response.status_code, reason_of(response)) == (403, "nothing_pending")
    assert not other.is_logged_in()
    assert computer.post(POSTBACK, approved).status_code == 302


@pytest.mark.parametrize("token", ["", " ", "None", None], ids=repr)
def test_S03_a_postback_without_the_expected_token_is_refused(token, approved, computer):
    response = computer.post(POSTBACK, signed(approved, session_token=token))
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert not computer.is_logged_in()


@pytest.mark.parametrize("token", ["", " "], ids=repr)
def test_S03_a_blank_token_is_refused_even_where_a_blank_one_is_expected(token, approved, alice, computer):
    pending = flows.begin(alice)
    Attempt.objects.filter(pk=pending.attempt).update(token_digest=digest(token))
    blank = Pending(attempt=pending.attempt, token=token)
    iframe = ToopherIframe(*service_connection.credentials(), ROOT)
    with pytest.raises(flows.InvalidPostbackError):
        flows.complete_login(iframe, blank, signed(approved, session_token=token))


def test_S03_the_approval_of_another_session_of_the_same_user_is_refused(approved, computer, make_computer):
    other = make_computer()
    other.password()
    response = other.post(POSTBACK, approved)
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert not other.is_logged_in()
    assert computer.post(POSTBACK, approved).status_code == 302


# S04: once


def test_S04_a_postback_is_accepted_once(approved, computer):
    assert computer.post(POSTBACK, approved).status_code == 302
    computer.client.logout()
    response = computer.post(POSTBACK, approved)
    assert (response.status_code, reason_of(response)) == (403, "nothing_pending")
    assert not computer.is_logged_in()


def test_S04_a_restored_session_accepts_its_postback_no_second_time(account, computer, phone, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"  # an old cookie is an old session
    fields = approval(computer, phone)
    old = computer.client.cookies[settings.SESSION_COOKIE_NAME].value
    assert computer.post(POSTBACK, fields).status_code == 302
    computer.client.cookies[settings.SESSION_COOKIE_NAME] = old
    response = computer.post(POSTBACK, fields)
    assert (response.status_code, reason_of(response)) == (403, "expired")
    assert not computer.is_logged_in()
    assert outcomes() == [("granted", "")]


def test_S04_fifty_at_the_same_moment_are_one_login(threaded_db, make_user, phone, make_computer):
    make_user("alice")
    pair(make_computer(), phone)
    computer = make_computer()
    fields = approval(computer, phone, next_url="/members/")
    computers = [make_computer() for _ in range(50)]
    for each in computers:
        each.client.cookies = computer.client.cookies
        each.client.raise_request_exception = False
    logins: list[str] = []

    def count(user, **kwargs):
        logins.append(user.get_username())

    user_logged_in.connect(count)
    try:
        responses = at_once(*[lambda each=each: each.post(POSTBACK, fields) for each in computers])
    finally:
        user_logged_in.disconnect(count)
    statuses = [response.status_code for response in responses]
    assert statuses.count(302) == 1
    assert set(statuses) <= {302, 400, 403}  # 400: the session was renewed by the login meanwhile
    assert (logins, outcomes()) == (["alice"], [("granted", "")])


class Meeting(ToopherIframe):
    """Verifies as usual, then waits until everybody has."""

    barrier = threading.Barrier(50, timeout=30)

    def validate_postback(self, *args, **kwargs):
        fields = super().validate_postback(*args, **kwargs)
        self.barrier.wait()
        return fields


@pytest.mark.usefixtures("restless")
def test_S04_fifty_that_are_verified_at_the_same_moment_are_one_approval(threaded_db, make_user, phone, make_computer):
    make_user("alice")
    pair(make_computer(), phone)
    computer = make_computer()
    fields = approval(computer, phone)
    pending = load(computer.client.session, PENDING_LOGIN)

    def complete():
        try:
            return flows.complete_login(Meeting(*service_connection.credentials(), ROOT), pending, fields)
        except flows.ExpiredAttemptError:
            return None

    approvals = [each for each in at_once(*[complete] * 50) if each]
    assert [each.user.get_username() for each in approvals] == ["alice"]
    assert outcomes() == [("granted", "")]


def test_S04_an_approval_that_comes_too_late_is_refused(approved, computer):
    Attempt.objects.update(expires=timezone.now())
    response = computer.post(POSTBACK, approved)
    assert (response.status_code, reason_of(response)) == (403, "expired")
    assert not computer.is_logged_in()


def test_the_time_from_password_to_approval_is_a_setting(alice, settings):
    settings.TOOPHER_ATTEMPT_AGE = 60
    flows.begin(alice)
    attempt = Attempt.objects.get()
    assert timedelta(seconds=59) < attempt.expires - attempt.created < timedelta(seconds=61)


# S05: one kind is not another


@pytest.mark.parametrize(
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


@pytest.mark.parametrize("kind", ["authentication_request", "requester_user", None])
def test_S05_a_login_is_no_pairing(kind, alice, computer, phone, make_phone, account):
    computer.log_in(phone)
    before, sessions = known(account), logged_in()
    fields = pairing(computer, make_phone("another"))
    response = computer.post(ACCOUNT_POSTBACK, signed(fields, resource_type=kind))
    assert (response.status_code, reason_of(response)) == (403, "invalid_postback")
    assert (known(account), logged_in()) == (before, sessions)


def test_S05_the_attempt_of_one_kind_is_not_found_as_another(alice):
    login, change = flows.begin(alice), flows.begin(alice, Attempt.Kind.PAIRING)
    with pytest.raises(flows.NothingPendingError):
        flows.find(change)
    with pytest.raises(flows.NothingPendingError):
        flows.find(login, Attempt.Kind.PAIRING)


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


# S06: the password of one, the approval of another


def test_S06_the_name_of_another_is_refused(approved, computer, bob):
    response = computer.post(POSTBACK, signed(approved, user_name="bob"))
    assert (response.status_code, reason_of(response)) == (403, "user_changed")
    assert not computer.is_logged_in()
    assert outcomes()[-1] == ("failed", "user_changed")


def test_S06_the_id_of_another_is_refused(approved, computer, bob):
    other = bob.toopher_account.toopher_user_id
    assert other
    response = computer.post(POSTBACK, signed(approved, pairing_user_id=other))
    assert (response.status_code, reason_of(response)) == (403, "user_changed")
    assert not computer.is_logged_in()


@pytest.mark.parametrize("missing", ["user_name", "pairing_user_id"])
def test_S06_a_postback_that_names_nobody_is_refused(missing, approved, computer):
    response = computer.post(POSTBACK, signed(approved, **{missing: None}))
    assert (response.status_code, reason_of(response)) == (403, "user_changed")
    assert not computer.is_logged_in()


def test_S06_the_token_of_another_is_refused(approved, computer, bob, make_computer):
    theirs = approval(make_computer(), bob.phone, "bob")
    token = signed_parameters(computer)["session_token"]
    assert reason_of(computer.post(POSTBACK, theirs)) == "invalid_postback"
    assert reason_of(computer.post(POSTBACK, signed(theirs, session_token=token))) == "user_changed"
    assert not computer.is_logged_in()


@pytest.mark.parametrize("swapped", ["attempt", "token"])
def test_S06_a_session_swapped_in_parts_has_nothing_pending(swapped, account, computer, phone, bob, make_computer):
    theirs = make_computer()
    theirs_fields = approval(theirs, bob.phone, "bob")
    computer.password()
    session, stolen = computer.client.session, theirs.client.session[PENDING_LOGIN]
    session[PENDING_LOGIN] = {**session[PENDING_LOGIN], swapped: stolen[swapped]}
    session.save()
    assert reason_of(computer.post(POSTBACK, theirs_fields)) == "nothing_pending"
    assert not computer.is_logged_in()


def test_S06_metadata_says_nothing_about_who_is_logged_in(approved, computer, bob):
    computer.post(POSTBACK, signed(approved, requester_metadata=f"user=bob&pk={bob.pk}"))
    assert computer.get("/members/").content == b"welcome alice"


def test_S06_a_second_password_in_the_same_session_voids_the_first_approval(approved, computer, bob):
    computer.password("bob")
    assert reason_of(computer.post(POSTBACK, approved)) == "invalid_postback"
    assert not computer.is_logged_in()


def test_S06_the_password_alone_pairs_no_phone_where_one_is_paired(account, computer, make_phone, settings):
    settings.TOOPHER_POLICY = "required"
    computer.password()
    frame = computer.open_iframe()
    assert frame.state["state"] == "waiting"
    assert "link" not in frame.call("pair")
    assert "reason" in frame.call("phrase", phrase=make_phone("Mallory's").phrase().phrase)


# S07: changed in between

CHANGES = {
    "deactivated": lambda user: type(user).objects.filter(pk=user.pk).update(is_active=False),
    "password changed": lambda user: (user.set_password("another"), user.save()),
    "renamed": lambda user: type(user).objects.filter(pk=user.pk).update(username="alicia"),
    "account renamed": lambda user: ToopherAccount.objects.filter(user=user).update(name="alicia"),
    "account deleted": lambda user: ToopherAccount.objects.filter(user=user).delete(),
    "disabled": lambda user: support.disable(user.toopher_account, service_connection.api()),
    "enabled again": lambda user: (
        CHANGES["disabled"](user),
        support.enable(user.toopher_account, service_connection.api()),
    ),
    "reset": lambda user: support.reset(user.toopher_account, service_connection.api()),
    "deleted": lambda user: user.delete(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_S07_a_user_who_was_changed_after_the_approval_is_not_logged_in(change, alice, approved, computer):
    sessions = logged_in()
    change(get_user_model().objects.get(pk=alice.pk))
    response = computer.post(POSTBACK, approved)
    assert (response.status_code, reason_of(response)) == (403, "user_changed")
    assert logged_in() == sessions
    assert outcomes() == [("failed", "user_changed")]
    assert "_auth_user_id" not in computer.client.session


def test_S07_the_new_name_of_a_renamed_account_does_not_do_either(alice, approved, computer):
    CHANGES["account renamed"](alice)
    assert reason_of(computer.post(POSTBACK, signed(approved, user_name="alicia"))) == "user_changed"
    assert not computer.is_logged_in()


def test_S07_what_is_no_change_of_the_login_does_not_matter(alice, approved, computer):
    get_user_model().objects.filter(pk=alice.pk).update(email="new@example.com", first_name="Alice")
    assert computer.post(POSTBACK, approved).status_code == 302


@pytest.mark.parametrize("change", [CHANGES["reset"], CHANGES["renamed"]], ids=["reset", "renamed"])
def test_S07_a_change_of_phones_begun_before_is_void(change, alice, account, computer, phone, make_phone):
    computer.log_in(phone)
    fields = pairing(computer, make_phone("another"))
    change(get_user_model().objects.get(pk=alice.pk))
    before = known(account)
    response = computer.post(ACCOUNT_POSTBACK, fields)
    assert (response.status_code, reason_of(response)) == (403, "user_changed")
    assert known(account) == before


# S12: names


NAMES = [
    ("alice", " alice"),
    ("alice", "alice "),
    ("alice", "Alice"),
    ("alice", "ALICE"),
    ("alice", "\N{FULLWIDTH LATIN SMALL LETTER A}lice"),
    ("Zoe\N{COMBINING DIAERESIS}", "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}"),
    ("stra\N{LATIN SMALL LETTER SHARP S}e", "strasse"),
    ("alice", "alice|"),
    ("alice", "alice\n"),
    ("alice", "alice&user_name=alice"),
    ("alice", "bob&username=alice"),
    ("alice", "alice\N{ZERO WIDTH SPACE}"),
    ("alice", "%61lice"),
    ("alice", "a+lice"),
    ("a lice", "a+lice"),
]


@pytest.mark.parametrize(("first", "second"), NAMES, ids=ascii)
def test_S12_no_name_reaches_the_phone_of_another(first, second, make_user, phone, make_computer, settings):
    settings.TOOPHER_POLICY = "required"
    for username, name in {"one": first, "two": second}.items():
        ToopherAccount.objects.create(user=make_user(username), name=name)
    make_computer().log_in(phone, "one")
    computer = make_computer()
    computer.password("two")
    frame = computer.open_iframe()
    assert frame.state["state"] == "pairing"
    assert not phone.pending().requests
    phone.pair_link(frame.state["link"])  # a phone may serve several
    frame.call("ask")
    assert frame.question(phone).user == second
    frame.approve(phone)
    assert computer.post(POSTBACK, frame.poll()["postback"]).status_code == 302
    assert computer.get("/members/").content == b"welcome two"


# S17: another user's


def test_S17_the_attempt_of_another_cannot_be_completed_by_its_id(approved, bob, computer, make_computer):
    theirs = make_computer()
    theirs.password("bob")
    session = theirs.client.session
    session[PENDING_LOGIN] = {**session[PENDING_LOGIN], "attempt": computer.client.session[PENDING_LOGIN]["attempt"]}
    session.save()
    assert theirs.get("/accounts/authenticate/")["Location"] == LOGIN
    assert reason_of(theirs.post(POSTBACK, approved)) == "nothing_pending"
    assert not theirs.is_logged_in()


def test_S17_the_change_of_phones_of_another_cannot_be_completed(account, bob, phone, computer, make_computer):
    """Not even by who has all of the other's session but the login."""
    computer.log_in(phone)
    fields = remove(computer)
    theirs = make_computer()
    theirs.log_in(bob.phone, "bob")
    session = theirs.client.session
    session[PENDING_PAIRING] = computer.client.session[PENDING_PAIRING]
    session.save()
    before = known(account)
    assert reason_of(theirs.post(ACCOUNT_POSTBACK, fields)) == "nothing_pending"
    assert known(account) == before


# What the service tells by a signed error


def test_a_user_whom_the_service_calls_disabled_is_remembered_as_opted_out(account, computer, embedded_api):
    computer.password()
    embedded_api.disable_user("alice")
    frame = computer.open_iframe()
    response = computer.post(POSTBACK, frame.state["postback"])
    assert (response.status_code, reason_of(response)) == (403, "disabled")
    assert not computer.is_logged_in()
    assert outcomes() == [("failed", "disabled")]
    assert known(account)["enabled"] is False
    assert computer.password()["Location"] == "/"  # the next time the password is enough ...
    assert computer.is_logged_in()


def test_a_disabled_user_gets_in_nowhere_without_opt_out(account, computer, embedded_api, settings):
    settings.TOOPHER_ALLOW_OPT_OUT = False
    embedded_api.disable_user("alice")
    for _ in range(2):
        computer.password()
        assert reason_of(computer.post(POSTBACK, computer.open_iframe().state["postback"])) == "disabled"
        assert not computer.is_logged_in()


def test_a_phone_that_was_removed_at_the_service_is_remembered_as_gone(account, computer, embedded_api):
    computer.password()
    embedded_api.reset_user("alice")
    response = computer.post(POSTBACK, computer.open_iframe().state["postback"])
    assert (response.status_code, reason_of(response)) == (403, "phone_removed")
    assert not computer.is_logged_in()
    assert outcomes() == [("failed", "phone_removed")]
    assert (known(account)["paired"], known(account)["pairing_id"]) == (False, "")


def test_another_signed_error_ends_the_attempt(account, computer):
    computer.password()
    token, before = signed_parameters(computer)["session_token"], known(account)
    response = computer.post(POSTBACK, message(token, error_code="999", error_message="?"))
    assert (response.status_code, reason_of(response)) == (403, "failed")
    assert not computer.is_logged_in()
    assert outcomes() == [("failed", "failed")]
    assert known(account) == before


@pytest.mark.parametrize(
    "changes",
    [{"granted": "false"}, {"granted": None}, {"granted": "True"}, {"granted": "1"}, {"pending": "true"}],
    ids=str,
)
def test_what_is_not_granted_is_denied(changes, approved, computer):
    response = computer.post(POSTBACK, signed(approved, **changes))
    assert (response.status_code, reason_of(response)) == (403, "denied")
    assert not computer.is_logged_in()
    assert outcomes() == [("denied", "denied")]


def test_a_no_on_the_phone_logs_nobody_in(account, computer, phone):
    computer.password()
    frame = computer.open_iframe()
    frame.deny(phone)
    response = computer.post(POSTBACK, frame.poll()["postback"])
    assert (response.status_code, reason_of(response)) == (403, "denied")
    assert not computer.is_logged_in()


def test_a_one_time_code_logs_in_as_a_yes_does(account, computer, phone):
    computer.password()
    frame = computer.open_iframe()
    frame.call("code", code=phone.code())
    assert computer.post(POSTBACK, frame.state["postback"]).status_code == 302
    assert computer.is_logged_in()


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
    one, two = flows.begin(alice), flows.begin(alice)
    assert len(one.token) == 43
    assert one.token != two.token
    assert Attempt.objects.get(pk=one.attempt).token_digest == digest(one.token)


def test_abandoning_nothing_or_what_is_over_changes_nothing(alice):
    flows.abandon(None)
    pending = flows.begin(alice)
    Attempt.objects.get().finish(Attempt.Outcome.GRANTED, timezone.now())
    flows.abandon(pending)
    assert outcomes() == [("granted", "")]


def test_an_approved_login_remembers_the_phone_that_answered(alice, phone, computer, settings, embedded_api):
    settings.TOOPHER_POLICY = "required"
    computer.log_in(phone)
    account = ToopherAccount.objects.get(user=alice)
    assert account.paired
    assert embedded_api.get_pairing_by_id(account.pairing_id).enabled
    assert embedded_api.get_user_by_id(account.toopher_user_id).name == "alice"


def test_the_action_on_the_phone_is_a_setting(account, computer, phone, settings):
    settings.TOOPHER_ACTION_NAME = "Enter the club"
    computer.password()
    frame = computer.open_iframe()
    assert frame.question(phone).action == "Enter the club"
    settings.TOOPHER_ACTION_NAME = "Something else"  # it was asked for before
    frame.approve(phone)
    assert computer.post(POSTBACK, frame.poll()["postback"]).status_code == 302


def test_approve_is_asked_again_after_a_reload(account, computer, phone):
    computer.password()
    computer.open_iframe()
    assert computer.post(POSTBACK, approve(computer, phone)).status_code == 302
    assert computer.get(ACCOUNT).status_code == 200
