"""Whole logins on whole sites, each a project as its developer would write it, over real sockets."""

from __future__ import annotations

import re
from functools import cache

import pytest

from .serve import KINDS
from .walking import Browser, Sites

pytestmark = pytest.mark.servers

AUTHENTICATE = re.compile(r"authenticate/$")

BACKENDS = ["db", "cache", "cached_db", "file", "signed_cookies"]

SITES = {
    "plain": "",
    "own_admin": "",
    "own_login": "",
    "email_names": "",
    "swapped_field": "",
    "strict_cookies": "",
    "prefix": "/club",
    "languages": "/de",
    "closed": "",
}
UNDER_ASGI_TOO = ("plain", "own_login", "languages", "closed")


@pytest.fixture(scope="module")
def run(tmp_path_factory, migrated):
    """Runs sites, each once; they end with the module."""
    with Sites(migrated) as sites:

        @cache
        def start(name, **env):
            return sites.run(name, tmp_path_factory.mktemp(name), **env)

        yield start


def whole_login(site, prefix="", service=None, mount="/toopher/"):
    """Password, pairing, page, logout, and once more with the phone that is paired now. Returns person and phone."""
    person, browser = site.person(), Browser(site)
    phone = (service or site).phone(mount)
    wanted = f"{prefix}/members/?week=7&next=//evil.example/"
    for _time in ("first", "second"):
        browser.open(wanted)
        assert AUTHENTICATE.search(browser.give_password(person)), browser.text()[:2000]
        held = Browser(site)
        held.http.cookies.update(browser.http.cookies)
        assert f"welcome {person}" not in (held.open(wanted), held.text())[1]
        assert browser.answer(phone) == wanted
        assert f"welcome {person}" in browser.text()
        browser.submit()
        browser.open(wanted)
        assert 'type="password"' in browser.text()
    return person, phone


@pytest.mark.parametrize(("name", "prefix"), SITES.items(), ids=SITES)
def test_S11_a_whole_login(name, prefix, run, subtests):
    """``password_reset`` and ``allauth_site`` have theirs below, and more."""
    site = run(name)
    with subtests.test("wsgi"):
        whole_login(site, prefix, mount="/club/toopher/" if name == "prefix" else "/toopher/")
    if name in UNDER_ASGI_TOO:
        with subtests.test("asgi"):
            whole_login_under_asgi(site.under("asgi"), prefix)


def whole_login_under_asgi(site, prefix):
    """And a view that is a coroutine."""
    person, phone = whole_login(site, prefix)
    browser = Browser(site)
    browser.open(f"{prefix}/members/")
    browser.give_password(person)
    browser.answer(phone)
    browser.open(f"{prefix}/members/async/")
    assert browser.page.json() == {"welcome": person}


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_S08_a_whole_login_with_sessions_in(backend, run, subtests):
    site = run("sessions", SITE_SESSIONS=f"django.contrib.sessions.backends.{backend}")
    for kind in KINDS:
        with subtests.test(kind):
            whole_login(site.under(kind))


def test_S08_an_old_cookie_brings_no_half_login_back(run):
    """Sessions in signed cookies can be put back by who has them; what is spent once is spent in the database."""
    site = run("sessions", SITE_SESSIONS="django.contrib.sessions.backends.signed_cookies")
    person, phone, browser = site.person(), site.phone(), Browser(site)
    browser.open("/members/")
    browser.give_password(person)
    half = browser.http.cookies.copy()
    browser.submit()  # cancel
    browser.http.cookies = half.copy()
    browser.open("/accounts/authenticate/")
    assert "toopher_iframe" not in browser.text()
    browser.open("/members/")
    browser.give_password(person)
    half, page = browser.http.cookies.copy(), browser.page
    browser.answer(phone)
    assert f"welcome {person}" in browser.text()
    again = Browser(site)
    again.http.cookies = half
    again.page = page
    assert 'data-reason="' in (again.open("/accounts/authenticate/"), again.text())[1]
    again.open("/members/")
    assert 'type="password"' in again.text()


def test_two_sites_at_one_service(run):
    service = run("service_alone")
    for key in ("north", "south"):
        site = run("without_service", SITE_SERVICE=f"{service.url}/toopher/v1", SITE_KEY=key)
        whole_login(site, service=service)


