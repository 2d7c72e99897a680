"""Sites on which it is the browser that may break the login: strict cookies, and a strict content security policy."""

from __future__ import annotations

import django
import pytest

from tests.browser.conftest import chromium_names, driver, live_server, tables, transactional_db, windows
from tests.browser.people import Computer

from .walking import Sites

__all__ = ["chromium_names", "driver", "live_server", "tables", "transactional_db", "windows"]  # fixtures of others

pytestmark = [pytest.mark.browser, pytest.mark.servers]

FROM_ELSEWHERE = """<!doctype html><title>Mail</title><a href="{url}/members/">Look</a>"""


def is_complaint(said):
    return said.type == "error" and "favicon" not in said.location["url"]


@pytest.fixture
def walk(windows):
    """Opens a site in a new window, and collects what the browser complains of."""
    contexts, complaints = [], []

    def start(site, **options):
        context = windows.browser.new_context(base_url=site.url.replace("127.0.0.1", "localhost"), **options)
        contexts.append(context)
        context.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
        return Computer(context, context.new_page())

    yield start
    for context in contexts:
        context.close()
    assert complaints == []


def give_password(computer, person):
    computer.page.fill("[name=username]", person)
    computer.page.fill("[name=password]", "password")
    computer.page.press("[name=password]", "Enter")
    computer.page.wait_for_url("**/authenticate/")


def answer(computer, phone):
    number = computer.number()
    phone.approve(phone.pending().requests[0], number)


def whole(walk, site):
    """Password, pairing, number and yes, page, logout; and once more from a link on another site."""
    person, computer = site.person(), walk(site)
    here = site.url.replace("127.0.0.1", "localhost")
    site.url = here
    phone = site.phone()
    computer.open("/members/")
    give_password(computer, person)
    phone.pair_link(computer.pairing_link())
    answer(computer, phone)
    computer.page.wait_for_url("**/members/")
    assert computer.page.locator("h1").inner_text() == f"welcome {person}"
    computer.page.click("button")
    computer.page.wait_for_url("**/health/")
    computer.page.route(
        "http://mail.example/*",
        lambda route: route.fulfill(body=FROM_ELSEWHERE.format(url=here), content_type="text/html"),
    )
    computer.open("http://mail.example/inbox")
    computer.page.click("a")
    give_password(computer, person)
    answer(computer, phone)
    computer.page.wait_for_url("**/members/")
    computer.open("/accounts/phones/")
    computer.shows("managing")


def test_strict_cookies(walk, migrated, tmp_path):
    with Sites(migrated) as sites:
        whole(walk, sites.run("strict_cookies", tmp_path))


@pytest.mark.skipif(django.VERSION < (6, 0), reason="Django 6.0 brings ContentSecurityPolicyMiddleware")
def test_the_strictest_content_security_policy(walk, migrated, tmp_path):
    with Sites(migrated) as sites:
        whole(walk, sites.run("strict_csp", tmp_path))
