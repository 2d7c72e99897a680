"""axe-core finds nothing on any page, in its light and its dark look; a login takes no mouse."""

from __future__ import annotations

from importlib.resources import files

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from .states import PAGES, open_failed, sign_in

DJANGOS_OWN = [".breadcrumbs"]
"""Parts of the admin's pages that are not ours to mend."""

RUN = "(exclude) => axe.run({exclude}, {iframes: false}).then(({ violations }) => violations)"
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()


def faults_of(page):
    """What axe-core finds in a page and its frames, each fault on a line."""
    faults = []
    for frame in page.frames:
        if frame.url == "about:blank":
            continue
        frame.evaluate(AXE)
        found = frame.evaluate(RUN, DJANGOS_OWN)
        for violation in found:
            faults += [
                f"{violation['id']}: {node['html'][:200]}  {node['failureSummary']}" for node in violation["nodes"]
            ]
    return faults


@pytest.mark.parametrize("way", PAGES, ids=lambda page: page.__name__.removeprefix("open_"))
def test_axe_finds_nothing(way, required, alice, make_computer, make_phone, pair, watch, settings):
    if way is open_failed:
        watch.expect("403 POST /accounts/postback/")
    computer, phone = make_computer(), make_phone()
    pair(phone)
    phone.page.reload()
    way(computer, phone, settings)
    assert faults_of(computer.page) + faults_of(phone.page) == []


@pytest.mark.urls("tests.browser.step_up_urls")
def test_axe_finds_nothing_where_an_action_is_confirmed(required, computer, paired_phone):
    sign_in(computer, paired_phone)
    computer.open("/secret/")
    computer.shows("waiting")
    assert faults_of(computer.page) == []


ADMIN_PAGES = [
    f"/admin/{app}/{model}/"
    for app, models in {
        "django_toopher": ["toopheraccount", "attempt"],
        "toopher_service": ["requester", "user", "pairing", "authenticationrequest"],
    }.items()
    for model in models
]


@pytest.fixture
def support(make_computer, db):
    """A superuser's computer, signed in at the admin."""
    User.objects.create_superuser("support", password="password")

    computer = make_computer()
    computer.open("/admin/login/?next=/admin/")
    computer.fill_in_password("support")
    computer.arrives_at("/admin/")
    return computer


def test_axe_finds_nothing_in_the_admin(support, alice, phone, pair, watch):
    watch.allow("Applying inline style")  # Django's calendar, beside a field for a date
    pair(phone)
    faults = {}
    for path in ADMIN_PAGES:
        support.open(path)
        faults[path] = faults_of(support.page)
        row = support.page.locator("#result_list tbody th a").first
        if row.count():
            row.click()
            support.page.wait_for_load_state()
            faults[f"{path} (one)"] = faults_of(support.page)
    assert {path: found for path, found in faults.items() if found} == {}


def press_until(page, key, focused, limit=20):
    """Press ``key`` until the focus is on what ``focused`` selects, inside a frame or not."""
    for _ in range(limit):
        page.keyboard.press(key)
        for frame in page.frames:
            if frame.evaluate("(wanted) => document.hasFocus() && document.activeElement.matches(wanted)", focused):
                return
    pytest.fail(f"{focused} can't be reached with {key}")


def test_a_login_takes_no_mouse(required, alice, computer, phone, pair):
    pair(phone)
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


def test_a_code_takes_no_mouse(required, alice, computer, phone, pair):
    pair(phone)
    code = phone.code()
    computer.give_password()
    computer.shows("waiting")
    press_until(computer.page, "Tab", "summary")
    computer.page.keyboard.press("Enter")
    press_until(computer.page, "Tab", "#code")
    computer.page.keyboard.type(code)
    computer.page.keyboard.press("Enter")
    computer.is_welcomed_as("alice")


def test_what_happens_is_announced(required, alice, computer, phone, pair):
    """Waiting and the number in a live region; what the phone said, in another."""
    pair(phone)
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