@pytest.mark.parametrize(("name", "path"), [("plain", "/admin/"), ("own_admin", "/office/")])
def test_S11_the_login_of_an_admin_site(name, path, run, subtests):
    for kind in KINDS:
        with subtests.test(kind):
            login_of_an_admin_site(run(name).under(kind), path)


def login_of_an_admin_site(site, path):
    chief, browser, phone = site.chief(), Browser(site), site.phone()
    browser.open(f"{path}auth/user/")
    assert AUTHENTICATE.search(browser.give_password(chief))
    assert browser.open(f"{path}auth/user/add/").endswith("authenticate/")
    assert browser.answer(phone) == f"{path}auth/user/"
    assert browser.page.status_code == 200


def test_S11_a_password_reset_that_logs_in(run):
    site = run("password_reset")
    person, phone = whole_login(site)
    browser = Browser(site)
    browser.open("/reset/")
    browser.submit(email=f"{person}@example.com")
    browser.open(re.search(r"/reset/\S+/\S+/", site.mail())[0])
    arrived = browser.submit(new_password1="a long new one", new_password2="a long new one")
    assert AUTHENTICATE.search(arrived)
    assert browser.answer(phone) == "/members/"


def test_S11_allauths_password_reset_and_social_login(run):
    site = run("allauth_site")
    person, phone = whole_login(site)
    browser = Browser(site)
    browser.open("/accounts/password/reset/")
    browser.submit(email=f"{person}@example.com")
    browser.open(re.search(r"/accounts/password/reset/key/\S+/", site.mail())[0])
    assert AUTHENTICATE.search(browser.submit(password1="a long new 1", password2="a long new 1"))
    assert browser.answer(phone) == "/members/"
    stranger = Browser(site)
    stranger.open("/accounts/dummy/login/")
    stranger.submit(id="42", email="new@example.com", first_name="N", last_name="N")
    assert AUTHENTICATE.search(stranger.page.url), stranger.text()[:2000]
    assert stranger.open("/accounts/logout/").endswith("/accounts/logout/")  # without the second factor, that is


def test_S40_what_no_view_makes_is_not_for_half_a_login(run):
    site = run("fallbacks")
    chief, phone = site.chief(), site.phone()
    Browser(site).open("/lay/")
    for kind in KINDS:
        browser = Browser(site.under(kind))
        browser.open("/admin/")  # whose login logs in with the password alone
        assert AUTHENTICATE.search(browser.give_password(chief))
        for path in ("/minutes/", "/members/"):
            browser.open(path)
            assert "what was decided" not in browser.text()
            assert f"welcome {chief}" not in browser.text()
        browser.open("/members/")
        browser.answer(phone)
        browser.open("/minutes/")
        assert "what was decided" in browser.text()


def test_S11_what_is_no_page_in_a_half_session(run):
    for kind in KINDS:
        site = run("own_login").under(kind)
        browser = Browser(site)
        browser.open("/members/")
        browser.give_password(site.person())
        assert browser.open("/health/") == "/health/"
        assert browser.http.get(f"{site.url}/static/django_toopher/toopher.css").status_code == 200
        refused = browser.http.get(f"{site.url}/members/async/", headers={"Accept": "application/json"})
        assert (refused.status_code, refused.json()["reason"]) == (403, "second_factor_required")
        assert refused.headers["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"


def test_S12_a_renamed_user_keeps_the_phone_and_who_takes_over_the_name_gets_none(run):
    site = run("plain")
    person, phone = whole_login(site)
    chief = Browser(site)
    chief.open("/admin/auth/user/?q=" + person)
    chief.give_password(site.chief())
    chief.answer(site.phone())
    chief.open(re.search(r"/admin/auth/user/\d+/change/", chief.text())[0])
    assert chief.submit(username="renamed").startswith("/admin/auth/user/")
    chief.open("/admin/auth/user/add/")
    chief.submit(username=person, password1="a long new 1", password2="a long new 1", usable_password="true")
    browser = Browser(site)
    browser.open("/members/")
    browser.give_password("renamed")
    assert browser.answer(phone) == "/members/"
    other = Browser(site)
    other.open("/members/")
    other.give_password(person, "a long new 1")
    assert other.frame()["state"] == "pairing"
