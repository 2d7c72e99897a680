"""What a person does at the computer and with the phone. Knows the contract of the pages: names, ids, ``data-``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from playwright.sync_api import BrowserContext, FrameLocator, Locator, Page, expect

from django_toopher.connection import api
from django_toopher.service.models import Pairing
from django_toopher.service.phones import authenticators
from django_toopher.testing import verified_login

from .traffic import traffic

SIX_DIGITS = re.compile(r"^\d{3} \d{3}$")

OPEN_STORE = """
  const module = (name) => import(`${location.origin}/static/toopher_service/phone/${name}.js`);
  const { openStore } = await module("store");
  const store = await openStore("/toopher/phone/");
"""
MAKE_KEY = f"""async (name) => {{
  {OPEN_STORE}
  const {{ makeKey }} = await module("jws");
  const {{ jwk }} = await store.keepFirst({{ ...(await makeKey()), name }});
  return jwk;
}}"""
KEEP = f"""async ({{ id, accounts }}) => {{
  {OPEN_STORE}
  const {{ importSeed }} = await module("codes");
  await store.update({{ id }});
  for (const [index, [id, requester, user, seed]] of accounts.entries()) {{
    const added = Date.now() / 1000 + index;
    await store.keepAccount({{ id, requester, user, added, key: await importSeed(seed), digits: 6, period: 30 }});
  }}
}}"""
"""What the web app does with its own modules, in a page where it does not run."""


class Computer:
    """One browser at a desk: the site's own pages, and the iframe in them.

    What stands below the iframe moves as that grows, from under the mouse too: it is pressed by keyboard.
    """

    def __init__(self, context: BrowserContext, page: Page | None = None) -> None:
        self.context = context
        self.page: Page = page or context.pages[0]

    @property
    def iframe(self) -> FrameLocator:
        return self.page.frame_locator("#toopher_iframe")

    @property
    def iframe_url(self) -> str:
        return self.page.locator("#toopher_iframe").get_attribute("src") or ""

    @property
    def error(self) -> Locator:
        """What the iframe complains about."""
        return self.iframe.locator("#error")

    def open(self, path: str) -> None:
        self.page.goto(path)

    def is_logged_in_as(self, username: str) -> None:
        """The second factor passed too, without a page."""
        client = Client()
        with traffic.stopped():
            verified_login(client, get_user_model().objects.get(username=username))
        session = client.cookies[settings.SESSION_COOKIE_NAME]
        self.context.add_cookies([{"name": session.key, "value": session.value, "domain": "localhost", "path": "/"}])

    def give_password(self, username: str = "alice", password: str = "password", next_url: str = "/members/") -> None:
        self.open(f"/accounts/login/?next={quote(next_url)}" if next_url else "/accounts/login/")
        self.fill_in_password(username, password)

    def fill_in_password(self, username: str, password: str = "password") -> None:
        self.page.fill("[name=username]", username)
        self.page.fill("[name=password]", password)
        self.page.press("[name=password]", "Enter")

    def state(self, name: str) -> Locator:
        """The part of the iframe that is shown in this state."""
        return self.iframe.locator(f"[data-state={name}]")

    def shows(self, name: str) -> None:
        self.state(name).wait_for()

    def number(self) -> str:
        """The digits to type on the phone, once they are there."""
        self.shows("waiting")
        return self.iframe.locator("#number").get_by_text(SIX_DIGITS).inner_text().replace(" ", "")

    def number_at_top_level(self) -> str:
        """The same where the service's page is in no iframe."""
        return self.page.locator("#number").get_by_text(SIX_DIGITS).inner_text().replace(" ", "")

    def pairing_link(self) -> str:
        """Where the QR code leads."""
        self.shows("pairing")
        return self.iframe.locator("#pairing-link").get_attribute("href") or ""

    def type_words(self, words: str) -> None:
        self.iframe.locator("#phrase").fill(words)
        self.iframe.locator("#phrase").press("Enter")

    def type_code(self, code: str) -> None:
        field = self.iframe.locator("#code")
        if not field.is_visible():
            self.iframe.locator("summary").click()
        field.fill(code)
        field.press("Enter")

    def cancel(self) -> None:
        self.page.get_by_role("button", name="Cancel").press("Enter")

    def turn_back(self) -> None:
        """From the service's page at top level to the site."""
        self.page.locator("[data-state=waiting]").wait_for()
        self.page.get_by_role("link", name=re.compile("^Back to ")).press("Enter")

    def use_recovery_code(self) -> None:
        """To the page that takes one, from a page that asks the phone."""
        self.page.get_by_text("My phone is gone, or not here").press("Enter")
        self.page.get_by_role("link", name="Use one of your recovery codes").press("Enter")

    def arrives_at(self, path: str) -> None:
        """The browser has come to this page."""
        self.page.wait_for_url(re.compile(rf"//[^/]+{re.escape(path)}$"))

    def is_welcomed_as(self, username: str) -> None:
        """The members' page was opened as this user."""
        self.arrives_at("/members/")
        expect(self.page.locator("body")).to_have_text(f"welcome {username}")

    def is_told(self, reason: str, title: str) -> None:
        """The page that says what went wrong."""
        expect(self.page.locator(f"[data-reason={reason}] h1")).to_have_text(title)

    def is_anonymous(self) -> None:
        """Nobody is logged in here: the members' page sends to the login page."""
        response = self.context.request.get("/members/", max_redirects=0)
        assert response.status == 302
        assert response.headers["location"].startswith("/accounts/login/")


