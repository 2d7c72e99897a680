"""The ways to answer beside the iframe: at top level, on our own page, with a recovery code."""

from __future__ import annotations

import itertools

import pytest
from playwright.sync_api import expect

from django_toopher import connection
from django_toopher.factors import recovery_codes
from django_toopher.models import Attempt
from django_toopher.service.models import AuthenticationRequest, Requester

from .traffic import traffic

pytestmark = pytest.mark.usefixtures("required")

MODES = ["iframe", "redirect", "native"]


@pytest.fixture
def native(settings):
    settings.TOOPHER_EMBED = "native"


@pytest.fixture
def redirect(settings):
    settings.TOOPHER_EMBED = "redirect"


@pytest.fixture
def codes(alice, rows_of_phone):
    with traffic.stopped():
        return recovery_codes.make(alice)


class Native:
    """Our own page, at the computer."""

    def __init__(self, computer):
        self.page = computer.page

    def shows(self, state):
        self.page.locator(f"[data-state={state}]").wait_for()

    def number(self):
        self.shows("waiting")
        return self.page.locator(".toopher-number").inner_text().replace(" ", "")


# On our own page


def test_our_own_page_goes_on_by_itself_once_the_phone_says_yes_and_does_not_ask_while_it_is_hidden(
    native, computer, paired_phone
):
    computer.give_password()
    Native(computer).shows("waiting")
    with computer.page.expect_request("**/authenticate/state/"):
        pass
    polls = []

    def note(request):
        polls.append(request.url)

    hide = "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
    hide += " document.dispatchEvent(new Event('visibilitychange')); }"
    computer.page.evaluate(hide, True)
    computer.page.wait_for_timeout(500)
    computer.page.on("request", note)
    computer.page.wait_for_timeout(1500)
    computer.page.remove_listener("request", note)
    assert polls == []
    with computer.page.expect_request("**/authenticate/state/"):
        computer.page.evaluate(hide, False)
    paired_phone.approve(Native(computer).number())
    computer.is_welcomed_as("alice")


def test_a_phone_is_paired_on_our_own_page_by_its_words(native, computer, phone):
    computer.give_password()
    Native(computer).shows("pairing")
    image = computer.page.locator(".toopher-qr")
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    computer.page.fill("#toopher_phrase", phone.make_words())
    computer.page.press("#toopher_phrase", "Enter")
    phone.shows("pair")
    phone.allow()
    phone.approve(Native(computer).number())
    computer.is_welcomed_as("alice")


def test_without_javascript_the_buttons_do_it(native, make_computer, alice, paired_phone):
    computer = make_computer(java_script_enabled=False)
    computer.give_password()
    paired_phone.approve(Native(computer).number())
    computer.page.get_by_role("button", name="I have answered").click()
    computer.is_welcomed_as("alice")


def test_a_reload_asks_nothing_new_and_cancelling_takes_it_back_and_a_no_is_told(native, computer, paired_phone, watch):
    watch.allow("403 GET /accounts/authenticate/state/")  # a poll that overtakes the way to the login page
    watch.expect("403 POST /accounts/authenticate/")
    computer.give_password()
    number = Native(computer).number()
    computer.page.reload()
    assert Native(computer).number() == number
    paired_phone.is_asked()
    computer.cancel()
    computer.arrives_at("/accounts/login/")
    paired_phone.ended("Nothing left to do")
    with traffic.stopped():
        assert AuthenticationRequest.objects.count() == 1
    computer.give_password()
    Native(computer).shows("waiting")
    paired_phone.deny()
    computer.is_told("denied", "The request was denied")
    computer.is_anonymous()


def test_a_code_from_the_phone_does_on_our_own_page_and_a_wrong_one_is_told_where_the_keyboard_is(
    native, computer, paired_phone
):
    code = paired_phone.code()
    # In a hurry as here, a poll may see that the code has counted before the page has, and go on in its place.
    computer.page.route("**/authenticate/state/", lambda route: route.abort("aborted"))
    computer.give_password()
    computer.page.locator("summary").first.click()
    computer.page.fill("#toopher_code", str((int(code.replace(" ", "")) + 1) % 10**6).zfill(6))
    computer.page.press("#toopher_code", "Enter")
    expect(computer.page.get_by_role("alert")).to_contain_text("That code is not right")
    expect(computer.page.locator("#toopher_code")).to_be_focused()
    computer.page.fill("#toopher_code", code)
    computer.page.press("#toopher_code", "Enter")
    computer.is_welcomed_as("alice")


# At top level


def test_the_services_page_at_top_level_leads_there_and_back_with_a_no_too(redirect, computer, paired_phone, watch):
    watch.expect("403 POST /accounts/postback/")
    computer.give_password()
    computer.page.wait_for_url("**/toopher/v1/web/authenticate?**")
    paired_phone.deny()
    computer.is_told("denied", "The request was denied")
    computer.give_password()
    computer.page.wait_for_url("**/toopher/v1/web/authenticate?**")
    paired_phone.approve(computer.number_at_top_level())
    computer.is_welcomed_as("alice")
    assert "#" not in computer.page.url


