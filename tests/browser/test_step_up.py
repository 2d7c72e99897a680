"""Confirming one action: at the computer, and on the phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.app.step_up_urls import SEEN

from .people import SIX_DIGITS
from .test_accessibility import faults_of
from .traffic import traffic

pytestmark = pytest.mark.urls("tests.browser.step_up_urls")


@pytest.fixture(autouse=True)
def seen():
    """What the views were given in this test."""
    SEEN.clear()
    return SEEN


@pytest.fixture
def at_form(required, computer, paired_phone):
    """Alice, logged in, in front of a form."""
    computer.give_password()
    paired_phone.approve(computer.number())
    computer.is_welcomed_as("alice")
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


def test_a_payment_is_made_once_the_phone_has_said_yes_to_its_words(at_form, paired_phone):
    pay(at_form)
    expect(at_form.page.locator(".toopher-action")).to_have_text("Pay 300 € to Bob")
    paired_phone.is_asked()
    expect(paired_phone.page.locator("[data-screen=request]")).to_contain_text("Pay 300 € to Bob")
    assert given() == []
    paired_phone.approve(at_form.number())
    expect(at_form.page.locator("body")).to_have_text("paid Bob")
    at_form.arrives_at("/pay/Bob/")
    (payment,) = given()
    assert payment["fields"][-1] == ("amount", ["300"])
    ((name, kind, _charset, content, _class),) = payment["files"]["receipt"]
    assert (name, kind, content) == ("receipt ü.pdf", "application/pdf", bytes(range(256)))


def test_a_no_on_the_phone_leads_back_to_the_form(at_form, paired_phone, watch):
    watch.expect("403 POST /pay/Bob/")
    pay(at_form)
    paired_phone.deny()
    at_form.is_told("denied", "You said no")
    assert given() == []
    at_form.page.get_by_role("link", name="Back").click()
    at_form.arrives_at("/form-page/")


def test_cancelling_leads_back_to_the_form(at_form):
    pay(at_form)
    at_form.shows("waiting")
    at_form.cancel()
    at_form.arrives_at("/form-page/")
    assert given() == []


def test_a_page_is_shown_at_its_own_address(at_form, paired_phone):
    at_form.open("/secret/")
    paired_phone.approve(at_form.number())
    expect(at_form.page.locator("body")).to_have_text("secret")
    at_form.arrives_at("/secret/")
    at_form.page.reload()
    at_form.shows("waiting")  # which asks anew


def test_who_has_no_phone_types_the_password(alice, make_computer, watch):
    computer = make_computer()
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


def test_a_script_shows_the_number_itself(at_form, paired_phone, watch):
    watch.expect("403 POST /pay/Bob/")
    told = at_form.page.evaluate(SEND, None)
    paired_phone.approve(told["number"])
    assert at_form.page.evaluate(SEND, told["step_up"]) == "paid Bob"


@pytest.fixture
def at_page_of_a_script(at_form, watch):
    """The page to which a script without one sends its person."""
    watch.expect("403 POST /pay/Bob/")
    told = at_form.page.evaluate(SEND, None)
    at_form.page.goto(told["authenticate_url"])
    return at_form


@pytest.mark.parametrize(("answer", "title"), [("approve", "Confirmed"), ("deny", "Denied")])
def test_the_page_of_a_script_follows_the_phone(answer, title, at_page_of_a_script, paired_phone):
    page = at_page_of_a_script.page
    expect(page.locator("#toopher_number")).to_have_text(SIX_DIGITS)
    number = page.locator("#toopher_number").inner_text().replace(" ", "")
    paired_phone.approve(number) if answer == "approve" else paired_phone.deny()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


@pytest.fixture
def number(at_form):
    """The digits on our own page."""

    def read():
        shown = at_form.page.locator("#toopher_number")
        expect(shown).to_have_text(SIX_DIGITS)
        return shown.inner_text().replace(" ", "")

    return read


def test_our_own_page_goes_on_by_itself(at_form, paired_phone, number, settings):
    settings.TOOPHER_EMBED = "native"
    pay(at_form)
    paired_phone.approve(number())
    expect(at_form.page.locator("body")).to_have_text("paid Bob")
    ((name, _kind, _charset, content, _class),) = given()[0]["files"]["receipt"]
    assert (name, content) == ("receipt ü.pdf", bytes(range(256)))


def test_our_own_page_works_without_javascript(required, make_context, paired_phone, make_computer, settings):
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


def narrow(page):
    """Whether the page can be read at 320 px without scrolling sideways."""
    page.set_viewport_size({"width": 320, "height": 600})
    return page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("embed", ["iframe", "native"])
def test_axe_finds_nothing_where_a_phone_is_asked(embed, scheme, at_form, settings):
    settings.TOOPHER_EMBED = embed
    at_form.page.emulate_media(color_scheme=scheme)
    pay(at_form)
    if embed == "iframe":
        at_form.shows("waiting")
    expect(at_form.page.get_by_role("heading", level=1)).to_have_text("Please confirm")
    assert faults_of(at_form.page) == []
    assert narrow(at_form.page)


def test_axe_finds_nothing_on_the_page_of_a_script(at_page_of_a_script, paired_phone):
    assert faults_of(at_page_of_a_script.page) == []
    assert narrow(at_page_of_a_script.page)
    paired_phone.deny()
    expect(at_page_of_a_script.page.get_by_role("heading", level=1)).to_have_text("Denied")
    assert faults_of(at_page_of_a_script.page) == []


def test_axe_finds_nothing_where_a_password_is_asked(alice, make_computer):
    computer = make_computer()
    computer.give_password()
    computer.is_welcomed_as("alice")
    computer.open("/form-page/")
    pay(computer)
    computer.page.get_by_label("Your password").fill("wrong")
    computer.page.get_by_role("button", name="Confirm").click()
    expect(computer.page.get_by_role("alert")).to_contain_text("That password is wrong")
    assert faults_of(computer.page) == []
    assert narrow(computer.page)
