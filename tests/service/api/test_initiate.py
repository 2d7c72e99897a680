"""REST: asking the phone (PROTOCOL.md §2.3)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.client import (
    PairingDeactivatedError,
    PairingNotAuthorizedError,
    UserDisabledError,
    UserUnknownError,
)
from django_toopher.service.device.cli_phone import Automate
from django_toopher.service.models import AuthenticationRequest, Terminal, User
from django_toopher.service.people import requesters
from tests.tables import table

from ..callers import INITIATE, rows
from ..shapes import NOBODY, REQUEST, assert_error, assert_shape


def test_a_request_has_the_fields_that_clients_read(caller, pairing):
    told = caller.post(INITIATE, user_name="alice", terminal_name="PC", terminal_name_extra="s1").json()
    assert_shape(told, REQUEST)
    assert (told["pending"], told["granted"], told["automated"], told["cancelled"]) == (True, False, False, False)
    assert (told["reason"], told["reason_code"], told["totp_valid"]) == ("", 0, False)
    assert (told["terminal"]["name"], told["terminal"]["name_extra"]) == ("PC", "s1")
    assert (told["automation_allowed"], told["challenge_required"]) == (True, False)


def test_the_subject_is_a_user(api, pairing):
    assert api.authenticate("alice", "s1", terminal_name="PC").user.name == "alice"


def test_the_subject_is_a_pairing(api, pairing):
    asked = api.authenticate(pairing, "PC")
    assert (asked.user.name, asked.terminal.name, asked.terminal.name_extra) == ("alice", "PC", "")


def test_a_pairing_wins_over_a_name(caller, pairing):
    assert caller.post(INITIATE, pairing_id=pairing, user_name="bob").json()["user"]["name"] == "alice"
    assert not User.objects.filter(name="bob").exists()


def test_blank_parameters_count_as_absent(caller, pairing):
    told = caller.post(
        INITIATE, pairing_id="", user_name="alice", terminal_name="", terminal_name_extra="", action_name="",
        automation_allowed="", challenge_required="", otp="", format="",
    ).json()  # fmt: skip
    assert_shape(told, REQUEST)
    assert (told["terminal"]["name"], told["terminal"]["requester_specified_id"]) == ("", "")
    assert (told["action"]["name"], told["automation_allowed"]) == ("log in", True)


@table("parameter", ["action_name", "action"])
def test_the_action_has_either_name(caller, pairing, phone, parameter):
    told = caller.post(INITIATE, user_name="alice", **{parameter: "Transfer \u20ac5"}).json()
    assert told["action"]["name"] == phone.pending().requests[0].action == "Transfer \u20ac5"


@table("parameter", ["terminal_name_extra", "requester_specified_terminal_id"])
def test_the_terminals_secret_has_either_name(caller, pairing, parameter):
    told = caller.post(INITIATE, user_name="alice", terminal_name="PC", **{parameter: "s1"}).json()
    assert told["terminal"]["requester_specified_id"] == told["terminal"]["name_extra"] == "s1"


def test_the_same_action_is_the_same_object(api, pairing):
    first, second = (api.authenticate("alice", "s1", "Log In", terminal_name="PC") for _ in range(2))
    assert first.action.id == second.action.id
    assert first.id != second.id


def test_a_known_terminal_is_renamed(api, pairing):
    first = api.authenticate("alice", "s1", terminal_name="PC")
    second = api.authenticate("alice", "s1", terminal_name="Laptop")
    assert (first.terminal.id, second.terminal.name) == (second.terminal.id, "Laptop")


def test_flags_are_kept(caller, pairing):
    told = caller.post(INITIATE, user_name="alice", automation_allowed="False", challenge_required="true").json()
    assert (told["automation_allowed"], told["challenge_required"]) == (False, True)


@table("text", ["json", "JSON", ""])
def test_the_format_may_be_json(caller, pairing, text):
    assert caller.post(INITIATE, user_name="alice", format=text).status_code == 200


@table("text", ["xml", "yaml", "x"])
def test_another_format_is_refused(caller, pairing, text):
    assert_error(caller.post(INITIATE, user_name="alice", format=text), 400, 400)
    assert not AuthenticationRequest.objects.exists()


def test_S22_a_caller_can_not_switch_the_number_off(caller, pairing):
    told = caller.post(INITIATE, user_name="alice", number="", number_length="0", challenge_required="False").json()
    assert len(told["number"]) == 6


def test_S22_the_number_is_told_while_the_request_waits(api, pairing, phone):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    assert len(asked.number) == 6
    phone.approve(phone.pending().requests[0], asked.number)
    asked.refresh_from_server(api)
    assert asked.raw["number"] == ""


# Errors, in the order of §2.3 and §8.2


def test_a_user_who_never_paired_is_705_and_becomes_known(api):
    with pytest.raises(UserUnknownError) as refused:
        api.authenticate("alice", "s1", terminal_name="PC")
    assert (refused.value.status, refused.value.code) == (409, 705)
    assert refused.value.message == "No matching user exists."
    assert [each["name"] for each in api.get("users", name="alice")] == ["alice"]
    assert not AuthenticationRequest.objects.exists()


def test_a_disabled_user_is_704_also_by_pairing(api, pairing):
    api.disable_user("alice")
    for subject in ("alice", pairing):
        with pytest.raises(UserDisabledError) as refused:
            api.authenticate(subject, "s1", terminal_name="PC") if subject == "alice" else api.authenticate(
                subject, "PC"
            )
        assert (refused.value.status, refused.value.code) == (409, 704)
        assert refused.value.message == "The specified user has disabled Toopher authentication."


@table("state", ["pending", "denied"])
def test_a_pairing_that_was_not_confirmed_is_601_by_name_and_by_id(api, phone, state):
    pairing = api.pair("alice", phone.phrase().phrase)
    if state == "denied":
        phone.decline(phone.pending().pairings[0])
    for ask in (
        lambda: api.authenticate("alice", "s1", terminal_name="PC"),
        lambda: api.authenticate(pairing.id, "PC"),
    ):
        with pytest.raises(PairingNotAuthorizedError) as refused:
            ask()
        assert (refused.value.status, refused.value.code) == (409, 601)
        assert refused.value.message == "Pairing has not been authorized to authenticate"


def test_a_pairing_that_was_removed_is_707_by_name_and_by_id(api, pairing):
    api.post(f"pairings/{pairing}", deactivated=True)
    for ask in (lambda: api.authenticate("alice", "s1", terminal_name="PC"), lambda: api.authenticate(pairing, "PC")):
        with pytest.raises(PairingDeactivatedError) as refused:
            ask()
        assert (refused.value.status, refused.value.code) == (409, 707)
        assert refused.value.message == "Not allowed: This pairing has been deactivated."


def test_an_enabled_pairing_is_enough_beside_others(api, pair, make_phone):
    api.pair("alice")
    api.post(f"pairings/{pair(make_phone())}", deactivated=True)
    pair(make_phone())
    assert api.authenticate("alice", "s1", terminal_name="PC").pending


def test_disabled_is_told_before_a_pairing_that_is_missing(api):
    api.create_user("alice")
    api.disable_user("alice")
    with pytest.raises(UserDisabledError):
        api.authenticate("alice", "s1", terminal_name="PC")


def test_a_pairing_that_is_missing_is_told_before_a_terminal(api):
    with pytest.raises(UserUnknownError):
        api.authenticate("alice", "unknown")


def test_a_terminal_is_told_before_a_block(api, pairing, caller):
    User.objects.update(reported_until=timezone.now() + timedelta(seconds=60))
    assert_error(caller.post(INITIATE, user_name="alice", terminal_name_extra="unknown"), 409, 706)
    assert api.authenticate("alice", "s1", terminal_name="PC").reason_code == 106


def test_a_request_without_a_subject_is_refused(caller):
    assert_error(caller.post(INITIATE, terminal_name="PC"), 400, 400)


@table(("pairing_id", "status"), [("x", 400), ("1234", 400), (NOBODY, 404)])
def test_a_wrong_pairing_id_is_refused(caller, pairing_id, status):
    assert_error(caller.post(INITIATE, pairing_id=pairing_id, terminal_name="PC"), status, status)


@table(
    "fields",
    [
        {"automation_allowed": "maybe"},
        {"challenge_required": "2"},
        {"action_name": "n" * 256},
        {"action_name": "a\0"},
        {"terminal_name": "n" * 256},
        {"terminal_name": "a\0"},
        {"terminal_name_extra": "n" * 1025},
        {"terminal_name_extra": "a\0"},
        {"format": "xml"},
        {"pairing_id": "\0"},
        {"terminal_id": "x"},
        {"use_sms_inband_reply": "maybe"},
    ],
)
@table("user", ["alice", "somebody new"])
def test_S35_a_wrong_value_is_refused_and_changes_nothing(caller, pairing, user, fields):
    """Only 705 makes a user known on the way."""
    before, terminals = rows(), [*Terminal.objects.values()]
    response = caller.post(
        INITIATE, **{"user_name": user, "terminal_name": "PC", "terminal_name_extra": "s1", **fields}
    )
    if (user, response.status_code) == ("somebody new", 409):
        assert_error(response, 409, 705)
        return
    assert_error(response, 400, 400)
    assert (rows(), [*Terminal.objects.values()]) == (before, terminals)


# The number is the requester's matter


@pytest.fixture
def without_number(requester):
    requesters.change(requester, shows_number=False)
    return requester


def test_S22_a_requester_that_shows_no_number_is_approved_by_a_tap(without_number, api, pairing, phone):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    assert asked.number == ""
    (shown,) = phone.pending().requests
    assert shown.number_length == 0
    phone.approve(shown, "")
    asked.refresh_from_server(api)
    assert asked.granted


@table("given", ["True", "False"])
def test_S22_what_shows_it_nevertheless_says_so_and_the_other_way_round_goes_not(
    given, without_number, caller, pairing
):
    for is_registered, digits in [(False, 6 if given == "True" else 0), (True, 6)]:
        requesters.change(without_number, shows_number=is_registered)
        asked = caller.post(INITIATE, user_name="alice", terminal_name="PC", shows_number=given).json()
        assert len(asked["number"]) == digits


def test_S22_it_is_one_requesters_and_no_others(without_number, make_requester, api, pairing):
    other = make_requester("other", "other secret")
    assert other.shows_number
    assert api.authenticate("alice", "s1", terminal_name="PC").number == ""
    requesters.change(without_number, shows_number=True)
    assert len(api.authenticate("alice", "s1", terminal_name="PC").number) == 6


# A terminal by its id, and what is refused instead of being ignored


def test_a_terminal_is_named_by_its_id(api, caller, pairing):
    terminal = api.authenticate("alice", "s1", terminal_name="PC").terminal
    told = caller.post(INITIATE, user_name="alice", terminal_id=terminal.id).json()["terminal"]
    assert (told["id"], told["name"], told["name_extra"]) == (terminal.id, "PC", "s1")
    renamed = caller.post(INITIATE, user_name="alice", terminal_id=terminal.id, terminal_name="Laptop").json()
    assert (renamed["terminal"]["id"], renamed["terminal"]["name"]) == (terminal.id, "Laptop")
    assert Terminal.objects.count() == 1


def test_S27_an_automation_needs_the_secret_beside_the_id(api, caller, pairing, phone):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    phone.approve(phone.pending().requests[0], asked.number, automate=Automate(3600))
    named = {"user_name": "alice", "action_name": asked.action.name, "terminal_id": asked.terminal.id}
    assert caller.post(INITIATE, **named).json()["pending"] is True
    assert caller.post(INITIATE, **named, silently="True").json()["granted"] is False
    assert caller.post(INITIATE, **named, terminal_name_extra="s1").json()["automated"] is True


def test_S21_another_users_terminal_is_unknown_and_is_not_renamed(api, caller, pairing, pair, make_phone):
    pair(make_phone(), "bob")
    bobs = api.authenticate("bob", "s1", terminal_name="PC").terminal
    before = [*Terminal.objects.values()]
    for terminal_id in (bobs.id, NOBODY):
        refused = caller.post(INITIATE, user_name="alice", terminal_id=terminal_id, terminal_name="Mine")
        assert_error(refused, 409, 706)
    assert [*Terminal.objects.values()] == before


def test_an_id_and_a_secret_have_to_name_one_terminal(api, caller, pairing):
    terminal = api.authenticate("alice", "s1", terminal_name="PC").terminal
    same = caller.post(INITIATE, user_name="alice", terminal_id=terminal.id, terminal_name_extra="s1")
    assert same.json()["terminal"]["id"] == terminal.id
    another = caller.post(INITIATE, user_name="alice", terminal_id=terminal.id, terminal_name_extra="s2")
    assert_error(another, 400, 400)


def test_an_answer_by_text_message_is_refused_and_not_wanting_one_is_not(caller, pairing):
    before = rows()
    refused = caller.post(INITIATE, user_name="alice", use_sms_inband_reply="True")
    assert_error(refused, 403, 403)
    assert "use_sms_inband_reply" in refused.json()["error_message"]
    assert rows() == before
    for nothing in ("", "False"):
        assert caller.post(INITIATE, user_name="alice", use_sms_inband_reply=nothing).status_code == 200
