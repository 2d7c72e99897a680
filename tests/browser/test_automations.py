"""Standing answers, reports and waits: what a person sees of them at the computer and on the phone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from django_toopher.factors import recovery_codes
from django_toopher.service.models import Alarm, AuthenticationRequest, Automation, User

from .traffic import traffic

pytestmark = pytest.mark.usefixtures("required")

DAY, MONTH = "86400", "2592000"


def choose(phone, seconds=MONTH, *, network=False):
    """Say that the answer be given from now on."""
    phone.is_asked()
    phone.page.locator("#automate summary").click()
    phone.page.select_option("#automate-for", seconds)
    if network:
        phone.page.check("#automate-network")


def log_out(computer):
    """Leave the site, on a computer that it still knows."""
    for cookie in computer.context.cookies():
        if cookie["name"] == "sessionid":
            computer.context.clear_cookies(name="sessionid")


def automation():
    with traffic.stopped():
        return Automation.objects.select_related("terminal").get()


@pytest.fixture
def standing(computer, paired_phone):
    """Alice's phone has said yes to this computer for a month; she is logged out again."""
    computer.give_password()
    choose(paired_phone)
    paired_phone.approve(computer.number())
    computer.is_welcomed_as("alice")
    log_out(computer)
    return paired_phone


def test_a_no_from_now_on_is_told_at_once(computer, paired_phone, watch):
    watch.expect("403 POST /accounts/postback/")
    computer.give_password()
    paired_phone.is_asked()
    paired_phone.approve(computer.number())  # a computer that is known: any other has a new id each time (S46)
    computer.is_welcomed_as("alice")
    log_out(computer)
    computer.give_password()
    computer.shows("waiting")
    choose(paired_phone, DAY)
    paired_phone.deny()
    computer.is_told("denied", "The request was denied")
    computer.give_password()
    computer.is_told("denied", "The request was denied")
    assert automation().answer == "deny"


def test_without_a_choice_the_phone_asks_every_time_and_one_can_be_bound_to_the_network(computer, paired_phone):
    computer.give_password()
    paired_phone.is_asked()
    expect(paired_phone.page.locator("#automate-for")).to_be_hidden()
    paired_phone.approve(computer.number())
    computer.is_welcomed_as("alice")
    with traffic.stopped():
        assert not Automation.objects.exists()
    log_out(computer)
    computer.give_password()
    choose(paired_phone, network=True)
    paired_phone.approve(computer.number())
    computer.is_welcomed_as("alice")
    assert automation().network in {"127.0.0.0/24", "::/64"}


def test_a_choice_is_not_carried_over_to_the_next_question(computer, paired_phone):
    computer.give_password()
    computer.shows("waiting")
    choose(paired_phone)
    with traffic.stopped():
        AuthenticationRequest.objects.update(expires=timezone.now() - timedelta(seconds=1))
    paired_phone.ended("Nothing left to do")
    computer.state("unanswered").get_by_role("button", name="Ask again").click()
    paired_phone.approve(computer.number())
    computer.is_welcomed_as("alice")
    with traffic.stopped():
        assert not Automation.objects.exists()


def test_S27_what_is_longer_than_allowed_is_not_offered_and_where_it_is_not_allowed_nothing(
    settings, computer, paired_phone
):
    settings.TOOPHER_SERVICE_AUTOMATION_DAYS = 7
    computer.give_password()
    paired_phone.is_asked()
    paired_phone.page.locator("#automate summary").click()
    shown = paired_phone.page.locator("#automate-for option:not([hidden])")
    assert [each.get_attribute("value") for each in shown.all()] == ["0", DAY, "604800"]
    for setting, off in {"TOOPHER_AUTOMATION_ALLOWED": False, "TOOPHER_SERVICE_AUTOMATION_DAYS": 0}.items():
        before = getattr(settings, setting, True)
        setattr(settings, setting, off)
        computer.give_password()
        paired_phone.is_overtaken()
        paired_phone.is_asked()
        expect(paired_phone.page.locator("#automate")).to_be_hidden()
        setattr(settings, setting, before)


def test_S27_a_yes_from_now_on_is_for_this_computer_until_the_phone_removes_it(computer, make_computer, standing):
    """Another one is asked, whatever screen the phone shows."""
    computer.give_password()
    computer.is_welcomed_as("alice")
    with traffic.stopped():
        assert [*AuthenticationRequest.objects.order_by("created").values_list("automated", flat=True)] == [False, True]
    log_out(computer)
    page = standing.page
    page.click("#show-automations")
    standing.shows("automations")
    other = make_computer()
    other.give_password()
    standing.approve(other.number())
    other.is_welcomed_as("alice")
    standing.shows("automations")
    item = page.locator("[data-automation]:visible")
    expect(item).to_contain_text("“Log In” is approved")
    expect(item).to_contain_text("Rowing Club")
    item.get_by_role("button", name="Ask me again").click()
    expect(page.locator("#no-automations")).to_be_visible()
    page.click("#automations-back")
    standing.shows("home")
    computer.give_password()
    standing.approve(computer.number())
    computer.is_welcomed_as("alice")


