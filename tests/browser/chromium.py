"""Chromiums for all tests of a process, and the windows in them that one test after the other uses."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Error, expect, sync_playwright

WINDOWED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ANY = ("chromium-headless-shell", *WINDOWED)
"""The shell first: it draws no window around its pages, which takes the others half of their time."""
PATIENCE = 30_000
"""Milliseconds for anything to happen: much, for a busy machine. Nothing waits for it to pass."""

HURRY = """
    const wait = setTimeout;
    window.setTimeout = (act, delay, ...rest) => wait(act, delay > 2000 ? 10 * delay : delay / 6, ...rest);
"""
"""Polls, and the guard against a hasty tap, pass in a sixth of their time. What a person is given to read stays."""

LEFT_OUT = "Browser tests left out: no Chromium found"


def path_of(names: tuple[str, ...]) -> str:
    """Where the Chromium is. The test is left out, or fails, where there is none."""
    for path in map(shutil.which, names):
        if path:
            return path
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail("REQUIRE_BROWSER is set, and no Chromium found", pytrace=False)
    return pytest.skip(LEFT_OUT)


class Driver:
    """Playwright and its Chromiums, as long as the process runs: to start them takes as long as two tests.

    Between its calls Playwright leaves an event loop running in this thread, which every other test would notice:
    Django refuses its database there, and ``asyncio.run`` does not work. So outside of ``at_work`` it is put away.
    """

    def __init__(self) -> None:
        self._chromiums: dict[tuple[str, ...], Windows] = {}
        self._hooks = sys.get_asyncgen_hooks()
        self._playwright = sync_playwright().start()
        self._loop, self._hooks_at_work = asyncio.get_running_loop(), sys.get_asyncgen_hooks()
        self._rest()
        expect.set_options(timeout=PATIENCE)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Playwright can be called, and Django does not mind."""
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
            asyncio._set_running_loop(self._loop)
            sys.set_asyncgen_hooks(*self._hooks_at_work)
            try:
                yield
            finally:
                self._rest()

    def _rest(self) -> None:
        asyncio._set_running_loop(None)
        sys.set_asyncgen_hooks(*self._hooks)

    def chromium(self, names: tuple[str, ...], site: str) -> Windows:
        """The windows of the Chromium that goes by one of these names; it is started when first wanted."""
        if names not in self._chromiums:
            args = ["--disable-gpu", "--disable-background-networking"]
            if hasattr(os, "geteuid") and os.geteuid() == 0:
                args.append("--no-sandbox")  # which root can't have
            browser = self._playwright.chromium.launch(executable_path=path_of(names), args=args)
            self._chromiums[names] = Windows(browser, site)
        return self._chromiums[names]

    def stop(self) -> None:
        with self.at_work():
            for windows in self._chromiums.values():
                windows.browser.close()
            self._playwright.stop()


class Windows:
    """Windows of different people, each with its own cookies and storage.

    A new one takes a process, which costs more than to load a page of ours. So they are cleared and used again.
    """

    def __init__(self, browser: Browser, site: str) -> None:
        self.browser = browser
        self._site = site
        self._free: dict[str, list[Window]] = {}

    def take(self, *, fresh: bool = False, **options: Any) -> Window:
        """A cleared one, or a ``fresh`` one, which nobody has used and nobody uses again."""
        free = self._free.setdefault(repr(sorted(options.items())), [])
        if free and not fresh:
            return free.pop()
        context = self.browser.new_context(base_url=self._site, locale="en-GB", reduced_motion="reduce", **options)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(HURRY)
        return Window(context, self._site, None if fresh else free)


class Window:
    """A context with one page."""

    def __init__(self, context: BrowserContext, site: str, free: list[Window] | None) -> None:
        self.context = context
        self.page = context.new_page()
        self._site = site
        self._free = free
        self._size = self.page.viewport_size
        self._devtools: CDPSession | None = None

    def leave(self, *, for_good: bool = False) -> None:
        """End what runs in the page: nothing asks the server any more."""
        if for_good or self._free is None or self.context.pages != [self.page]:
            self._close()
            return
        self.page.unroute_all(behavior="ignoreErrors")
        try:
            if self.page.url.startswith(self._site):
                self.page.evaluate("sessionStorage.clear()")
            self.page.goto("about:blank")
        except Error:  # the page was on its way somewhere else
            self._close()

    def _close(self) -> None:
        self._free = None
        self.context.close()

    def clear(self) -> None:
        """Forget the test that was here; the next one may come."""
        if self._free is None:
            return
        self._devtools = self._devtools or self.context.new_cdp_session(self.page)
        self._devtools.send("Storage.clearDataForOrigin", {"origin": self._site, "storageTypes": "all"})
        self._devtools.send("Page.resetNavigationHistory")
        self.context.clear_cookies()
        if self._size and self.page.viewport_size != self._size:
            self.page.set_viewport_size(self._size)
        self._free.append(self)
