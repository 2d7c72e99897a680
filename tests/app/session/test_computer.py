"""The computer in front of the person."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse

from django_toopher.session.computer import COOKIE, of_request, remember, terminal_id
from tests.tables import table

from ..acts import AUTHENTICATE

FRESH = re.compile(r"[A-Za-z0-9_-]{43}")

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


def test_a_browser_without_a_cookie_gets_a_fresh_id(rf):
    one, two = terminal_id(rf.get("/")), terminal_id(rf.get("/"))
    assert FRESH.fullmatch(one)
    assert one != two


def test_a_browser_keeps_its_id(rf):
    kept = terminal_id(rf.get("/"))
    rf.cookies[COOKIE] = kept
    request, response = rf.get("/"), HttpResponse()
    assert terminal_id(request) == kept
    remember(request, response, kept)
    assert COOKIE not in response.cookies


@table(
    "strange",
    ["", "x", "a" * 42, "a" * 44, "a" * 42 + "!", "a" * 42 + "\u0660", "a" * 43 + "\n", "a" * 5000],
    ids=ascii,
)
def test_a_strange_cookie_is_replaced(strange, rf):
    request, response = rf.get("/"), HttpResponse()
    request.COOKIES[COOKIE] = strange
    fresh = terminal_id(request)
    assert FRESH.fullmatch(fresh)
    assert fresh != strange
    remember(request, response, fresh)
    assert response.cookies[COOKIE].value == fresh


@pytest.mark.parametrize("secure", [False, True])
def test_the_cookie_is_hidden_from_scripts_and_other_sites(secure, rf, settings):
    settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_DOMAIN = "/club/", ".club.example"
    response = HttpResponse()
    remember(rf.get("/", secure=secure), response, "x")
    cookie = response.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], bool(cookie["secure"])) == (True, "Lax", secure)
    assert (cookie["path"], cookie["domain"], cookie["max-age"]) == ("/club/", ".club.example", 400 * 24 * 3600)


def test_all_users_of_a_browser_share_its_id(account, make_user, phone, computer, settings):
    settings.TOOPHER_POLICY = "required"
    computer.log_in(phone)
    first = computer.client.cookies[COOKIE].value
    computer.post("/admin/logout/")
    make_user("bob")
    computer.password("bob")
    assert f"requester_specified_terminal_id={first}" in computer.get(AUTHENTICATE).content.decode()
    assert computer.client.cookies[COOKIE].value == first
