"""The computer in front of the person."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import RequestFactory, override_settings

from django_toopher.session.computer import (
    ASKED_COOKIE,
    COOKIE,
    Browser,
    fresh_id,
    of_request,
    remember,
    remember_asked,
)
from tests.tables import table

AGENTS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": "Firefox on Linux",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
    " Edg/140.0.0.0": "Edge on Windows",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
    " OPR/120.0.0.0": "Opera on Windows",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0"
    " Safari/605.1.15": "Safari on Mac",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile"
    " Safari/537.36": "Chrome on Android",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0"
    " Mobile/15E148 Safari/604.1": "Chrome on iPhone",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0"
    " Mobile/15E148 Safari/604.1": "Safari on iPhone",
    "Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.0"
    " Mobile/15E148 Safari/604.1": "Safari on iPad",
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"
    " Safari/537.36": "Chrome on ChromeOS",
    "curl/8.5.0": "Browser",
    "": "Browser",
    "<script>alert(1)</script> Windows": "Browser on Windows",
}


@table(("agent", "name"), AGENTS.items(), ids=AGENTS.values())
def test_a_computer_is_called_by_its_browser_and_system(agent, name, rf):
    assert of_request(rf.get("/", headers={"user-agent": agent})).name == name


def test_a_computer_without_a_user_agent_is_a_browser(rf):
    assert of_request(rf.get("/")).name == "Browser"


def test_fresh_ids_are_secrets():
    one, two = fresh_id(), fresh_id()
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", one)
    assert one != two


def ids_of(**cookies: str) -> Browser:
    request = RequestFactory().get("/")
    request.COOKIES |= cookies
    return of_request(request)


A, B, C = "a" * 43, "b" * 43, "C-_9" * 10 + "xyz"


@table(
    ("kept", "ids", "silent"),
    [
        ("", (), set()),
        (A, (A,), set()),
        (f"{A}.{B}", (A, B), set()),
        (f"{A}~.{B}.{C}~", (A, B, C), {A, C}),
        (f"{A}.{A}~", (A,), {A}),
        *[(strange, (), set()) for strange in ("x", "a" * 42, "a" * 44, "a" * 42 + "!", "a" * 42 + "\u0660", A + "\n")],
        *[(strange, (), set()) for strange in (A + "~~", "~" + A, f"{A}~{B}", f"{A},{B}", ".", "~", "a" * 5000)],
        (f"x.{A}..~.{B}\0.{C}", (A, C), set()),
        (".".join(f"{n:043}" for n in range(100)), tuple(f"{n:043}" for n in range(8)), set()),
    ],
    ids=ascii,
)
def test_S46_what_is_malformed_in_the_cookie_is_ignored(kept, ids, silent):
    browser = ids_of(**{COOKIE: kept})
    assert (browser.ids, browser.silent, browser.asked) == (ids, frozenset(silent), "")


@table(("kept", "asked"), [("", ""), (A, A), (A + "~", ""), (f"{A}.{B}", ""), ("x", "")], ids=ascii)
def test_S46_the_id_that_was_asked_with_is_one_of_the_browsers(kept, asked):
    browser = ids_of(**{COOKIE: B, ASKED_COOKIE: kept})
    assert (browser.asked, browser.ids) == (asked, (B, asked) if asked else (B,))


def remembered(terminal: str, kept: str, *, silent: bool = False) -> str:
    request, response = RequestFactory().get("/"), HttpResponse()
    request.COOKIES[COOKIE] = kept
    remember(request, response, terminal, silent=silent)
    return response.cookies[COOKIE].value if COOKIE in response.cookies else "unset"


@table(
    ("terminal", "kept", "silent", "after"),
    [
        (A, "", False, A),
        (A, "", True, A + "~"),
        (A, f"{B}~.{C}", False, f"{A}.{B}~.{C}"),
        (C, f"{A}~.{C}~", False, f"{C}.{A}~"),
        (A, A, True, A + "~"),
        (A, A, False, A),
        (A, "x" * 5000, False, A),
        (A, ".".join(f"{n:043}" for n in range(8)), False, ".".join([A, *[f"{n:043}" for n in range(7)]])),
        ("", B, False, "unset"),
        ("another service's", B, False, "unset"),
        (A + "\r\nSet-Cookie: x=y", B, False, "unset"),
    ],
    ids=ascii,
)
def test_S46_the_newest_id_comes_first_and_only_ours_are_kept(terminal, kept, silent, after):
    assert remembered(terminal, kept, silent=silent) == after


@pytest.mark.parametrize("secure", [False, True])
def test_the_cookies_are_hidden_from_scripts_and_other_sites(secure, rf, settings):
    settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_DOMAIN = "/club/", ".club.example"
    response = HttpResponse()
    remember(rf.get("/", secure=secure), response, A, silent=False)
    remember_asked(rf.get("/", secure=secure), response, A)
    for cookie in (response.cookies[COOKIE], response.cookies[ASKED_COOKIE]):
        assert (cookie["httponly"], cookie["samesite"], bool(cookie["secure"])) == (True, "Lax", secure)
        assert (cookie["path"], cookie["domain"], cookie["max-age"]) == ("/club/", ".club.example", 400 * 24 * 3600)


@table(
    ("changes", "prefix"),
    [
        ({}, ""),
        ({"SESSION_COOKIE_SECURE": True}, "__Host-"),
        ({"SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_DOMAIN": "club.example"}, ""),
        ({"SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_PATH": "/club/"}, ""),
    ],
    ids=ascii,
)
def test_S46_the_cookies_belong_to_this_host_alone_where_the_sessions_does(changes, prefix):
    with override_settings(**changes):
        request, response = RequestFactory().get("/"), HttpResponse()
        remember_asked(request, response, A)
        assert [*response.cookies] == [f"{prefix}{ASKED_COOKIE}"]
        assert bool(response.cookies[f"{prefix}{ASKED_COOKIE}"]["secure"]) == ("SESSION_COOKIE_SECURE" in changes)
        request.COOKIES |= {f"{prefix}{COOKIE}": B, f"{prefix}{ASKED_COOKIE}": A}
        assert of_request(request).ids == (B, A)
        if prefix:
            request.COOKIES = {COOKIE: B, ASKED_COOKIE: A}
            assert of_request(request).ids == ()


def test_what_was_asked_is_forgotten_once_it_is_granted(rf):
    request, response = rf.get("/"), HttpResponse()
    request.COOKIES[ASKED_COOKIE] = A
    remember(request, response, B, silent=False)
    assert ASKED_COOKIE not in response.cookies
    remember(request, response, A, silent=False)
    assert response.cookies[ASKED_COOKIE].value == ""
