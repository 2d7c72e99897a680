"""The phone's one-time code, typed on our own page."""

from __future__ import annotations

import pytest

from django_toopher import client
from django_toopher.models import Attempt
from django_toopher.service.models import User
from tests.app.acts import AUTHENTICATE, reason_of
from tests.tables import table

from .page import approve, state_of

pytestmark = pytest.mark.urls("tests.app.urls")


def test_the_phones_code_does_as_well(asked, phone):
    assert (
        asked.post(AUTHENTICATE, {"step": "code", "code": f" {phone.code()[:3]} {phone.code()[3:]}"}).status_code == 302
    )
    assert Attempt.objects.get(kind="login").method == "code"


def test_a_list_of_codes_is_mentioned_to_who_has_one(asked, embedded_api):
    assert "a code from your list" not in asked.get(AUTHENTICATE).content.decode()
    embedded_api.post("users/activate_next_otp_list", user_name="alice")
    assert "a code from your list" in asked.get(AUTHENTICATE).content.decode()


def test_a_wrong_code_is_told_and_three_of_them_deny(asked, phone):
    wrong = "000000" if phone.code() != "000000" else "111111"
    for _ in range(2):
        response = asked.post(AUTHENTICATE, {"step": "code", "code": wrong})
        assert "That code is not right" in response.content.decode()
        assert state_of(response) == "waiting"
    assert reason_of(asked.post(AUTHENTICATE, {"step": "code", "code": wrong})) == "denied"
    assert not asked.is_logged_in()


@table("code", ["", " ", "\0", "x" * 1000, "١٢٣٤٥٦"])
def test_what_is_no_code_lets_nobody_in(code, asked):
    assert asked.post(AUTHENTICATE, {"step": "code", "code": code}).status_code == 200
    assert not asked.is_logged_in()


@pytest.mark.parametrize("granted", [True, False])
def test_a_code_that_comes_after_the_phones_answer_changes_nothing(granted, asked, phone, monkeypatch):
    code, send = phone.code(), client.AuthenticationRequest.authenticate_with_otp

    def late(self, *args):
        approve(asked, phone) if granted else phone.deny(phone.pending().requests[0])
        return send(self, *args)

    monkeypatch.setattr(client.AuthenticationRequest, "authenticate_with_otp", late)
    response = asked.post(AUTHENTICATE, {"step": "code", "code": code})
    assert (response.status_code, asked.is_logged_in()) == ((302, True) if granted else (403, False))


def test_who_was_disabled_meanwhile_is_told_so(asked, phone):
    User.objects.update(toopher_authentication_enabled=False)
    response = asked.post(AUTHENTICATE, {"step": "code", "code": phone.code()})
    assert reason_of(response) == "disabled"
    assert not asked.is_logged_in()