def test_the_management_page_lists_and_removes_it(computer, standing):
    computer.give_password()
    computer.is_welcomed_as("alice")
    computer.open("/accounts/phones/")
    expect(computer.page.get_by_role("heading", level=1)).to_have_text("Please confirm")  # nobody was asked until now
    standing.approve(computer.number())
    item = computer.iframe.locator("#automations li")
    expect(item).to_contain_text("Log In")
    expect(item).to_contain_text("approved")
    item.get_by_role("button", name="Remove").click()
    expect(computer.page.get_by_text("The phone is asked again from now on.")).to_be_visible()
    expect(computer.iframe.locator("#standing")).to_be_hidden()
    with traffic.stopped():
        assert not Automation.objects.exists()


def test_a_recovery_code_replaces_the_phone_that_is_gone(computer, standing, alice, make_phone):
    with traffic.stopped():
        code = recovery_codes.make(alice)[0]
    standing.page.close()
    computer.give_password()
    computer.is_welcomed_as("alice")
    computer.open("/accounts/phones/")
    computer.shows("waiting")
    computer.use_recovery_code()
    computer.page.get_by_label("Recovery code").fill(code)
    computer.page.keyboard.press("Enter")
    computer.page.get_by_role("button", name="Pair a new phone").click()
    computer.arrives_at("/accounts/phones/")
    computer.state("managing").get_by_role("button", name="Pair a phone").click()
    new = make_phone()
    new.scan(computer.pairing_link())
    new.allow()
    expect(computer.page.get_by_role("status").first).to_have_text("The phone is paired, the old ones were removed.")
    with traffic.stopped():
        assert not Automation.objects.in_force(timezone.now()).exists()


# "It wasn't me"


def report(phone):
    phone.page.click("#report-send")
    phone.ended("Reported")


def test_S24_a_report_denies_the_login_and_the_next_says_how_long_to_wait_and_asks_again_then(
    computer, paired_phone, watch
):
    watch.expect("403 POST /accounts/postback/", "429 POST /toopher/v1/web/frame/open")
    computer.give_password()
    computer.shows("waiting")
    paired_phone.is_asked()
    paired_phone.page.click("#report")
    expect(paired_phone.page.locator("#report-title")).to_have_text("Report this sign-in as alice at Rowing Club?")
    report(paired_phone)
    computer.is_told("denied", "The request was denied")
    with traffic.stopped():
        assert Alarm.objects.get().user.name == "alice"
        assert User.objects.update(reported_until=timezone.now() + timedelta(seconds=4))
    computer.give_password()
    computer.shows("hold")
    expect(computer.iframe.locator("#hold-text")).to_contain_text("A sign-in was reported on the phone.")
    expect(computer.iframe.locator("#hold-left")).to_contain_text("Wait: 0:0")
    button = computer.iframe.get_by_role("button", name="Ask the phone again")
    expect(button).to_be_disabled()
    button.click()
    paired_phone.approve(computer.number())
    computer.is_welcomed_as("alice")


def test_S24_a_report_can_follow_a_no(computer, paired_phone, watch):
    watch.expect("403 POST /accounts/postback/")
    computer.give_password()
    computer.shows("waiting")
    paired_phone.is_asked()
    paired_phone.page.click("#deny")
    paired_phone.page.click("#done-report")
    report(paired_phone)
    computer.is_told("denied", "The request was denied")
    with traffic.stopped():
        assert AuthenticationRequest.objects.get().reason_code == 104


def test_a_report_can_be_thought_over_and_after_a_yes_there_is_none(computer, paired_phone):
    computer.give_password()
    paired_phone.is_asked()
    paired_phone.page.click("#report")
    paired_phone.page.click("#report-cancel")
    paired_phone.type_number(computer.number())
    paired_phone.page.locator("#done-title").get_by_text("Approved").wait_for()
    expect(paired_phone.page.locator("#done-report")).to_be_hidden()
    paired_phone.ended("Approved")
    computer.is_welcomed_as("alice")


def test_S45_a_code_that_comes_too_early_is_told_how_long_to_wait_and_the_phone_goes_on(computer, paired_phone, watch):
    watch.expect("429 POST /toopher/v1/web/frame/code")
    computer.give_password()
    computer.shows("waiting")
    paired_phone.is_asked()
    with traffic.stopped():
        User.objects.update(failures=10, blocked_until=timezone.now() + timedelta(hours=2))
    computer.type_code("123456")
    told = re.compile(r"Too many tries\. Please wait a moment\. Wait: (2:00:00|1:5\d:\d\d)")  # on a busy machine
    expect(computer.error).to_contain_text(told)
    computer.shows("waiting")
    paired_phone.approve(computer.number())  # which wrong codes don't keep from it (S45)
    computer.is_welcomed_as("alice")
