"""With django-allauth, its pages and its headless API (SECURITY.md S11, S41)."""

from __future__ import annotations

import re

import pytest
import requests

from tests.sites.walking import Browser

pytestmark = pytest.mark.servers

AUTHENTICATE = re.compile(r"authenticate/$")


@pytest.fixture(scope="module")
def site(run):
    return run("headless_site")


def half(site):
    """A browser with the password alone, on allauth's login page."""
    browser = Browser(site)
    browser.open("/members/")
    assert AUTHENTICATE.search(browser.give_password(site.person()))
    return browser


def test_S11_its_login_is_not_enough(site):
    browser = half(site)
    assert AUTHENTICATE.search(browser.open("/accounts/email/"))
    assert AUTHENTICATE.search(browser.open("/accounts/password/change/"))
    assert AUTHENTICATE.search(browser.open("/members/"))
    assert browser.answer(site.phone()) == "/members/"
    assert browser.open("/accounts/email/") == "/accounts/email/"


def test_S08_its_logout_is_never_stopped(site):
    browser = half(site)
    assert browser.open("/accounts/logout/") == "/accounts/logout/"
    browser.submit()
    browser.open("/members/")
    assert 'type="password"' in browser.text()


def test_S41_its_app_client_is_named(found):
    ((number, text),) = found("headless_site")
    assert (number, text.partition(": ")[0]) == (
        "W017",
        'The client "app" of allauth.headless signs people in by their password alone',
    )
    assert "_allauth/app/v1/" in text
    assert "_allauth/browser/v1/" not in text


def test_S41_its_browser_client_is_held_by_the_middleware(site):
    api, browser = f"{site.url}/_allauth/browser/v1", requests.Session()
    browser.get(f"{api}/config")
    headers = {"X-CSRFToken": browser.cookies["csrftoken"], "Accept": "application/json"}
    told = browser.post(f"{api}/auth/login", json={"username": site.person(), "password": "password"}, headers=headers)
    assert told.json()["meta"]["is_authenticated"]
    headers["X-CSRFToken"] = browser.cookies["csrftoken"]
    new = {"current_password": "password", "new_password": "a long new 1"}
    for refused in (
        browser.get(f"{api}/account/email", headers=headers),
        browser.post(f"{api}/account/password/change", json=new, headers=headers),
    ):
        assert (refused.status_code, refused.json()["reason"]) == (403, "second_factor_required")
