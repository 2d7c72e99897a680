"""Recent sign-ins: when, where and how, and nobody else's."""

from __future__ import annotations

import pytest

from tests.factories import account_with

from ..acts import POSTBACK
from .page import MAC, page_of

pytestmark = pytest.mark.urls("tests.app.urls")


def test_recent_sign_ins_say_when_where_and_how(windows, mac, phone):
    page = page_of(windows)
    assert page.count("granted: phone") == 2
    assert "Firefox on Windows" in page
    assert "Safari on Mac" in page
    assert "127.0.0.1" in page


def test_a_denied_sign_in_is_listed_and_a_waiting_one_is_not(windows, make_computer, phone):
    other = make_computer()
    other.password()
    assert page_of(windows).count("toopher-badge toopher-") == 1
    frame = other.open_iframe()
    frame.deny(phone)
    other.post(POSTBACK, frame.poll()["postback"])
    assert page_of(windows).count("toopher-badge toopher-denied") == 1


def test_S17_the_page_shows_ones_own_only(windows, make_user, make_computer, make_phone):
    bobs, phone = make_computer(**MAC), make_phone("Bob's")
    account_with(phone, make_user("bob"))
    bobs.log_in(phone, "bob")
    assert "Safari on Mac" not in page_of(windows)
    assert "Firefox on Windows" not in page_of(bobs)
