"""Having a phone or not: the account page, removed phones, the policy."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import expect

from django_toopher.service.models import Pairing
from django_toopher.session.state import VERIFIED_AT

from .traffic import traffic


@pytest.fixture
def optional(settings):
    """Who has paired a phone needs it; that is the default."""
    settings.TOOPHER_POLICY = "optional"


@pytest.fixture
def pair_on_account_page():
    def act(computer, phone):
        computer.open("/accounts/phones/")
        computer.state("managing").get_by_role("button", name="Pair a phone").click()
        phone.scan(computer.pairing_link())
        phone.allow()
        expect(computer.page.get_by_role("status").first).to_have_text("The phone is paired.")

    return act


def forget_login(computer):
    """Close the browser and open it again."""
    computer.context.clear_cookies()


def remove_phone(computer, answer="Remove"):
    computer.iframe.locator("#phones").get_by_role("button", name="Remove").click()
    expect(computer.iframe.locator("#confirm")).to_contain_text("Remove this phone?")
    computer.iframe.locator("#confirm").get_by_role("button", name=answer).click()


def test_a_phone_is_paired_listed_asked_and_removed_on_the_account_page(
    optional, computer, phone, pair_on_account_page
):
    """Who has none needs the password only; who has one is asked, at the account page too, until it is removed."""
    computer.give_password()
    computer.is_welcomed_as("alice")
    pair_on_account_page(computer, phone)
    phones = computer.iframe.locator("#phones li")
    expect(phones).to_have_count(1)
    expect(phones).to_contain_text("Chrome on Linux")
    remove_phone(computer, "Cancel")
    expect(computer.iframe.locator("#confirm")).to_be_hidden()
    computer.page.reload()
    expect(phones).to_have_count(1)
    forget_login(computer)
    computer.give_password()
    phone.approve(computer.number())
    computer.is_welcomed_as("alice")
    forget_login(computer)
    computer.give_password(next_url="/accounts/phones/")
    phone.approve(computer.number())
    computer.arrives_at("/accounts/phones/")
    expect(phones).to_have_count(1)
    remove_phone(computer)
    expect(computer.page.get_by_role("status").first).to_have_text("The phone was removed.")
    expect(computer.iframe.locator("#no-phones")).to_be_visible()
    forget_login(computer)
    computer.give_password()
    computer.is_welcomed_as("alice")


def test_a_second_phone_can_be_added_and_one_of_them_removed(
    optional, computer, rows_of_phone, phone, pair_on_account_page
):
    computer.is_logged_in_as("alice")
    pair_on_account_page(computer, phone)
    phones = computer.iframe.locator("#phones li")
    expect(phones).to_have_count(2)
    phones.first.get_by_role("button", name="Remove").click()
    computer.iframe.locator("#confirm").get_by_role("button", name="Remove").click()
    expect(phones).to_have_count(1)
    expect(computer.page.get_by_text("A phone is paired")).to_be_visible()


def test_S39_a_first_and_a_second_phone_are_paired_and_one_removed_once_the_site_has_confirmed(
    optional, computer, phone, make_phone, pair_on_account_page
):
    """The phone says that the computer has to finish it, and hears by itself that it has."""
    computer.give_password()
    computer.is_welcomed_as("alice")
    second = make_phone()
    for each in (phone, second):
        computer.open("/accounts/phones/")
        computer.state("managing").get_by_role("button", name="Pair a phone").click()
        each.scan(computer.pairing_link())
        each.page.click("#pair-allow")
        expect(computer.page.get_by_role("status").first).to_have_text("The phone is paired.")
        expect(each.page.locator("#done-title")).to_have_text("Paired")
        each.page.click("#done-back")
        expect(each.accounts.locator(".account-note")).to_be_hidden()
    phones = computer.iframe.locator("#phones li")
    expect(phones).to_have_count(2)
    remove_phone_at(computer, 0)
    expect(computer.page.get_by_role("status").first).to_have_text("The phone was removed.")
    expect(phones).to_have_count(1)


def remove_phone_at(computer, place):
    computer.iframe.locator("#phones li").nth(place).get_by_role("button", name="Remove").click()
    computer.iframe.locator("#confirm").get_by_role("button", name="Remove").click()


@pytest.fixture
def ended_elsewhere(computer):
    """Alice's session, open at the management page, is ended elsewhere."""

    def act():
        with traffic.stopped():
            Session.objects.all().delete()

    return act


def test_S39_the_page_of_a_session_that_has_ended_removes_and_pairs_nothing(
    optional, computer, rows_of_phone, phone, ended_elsewhere
):
    for act in ("remove", "pair"):
        computer.is_logged_in_as("alice")
        computer.open("/accounts/phones/")
        computer.shows("managing")
        ended_elsewhere()
        if act == "remove":
            remove_phone_at(computer, 0)
        else:
            computer.state("managing").get_by_role("button", name="Pair a phone").click()
            phone.scan(computer.pairing_link())
            phone.page.click("#pair-allow")
            expect(phone.page.locator("#done-title")).to_have_text("Finish at the computer")
        computer.page.wait_for_url("**/accounts/login/**")
        with traffic.stopped():
            assert [each.authenticator.name for each in Pairing.objects.enabled()] == ["Pixel"]
            Pairing.objects.filter(state=Pairing.State.AGREED).update(expires=timezone.now())
    phone.page.click("#done-back")
    expect(phone.accounts).to_have_count(0)  # it came to nothing, and the phone has heard of it


def test_S38_an_old_session_confirms_before_the_phones_can_be_changed(optional, computer, known_phone):
    computer.is_logged_in_as("alice")
    with traffic.stopped():
        session = SessionStore(Session.objects.get().session_key)
        session[VERIFIED_AT] -= 700
        session.save()
    computer.open("/accounts/phones/")
    computer.page.get_by_role("button", name="Confirm to make changes").click()
    known_phone.approve(computer.number())
    computer.arrives_at("/accounts/phones/")
    computer.shows("managing")


def test_who_removed_the_phone_pairs_again_where_phones_are_required(required, computer, paired_phone):
    paired_phone.remove_account()
    computer.give_password()
    paired_phone.scan(computer.pairing_link())
    paired_phone.allow()
    paired_phone.approve(computer.number())
    computer.is_welcomed_as("alice")


def test_who_removed_the_phone_is_told_and_then_needs_the_password_only_where_phones_are_optional(
    optional, computer, known_phone, watch
):
    watch.expect("403 POST /accounts/postback/")
    known_phone.remove_account()
    computer.give_password()
    computer.is_told("phone_removed", "No phone is paired")
    computer.is_anonymous()
    computer.page.get_by_role("link", name="Sign in again").click()
    computer.fill_in_password("alice")
    computer.arrives_at("/")
    computer.open("/members/")
    computer.is_welcomed_as("alice")
