"""Login pages of people with a list of codes and no phone (SECURITY.md S06, S23)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_toopher.service.codes import lists
from django_toopher.service.device.cli_phone import RefusedError
from django_toopher.service.models import AuthenticationRequest, Pairing, User
from tests.tables import table

from .pages import ALWAYS, ROW, TOKEN, assert_refused, call


def test_who_has_a_list_is_asked_for_a_code_and_not_for_a_phone(open_frame, listed):
    frame = open_frame()
    assert frame.state["state"] == "code"
    assert frame.poll()["state"] == "code"
    assert not Pairing.objects.exists()


def test_a_code_from_the_list_grants(open_frame, listed, iframe):
    frame = open_frame()
    state = frame.call("code", code=f"{listed[0][:4]} {listed[0][4:]}")
    postback = iframe.validate_postback(state["postback"], TOKEN, resource_type="authentication_request")
    assert (postback["granted"], postback["reason_code"], postback["pairing_id"]) == ("true", "110", "")
    assert postback.keys() >= ROW | ALWAYS


def test_S23_a_wrong_code_from_a_list_counts_and_the_third_denies(open_frame, listed, iframe):
    frame = open_frame()
    wrong = next(code for code in ("00000000", "11111111") if code not in listed)
    for left in (2, 1):
        assert frame.call("code", code=wrong)["attempts_left"] == left
        assert frame.poll()["state"] == "code"
    frame.call("code", code=wrong)
    postback = iframe.validate_postback(frame.poll()["postback"], TOKEN)
    assert (postback["granted"], postback["reason_code"]) == ("false", "103")
    assert User.objects.get().failures == 3


def test_after_the_time_a_code_can_be_asked_for_again(open_frame, listed):
    frame = open_frame()
    AuthenticationRequest.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert frame.poll()["state"] == "late"
    assert frame.call("ask")["state"] == "code"
    assert frame.call("code", code=listed[0])["granted"] is True


# Who has or had a list pairs no phone with the password alone


@pytest.fixture
def used_up(listed):
    """Of alice's codes none is left."""
    for code in listed:
        assert lists.spend(User.objects.get(), code)


@table("call_name", ["ask", "pair", "phrase"])
def test_S06_who_used_the_list_up_pairs_no_phone_with_the_password_alone(open_frame, used_up, phone, call_name):
    frame = open_frame()
    assert frame.state["state"] != "pairing"
    frame.call(call_name, phrase=phone.phrase().phrase)
    assert not Pairing.objects.exists()


def test_S06_a_pairing_that_a_password_began_is_void_once_there_was_a_list(api, phone, listed):
    api.post("pairings/create", user_name="alice", pairing_phrase=phone.phrase().phrase, only_first="True")
    for code in listed:
        lists.spend(User.objects.get(), code)
    with pytest.raises(RefusedError):
        phone.pair(phone.pending().pairings[0])
    assert not Pairing.objects.enabled().exists()


def test_after_a_reset_by_support_who_used_the_list_up_pairs_again(open_frame, used_up, api):
    api.reset_user("alice")
    assert open_frame().state["state"] == "pairing"


@table("call_name", ["pair", "phrase"])
def test_S06_who_has_a_list_pairs_no_phone_with_the_password_alone(open_frame, listed, phone, call_name):
    frame = open_frame()
    frame.call(call_name, phrase=phone.phrase().phrase)
    assert not Pairing.objects.exists()
    assert phone.pending().pairings == ()


@pytest.mark.parametrize("by", ["link", "phrase"])
def test_S06_a_frame_that_waited_for_a_phone_pairs_none_once_the_user_has_a_list(open_frame, api, phone, by):
    frame = open_frame()
    assert frame.state["state"] == "pairing"
    link = frame.state["link"]
    if by == "phrase":
        frame.call("phrase", phrase=phone.phrase().phrase)
    api.post("users/activate_next_otp_list", user_name="alice")
    with pytest.raises(RefusedError):
        phone.pair_link(link) if by == "link" else phone.pair(phone.pending().pairings[0])
    assert not Pairing.objects.enabled().exists()


def test_S06_of_the_users_two_frames_neither_pairs_by_phrase_once_there_is_a_list(open_frame, api, phone):
    frame = open_frame()
    api.post("users/activate_next_otp_list", user_name="alice")
    assert_refused(call("phrase", frame.token, phrase=phone.phrase().phrase), 409)
