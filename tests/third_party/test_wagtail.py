"""With Wagtail's admin (SECURITY.md S11)."""

from __future__ import annotations

import re

import pytest
import requests

from tests.sites.walking import Browser

pytestmark = pytest.mark.servers

AUTHENTICATE = re.compile(r"authenticate/$")


@pytest.fixture(scope="module")
def site(run):
    return run("wagtail_site")


@pytest.fixture
def half(site):
    """A browser with the password alone, on Wagtail's login page."""
    browser = Browser(site)
    browser.open("/cms/")
    assert AUTHENTICATE.search(browser.give_password(site.chief())), browser.text()[:2000]
    return browser


def test_S11_its_login_is_not_enough(site, half):
    for path in ("/cms/", "/cms/users/", "/cms/account/", "/cms/pages/"):
        assert AUTHENTICATE.search(half.open(path)), path
    assert half.answer(site.phone()).startswith("/cms/")
    assert half.open("/cms/users/") == "/cms/users/"


def test_S08_its_logout_is_never_stopped(half):
    half.page = half.http.get(f"{half.site.url}/second-factor/authenticate/")
    half.http.headers["X-CSRFToken"] = half.http.cookies["csrftoken"]
    assert half.post("/cms/logout/", {}).startswith("/cms/login/"), half.text()[:2000]
    assert "sessionid" not in half.http.cookies
    assert half.open("/cms/").startswith("/cms/login/")


def test_S41_its_api_has_the_default_of_rest_framework_but_wants_a_session(site, found):
    ((number, text),) = found("wagtail_site")
    assert (number, "which is not set" in text) == ("W014", True)
    reply = requests.get(f"{site.url}/cms/api/main/images/", auth=(site.chief(), "password"), timeout=20)
    assert reply.url.startswith(f"{site.url}/cms/login/")
