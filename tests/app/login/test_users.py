"""The password of one and the approval of another (S06, S17), users who change meanwhile (S07), and names (S12)."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from django_toopher import connection as service_connection
from django_toopher.models import ToopherAccount
from django_toopher.session.state import PENDING_LOGIN, PENDING_PAIRING
from django_toopher.support import verbs
from tests.app.acts import (
    ACCOUNT_POSTBACK,
    LOGIN,
    POSTBACK,
    approval,
    known,
    logged_in,
    outcomes,
    pairing,
    reason_of,
    remove,
    signed,
    signed_parameters,
)
from tests.factories import account_with, verified
from tests.tables import table

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
    "disabled": lambda user: verbs.carry_out(verbs.VERBS["disable"], user.toopher_account, service_connection.api()),
    "enabled again": lambda user: (
        CHANGES["disabled"](user),
        verbs.carry_out(verbs.VERBS["enable"], user.toopher_account, service_connection.api()),
    ),
    "reset": lambda user: verbs.reset(user.toopher_account, service_connection.api()),
    "deleted": lambda user: user.delete(),
}


@table("change", CHANGES.values(), ids=CHANGES)
def test_S07_a_user_who_was_changed_after_the_approval_is_not_logged_in(change, alice, approved, computer):
    computer = computer.twin()  # whose session ends with the user
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
def test_S07_a_change_of_phones_begun_before_is_void(change, alice, account, computer, make_phone):
    verified(computer, alice)
    another = make_phone("another")
    fields = pairing(computer, another)
    change(get_user_model().objects.get(pk=alice.pk))
    before = known(account)
    computer.post(ACCOUNT_POSTBACK, fields)
    assert known(account) == before
    assert another.pairings() == ()


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


@table(("first", "second"), NAMES, ids=ascii)
def test_S12_no_name_reaches_the_phone_of_another(first, second, make_user, make_phone, make_computer, settings):
    settings.TOOPHER_POLICY, phone = "required", make_phone()
    one, two = make_user("one"), make_user("two")
    for user, name in {one: first, two: second}.items():
        ToopherAccount.objects.create(user=user, name=name)
    account_with(phone, one)
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


def test_S17_the_change_of_phones_of_another_cannot_be_completed(account, bob, computer, make_computer):
    """Not even by who has all of the other's session but the login."""
    verified(computer, account.user)
    fields = remove(computer)
    theirs = verified(make_computer(), bob)
    session = theirs.client.session
    session[PENDING_PAIRING] = computer.client.session[PENDING_PAIRING]
    session.save()
    before = known(account)
    assert reason_of(theirs.post(ACCOUNT_POSTBACK, fields)) == "nothing_pending"
    assert known(account) == before