def test_a_service_on_another_host_sends_back_to_a_strict_session(
    redirect, computer, paired_phone, live_server, settings, monkeypatch, subtests
):
    """The site is at localhost, the service at 127.0.0.1: two sites, to a browser.

    The site's own calls go without a socket, as only one request at a time is let in here (``Traffic``).
    """
    monkeypatch.setattr(connection, "is_embedded", lambda: True)
    with traffic.stopped():
        requester = Requester.objects.get()
        requester.consumer_key, requester.origins = "club", live_server.url
        requester.consumer_secret = "secret"
        requester.save()
    settings.TOOPHER_BASE_URL = f"{live_server.url.replace('localhost', '127.0.0.1')}/toopher/v1"
    settings.TOOPHER_CONSUMER_KEY, settings.TOOPHER_CONSUMER_SECRET = "club", "secret"
    for csrf_in_session, samesite in itertools.product([False, True], ["Lax", "Strict"]):
        with subtests.test(csrf_in_session=csrf_in_session, samesite=samesite):
            settings.SESSION_COOKIE_SAMESITE = settings.CSRF_COOKIE_SAMESITE = samesite
            settings.CSRF_USE_SESSIONS = csrf_in_session
            computer.context.clear_cookies()
            computer.give_password()
            computer.page.wait_for_url("http://127.0.0.1:*/toopher/v1/web/authenticate?**")
            paired_phone.approve(computer.number_at_top_level())
            computer.is_welcomed_as("alice")


def test_phones_are_managed_at_top_level(redirect, computer, paired_phone, settings):
    settings.TOOPHER_POLICY = "optional"  # else the only phone has to stay
    computer.give_password(next_url="/accounts/phones/")
    paired_phone.approve(computer.number_at_top_level())
    computer.arrives_at("/accounts/phones/")
    computer.page.get_by_role("link", name="Your phones and automatic answers").press("Enter")
    computer.page.locator("[data-state=managing]").wait_for()
    computer.page.locator("#phones").get_by_role("button", name="Remove").click()
    computer.page.locator("#confirm").get_by_role("button", name="Remove").click()
    expect(computer.page.get_by_role("status").first).to_have_text("The phone was removed.")
    computer.arrives_at("/accounts/phones/")


# Without the phone


@pytest.mark.parametrize("mode", MODES)
def test_a_recovery_code_signs_in_in_every_mode(mode, computer, codes, settings):
    settings.TOOPHER_EMBED = mode
    computer.give_password()
    if mode == "redirect":
        computer.turn_back()
        computer.arrives_at("/accounts/authenticate/")
        expect(computer.page.get_by_role("link", name="Go on to your phone")).to_be_visible()
    elif mode == "iframe":
        computer.shows("waiting")
    computer.use_recovery_code()
    computer.arrives_at("/accounts/recover/")
    expect(computer.page.get_by_label("Recovery code")).to_be_focused()
    computer.page.get_by_label("Recovery code").fill("0000 0000 0000")
    computer.page.keyboard.press("Enter")
    expect(computer.page.get_by_role("alert")).to_contain_text("That code is not right")
    computer.page.get_by_label("Recovery code").fill(codes[0].upper())
    computer.page.keyboard.press("Enter")
    expect(computer.page.get_by_role("heading", name="Is your phone gone?")).to_be_visible()
    computer.page.get_by_role("link", name="No, I still have it").click()
    computer.is_welcomed_as("alice")


def test_who_lost_the_phone_pairs_another(computer, codes, make_phone):
    computer.give_password()
    computer.shows("waiting")
    computer.use_recovery_code()
    computer.page.get_by_label("Recovery code").fill(codes[0])
    computer.page.keyboard.press("Enter")
    computer.page.get_by_role("button", name="Pair a new phone").click()
    computer.arrives_at("/accounts/phones/")
    computer.state("managing").get_by_role("button", name="Pair a phone").click()
    new = make_phone()
    new.scan(computer.pairing_link())
    new.allow()
    expect(computer.page.get_by_role("status").first).to_have_text("The phone is paired, the old ones were removed.")
    computer.context.clear_cookies()
    computer.give_password()
    new.approve(computer.number())
    computer.is_welcomed_as("alice")
    with traffic.stopped():
        methods = Attempt.objects.filter(kind="login").order_by("created").values_list("method", flat=True)
        assert [*methods] == ["recovery", "phone"]


def test_codes_can_be_downloaded_and_printed(computer, rows_of_phone):
    computer.is_logged_in_as("alice")
    computer.open("/accounts/phones/")
    computer.shows("managing")
    computer.page.get_by_role("button", name="Make recovery codes").press("Enter")
    shown = computer.page.locator(".toopher-codes code").all_inner_texts()
    assert len(shown) == 10
    with computer.page.expect_download() as download:
        computer.page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "recovery-codes.txt"
    assert download.value.path().read_text().split()[1:] == shown
    expect(computer.page.get_by_role("button", name="Print")).to_be_visible()
    computer.page.get_by_role("link", name="I have saved them").click()
    expect(computer.page.get_by_text("10 codes are left.")).to_be_visible()
