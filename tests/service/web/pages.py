"""What the tests of the iframe pages share: signed URLs, the calls of the pages, what a reply must be."""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

from django.test import Client

from django_toopher.client import sign_postback
from tests.drivers import attribute

from ..callers import Caller

CALLS = "/toopher/v1/web/frame/"
BINDER = "0123456789abcdef0123456789abcdef"
TOKEN = "the-sites-own-token"
TERMINAL = {"terminal_name": "Office laptop", "requester_specified_terminal_id": "terminal-secret-1"}
ROW = {
    "resource_type", "id", "pending", "granted", "automated", "reason", "reason_code", "terminal_id", "terminal_name",
    "terminal_requester_specified_id", "pairing_user_id", "user_name", "user_toopher_authentication_enabled",
    "action_id", "action_name",
}  # fmt: skip
"""The keys of a postback that tells of a request."""

ALWAYS = {"session_token", "timestamp", "toopher_sig"}
"""The keys of every postback."""


def authenticate_url(iframe, user="alice", token=TOKEN, **more):
    return iframe.get_auth_iframe_url(user, "", token, **{**TERMINAL, **more})


def manage_url(iframe, user="alice", **more):
    return iframe.get_user_management_iframe_url(user, "", **{"session_token": TOKEN, **more})


def page_url(page, caller=None, **changes):
    """A signed URL of any page with any parameters; a change to None leaves one out."""
    caller = caller or Caller()
    usual = {"v": "2", "username": "alice", "expires": str(int(time.time()) + 100), "session_token": TOKEN}
    fields = {name: value for name, value in {**usual, **changes}.items() if value is not None}
    path = f"/toopher/v1/web/{page}"
    signed = caller.signed("GET", path, fields, caller.oauth())
    return path, {**fields, **signed}


def load(page, caller=None, **changes):
    path, query = page_url(page, caller, **changes)
    return Client().get(path, query, secure=True)


def load_url(url, **headers):
    parts = urlsplit(url)
    return Client(headers=headers).get(f"{parts.path}?{parts.query}", secure=True)


def ticket_of(response):
    return attribute(response.content.decode(), "data-ticket")


def open_page(ticket, binder=BINDER):
    return Client().post(f"{CALLS}open", {"ticket": ticket, "binder": binder}, secure=True)


def call(name, token, /, **fields):
    return Client().post(f"{CALLS}{name}", fields, secure=True, headers={"Authorization": f"Frame {token}"})


def poll(token):
    return Client().get(f"{CALLS}state", secure=True, headers={"Authorization": f"Frame {token}"})


def assert_is_error_page(response, *statuses):
    assert response.status_code in (statuses or range(400, 500))
    page = response.content.decode()
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert "data-ticket" not in page
    assert re.search(r'id="error"[^>]*>[^<]{10,}<', page)


def assert_refused(response, status, code=None):
    told = response.json()
    assert (response.status_code, told["error_code"]) == (status, code or status), told
    assert told["error_message"]


def assert_requester_hears(state, code):
    """An error as the requester gets it: signed, and with nothing else in it (PROTOCOL.md §3.4)."""
    assert (state["state"], state["granted"]) == ("finished", False), state
    postback = state["postback"]
    assert postback.keys() - {"requester_metadata"} == ALWAYS | {"error_code", "error_message"}
    assert (postback["error_code"], postback["session_token"]) == (str(code), TOKEN)
    assert postback["toopher_sig"] == sign_postback(postback, "secret", "python-php")
    assert state["problem"]  # for the person