class Phone:
    """One phone with the web app open on it."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.page: Page = context.pages[0]
        self.id = ""

    @property
    def error(self) -> Locator:
        return self.page.locator("#error")

    @property
    def accounts(self) -> Locator:
        return self.page.locator("[data-account]:visible")

    def register(self, name: str = "Chrome on Linux") -> None:
        """Make a key, as the web app does, and have it known to the service. The app is not open."""
        self.page.goto("/static/toopher_service/phone/icon.svg")
        jwk = self.page.evaluate(MAKE_KEY, name)
        with traffic.stopped():
            self.id = str(authenticators.register(jwk, name).pk)

    def keep(self, pairings: Iterable[Pairing]) -> None:
        """Keep these accounts, as the web app does after a pairing."""
        accounts = [(str(each.pk), each.user.requester.name, each.user.name, each.otp_seed) for each in pairings]
        self.page.evaluate(KEEP, {"id": self.id, "accounts": accounts})

    def open(self) -> None:
        self.page.goto("/toopher/phone/")
        self.shows("home")

    def shows(self, screen: str) -> None:
        self.page.locator(f"[data-screen={screen}]").wait_for()

    def scan(self, link: str) -> None:
        """Point the camera at the QR code."""
        self.page.goto(link)
        self.shows("pair")

    def allow(self) -> None:
        """Say yes to a pairing; most sites have to confirm it then."""
        self.page.click("#pair-allow")
        self.ended(re.compile("^(Finish at the computer|Paired)$"))

    def make_words(self) -> str:
        self.page.click("#make-phrase")
        self.shows("phrase")
        return self.page.inner_text("#phrase-words")

    def pair_by_words(self, username: str) -> None:
        """Pair with this user, without a computer."""
        words = self.make_words()
        with traffic.stopped():
            api().pair(username, words)
        self.shows("pair")
        self.allow()

    def is_asked(self) -> None:
        """A sign-in waits for the answer."""
        self.shows("request")

    def type_number(self, number: str) -> None:
        self.page.fill("#number", number)
        self.page.click("#approve")

    def approve(self, number: str) -> None:
        self.is_asked()
        self.type_number(number)
        self.ended("Approved")

    def deny(self) -> None:
        self.is_asked()
        self.page.click("#deny")
        self.ended("Denied")

    def ended(self, title: str | re.Pattern[str]) -> None:
        """Read how it ended, and put that aside."""
        self.page.locator("#done-title").get_by_text(title, exact=True).wait_for()
        self.page.click("#done-back")

    def is_overtaken(self) -> None:
        """The question is over because another was asked; the phone hears of the two together, or one by one."""
        self.ended(re.compile("^(Nothing left to do|This one is over)$"))

    def code(self) -> str:
        """The one-time code of the only account."""
        self.page.click(".show-code")
        return self.page.locator(".code").get_by_text(SIX_DIGITS).inner_text()

    def remove_account(self) -> None:
        """Remove the first account."""
        self.page.locator(".remove-account").first.click()
        self.page.click("#confirm-remove")
        expect(self.page.locator("#message")).to_have_text("The account was removed.")


def press_until(page: Page, key: str, focused: str, limit: int = 20) -> None:
    """Press ``key`` until the focus is on what ``focused`` selects, inside a frame or not."""
    for _ in range(limit):
        page.keyboard.press(key)
        for frame in page.frames:
            if frame.evaluate("(wanted) => document.hasFocus() && document.activeElement.matches(wanted)", focused):
                return
    pytest.fail(f"{focused} can't be reached with {key}")
