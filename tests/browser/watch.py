"""Sees what goes wrong in the pages of one test. What the test did not announce fails it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Frame, Request, Response, WebError

LOGGED_ELSEWHERE = "Failed to load resource"
"""Begins the browser's own message about a response that is seen as a response too."""

LEFT_THE_PAGE = "net::ERR_ABORTED"
"""Ends what was under way when a page was left: a poll, say."""


class Watch:
    """Errors of scripts and of policies, failed requests, and responses from 400 on, of all watched contexts."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._expected: list[str] = []
        self._allowed: list[str] = []
        self._offline = 0
        self._contexts: list[BrowserContext] = []
        self._documents: list[Response] = []

    def over(self, context: BrowserContext) -> None:
        """Watch all pages of ``context``, with their iframes and popups."""
        context.on("console", self._console)
        context.on("weberror", self._web_error)
        context.on("response", self._response)
        context.on("requestfailed", self._request_failed)
        self._contexts.append(context)

    def over_no_more(self) -> None:
        """The contexts may be used by another test now."""
        for context in self._contexts:
            context.remove_listener("console", self._console)
            context.remove_listener("weberror", self._web_error)
            context.remove_listener("response", self._response)
            context.remove_listener("requestfailed", self._request_failed)

    def document_of(self, frame: Frame) -> str:
        """The HTML that ``frame`` shows now, as the server sent it."""
        return next(each for each in reversed(self._documents) if each.frame == frame).text()

    def expect(self, *patterns: str) -> None:
        """Announce that each of these (regular expressions) will be seen, any number of times but at least once.

        Responses are seen as ``403 POST /accounts/postback/``, the console's errors as ``console: …``.
        """
        self._expected += patterns

    @contextmanager
    def offline(self, context: BrowserContext) -> Iterator[None]:
        """``context`` has no network; that requests fail then is no fault."""
        self._offline += 1
        context.set_offline(True)
        yield
        context.set_offline(False)
        self._offline -= 1

    def allow(self, pattern: str) -> None:
        """As ``expect``, for what is seen sometimes only: a poll that comes too late, say."""
        self._allowed.append(pattern)

    def verdict(self) -> None:
        """Fail when something was seen that was not announced, or announced and not seen."""
        known = self._expected + self._allowed
        surprises = [each for each in self.seen if not any(re.search(one, each) for one in known)]
        missed = [one for one in self._expected if not any(re.search(one, each) for each in self.seen)]
        assert not surprises, "\n".join(["went wrong in a page:", *surprises])
        assert not missed, "\n".join(["should have been seen in a page:", *missed])

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "assert"} and not message.text.startswith(LOGGED_ELSEWHERE):
            self.seen.append(f"console: {message.text}")

    def _web_error(self, error: WebError) -> None:
        self.seen.append(f"script: {error.error}")

    def _response(self, response: Response) -> None:
        if response.request.is_navigation_request():
            self._documents.append(response)
        if response.status >= 400:
            self.seen.append(f"{response.status} {response.request.method} {urlsplit(response.url).path}")

    def _request_failed(self, request: Request) -> None:
        if not self._offline and request.failure != LEFT_THE_PAGE:
            self.seen.append(f"{request.failure} {request.method} {request.url}")
