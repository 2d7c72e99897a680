"""People without a phone, the page where phones are managed, and what the phone shows beside the question."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from django_toopher.connection import api
from django_toopher.service.models import AuthenticationRequest, Pairing, Requester

from .people import SIX_DIGITS
from .traffic import traffic

pytestmark = pytest.mark.usefixtures("required")


@pytest.fixture
def listed(alice):
    """Alice has no phone, but a list of codes."""
    with traffic.stopped():
        told = api().post("users/activate_next_otp_list", user_name="alice", create_user_if_needed="True")
    return told["otp_list"]


@pytest.fixture
def managing(computer, rows_of_phone, settings):
    """Alice's phones, on the account page. Where phones are required, the last one would have to stay."""
    settings.TOOPHER_POLICY = "optional"
    computer.is_logged_in_as("alice")
    computer.open("/accounts/phones/")
    computer.shows("managing")
    return computer


def type_code(computer, code):
    computer.iframe.locator("#list-code").fill(code)
    computer.iframe.locator("#list-code").press("Enter")


def test_who_has_a_list_and_no_phone_signs_in_with_a_code(computer, listed, watch):
    watch.expect("403 POST /toopher/v1/web/frame/code")
    computer.give_password()
    computer.shows("code")
    type_code(computer, "0000 0000")
    expect(computer.error).to_be_visible()
    type_code(computer, f"{listed[0][:4]} {listed[0][4:]}")
    computer.is_welcomed_as("alice")


def test_the_phone_shows_the_code_beside_the_question_once_it_is_wished(computer, paired_phone):
    computer.give_password()
    computer.shows("waiting")
    paired_phone.is_asked()
    expect(paired_phone.page.locator("#request-otp")).to_have_text("")
    expect(paired_phone.page.locator("#request-otp")).to_be_hidden()
    paired_phone.page.locator("#request-code summary").click()
    code = paired_phone.page.locator("#request-otp").get_by_text(SIX_DIGITS).inner_text()
    computer.type_code(code)
    computer.is_welcomed_as("alice")
    paired_phone.ended("Nothing left to do")


def test_a_question_that_the_site_takes_back_leaves_the_phone(paired_phone):
    with traffic.stopped():
        asked = api().authenticate("alice", "secret-1", "Log In", terminal_name="PC")
    paired_phone.is_asked()
    with traffic.stopped():
        api().post(f"authentication_requests/{asked.id}/cancel")
    paired_phone.ended("Nothing left to do")
    paired_phone.shows("home")
    with traffic.stopped():
        assert AuthenticationRequest.objects.get().state == "cancelled"


def test_a_phone_is_renamed_and_all_are_removed_after_a_question(managing):
    """Who may not opt out is not offered it."""
    expect(managing.iframe.locator("#reset-form")).to_be_visible()
    expect(managing.iframe.locator("#kept")).to_be_hidden()
    expect(managing.iframe.locator("#opt-out")).to_be_hidden()
    managing.iframe.locator("#phones summary").click()
    managing.iframe.get_by_label("New name").fill("My work phone")
    managing.iframe.get_by_label("New name").press("Enter")
    expect(managing.iframe.locator("#phones strong")).to_have_text("My work phone")
    for answer in ("Cancel", "Remove all"):
        managing.iframe.get_by_role("button", name="Remove all phones").click()
        with traffic.stopped():
            assert Pairing.objects.enabled().exists()
        managing.iframe.locator("#confirm").get_by_role("button", name=answer, exact=True).click()
    expect(managing.page.get_by_text("The change was made.")).to_be_visible()
    with traffic.stopped():
        assert not Pairing.objects.enabled().exists()


def test_who_may_opt_out_is_asked_once_more(managing, make_computer):
    with traffic.stopped():
        Requester.objects.update(permitted_opt_out=True)
    managing.page.reload()
    managing.shows("managing")
    managing.iframe.get_by_role("button", name="Switch the second factor off").click()
    managing.iframe.locator("#confirm").get_by_role("button", name="Switch off").click()
    expect(managing.page.get_by_text("The change was made.")).to_be_visible()
    other = make_computer()
    other.give_password()
    other.is_welcomed_as("alice")


def test_S38_where_phones_are_required_the_last_one_can_not_be_removed(managing, settings):
    settings.TOOPHER_POLICY = "required"
    managing.page.reload()
    managing.shows("managing")
    expect(managing.iframe.locator("#kept")).to_be_visible()
    expect(managing.iframe.locator("#phones").get_by_role("button", name="Remove")).to_be_hidden()
    expect(managing.iframe.locator("#reset-form")).to_be_hidden()
