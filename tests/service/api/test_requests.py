"""REST: authentication requests (PROTOCOL.md §2.3, and §2.1 rows 11 to 14)."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.client import (
    PairingDeactivatedError,
    PairingNotAuthorizedError,
    RateLimitError,
    RequestRefusedError,
    UserDisabledError,
    UserUnknownError,
)
from django_toopher.service.models import AuthenticationRequest, Terminal, User
from tests.tables import table

from ..callers import rows
from ..shapes import REQUEST, assert_error, assert_shape

NOBODY = "00000000-0000-4000-8000-000000000000"
INITIATE = "authentication_requests/initiate"


@pytest.fixture
def pairing(pair, phone):
    """The id of alice's pairing with ``phone``."""
    return pair(phone)


def wrong_code(phone):
    account = phone.account()
    near = {account.code_at(time.time() + 30 * step) for step in range(-3, 4)}
    return next(code for code in (f"{n:06}" for n in range(10)) if code not in near)


# Asking


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
    User.objects.update(blocked_until=timezone.now() + timedelta(seconds=60))
    assert_error(caller.post(INITIATE, user_name="alice", terminal_name_extra="unknown"), 409, 706)
    with pytest.raises(RateLimitError):
        api.authenticate("alice", "s1", terminal_name="PC")


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


# Following, cancelling


def test_a_request_is_followed_by_polling(api, pairing, phone):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    assert api.get_authentication_request_by_id(asked.id) == asked
    phone.approve(phone.pending().requests[0], asked.number)
    asked.refresh_from_server(api)
    assert (bool(asked), asked.pending, asked.reason, asked.reason_code) == (True, False, "", 0)


def test_an_unanswered_request_ends_with_a_reason(api, caller, pairing):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    AuthenticationRequest.objects.update(expires=timezone.now() - timedelta(seconds=1))
    told = caller.get(f"authentication_requests/{asked.id}").json()
    assert_shape(told, REQUEST)
    assert (told["pending"], told["granted"], told["reason_code"]) == (False, False, 101)
    assert told["reason"]


def test_a_request_waits_90_seconds_at_least(api, pairing):
    api.authenticate("alice", "s1", terminal_name="PC")
    assert AuthenticationRequest.objects.get().expires - timezone.now() > timedelta(seconds=85)


def test_a_cancelled_request_is_over(caller, api, pairing, phone):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    told = caller.post(f"authentication_requests/{asked.id}/cancel").json()
    assert_shape(told, REQUEST)
    assert (told["cancelled"], told["pending"], told["granted"], told["reason_code"]) == (True, False, False, 102)
    assert phone.pending().requests == ()


def test_S25_cancelling_changes_no_answer(caller, api, pairing, phone):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    phone.deny(phone.pending().requests[0])
    told = caller.post(f"authentication_requests/{asked.id}/cancel").json()
    assert (told["cancelled"], told["reason_code"]) == (False, 100)


def test_an_unknown_request_is_not_found(caller):
    assert_error(caller.get(f"authentication_requests/{NOBODY}"), 404, 404)
    assert_error(caller.post(f"authentication_requests/{NOBODY}/cancel"), 404, 404)
    assert_error(caller.post(f"authentication_requests/{NOBODY}/otp_auth", otp="123456"), 404, 404)


# One-time codes


def test_S28_a_right_code_grants(api, pairing, phone):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    asked.authenticate_with_otp(phone.code(), api)
    assert (asked.granted, asked.pending, asked.totp_valid, asked.reason_code) == (True, False, True, 110)
    assert phone.pending().requests == ()


def test_S23_a_wrong_code_leaves_the_request_pending_until_the_third(api, pairing, phone):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    wrong = wrong_code(phone)
    for _ in range(2):
        asked.authenticate_with_otp(wrong, api)
        assert (asked.granted, asked.pending, asked.totp_valid) == (False, True, False)
    asked.authenticate_with_otp(wrong, api)
    assert (asked.granted, asked.pending, asked.totp_valid, asked.reason_code) == (False, False, False, 103)
    assert User.objects.get().failures == 3


def test_S28_a_code_is_used_once_across_requests(api, pairing, phone):
    code = phone.code()
    first, second = (api.authenticate("alice", extra, terminal_name="PC") for extra in ("s1", "s2"))
    first.authenticate_with_otp(code, api)
    second.authenticate_with_otp(code, api)
    assert (first.granted, second.granted, second.pending) == (True, False, True)


@table("over", ["expired", "cancelled", "denied", "disabled"])
def test_S25_a_right_code_that_comes_too_late_is_refused(api, pairing, phone, over):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    if over == "expired":
        AuthenticationRequest.objects.update(expires=timezone.now() - timedelta(seconds=1))
    elif over == "cancelled":
        api.post(f"authentication_requests/{asked.id}/cancel")
    elif over == "denied":
        phone.deny(phone.pending().requests[0])
    else:
        api.disable_user("alice")
    with pytest.raises(RequestRefusedError) as refused:
        asked.authenticate_with_otp(phone.code(), api)
    assert refused.value.status == 409
    assert AuthenticationRequest.objects.get().state != "granted"


def test_S25_the_code_of_a_phone_that_was_reset_grants_nothing(api, pairing, phone):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    api.reset_user("alice")
    with pytest.raises(RequestRefusedError):  # it was taken back
        asked.authenticate_with_otp(phone.code(), api)
    asked.refresh_from_server(api)
    assert (asked.pending, asked.granted) == (False, False)


def test_a_code_is_required(caller, api, pairing):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    for fields in ({}, {"otp": ""}):
        assert_error(caller.post(f"authentication_requests/{asked.id}/otp_auth", **fields), 400, 400)
    assert User.objects.get().failures == 0


def test_a_code_at_once_answers_at_once(caller, pairing, phone):
    told = caller.post(INITIATE, user_name="alice", terminal_name="", otp=phone.code()).json()
    assert_shape(told, REQUEST)
    assert (told["pending"], told["granted"], told["totp_valid"]) == (False, True, True)


def test_S23_a_wrong_code_at_once_is_final_and_counts(caller, pairing, phone):
    told = caller.post(INITIATE, user_name="alice", terminal_name="", otp=wrong_code(phone)).json()
    assert_shape(told, REQUEST)
    assert (told["pending"], told["granted"], told["totp_valid"]) == (False, False, False)
    assert User.objects.get().failures == 1
    assert phone.pending().requests == ()


def test_S23_codes_at_once_are_slowed_down_like_others(settings, caller, pairing, phone):
    settings.TOOPHER_SERVICE_FAILURE_LIMIT = 2
    wrong = wrong_code(phone)
    for _ in range(2):
        caller.post(INITIATE, user_name="alice", otp=wrong)
    response = caller.post(INITIATE, user_name="alice", otp=phone.code())
    assert_error(response, 429, 429)
    assert 1 <= int(response["Retry-After"]) <= 61


def test_S23_codes_and_numbers_count_together(api, caller, pairing, phone):
    caller.post(INITIATE, user_name="alice", otp=wrong_code(phone))
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    with pytest.raises(Exception, match="number") as refused:
        phone.approve(phone.pending().requests[0], f"{(int(asked.number) + 1) % 10**6:06}")
    assert refused.value.reason == "wrong_number"
    assert User.objects.get().failures == 2


def test_S23_a_right_code_forgets_the_failures(api, caller, pairing, phone):
    caller.post(INITIATE, user_name="alice", otp=wrong_code(phone))
    caller.post(INITIATE, user_name="alice", otp=phone.code())
    assert User.objects.get().failures == 0
