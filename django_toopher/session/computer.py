"""The computer in front of the person: a secret id in a cookie, and a friendly name."""

from __future__ import annotations

import re
import secrets
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from ..conf import conf
from ..models import Attempt

COOKIE = "toopher_terminal"
"""Random, the same for all users of this browser; it reaches the service as a signed parameter (DESIGN.md, rule 6)."""

SILENT_COOKIE = "toopher_silent"
"""Set while the last login in this browser needed no phone; a guess that saves two pages."""

COOKIE_AGE = 400 * 24 * 3600
"""Seconds; the longest that browsers keep a cookie."""

_BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "CriOS": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


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


def silent_terminal(request: HttpRequest) -> str:
    """This browser's secret id where the last login here was answered by a standing answer, else ``""``."""
    return terminal_id(request) if COOKIE in request.COOKIES and SILENT_COOKIE in request.COOKIES else ""


def expect_silence(request: HttpRequest, response: HttpResponseBase, expected: bool) -> None:
    """Remember whether this login was; a guess for the next one, which nothing is believed for."""
    if expected and SILENT_COOKIE not in request.COOKIES:
        _set_cookie(request, response, SILENT_COOKIE, "1")
    elif not expected and SILENT_COOKIE in request.COOKIES:
        path, domain = settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_DOMAIN
        response.delete_cookie(SILENT_COOKIE, path=path, domain=domain, samesite="Lax")


def terminal_name(request: HttpRequest) -> str:
    """What the phone calls this computer, unless the person has named it."""
    return name_of(request.headers.get("User-Agent", ""))


def name_of(agent: str) -> str:
    """A browser's name for people: "Firefox on Linux"."""
    browser = next((name for token, name in _BROWSERS.items() if f"{token}/" in agent), "Browser")
    system = next((name for token, name in _SYSTEMS.items() if token in agent), "")
    return f"{browser} on {system}" if system else browser


def name_at(attempt: Attempt, request: HttpRequest) -> str:
    """How its user calls this computer, else ``terminal_name``; for an attempt that ``attempts.find_open`` has read."""
    return vars(attempt)["known_as"] or terminal_name(request)


def address_of(request: HttpRequest) -> str:
    """The browser's IP address, ``""`` when unknown; with trusted proxies, the last that they did not write."""
    proxies = conf.TOOPHER_TRUSTED_PROXIES
    claimed = request.META.get("REMOTE_ADDR", "")
    if proxies:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        claimed = forwarded[-proxies] if len(forwarded) >= proxies else ""
    try:
        return str(ip_address(claimed.strip()))
    except ValueError:
        return ""
