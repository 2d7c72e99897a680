"""Having a phone or not: the account page, removed phones, the policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect


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


@pytest.fixture
def at_account_page(optional, computer, phone, pair_on_account_page):
    """Alice at her account page, with a phone."""
    computer.give_password()
    computer.is_welcomed_as("alice")
    pair_on_account_page(computer, phone)
    return computer


def forget_login(computer):
    """Close the browser and open it again."""
    computer.context.clear_cookies()


def remove_phone(computer, answer="Remove"):
    computer.iframe.locator("#phones").get_by_role("button", name="Remove").click()
    expect(computer.iframe.locator("#confirm")).to_contain_text("Remove this phone?")
    computer.iframe.locator("#confirm").get_by_role("button", name=answer).click()


def test_without_a_phone_the_password_is_enough_where_phones_are_optional(optional, computer):
    computer.give_password()
    computer.is_welcomed_as("alice")


def test_after_pairing_on_the_account_page_the_next_login_asks_the_phone(at_account_page, phone):
    forget_login(at_account_page)
    at_account_page.give_password()
    phone.approve(at_account_page.number())
    at_account_page.is_welcomed_as("alice")


def test_the_account_page_lists_the_phone_and_keeps_it_when_its_removal_is_not_confirmed(at_account_page, phone):
    phones = at_account_page.iframe.locator("#phones li")
    expect(phones).to_have_count(1)
    expect(phones).to_contain_text("Chrome on Linux")
    remove_phone(at_account_page, "Cancel")
    expect(at_account_page.iframe.locator("#confirm")).to_be_hidden()
    at_account_page.page.reload()
    expect(phones).to_have_count(1)


def test_a_phone_removed_on_the_account_page_is_not_asked_any_more(at_account_page, phone):
    remove_phone(at_account_page)
    expect(at_account_page.page.get_by_role("status").first).to_have_text("The phone was removed.")
    expect(at_account_page.iframe.locator("#no-phones")).to_be_visible()
    forget_login(at_account_page)
    at_account_page.give_password()
    at_account_page.is_welcomed_as("alice")


def test_the_account_page_of_somebody_with_a_phone_asks_the_phone_first(at_account_page, phone, settings):
    forget_login(at_account_page)
    at_account_page.give_password(next_url="/accounts/phones/")
    phone.approve(at_account_page.number())
    at_account_page.arrives_at("/accounts/phones/")
    expect(at_account_page.iframe.locator("#phones li")).to_have_count(1)


def test_a_second_phone_can_be_added_and_one_of_them_removed(at_account_page, make_phone, pair_on_account_page):
    pair_on_account_page(at_account_page, make_phone())
    phones = at_account_page.iframe.locator("#phones li")
    expect(phones).to_have_count(2)
    phones.first.get_by_role("button", name="Remove").click()
    at_account_page.iframe.locator("#confirm").get_by_role("button", name="Remove").click()
    expect(phones).to_have_count(1)
    expect(at_account_page.page.get_by_text("A phone is paired")).to_be_visible()


def test_who_removed_the_phone_pairs_again_where_phones_are_required(required, computer, paired_phone):
    paired_phone.remove_account()
    computer.give_password()
    paired_phone.scan(computer.pairing_link())
    paired_phone.allow()
    paired_phone.approve(computer.number())
    computer.is_welcomed_as("alice")


def test_who_removed_the_phone_is_told_and_then_needs_the_password_only_where_phones_are_optional(
    at_account_page, phone, watch
):
    watch.expect("403 POST /accounts/postback/")
    phone.remove_account()
    forget_login(at_account_page)
    at_account_page.give_password()
    at_account_page.is_told("phone_removed", "No phone is paired any more")
    at_account_page.is_anonymous()
    at_account_page.page.get_by_role("link", name="Sign in again").click()
    at_account_page.fill_in_password("alice")
    at_account_page.arrives_at("/")
    at_account_page.open("/members/")
    at_account_page.is_welcomed_as("alice")
