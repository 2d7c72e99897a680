"""Each published client's iframe pages (PROTOCOL.md §3.1)."""

from __future__ import annotations

import time
from dataclasses import replace
from urllib.parse import quote, quote_plus

import pytest

from tests.drivers import attribute
from tests.tables import table

from ..callers import FORM, form
from ..generations import BY_NAME, Fields, Sender
from ..sockets import head
from .acts import USER, host, pair

pytestmark = [pytest.mark.servers, pytest.mark.slow]


V2 = [("v", "2"), ("username", USER)]


LOGIN = [("session_token", "s9s7vsb"), ("action_name", "Log In"), ("requester_metadata", "None")]
PAGES = {
    "py110": ("authenticate", [*V2, ("reset_email", "jdoe@example.com"), *LOGIN, ("automation_allowed", "True")]),
    "py110 pair": ("pair", [*V2, ("reset_email", "jdoe@example.com")]),
    "seed": ("authenticate", [*V2, *LOGIN, ("allow_inline_pairing", "True"), ("challenge_required", "False")]),
    "seed manage": ("manage_user", [*V2, ("reset_email", "jdoe@example.com"), ("foo", "bar")]),
    "java11": ("authenticate", [*V2, *LOGIN, ("automation_allowed", "true")]),
    "java11 null": ("authenticate", [*V2, *LOGIN, ("reset_email", None)]),
    "javaref": ("authenticate", [*V2, ("action_name", ""), ("session_token", ""), ("reset_email", ""), *LOGIN]),
    "phpref": ("authenticate", [*V2, *LOGIN]),
    "netref": ("authenticate", [*V2, *LOGIN]),
    "netref manage": ("manage_user", [*V2, ("reset_email", "")]),
    "wp": ("auth", [*V2, *LOGIN[:2], ("requester_metadata", "eyJhIjogMX0="), ("automation_allowed", "true")]),
    "wp pair": ("pair", V2),
    "cas": ("auth", [*V2, ("session_token", "LT-1-abc.cas-01"), ("requester_metadata", "metadata"), LOGIN[1]]),
    "ping": ("auth", [*V2, *LOGIN]),
    "openam": ("authenticate", [*V2, *LOGIN]),
    "atlassian": ("authenticate", [*V2, ("reset_email", ""), *LOGIN, ("automation_allowed", "true")]),
    "shib": ("authenticate", [*V2, ("action_name", "?"), ("session_token", "?"), ("reset_email", "?"), *LOGIN]),
}


PAGE_CLIENTS = {"cas": "java11", "ping": "java11", "openam": "javaref", "atlassian": "java11", "shib": "javaref"}


@table("name", PAGES)
def test_its_page_opens_and_tells_the_outcome(make_sender, make_live_phone, name):
    client = name.split()[0]
    sender = make_sender(replace(BY_NAME[PAGE_CLIENTS.get(client, client)], charset="utf-8"))
    phone = make_live_phone()
    pair(sender, phone)
    page, fields = PAGES[name]
    opened = open_page(sender, page, [*fields, ("expires", str(int(time.time()) + 100))])
    if page in {"pair", "manage_user"}:
        assert [each["name"] for each in opened["phones"]] == ["Pixel"]
        return
    phone.approve(phone.pending().requests[0], opened["number"])
    headers = [("Host", host(sender)), ("Authorization", f"Frame {opened['token']}")]
    state = sender.deliver("GET", head("GET", "/toopher/v1/web/frame/state", headers)).json()
    assert state["postback"]["granted"] == "true"
    echoed = dict(fields)  # of a field given twice, the last
    for field in ("session_token", "requester_metadata"):
        assert state["postback"][field] == echoed[field]


def open_page(sender: Sender, page: str, fields: Fields) -> dict:
    """Load the page by its signed address, as a browser in an iframe does, and make its first call."""
    how = sender.generation
    oauth = sender.signed("GET", f"{sender.root}/web/{page}", [field for field in fields if field[1] is not None])
    escape = quote if how.name == "wp" else quote_plus
    query = "&".join(
        name if value is None else f"{name}={escape(value, safe='')}"  # Java writes the name of a null alone
        for name, value in [*fields, *oauth]
    )
    query += "&" if how.name == "netref" else ""
    browser = [("Host", host(sender)), ("Sec-Fetch-Dest", "iframe")]
    for _reload in range(2):
        reply = sender.deliver("GET", head("GET", f"/toopher/v1/web/{page}?{query}", browser))
        assert reply.status == 200, reply.body.decode()
    body = form({"ticket": attribute(reply.body.decode(), "data-ticket"), "binder": "0123456789abcdef"}).encode()
    headers = [*browser, ("Content-Type", FORM), ("Content-Length", str(len(body)))]
    return sender.deliver("POST", head("POST", "/toopher/v1/web/frame/open", headers), body).json()
