"""Confirming one action: at the computer, and on the phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.app.step_up_urls import SEEN

from .axe import faults_of, overhang
from .people import SIX_DIGITS
from .traffic import traffic

pytestmark = pytest.mark.urls("tests.browser.step_up_urls")


@pytest.fixture(autouse=True)
def seen():
    """What the views were given in this test."""
    SEEN.clear()
    return SEEN


@pytest.fixture
def at_form(required, computer, known_phone):
    """Alice, logged in, in front of a form."""
    computer.is_logged_in_as("alice")
    computer.open("/form-page/")
    return computer


def pay(computer, amount="300"):
    computer.page.fill("[name=amount]", amount)
    receipt = {"name": "receipt ü.pdf", "mimeType": "application/pdf", "buffer": bytes(range(256))}
    computer.page.set_input_files("[name=receipt]", receipt)
    computer.page.get_by_role("button", name="Pay").click()


def given():
    with traffic.stopped():
        return [*SEEN]


def test_a_payment_is_made_once_the_phone_has_said_yes_to_its_words_and_else_the_form_comes_back(
    at_form, known_phone, watch
):
    watch.expect("403 POST /pay/Bob/")
    pay(at_form)
    at_form.shows("waiting")
    known_phone.is_asked()
    at_form.cancel()
    at_form.arrives_at("/form-page/")
    known_phone.ended("Nothing left to do")
    assert given() == []
    pay(at_form)
    known_phone.deny()
    at_form.is_told("denied", "The request was denied")
    assert given() == []
    at_form.page.get_by_role("link", name="Back").click()
    at_form.arrives_at("/form-page/")
    pay(at_form)
    expect(at_form.page.locator(".toopher-action")).to_have_text("Pay 300 € to Bob")
    known_phone.is_asked()
    expect(known_phone.page.locator("[data-screen=request]")).to_contain_text("Pay 300 € to Bob")
    assert given() == []
    known_phone.approve(at_form.number())
    expect(at_form.page.locator("body")).to_have_text("paid Bob")
    at_form.arrives_at("/pay/Bob/")
    (payment,) = given()
    assert payment["fields"][-1] == ("amount", ["300"])
    ((name, kind, _charset, content, _class),) = payment["files"]["receipt"]
    assert (name, kind, content) == ("receipt ü.pdf", "application/pdf", bytes(range(256)))


def test_a_page_is_shown_at_its_own_address(at_form, known_phone):
    at_form.open("/secret/")
    number = at_form.number()
    assert faults_of(at_form.page) == []
    known_phone.approve(number)
    expect(at_form.page.locator("body")).to_have_text("secret")
    at_form.arrives_at("/secret/")
    at_form.page.reload()
    at_form.shows("waiting")  # which asks anew


def test_who_has_no_phone_types_the_password(alice, computer):
    computer.give_password()
    computer.is_welcomed_as("alice")
    computer.open("/form-page/")
    pay(computer)
    field = computer.page.get_by_label("Your password")
    expect(field).to_be_focused()
    field.fill("wrong")
    field.press("Enter")
    expect(computer.page.get_by_role("alert")).to_contain_text("That password is wrong")
    assert given() == []
    assert faults_of(computer.page) == []
    assert overhang(computer.page) == {}
    assert overhang(computer.page, letters=200) == {}
    computer.page.get_by_label("Your password").fill("password")
    computer.page.get_by_role("button", name="Confirm").click()
    expect(computer.page.locator("body")).to_have_text("paid Bob")


SEND = """async (ticket) => {
    const headers = { Accept: "application/json" };
    headers["X-CSRFToken"] = document.querySelector("[name=csrfmiddlewaretoken]").value;
    if (ticket) headers["X-Toopher-Step-Up"] = ticket;
    const body = new URLSearchParams({ amount: 5 });
    const response = await fetch("/pay/Bob/", { method: "POST", headers, body });
    return ticket ? response.text() : response.json();
}"""


def test_a_script_shows_the_number_itself(at_form, known_phone, watch):
    watch.expect("403 POST /pay/Bob/")
    told = at_form.page.evaluate(SEND, None)
    known_phone.approve(told["number"])
    assert at_form.page.evaluate(SEND, told["step_up"]) == "paid Bob"


def test_a_script_without_a_page_sends_its_person_to_one_that_follows_the_phone(at_form, known_phone, watch):
    watch.expect("403 POST /pay/Bob/")
    page = at_form.page
    for answer, title in {"approve": "Confirmed", "deny": "Denied"}.items():
        at_form.open("/form-page/")
        page.goto(page.evaluate(SEND, None)["authenticate_url"])
        expect(page.locator("#toopher_number")).to_have_text(SIX_DIGITS)
        assert faults_of(page) == []
        assert overhang(page) == {}
        assert overhang(page, letters=200) == {}
        number = page.locator("#toopher_number").inner_text().replace(" ", "")
        known_phone.approve(number) if answer == "approve" else known_phone.deny()
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        assert faults_of(page) == []


def test_our_own_page_goes_on_by_itself(at_form, known_phone, settings):
    settings.TOOPHER_EMBED = "native"
    pay(at_form)
    shown = at_form.page.locator("#toopher_number")
    expect(shown).to_have_text(SIX_DIGITS)
    known_phone.approve(shown.inner_text().replace(" ", ""))
    expect(at_form.page.locator("body")).to_have_text("paid Bob")
    ((name, _kind, _charset, content, _class),) = given()[0]["files"]["receipt"]
    assert (name, content) == ("receipt ü.pdf", bytes(range(256)))


def test_our_own_page_works_without_javascript(required, paired_phone, make_computer, settings):
    settings.TOOPHER_EMBED = "native"
    computer = make_computer(java_script_enabled=False)
    computer.give_password()
    shown = computer.page.locator(".toopher-number")
    paired_phone.approve(shown.inner_text().replace(" ", ""))
    computer.page.get_by_role("button", name="I have answered").click()
    computer.open("/form-page/")
    pay(computer)
    paired_phone.approve(shown.inner_text().replace(" ", ""))
    computer.page.get_by_role("button", name="I have answered").click()
    expect(computer.page.locator("body")).to_have_text("paid Bob")


@pytest.mark.parametrize("embed", ["iframe", "native"])
def test_axe_finds_nothing_where_a_phone_is_asked(embed, required, computer, rows_of_phone, settings):
    settings.TOOPHER_EMBED = embed
    computer.is_logged_in_as("alice")
    computer.open("/form-page/")
    pay(computer)
    if embed == "iframe":
        computer.shows("waiting")
    expect(computer.page.get_by_role("heading", level=1)).to_have_text("Please confirm")
    assert faults_of(computer.page) == []
    assert overhang(computer.page) == {}
    assert overhang(computer.page, letters=200) == {}
