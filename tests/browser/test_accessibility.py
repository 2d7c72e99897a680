"""axe-core finds nothing in the admin (elsewhere: test_pages); a login takes no mouse; what happens is announced."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from tests.factories import paired, registered_phone, requester_of

from .axe import faults_of
from .people import press_until
from .traffic import traffic

ADMIN_PAGES = [
    f"/admin/{app}/{model}/"
    for app, models in {
        "django_toopher": ["toopheraccount", "attempt"],
        "toopher_service": ["requester", "user", "pairing", "authenticationrequest"],
    }.items()
    for model in models
]


@pytest.fixture
def support(make_computer):
    """A superuser's computer, logged in."""
    User.objects.create_superuser("support", password="password")
    computer = make_computer()
    computer.is_logged_in_as("support")
    return computer


def test_axe_finds_nothing_in_the_admin(support, alice, watch):
    watch.allow("Applying inline style")  # axe's own, where the admin has a form
    with traffic.stopped():
        paired(requester_of(), alice.username, registered_phone())
    faults = {}
    for path in ADMIN_PAGES:
        support.open(path)
        faults[path] = faults_of(support.page, looks=("light",))
        row = support.page.locator("#result_list tbody th a").first
        if row.count():
            row.click()
            support.page.wait_for_load_state()
            faults[f"{path} (one)"] = faults_of(support.page, looks=("light",))
    assert {path: found for path, found in faults.items() if found} == {}


def test_a_login_takes_no_mouse(required, computer, paired_phone):
    phone = paired_phone
    computer.open("/accounts/login/?next=/members/")
    press_until(computer.page, "Tab", "[name=username]")
    computer.page.keyboard.type("alice")
    press_until(computer.page, "Tab", "[name=password]")
    computer.page.keyboard.type("password")
    computer.page.keyboard.press("Enter")
    number = computer.number()
    phone.is_asked()
    press_until(phone.page, "Tab", "#number")
    phone.page.keyboard.type(number)
    expect(phone.page.locator("#approve")).to_be_enabled()  # which no tap meant for something else may be too early for
    press_until(phone.page, "Tab", "#approve")
    phone.page.keyboard.press("Enter")
    computer.is_welcomed_as("alice")


def test_a_code_takes_no_mouse(required, computer, paired_phone):
    phone = paired_phone
    code = phone.code()
    computer.give_password()
    computer.shows("waiting")
    press_until(computer.page, "Tab", "summary")
    computer.page.keyboard.press("Enter")
    press_until(computer.page, "Tab", "#code")
    computer.page.keyboard.type(code)
    computer.page.keyboard.press("Enter")
    computer.is_welcomed_as("alice")


def test_what_happens_is_announced(required, computer, paired_phone):
    """Waiting and the number in a live region; what the phone said, in another."""
    phone = paired_phone
    computer.give_password()
    number = computer.number()
    live = "[role=status], [aria-live=polite]"
    said = [" ".join(texts.split()) for texts in computer.iframe.locator(live).all_inner_texts()]
    assert any(number in text.replace(" ", "") for text in said), said
    assert any("phone" in text for text in said), said
    phone.is_asked()
    phone.page.bring_to_front()
    expect(phone.page.locator("#request-title")).to_be_focused()
    phone.type_number(number)
    expect(phone.page.get_by_role("status")).to_contain_text("Approved")
    expect(phone.page.locator("#done-back")).to_be_focused()
    computer.is_welcomed_as("alice")
