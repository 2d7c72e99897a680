"""While the phone may not be asked, its code signs in and confirms; then the person has it asked (SECURITY.md S45)."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from django_toopher.service.models import AuthenticationRequest, Tally

from .axe import faults_of, overhang
from .states import open_native_withheld, open_withheld, wear_out
from .traffic import traffic

LEFT = re.compile(r"^9:\d\d$|^10:00$")


def let_the_wait_pass():
    with traffic.stopped():
        AuthenticationRequest.objects.exclude(withheld_until=None).update(withheld_until=timezone.now())
        Tally.objects.update(expires=timezone.now())


def test_S45_in_the_iframe_the_code_signs_in(required, computer, paired_phone, settings, watch):
    watch.expect("403 POST .*/code")
    code = paired_phone.code()
    open_withheld(computer, paired_phone, settings)
    withheld = computer.state("withheld")
    expect(withheld.locator("#withheld-left")).to_have_text(LEFT)
    expect(withheld.get_by_role("button", name="Ask the phone again")).to_be_disabled()
    withheld.get_by_label("The 6 digits").fill("000000")
    withheld.get_by_role("button", name="Go on").press("Enter")
    expect(computer.error).to_contain_text("That code is not right")
    withheld.get_by_label("The 6 digits").fill(code)
    withheld.get_by_role("button", name="Go on").press("Enter")
    computer.is_welcomed_as("alice")


def test_S45_in_the_iframe_the_phone_is_asked_when_the_wait_is_over(required, computer, paired_phone, settings):
    open_withheld(computer, paired_phone, settings)
    let_the_wait_pass()
    ask = computer.state("withheld").get_by_role("button", name="Ask the phone again")
    expect(ask).to_be_enabled()
    expect(computer.iframe.locator("#withheld-line")).to_be_hidden()
    ask.press("Enter")
    number = computer.number()
    paired_phone.approve(number)
    computer.is_welcomed_as("alice")


def test_S45_on_our_own_page_the_code_signs_in(required, computer, paired_phone, settings, watch):
    watch.allow("403 GET /accounts/authenticate/state/")  # a poll that overtakes the form
    code = paired_phone.code()
    open_native_withheld(computer, paired_phone, settings)
    expect(computer.page.locator("#toopher_left")).to_have_text(LEFT)
    expect(computer.page.get_by_role("button", name="Ask the phone again")).to_be_disabled()
    computer.page.get_by_label("The 6 digits").fill(code)
    computer.page.get_by_role("button", name="Go on").click()
    computer.is_welcomed_as("alice")


def test_S45_no_poll_overtakes_a_code_that_is_on_its_way(required, computer, paired_phone, settings, watch):
    """Its answer, that all is over, would take the person to a page that says so, in place of where they are let in."""
    watch.expect("403 GET /accounts/authenticate/state/")
    code, held = paired_phone.code(), []
    open_native_withheld(computer, paired_phone, settings)
    page = computer.page
    page.route("**/authenticate/state/", lambda route: held.append(route))
    with page.expect_request("**/authenticate/state/"):
        pass
    page.evaluate("addEventListener('submit', (event) => event.preventDefault())")  # as slow as a network can be
    page.get_by_label("The 6 digits").fill(code)
    page.get_by_role("button", name="Go on").click()
    posted = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    held[0].fulfill(status=403, json={"state": "over", "reason": "nothing_pending"})
    page.wait_for_timeout(500)
    assert posted == []


def test_S45_on_our_own_page_the_phone_is_asked_when_the_wait_is_over(required, computer, paired_phone, settings):
    open_native_withheld(computer, paired_phone, settings)
    let_the_wait_pass()
    computer.page.reload()
    expect(computer.page.get_by_text("Until the phone can be asked again")).to_have_count(0)
    computer.page.get_by_role("button", name="Ask the phone again").click()
    number = computer.page.locator(".toopher-number").inner_text().replace(" ", "")
    paired_phone.approve(number)
    computer.is_welcomed_as("alice")


def test_S45_without_javascript_the_page_tells_the_minutes_and_asks(required, make_computer, paired_phone, settings):
    computer = make_computer(java_script_enabled=False)
    open_native_withheld(computer, paired_phone, settings)
    expect(computer.page.locator("#toopher_left")).to_have_text("10 min")
    computer.page.get_by_role("button", name="Ask the phone again").click()
    expect(computer.page.locator("[data-state=code]")).to_be_visible()
    let_the_wait_pass()
    computer.page.get_by_role("button", name="Ask the phone again").click()
    expect(computer.page.locator(".toopher-number")).to_be_visible()


@pytest.mark.urls("tests.browser.step_up_urls")
def test_S45_on_a_step_ups_page_the_code_confirms(required, computer, known_phone, settings):
    settings.TOOPHER_EMBED = "native"
    code = known_phone.code()
    wear_out(settings)
    computer.is_logged_in_as("alice")
    computer.open("/form-page/")
    computer.page.fill("[name=amount]", "300")
    computer.page.get_by_role("button", name="Pay").click()
    expect(computer.page.locator("#toopher_left")).to_have_text(LEFT)
    assert faults_of(computer.page) == []
    assert overhang(computer.page) == {}
    assert overhang(computer.page, letters=200) == {}
    computer.page.get_by_label("The 6 digits").fill(code)
    computer.page.get_by_role("button", name="Go on").click()
    expect(computer.page.get_by_text("paid Bob")).to_be_visible()
