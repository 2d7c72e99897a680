"""Logging in, from the password to the page that was wanted."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import expect

from django_toopher.client import ToopherIframe
from django_toopher.connection import base_url, credentials
from django_toopher.models import Attempt
from django_toopher.service.models import AuthenticationRequest
from django_toopher.session.state import VERIFIED

from .traffic import traffic

pytestmark = pytest.mark.usefixtures("required")


def sessions():
    """What the sessions hold."""
    with traffic.stopped():
        return [one.get_decoded() for one in Session.objects.all()]


def test_the_first_login_pairs_by_link_after_a_no_too_and_leads_to_where_it_was_going(computer, phone, alice):
    computer.open("/members/?from=the-mail")
    computer.fill_in_password("alice")
    phone.scan(computer.pairing_link())
    expect(phone.page.locator("#pair-title")).to_have_text("Pair this phone with Rowing Club as alice?")
    phone.page.click("#pair-deny")
    phone.ended("Not paired")
    computer.state("unpaired").get_by_role("button", name="Try again").click()
    phone.scan(computer.pairing_link())
    phone.allow()
    phone.approve(computer.number())
    computer.arrives_at("/members/?from=the-mail")
    expect(computer.page.locator("body")).to_have_text("welcome alice")
    assert [session.get(VERIFIED) for session in sessions()] == [str(alice.pk)]


def test_the_first_login_pairs_by_the_words_of_the_phone_which_can_be_corrected(computer, phone, watch):
    watch.expect("404 POST /toopher/v1/web/frame/phrase")
    computer.give_password()
    computer.shows("pairing")
    words = phone.make_words()
    computer.type_words("walnut canyon brave rocket")
    expect(computer.error).to_contain_text("No phone shows these words now.")
    computer.type_words(words)
    expect(computer.error).to_be_hidden()
    computer.iframe.get_by_text("Now say yes on the phone that showed the words.").wait_for()
    phone.shows("pair")
    with computer.page.expect_response("**/frame/state"):
        pass  # the page asks how far it is, and goes on showing that
    expect(computer.iframe.get_by_text("Now say yes on the phone that showed the words.")).to_be_visible()
    expect(computer.iframe.locator("#qr")).to_be_hidden()
    phone.allow()
    phone.approve(computer.number())
    computer.is_welcomed_as("alice")


def test_a_later_login_only_asks_the_phone_and_the_back_button_asks_for_nothing(computer, paired_phone):
    """With a wrong password nobody is asked."""
    computer.give_password(password="wrong")
    expect(computer.page.get_by_role("alert")).to_contain_text("Please enter a correct username and password")
    with traffic.stopped():
        assert not Attempt.objects.exists()
    computer.fill_in_password("alice")
    computer.shows("waiting")
    paired_phone.is_asked()
    for name, shown in {"requester": "Rowing Club", "user": "alice", "action": "Log In"}.items():
        expect(paired_phone.page.locator(f"#request-{name}")).to_have_text(shown)
    paired_phone.approve(computer.number())
    computer.is_welcomed_as("alice")
    computer.page.go_back()
    expect(computer.page.locator("body")).to_have_text("home")
    computer.open("/members/")
    computer.is_welcomed_as("alice")


def test_a_no_on_the_phone_or_three_wrong_numbers_end_the_login_and_the_back_button_does_not_help(
    computer, paired_phone, watch
):
    watch.expect("403 POST /toopher/phone/v1/answer", "403 POST /accounts/postback/")
    computer.give_password()
    computer.shows("waiting")
    paired_phone.deny()
    computer.is_told("denied", "The request was denied")
    computer.page.go_back()
    expect(computer.page.locator("[name=password]")).to_be_visible()
    computer.is_anonymous()
    computer.give_password()
    number = computer.number()
    paired_phone.is_asked()
    for left in (2, 1):
        paired_phone.type_number(other_than(number))
        expect(paired_phone.error).to_contain_text(f"Tries left: {left}.")
    paired_phone.type_number(other_than(number))
    paired_phone.ended("Denied")
    computer.is_told("denied", "The request was denied")
    computer.is_anonymous()


def test_a_wrong_number_and_reloading_the_iframe_alone_leave_the_question(computer, paired_phone, watch):
    watch.expect("403 POST /toopher/phone/v1/answer")
    computer.give_password()
    number = computer.number()
    with computer.page.expect_response("**/frame/open"):
        show_in_iframe(computer, computer.iframe_url)
    assert computer.number() == number
    paired_phone.is_asked()
    paired_phone.type_number(other_than(number))
    expect(paired_phone.error).to_have_text("That is not the number at the computer. Tries left: 2.")
    paired_phone.approve(number)
    computer.is_welcomed_as("alice")


def other_than(number):
    return str((int(number) + 1) % 10**6).zfill(6)


def test_a_code_does_without_the_phones_network(computer, paired_phone, watch):
    computer.give_password()
    computer.shows("waiting")
    with watch.offline(paired_phone.context):
        paired_phone.page.reload()  # the service worker has the page
        paired_phone.shows("home")
        computer.type_code(paired_phone.code())
        computer.is_welcomed_as("alice")


def test_a_wrong_code_is_told_and_the_right_one_still_works(computer, paired_phone, watch):
    watch.expect("403 POST /toopher/v1/web/frame/code")
    code = paired_phone.code()
    computer.give_password()
    computer.shows("waiting")
    computer.type_code(other_than(code.replace(" ", "")))
    expect(computer.error).to_contain_text("That code is not right")
    computer.type_code(code)
    computer.is_welcomed_as("alice")


def test_an_approval_that_comes_too_late_logs_nobody_in_and_an_unanswered_question_can_be_asked_again(
    computer, paired_phone, watch
):
    watch.expect("403 POST /accounts/postback/")
    computer.give_password()
    number = computer.number()
    with traffic.stopped():
        Attempt.objects.update(expires=timezone.now() - timedelta(seconds=1))
    paired_phone.approve(number)
    computer.is_told("expired", "Not confirmed in time")
    computer.is_anonymous()
    computer.give_password()
    paired_phone.is_asked()
    with traffic.stopped():
        AuthenticationRequest.objects.filter(state="pending").update(expires=timezone.now())
    paired_phone.ended("Nothing left to do")
    computer.state("unanswered").get_by_role("button", name="Ask again").click()
    paired_phone.approve(computer.number())
    computer.is_welcomed_as("alice")


def test_an_iframe_that_was_opened_too_late_or_whose_url_was_changed_says_so(
    computer, rows_of_phone, watch, live_server
):
    watch.expect("409 GET /toopher/v1/web/authenticate", "401 GET /toopher/v1/web/authenticate")
    computer.give_password()
    computer.shows("waiting")
    url = computer.iframe_url
    an_hour_ago = timezone.now().timestamp() - 3600
    root = base_url().replace("https://testserver", live_server.url)
    old = ToopherIframe(*credentials(), root, clock=lambda: an_hour_ago)
    old.client.timestamp = None
    show_in_iframe(computer, old.get_auth_url("alice", "", "token"))
    expect(computer.error).to_contain_text("This page is too old. Go back to the site and sign in again.")
    show_in_iframe(computer, url.replace("expires=1", "expires=2"))
    expect(computer.error).to_have_text("This page's address is not valid.")


def show_in_iframe(computer, url):
    computer.page.evaluate("url => { document.getElementById('toopher_iframe').src = url }", url)


def test_after_a_reload_or_a_second_login_only_the_newest_question_waits_on_the_phone(computer, paired_phone):
    for again, unseen in [(computer.page.reload, "#request-count"), (computer.give_password, "#request-next")]:
        computer.give_password()
        old = computer.number()
        paired_phone.is_asked()
        again()
        new = computer.number()
        assert new != old
        paired_phone.is_overtaken()
        paired_phone.is_asked()
        expect(paired_phone.page.locator(unseen)).to_be_hidden()
        paired_phone.approve(new)
        computer.is_welcomed_as("alice")
        computer.context.clear_cookies()


def test_of_two_questions_the_phone_shows_either(computer, make_computer, known_phone, watch):
    """The site knows of the phone already: hearing of it first would void the other login."""
    watch.expect("403 POST /toopher/phone/v1/answer")
    paired_phone = known_phone
    computer.give_password()
    computer.shows("waiting")
    paired_phone.is_asked()
    other = make_computer()
    other.give_password()
    number = other.number()
    page = paired_phone.page
    expect(page.locator("#request-count")).to_have_text(re.compile("[12] of 2"))
    before = page.locator("#request-count").inner_text()
    paired_phone.type_number(number)
    expect(paired_phone.error).to_contain_text("Another question waits")
    page.get_by_role("button", name="Show the next one").press("Enter")
    expect(page.locator("#request-count")).not_to_have_text(before)
    expect(page.locator("#request-title")).to_be_focused()
    expect(paired_phone.error).to_be_empty()
    paired_phone.type_number(number)
    page.locator("#done-title").get_by_text("Approved", exact=True).wait_for()
    expect(page.locator("#done-text")).to_have_text("Go back to the computer.")
    expect(page.locator("#done-about")).to_have_text("alice at Rowing Club")
    other.is_welcomed_as("alice")
    page.click("#done-back")
    paired_phone.approve(computer.number())
    computer.is_welcomed_as("alice")


def test_cancelling_leads_back_and_somebody_else_can_sign_in(computer, paired_phone, make_user, make_paired_phone):
    with traffic.stopped():
        make_user("bob")
    bobs_phone = make_paired_phone("bob")
    computer.give_password("alice")
    paired_phone.is_asked()
    computer.cancel()
    computer.arrives_at("/accounts/login/")
    computer.is_anonymous()
    paired_phone.ended("Nothing left to do")
    computer.give_password("bob")
    bobs_phone.approve(computer.number())
    computer.is_welcomed_as("bob")


def test_of_two_phones_the_first_answer_counts_and_the_other_is_told(computer, paired_phone, make_paired_phone):
    second_phone = make_paired_phone("alice")
    computer.give_password()
    number = computer.number()
    paired_phone.is_asked()
    second_phone.is_asked()
    second_phone.approve(number)
    computer.is_welcomed_as("alice")
    paired_phone.ended("Nothing left to do")
    paired_phone.shows("home")


def test_the_admins_own_login_meets_the_second_factor_too(make_computer, make_paired_phone, make_user):
    make_user("root", is_staff=True, is_superuser=True)
    phone, computer = make_paired_phone("root"), make_computer()
    computer.open("/admin/")
    computer.fill_in_password("root")
    computer.arrives_at("/accounts/authenticate/")
    phone.approve(computer.number())
    computer.arrives_at("/admin/")
    expect(computer.page.get_by_role("heading", name="Site administration")).to_be_visible()
