"""What holds for every page: nothing inline, nothing for axe-core to find, room on narrow screens, little to load."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from .axe import faults_of, overhang, too_small
from .states import PAGES, open_failed

SCRIPTS = """
() => performance.getEntriesByType("resource")
  .filter(({ name }) => new URL(name).pathname.endsWith(".js"))
  .map(({ name, decodedBodySize }) => [new URL(name).pathname, decodedBodySize])
"""
"""The scripts that a page has loaded, with their sizes in bytes."""


class Inline(HTMLParser):
    """Finds what a strict content security policy would not run: inline scripts, styles and handlers."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name == "style" or name.startswith("on") or (value or "").strip().startswith("javascript:"):
                self.found.append(f"<{tag} {name}>")


@pytest.mark.parametrize("way", PAGES, ids=lambda page: page.__name__.removeprefix("open_"))
def test_a_page_has_nothing_inline_nothing_that_axe_finds_and_fits_a_narrow_screen_and_a_finger(
    way, required, computer, known_phone, watch, settings
):
    if way is open_failed:
        watch.expect("403 POST /accounts/postback/")
    way(computer, known_phone, settings)
    for page in (computer.page, known_phone.page):
        for frame in page.frames:
            if frame.url == "about:blank":  # nobody sits at the computer yet
                continue
            assert Inline(watch.document_of(frame)).found == [], frame.url
        assert faults_of(page) == []
        assert overhang(page) == {}
        assert overhang(page, letters=200) == {}
        assert too_small(page) == []


@pytest.mark.parametrize("language", ["de", "es", "fr", "ja"])
def test_large_letters_fit_a_narrow_screen_in_other_languages(language, required, computer, known_phone, settings):
    settings.LANGUAGE_CODE = language
    known_phone.page.reload()
    known_phone.code()
    assert overhang(known_phone.page, letters=200) == {}
    computer.give_password()
    computer.shows("waiting")
    known_phone.is_asked()
    for page in (computer.page, known_phone.page):
        assert page.locator("html").get_attribute("lang") == language
        assert overhang(page, letters=200) == {}


@pytest.fixture
def computer(alice, make_computer):
    """One that has loaded nothing yet: of what the browser has in its memory it tells no size."""
    return make_computer(fresh=True)


def test_the_scripts_of_the_login_page_are_small(required, computer):
    computer.give_password()
    computer.shows("pairing")
    scripts = dict(computer.page.evaluate(SCRIPTS))
    assert scripts.keys() == {f"/static/django_toopher/{name}.js" for name in ("toopher-web", "post")}
    assert 0 < sum(scripts.values()) < 4096


def test_the_scripts_of_the_other_ways_are_small(required, computer, rows_of_phone, settings, subtests):
    for mode in ("redirect", "native"):
        with subtests.test(mode):
            settings.TOOPHER_EMBED = mode
            computer.give_password()
            if mode == "redirect":
                computer.turn_back()
                computer.page.get_by_role("link", name="Go on to your phone").wait_for()
            else:
                computer.page.get_by_role("heading", name="Look at your phone").wait_for()
            computer.page.wait_for_load_state("load")
            scripts = dict(computer.page.evaluate(SCRIPTS))
            assert 0 < sum(scripts.values()) < 4096, scripts


def test_the_scripts_of_the_phone_are_small(make_phone):
    phone = make_phone(fresh=True)
    scripts = dict(phone.page.evaluate(SCRIPTS))
    assert "/static/toopher_service/phone/app.js" in scripts
    assert all(scripts.values())
    assert sum(scripts.values()) < 60 * 1024
