"""The computer in front of the person: a secret id in a cookie, and a friendly name."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

COOKIE = "toopher_terminal"
"""Random, the same for all users of this browser; it reaches the service as a signed parameter (DESIGN.md, rule 6)."""

SILENT_COOKIE = "toopher_silent"
"""Set while the last login in this browser needed no phone; a guess that saves two pages."""

COOKIE_AGE = 400 * 24 * 3600
"""Seconds; the longest that browsers keep a cookie."""

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
    """Where the person sits: the browser's secret id, and what the phone calls it."""

    id: str
    name: str


def of_request(request: HttpRequest) -> Computer:
    """The computer that ``request`` comes from; ``attempts.find_at`` knows what its user calls it."""
    return Computer(terminal_id(request), name_of(request.headers.get("User-Agent", "")))


def terminal_id(request: HttpRequest) -> str:
    """The browser's secret id, 43 characters for 256 bits; a fresh one when it has none or a strange one."""
    kept = request.COOKIES.get(COOKIE, "")
    return kept if re.fullmatch(r"[A-Za-z0-9_-]{43}", kept) else secrets.token_urlsafe(32)


def remember(request: HttpRequest, response: HttpResponseBase, terminal: str) -> None:
    """Set the cookie, where the browser does not have it yet."""
    if request.COOKIES.get(COOKIE) != terminal:
        _set_cookie(request, response, COOKIE, terminal)


def _set_cookie(request: HttpRequest, response: HttpResponseBase, name: str, value: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=COOKIE_AGE,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def was_silent(request: HttpRequest) -> bool:
    """Whether the last login in this browser was answered by an automation."""
    return COOKIE in request.COOKIES and SILENT_COOKIE in request.COOKIES


def expect_silence(request: HttpRequest, response: HttpResponseBase, expected: bool) -> None:
    """Remember whether this login was; a guess for the next one, which nothing is believed for."""
    if expected and SILENT_COOKIE not in request.COOKIES:
        _set_cookie(request, response, SILENT_COOKIE, "1")
    elif not expected and SILENT_COOKIE in request.COOKIES:
        path, domain = settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_DOMAIN
        response.delete_cookie(SILENT_COOKIE, path=path, domain=domain, samesite="Lax")


def name_of(agent: str) -> str:
    """A browser's name for people: "Firefox on Linux"."""
    browser = next((name for token, name in _BROWSERS.items() if f"{token}/" in agent), "Browser")
    system = next((name for token, name in _SYSTEMS.items() if token in agent), "")
    return f"{browser} on {system}" if system else browser
