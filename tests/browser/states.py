"""Ways to every page that a person sees. Each begins with Alice's phone, its app open, and a computer, logged out."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import expect

from django_toopher.connection import api
from django_toopher.factors import recovery_codes
from django_toopher.service.codes import lists
from django_toopher.service.models import AuthenticationRequest, Pairing, Requester, User
from django_toopher.session.state import VERIFIED_AT

from .traffic import traffic


def open_login(computer, phone, settings):
    computer.open("/accounts/login/")


def open_login_error(computer, phone, settings):
    computer.give_password(password="wrong")
    expect(computer.page.get_by_role("alert")).to_be_visible()


def open_pairing(computer, phone, settings):
    phone.remove_account()
    computer.give_password()
    computer.shows("pairing")


def open_waiting(computer, phone, settings):
    computer.give_password()
    computer.shows("waiting")
    computer.iframe.locator("summary").click()
    phone.is_asked()


def open_hurry(computer, phone, settings):
    settings.TOOPHER_SERVICE_REQUEST_AGE = 59
    computer.give_password()
    computer.state("waiting").get_by_role("button", name="I need more time").wait_for()
    phone.is_asked()
    phone.page.get_by_role("button", name="I need more time").wait_for()


def wear_out(settings):
    """Somebody else who knows the password has had the phone asked as often as may be."""
    settings.TOOPHER_SERVICE_LIMITS = {"polls": 1000, "requests": 1}
    with traffic.stopped():
        asked = api().authenticate("alice", "secret-2", "Log In", terminal_name="Laptop")
        api().post(f"authentication_requests/{asked.id}/cancel")


def open_withheld(computer, phone, settings):
    wear_out(settings)
    computer.give_password()
    computer.shows("withheld")


def open_native_withheld(computer, phone, settings):
    wear_out(settings)
    settings.TOOPHER_EMBED = "native"
    computer.give_password()
    computer.page.locator("[data-state=code]").wait_for()


def open_native_late(computer, phone, settings):
    open_native_withheld(computer, phone, settings)
    with traffic.stopped():
        AuthenticationRequest.objects.update(expires=timezone.now() - timedelta(seconds=1))
    computer.open("/accounts/authenticate/")
    expect(computer.page.get_by_role("heading", name="The time ran out")).to_be_visible()


def open_list_code(computer, phone, settings):
    """Nobody has a phone any more, but there is a list of codes."""
    with traffic.stopped():
        user = User.objects.get(name="alice")
        lists.activate(user)
        user.pairings.update(state=Pairing.State.DEACTIVATED)
    computer.give_password()
    computer.shows("code")


def open_tap_on_phone(computer, phone, settings):
    """The client that asks can show no number."""
    with traffic.stopped():
        Requester.objects.update(shows_number=False)
        api().authenticate("alice", "secret-2", "Log In", terminal_name="Laptop")
    phone.is_asked()
    expect(phone.page.locator("#number")).to_be_hidden()
    phone.page.locator("#automate summary").click()


def open_two_questions(computer, phone, settings):
    computer.give_password()
    computer.shows("waiting")
    phone.is_asked()
    with traffic.stopped():
        api().authenticate("alice", "secret-2", "Log In", terminal_name="Laptop")
    phone.page.get_by_role("button", name="Show the next one").wait_for()


def open_failed(computer, phone, settings):
    computer.give_password()
    phone.deny()
    computer.is_told("denied", "The request was denied")


def open_account(computer, phone, settings):
    settings.TOOPHER_POLICY = "optional"  # else the only phone has to stay
    computer.give_password(next_url="/accounts/phones/")
    phone.approve(computer.number())
    computer.shows("managing")
    computer.iframe.locator("#phones").get_by_role("button", name="Remove").click()


def open_pairing_on_phone(computer, phone, settings):
    phone.remove_account()
    computer.give_password()
    phone.scan(computer.pairing_link())


def open_agreed_on_phone(computer, phone, settings):
    phone.remove_account()
    computer.give_password()
    phone.scan(computer.pairing_link())
    phone.page.click("#pair-allow")
    expect(phone.page.locator("#done-title")).to_have_text("Finish at the computer")


def open_last_phone(computer, phone, settings):
    computer.is_logged_in_as("alice")
    computer.open("/accounts/phones/lost/")
    computer.page.get_by_role("button", name="Pair a new phone").press("Enter")
    computer.shows("managing")
    expect(computer.iframe.locator("#kept")).to_be_visible()


def open_stale_account(computer, phone, settings):
    computer.is_logged_in_as("alice")
    with traffic.stopped():
        session = SessionStore(Session.objects.get().session_key)
        session[VERIFIED_AT] -= 700
        session.save()
    computer.open("/accounts/phones/")
    expect(computer.page.get_by_role("button", name="Confirm to make changes")).to_be_visible()


def open_words_on_phone(computer, phone, settings):
    phone.make_words()


def open_code_on_phone(computer, phone, settings):
    phone.code()


def open_native_pairing(computer, phone, settings):
    settings.TOOPHER_EMBED = "native"
    phone.remove_account()
    computer.give_password()
    expect(computer.page.get_by_role("heading", level=1)).to_be_visible()


def open_native_waiting(computer, phone, settings):
    settings.TOOPHER_EMBED = "native"
    computer.give_password()
    phone.is_asked()
    expect(computer.page.get_by_role("heading", level=1)).to_be_visible()


def open_native_last_phone(computer, phone, settings):
    settings.TOOPHER_EMBED = "native"
    computer.is_logged_in_as("alice")
    computer.open("/accounts/phones/")
    expect(computer.page.get_by_text("Pair another one before you remove this")).to_be_visible()
    expect(computer.page.get_by_role("button", name="Remove")).to_have_count(0)


def open_native_account(computer, phone, settings):
    settings.TOOPHER_EMBED = "native"
    computer.give_password(next_url="/accounts/phones/")
    phone.is_asked()
    phone.approve(computer.page.locator(".toopher-number").inner_text().replace(" ", ""))
    computer.page.get_by_text("Rename", exact=False).first.click()


def open_service_at_top_level(computer, phone, settings):
    settings.TOOPHER_EMBED = "redirect"
    computer.give_password()
    phone.is_asked()
    computer.page.locator("[data-state=waiting]").wait_for()


def open_recovery_codes(computer, phone, settings):
    computer.is_logged_in_as("alice")
    computer.open("/accounts/phones/")
    computer.page.get_by_role("button", name="recovery codes").press("Enter")
    computer.arrives_at("/accounts/phones/codes/")


def open_recovery(computer, phone, settings):
    with traffic.stopped():
        recovery_codes.make(get_user_model().objects.get())
    computer.give_password()
    computer.shows("waiting")
    computer.use_recovery_code()
    computer.arrives_at("/accounts/recover/")


def open_lost_phone(computer, phone, settings):
    computer.is_logged_in_as("alice")
    computer.open("/accounts/phones/lost/")
    expect(computer.page.get_by_role("heading", level=1)).to_be_visible()


PAGES = [
    open_login,
    open_login_error,
    open_pairing,
    open_waiting,
    open_hurry,
    open_withheld,
    open_native_withheld,
    open_native_late,
    open_list_code,
    open_tap_on_phone,
    open_two_questions,
    open_failed,
    open_account,
    open_pairing_on_phone,
    open_agreed_on_phone,
    open_last_phone,
    open_stale_account,
    open_words_on_phone,
    open_code_on_phone,
    open_native_pairing,
    open_native_waiting,
    open_native_account,
    open_native_last_phone,
    open_service_at_top_level,
    open_recovery_codes,
    open_recovery,
    open_lost_phone,
]
