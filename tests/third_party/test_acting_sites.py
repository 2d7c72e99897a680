"""Whole sites whose staff act as somebody else: who sits there counts (SECURITY.md S11, S41)."""

from __future__ import annotations

import re

import pytest

from tests.sites.walking import Browser

pytestmark = pytest.mark.servers

AUTHENTICATE = re.compile(r"authenticate/$")


@pytest.fixture(scope="module")
def site(run):
    return run("acting_site")


def enter(site, name, phone):
    """A browser with the password and the second factor."""
    browser = Browser(site)
    browser.open("/members/")
    browser.give_password(name)
    browser.answer(phone)
    assert f"welcome {name}" in browser.text()
    return browser


@pytest.fixture(scope="module")
def people(site):
    """A chief and somebody else, both with a phone: names, and the chief's phone."""
    chief, person, phone = site.chief(), site.person(), site.phone()
    enter(site, chief, phone)
    enter(site, person, site.phone())
    return chief, person, phone


@pytest.fixture(params=["hijack", "impersonate"])
def way(request):
    return request.param


def begin(way, browser, name):
    key = browser.http.get(f"{browser.site.url}/keys/{name}/").text
    if way == "impersonate":
        return browser.open(f"/impersonate/{key}/")
    browser.http.headers["X-CSRFToken"] = browser.http.cookies["csrftoken"]
    return browser.post("/hijack/acquire/", {"user_pk": key, "next": "/members/"})


def end(way, browser):
    if way == "impersonate":
        return browser.open("/impersonate/stop/")
    browser.http.headers["X-CSRFToken"] = browser.http.cookies["csrftoken"]
    return browser.post("/hijack/release/", {"next": "/members/"})


def who(browser):
    """As whom the browser's session is known to the API, and whether the API knows it at all."""
    reply = browser.http.get(f"{browser.site.url}/api/who/", headers={"Accept": "application/json"})
    return reply.json().get("user", reply.json().get("reason"))


def test_S11_who_has_passed_acts_as_somebody_and_comes_back(way, site, people):
    chief, person, phone = people
    browser = enter(site, chief, phone)
    assert begin(way, browser, person) == "/members/", browser.text()[:2000]
    assert f"welcome {person}" in browser.text()
    assert who(browser) == person
    browser.open("/accounts/phones/")
    assert (browser.page.status_code, "You are acting as somebody else" in browser.text()) == (403, True)
    assert end(way, browser) == "/members/", browser.text()[:2000]
    assert f"welcome {chief}" in browser.text()
    assert who(browser) == chief


def test_S11_who_has_not_passed_acts_as_nobody(way, site, people):
    chief, person, _phone = people
    browser = Browser(site)
    browser.open("/admin/")  # whose login page leaves a session that lacks its second factor
    browser.give_password(chief)
    begin(way, browser, person)
    assert AUTHENTICATE.search(browser.open("/members/"))
    assert who(browser) == "second_factor_required"


def test_S11_who_is_switched_off_meanwhile_does_not_go_on(way, site, people):
    _chief, person, _phone = people
    other, phone = site.chief(), site.phone()
    browser = enter(site, other, phone)
    begin(way, browser, person)
    assert who(browser) == person
    chief = enter(site, people[0], people[2])
    key = chief.http.get(f"{site.url}/keys/{other}/").text
    chief.open(f"/admin/auth/user/{key}/change/")
    fields = dict(re.findall(r'<input type="(?:text|email)" name="(\w+)" value="([^"]*)"', chief.text()))
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', chief.text())[1]
    times = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00", "csrfmiddlewaretoken": token}
    assert chief.post(chief.page.url, {**fields, **times}) == "/admin/auth/user/", chief.text()[:3000]
    assert who(browser) not in {person, other}
