"""Who is warned that the time is running out can take more, at the computer and on the phone (WCAG 2.2.1)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from django_toopher.service.codes import lists
from django_toopher.service.models import AuthenticationRequest, Frame, User

from .people import press_until
from .traffic import traffic

pytestmark = pytest.mark.usefixtures("required")

OVER_A_MINUTE = re.compile(r"\b1:\d\d\b")
UNDER_A_MINUTE = re.compile(r"\b0:\d\d\b")
WARNING = "Less than a minute is left. You can ask for more time."


@pytest.fixture
def hurry(settings):
    """What is asked now is in its last minute at once."""
    settings.TOOPHER_SERVICE_REQUEST_AGE = 59


@pytest.fixture
def time_enough(settings):
    """Lets who takes more time have two minutes, as usual."""

    def act():
        settings.TOOPHER_SERVICE_REQUEST_AGE = 120

    return act


class Waiting:
    """What the iframe shows while it waits, in one of its two states."""

    def __init__(self, computer, state="waiting"):
        computer.shows(state)
        part = computer.state(state)
        self.more = part.get_by_role("button", name="I need more time")
        self.countdown = part.locator(".countdown")
        self.heading = part.locator("h1")
        self.status = computer.iframe.locator("#status")


def test_the_computer_takes_more_time_without_a_mouse(hurry, time_enough, computer, paired_phone):
    computer.give_password()
    waiting = Waiting(computer)
    expect(waiting.status).to_have_text(WARNING)
    paired_phone.is_asked()
    time_enough()
    press_until(computer.page, "Tab", ".more button")
    computer.page.keyboard.press("Enter")
    expect(waiting.more).to_be_hidden()
    expect(waiting.heading).to_be_focused()
    expect(waiting.status).to_have_text(re.compile(r"^You have more time now: (2:00|1:5\d)$"))
    expect(waiting.countdown).to_have_text(OVER_A_MINUTE)
    expect(paired_phone.page.locator("#request-left")).to_have_text(OVER_A_MINUTE)
    expect(paired_phone.page.locator("#more")).to_be_hidden()
    paired_phone.approve(computer.number())
    computer.is_welcomed_as("alice")


def test_the_phone_takes_more_time_without_a_mouse(hurry, time_enough, computer, paired_phone):
    computer.give_password()
    waiting = Waiting(computer)
    paired_phone.is_asked()
    page = paired_phone.page
    expect(page.locator("#hurry-text")).to_have_text(WARNING)
    time_enough()
    press_until(page, "Tab", "#more")
    page.keyboard.press("Enter")
    expect(page.locator("#more")).to_be_hidden()
    expect(page.locator("#number")).to_be_focused()
    expect(page.locator("#hurry-text")).to_have_text("You have more time now.")
    expect(page.locator("#request-left")).to_have_text(OVER_A_MINUTE)
    expect(waiting.countdown).to_have_text(OVER_A_MINUTE)
    expect(waiting.more).to_be_hidden()
    paired_phone.approve(computer.number())
    computer.is_welcomed_as("alice")


def test_the_keyboard_stays_where_it_is_while_there_is_more_and_goes_to_the_heading_once_the_phone_took_enough(
    hurry, time_enough, computer, paired_phone
):
    computer.give_password()
    waiting = Waiting(computer)
    expect(waiting.status).to_have_text(WARNING)
    with computer.page.expect_response("**/frame/extend"):
        waiting.more.press("Enter")
    expect(waiting.status).to_contain_text("You have more time now")
    expect(waiting.more).to_be_focused()
    paired_phone.is_asked()
    time_enough()
    paired_phone.page.click("#more")
    expect(waiting.more).to_be_hidden()
    expect(waiting.heading).to_be_focused()


def test_that_there_is_no_more_time_is_said(hurry, time_enough, computer, paired_phone):
    computer.give_password()
    waiting = Waiting(computer)
    expect(waiting.status).to_have_text(WARNING)
    paired_phone.is_asked()
    with traffic.stopped():
        Frame.objects.update(expires=timezone.now() + timedelta(seconds=72))
    time_enough()
    waiting.more.click()
    expect(waiting.more).to_be_hidden()
    expect(waiting.status).to_contain_text("That is the longest that this can wait.")
    expect(waiting.countdown).to_have_text(UNDER_A_MINUTE)
    expect(paired_phone.page.locator("#more")).to_be_hidden()
    paired_phone.approve(computer.number())
    computer.is_welcomed_as("alice")


def test_a_code_from_the_list_can_be_typed_in_peace(hurry, time_enough, computer, rows_of_phone):
    with traffic.stopped():
        user = User.objects.get(name="alice")
        code, *_others = lists.activate(user)
        user.pairings.update(state="deactivated")
    computer.give_password()
    waiting = Waiting(computer, "code")
    expect(waiting.status).to_have_text(WARNING)
    time_enough()
    waiting.more.press("Enter")
    expect(waiting.countdown).to_have_text(OVER_A_MINUTE)
    expect(waiting.heading).to_be_focused()
    computer.iframe.locator("#list-code").fill(code)
    computer.iframe.locator("#list-code").press("Enter")
    computer.is_welcomed_as("alice")


def test_what_was_answered_meanwhile_is_not_prolonged(hurry, computer, paired_phone, watch):
    watch.expect("409 POST /toopher/v1/web/frame/extend")
    watch.expect("403 POST /accounts/postback/")
    computer.give_password()
    waiting = Waiting(computer)
    with computer.page.expect_response("**/frame/state") as poll:
        pass
    state = poll.value.json()
    computer.page.route("**/frame/state", lambda route: route.fulfill(json=state))  # the page hears of nothing
    paired_phone.deny()
    with computer.page.expect_response("**/frame/extend"):
        waiting.more.click()
    computer.page.unroute("**/frame/state")
    computer.is_told("denied", "The request was denied")


def test_a_clock_that_is_wrong_counts_as_well(hurry, make_computer, rows_of_phone):
    computer = make_computer(fresh=True)
    computer.context.add_init_script("const now = Date.now; Date.now = () => now() - 1_000_000")
    computer.give_password()
    waiting = Waiting(computer)
    expect(waiting.countdown).to_have_text(UNDER_A_MINUTE)
    expect(waiting.more).to_be_visible()


def test_with_time_enough_nobody_is_hurried(computer, paired_phone):
    computer.give_password()
    waiting = Waiting(computer)
    expect(waiting.countdown).to_have_text(OVER_A_MINUTE)
    expect(waiting.status).to_have_text("Look at your phone")
    expect(waiting.more).to_be_hidden()
    paired_phone.is_asked()
    expect(paired_phone.page.locator("#more")).to_be_hidden()
    with traffic.stopped():
        assert AuthenticationRequest.objects.count() == 1
