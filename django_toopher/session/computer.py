"""The computer in front of the person: secret ids in cookies, one for each person, and a friendly name."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

COOKIE = "toopher_terminal"
"""The ids with which people were granted in this browser, one for each, newest first, with "." between them.

``~`` stands behind that of a person whose last login here needed no phone.
"""

ASKED_COOKIE = "toopher_asked"
"""The id with which a page in this browser has last asked a phone: the answer may get lost on its way to us."""

COOKIE_AGE = 400 * 24 * 3600
"""Seconds; the longest that browsers keep a cookie."""

MOST = 8
"""People who are remembered in one browser."""

# In this order: Edge and Opera call themselves Chrome as well, and all but Firefox Safari.
_BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "CriOS": "Chrome",
    "Safari": "Safari",
}
# In this order: Android calls itself Linux as well, iPhone and iPad "like Mac OS X".
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


@dataclass(frozen=True)
class Computer:
    """Where a person sits, as the service hears of it: the secret id, and what the phone calls it."""

    id: str
    name: str


@dataclass(frozen=True)
class Browser:
    """What a browser says of itself. Anybody may have planted its ids: ``attempts`` finds the one that is a person's.

    ``ids`` are all of them, ``asked`` the one that was asked with last, ``silent`` those that needed no phone.
    """

    name: str
    ids: tuple[str, ...]
    asked: str
    silent: frozenset[str]


def of_request(request: HttpRequest) -> Browser:
    """The browser that ``request`` comes from; what is malformed in its cookies is ignored."""
    granted, asked = _granted(request), request.COOKIES.get(_cookie_name(ASKED_COOKIE), "")
    asked = asked if _is_id(asked) else ""
    ids = (*granted, asked) if asked else tuple(granted)
    silent = frozenset(each for each, needs_no_phone in granted.items() if needs_no_phone)
    return Browser(name_of(request.headers.get("User-Agent", "")), ids, asked, silent)


def fresh_id() -> str:
    """An id that nobody knows: 43 characters for 256 bits."""
    return secrets.token_urlsafe(32)


def remember(request: HttpRequest, response: HttpResponseBase, terminal: str, *, silent: bool) -> None:
    """A person was granted here with the id ``terminal``; ``silent`` is a guess for the next login."""
    if not _is_id(terminal):
        return
    granted = {terminal: silent} | {each: was for each, was in _granted(request).items() if each != terminal}
    entries = [f"{each}{'~' if was else ''}" for each, was in granted.items()]
    _set_cookie(request, response, COOKIE, ".".join(entries[:MOST]))
    if request.COOKIES.get(name := _cookie_name(ASKED_COOKIE)) == terminal:
        path, domain = settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_DOMAIN
        response.delete_cookie(name, path=path, domain=domain, samesite="Lax")


def remember_asked(request: HttpRequest, response: HttpResponseBase, terminal: str) -> None:
    """The page in ``response`` asks the phone with the id ``terminal``, which was made for this page alone."""
    _set_cookie(request, response, ASKED_COOKIE, terminal)


def _is_id(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_-]{43}", text) is not None


def _granted(request: HttpRequest) -> dict[str, bool]:
    """The ids of ``COOKIE``, and whether each needed no phone the last time."""
    entries = request.COOKIES.get(_cookie_name(COOKIE), "").split(".")
    ids = [entry for entry in entries if _is_id(entry.removesuffix("~"))][:MOST]
    return {entry.removesuffix("~"): entry.endswith("~") for entry in ids}


def _cookie_name(name: str) -> str:
    """With the prefix that keeps other hosts of the domain from planting it, where the session's cookie allows it."""
    ours_alone = settings.SESSION_COOKIE_SECURE and not settings.SESSION_COOKIE_DOMAIN
    return f"__Host-{name}" if ours_alone and settings.SESSION_COOKIE_PATH == "/" else name


def _set_cookie(request: HttpRequest, response: HttpResponseBase, name: str, value: str) -> None:
    response.set_cookie(
        _cookie_name(name),
        value,
        max_age=COOKIE_AGE,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=settings.SESSION_COOKIE_SECURE or request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def name_of(agent: str) -> str:
    """A browser's name for people: "Firefox on Linux"."""
    browser = next((name for token, name in _BROWSERS.items() if f"{token}/" in agent), "Browser")
    system = next((name for token, name in _SYSTEMS.items() if token in agent), "")
    return f"{browser} on {system}" if system else browser
