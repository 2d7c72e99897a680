"""REST: authentication requests, answered with a one-time code (PROTOCOL.md §4.1; §2.1, rows 11 and 13)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.client import UserDisabledError
from django_toopher.service.models import AuthenticationRequest, User
from tests.tables import table

from ..callers import INITIATE, wrong_code
from ..shapes import REQUEST, assert_error, assert_shape


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
    if over == "disabled":
        with pytest.raises(UserDisabledError):
            asked.authenticate_with_otp(phone.code(), api)
    else:
        asked.authenticate_with_otp(phone.code(), api)
    assert not asked.granted
    assert AuthenticationRequest.objects.get().state != "granted"


def test_S25_the_code_of_a_phone_that_was_reset_grants_nothing(api, pairing, phone):
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    api.reset_user("alice")
    asked.authenticate_with_otp(phone.code(), api)  # it was taken back
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
    settings.TOOPHER_SERVICE_LIMITS = {"failures": 2}
    wrong = wrong_code(phone)
    for _ in range(2):
        caller.post(INITIATE, user_name="alice", otp=wrong)
    told = caller.post(INITIATE, user_name="alice", otp=phone.code()).json()
    assert_shape(told, REQUEST)
    assert (told["pending"], told["granted"], told["totp_valid"], told["reason_code"]) == (False, False, False, 106)
    assert 1 <= told["retry_after"] <= 61


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
