"""A code of the phone instead of a yes on a login page."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from django_toopher.service.models import User
from tests.tables import table

from ..callers import wrong_code
from .pages import TOKEN, assert_refused, authenticate_url, call


def test_a_code_is_as_good_as_a_yes(open_frame, paired_phone, iframe):
    frame = open_frame()
    state = frame.call("code", code=paired_phone.code())
    assert (state["state"], state["granted"]) == ("finished", True)
    postback = iframe.validate_postback(state["postback"], TOKEN)
    assert (postback["granted"], postback["reason_code"]) == ("true", "110")
    assert paired_phone.pending().requests == ()


def test_S23_a_wrong_code_leaves_the_question_waiting_and_counts(open_frame, paired_phone):
    frame = open_frame()
    response = call("code", frame.token, code=wrong_code(paired_phone))
    assert_refused(response, 403)
    assert (response.json()["reason"], response.json()["attempts_left"]) == ("wrong_number", 2)
    assert frame.poll()["state"] == "waiting"
    assert User.objects.get().failures == 1


def test_S23_the_third_wrong_code_denies(open_frame, paired_phone, iframe):
    frame = open_frame()
    wrong = wrong_code(paired_phone)
    for _ in range(3):
        frame.call("code", code=wrong)
    assert (frame.state["state"], frame.state["granted"]) == ("finished", False)
    assert iframe.validate_postback(frame.poll()["postback"], TOKEN)["reason_code"] == "103"
    assert_refused(call("code", frame.token, code=paired_phone.code()), 409)
    assert frame.poll()["granted"] is False


def test_S28_a_code_is_used_once_in_two_logins(open_frame, paired_phone, iframe):
    first = open_frame()
    code = paired_phone.code()
    assert first.call("code", code=code)["granted"] is True
    second = open_frame(authenticate_url(iframe, token="another login"))
    assert_refused(call("code", second.token, code=code), 403)


@table("code", ["", " ", "abcdef", "0" * 5, "0" * 100, "\u0661" * 6, "\0"])
def test_S35_what_is_no_code_grants_nothing(open_frame, paired_phone, code):
    frame = open_frame()
    assert 400 <= call("code", frame.token, code=code).status_code < 500
    assert frame.poll()["state"] == "waiting"


def test_S23_a_blocked_user_is_told_to_wait(open_frame, paired_phone):
    frame = open_frame()
    User.objects.update(failures=10, blocked_until=timezone.now() + timedelta(seconds=60))
    response = call("code", frame.token, code=paired_phone.code())
    assert_refused(response, 429)
    assert 1 <= int(response["Retry-After"]) <= 61
    assert frame.poll()["state"] == "waiting"


def test_a_code_without_a_phone_grants_nothing(open_frame):
    frame = open_frame()
    assert frame.state["state"] == "pairing"
    assert_refused(call("code", frame.token, code="000000"), 409)
