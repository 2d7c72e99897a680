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
