"""With django-defender, which watches Django's ``LoginView``, and ours with it."""

from __future__ import annotations

import pytest

from tests.sites.walking import Browser

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def site(run):
    return run("defender_site")


def test_right_passwords_are_no_failures(site):
    person, phone = site.person(), site.phone()
    for _time in range(4):
        browser = Browser(site)
        browser.open("/members/")
        browser.give_password(person)
        assert browser.answer(phone) == "/members/"


@pytest.mark.parametrize("page", ["/admin/", "/members/"], ids=["of the admin", "ours"])
def test_wrong_passwords_on_a_login_page_are_counted_and_lock_out(page, site):
    person, other = site.chief(), site.chief()
    for password in (*["wrong"] * 4, "password"):
        browser = Browser(site)
        browser.open(page)
        browser.give_password(person, password)
    assert browser.text().startswith("Account locked"), browser.text()[:2000]
    browser.open("/members/")
    assert 'type="password"' in browser.text()
    browser.open(page)
    assert browser.give_password(other).endswith("authenticate/")
