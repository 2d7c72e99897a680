"""Computers are listed, named and forgotten; all other sessions are sent to confirm again."""

from __future__ import annotations

import pytest

from django_toopher.service.models import Terminal
from tests import factories
from tests.factories import account_with

from ..acts import ACCOUNT, signed_parameters
from .page import COMPUTER, MAC, OTHERS, an_hour_passes, computer_of, page_of, time_passes

pytestmark = pytest.mark.urls("tests.app.urls")


def test_computers_are_listed_once_and_this_one_is_marked(windows, mac, phone):
    windows.log_in(phone)
    page = page_of(windows)
    assert page.count('name="computer"') == 2
    windows, mac = page.index("<strong>Firefox on Windows</strong>"), page.index("<strong>Safari on Mac</strong>")
    assert windows < page.index("this one") < mac


def test_a_computer_keeps_the_name_that_it_was_given(windows, phone):
    assert windows.post(COMPUTER, {"computer": computer_of(windows), "name": " My  de\0sk "})["Location"] == ACCOUNT
    assert "<strong>My desk</strong>" in page_of(windows)
    assert Terminal.objects.get().name == "My desk"
    windows.password()
    assert signed_parameters(windows)["terminal_name"] == "My desk"
    windows.log_in(phone)
    assert Terminal.objects.get().name == "My desk"


def test_S27_a_forgotten_computer_is_another_one_afterwards(windows):
    secret = Terminal.objects.get().extra
    windows.post(COMPUTER, {"computer": computer_of(windows), "forget": "1"})
    assert Terminal.objects.get().extra not in {"", secret}
    assert "toopher_computers" not in page_of(windows)
    assert "Recent sign-ins" in page_of(windows)


@pytest.mark.parametrize("action", [{"name": "Mine now"}, {"forget": "1"}], ids=str)
def test_S17_anothers_computer_is_not_changed(action, windows, make_user, make_computer, make_phone):
    theirs = computer_of(windows)
    before = [*Terminal.objects.values_list("name", "extra")]
    bobs = factories.verified(make_computer(**MAC), account_with(make_phone("Bob's"), make_user("bob")).user)
    for computer in (theirs, "", "x", "../users/reset", "\0"):
        bobs.post(COMPUTER, {"computer": computer, **action})
        assert "not in your list" in page_of(bobs)
    assert [*Terminal.objects.filter(user__name="alice").values_list("name", "extra")] == before


def test_a_blank_name_changes_nothing(windows):
    windows.post(COMPUTER, {"computer": computer_of(windows), "name": "  "})
    assert Terminal.objects.get().name == "Firefox on Windows"


def test_everywhere_else_can_be_asked_again(windows, mac):
    assert "Ask the phone again everywhere else" in page_of(windows)
    windows.post(OTHERS)
    an_hour_passes(mac)
    assert not mac.is_logged_in()
    assert windows.is_logged_in()


def test_a_change_reaches_other_sessions_within_the_time_of_the_setting(verified, another, settings):
    settings.TOOPHER_SESSION_CHECK = 100
    verified.post(OTHERS)
    time_passes(another, 50)
    assert another.is_logged_in()
    time_passes(another, 50)
    assert not another.is_logged_in()
