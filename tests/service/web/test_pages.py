"""Loading an iframe page: whom it is shown to, who may frame it (PROTOCOL.md §3, SECURITY.md S31)."""

from __future__ import annotations

import re
import time

from django.test import Client

from django_toopher.client import ToopherIframe
from django_toopher.connection import credentials
from django_toopher.service.models import AuthenticationRequest, Requester
from tests.tables import table

from ..callers import ROOT, Caller, rows
from .pages import (
    assert_is_error_page,
    assert_requester_hears,
    authenticate_url,
    call,
    load,
    load_url,
    open_page,
    poll,
    ticket_of,
)


@table("page", ["authenticate", "auth", "manage_user", "pair"])
def test_a_signed_url_shows_the_page_asks_nobody_and_stores_nothing(requester, page):
    before = rows()
    response = load(page)
    assert response.status_code == 200
    assert ticket_of(response)
    assert rows() == before


def test_S20_a_page_may_be_reloaded(iframe):
    url = authenticate_url(iframe)
    assert [load_url(url).status_code for _ in range(3)] == [200, 200, 200]


# What is refused


@table("page", ["authenticate", "auth", "manage_user", "pair"])
def test_S31_an_unsigned_url_is_refused(requester, page):
    fields = {"v": "2", "username": "alice", "expires": str(int(time.time()) + 100)}
    response = Client().get(f"/toopher/v1/web/{page}", fields, secure=True)
    assert_is_error_page(response, 401)


@table(
    "alter",
    [
        lambda url: url.replace("username=alice", "username=bob"),
        lambda url: url.replace("automation_allowed=True", "automation_allowed=False"),
        lambda url: url + "&username=bob",
        lambda url: url + "&allow_inline_pairing=True",
        lambda url: re.sub(r"expires=\d+", "expires=9999999999", url),
        lambda url: url.replace("/authenticate?", "/manage_user?"),
        lambda url: url.replace("oauth_signature=", "oauth_signature=A"),
        lambda url: re.sub(r"&oauth_nonce=\d+", "", url),
    ],
    ids=["user", "automation", "user twice", "pairing", "expiry", "page", "signature", "nonce"],
)
def test_S31_an_altered_url_is_refused(iframe, alter):
    url = authenticate_url(iframe)
    assert alter(url) != url
    assert_is_error_page(load_url(alter(url)), 401)


@table(
    "changes",
    [
        *[{"v": version} for version in ("1", "3", "", None)],
        *[{"username": name} for name in (None, "", "  ", "n" * 256, "a\0b")],
    ],
)
def test_a_page_of_another_version_or_without_a_usable_username_is_refused(requester, changes):
    assert_is_error_page(load("authenticate", **changes), 400)


@table("expires", [None, "", "soon", "-1", "1.5", "1000", "\u0661\u0662\u0663"])
def test_S31_an_expired_url_is_refused(requester, expires):
    assert_is_error_page(load("authenticate", expires=expires))


def test_S31_a_url_that_expired_a_moment_ago_is_refused(requester):
    assert_is_error_page(load("authenticate", expires=str(int(time.time()) - 5)))


def test_a_very_late_expiry_is_no_fault(requester):
    assert load("authenticate", expires="9" * 300).status_code == 200


def test_a_requester_that_was_switched_off_has_no_pages(iframe, requester):
    Requester.objects.update(is_active=False)
    assert_is_error_page(load_url(authenticate_url(iframe)), 403)


def test_S31_an_address_opened_outside_an_iframe_shows_nothing(iframe):
    url = authenticate_url(iframe)
    assert_is_error_page(load_url(url, **{"Sec-Fetch-Dest": "document"}), 403)
    assert load_url(url, **{"Sec-Fetch-Dest": "iframe"}).status_code == 200


@table("name", ["requester_metadata", "session_token", "action_name", "terminal_name", "foo"])
def test_S35_a_NUL_in_any_parameter_is_refused(requester, name):
    response = load("authenticate", **{name: "a\0b"})
    if response.status_code == 200:
        response = open_page(ticket_of(response))
    assert 400 <= response.status_code < 500
    assert not AuthenticationRequest.objects.exists()


@table("name", ["action_name", "terminal_name", "requester_specified_terminal_id"])
def test_S35_an_overlong_parameter_is_refused(paired_phone, name):
    state = open_page(ticket_of(load("authenticate", **{"terminal_name": "PC", name: "n" * 5000}))).json()
    assert_requester_hears(state, 400)
    assert not AuthenticationRequest.objects.exists()


@table("url", ["web/error.html", "web/authenticateweb/error.html", "web/web/error.html"])
def test_a_client_that_could_not_sign_its_url_is_shown_a_page(db, url):
    response = Client().get(f"/toopher/v1/{url}", {"message": "<b>anything</b> from anybody"}, secure=True)
    assert_is_error_page(response, 400)
    assert "anybody" not in response.content.decode()
    assert not response.cookies


# How it is shown


def frame_ancestors(response):
    [found] = re.findall(r"frame-ancestors ([^;]*)", response["Content-Security-Policy"])
    return found.split()


def test_S31_only_the_requesters_origins_may_frame_its_pages(requester, make_requester):
    Requester.objects.update(origins="https://a.example\nhttps://b.example:8443")
    make_requester("other", "other secret", origins="https://mallory.example")
    response = load("authenticate")
    assert frame_ancestors(response) == ["https://a.example", "https://b.example:8443"]
    assert not response.has_header("X-Frame-Options")
    assert frame_ancestors(load("authenticate", Caller("other", "other secret"))) == ["https://mallory.example"]


def test_S31_a_requester_without_origins_is_framed_by_nobody(requester):
    Requester.objects.update(origins="")
    assert frame_ancestors(load("authenticate")) == ["'none'"]


def test_S31_the_embedded_requesters_pages_are_framed_by_its_own_origin(db):
    embedded = ToopherIframe(*credentials(), ROOT)
    response = load_url(authenticate_url(embedded))
    assert frame_ancestors(response) == ["'self'"]
    assert not response.has_header("X-Frame-Options")


def test_S31_pages_run_no_inline_script_and_send_no_referrer(requester):
    response = load("authenticate")
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response["Referrer-Policy"] in {"no-referrer", "same-origin"}
    page = response.content.decode()
    assert "<style" not in page
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))


def test_S31_pages_and_calls_set_no_cookie(iframe, paired_phone):
    response = load_url(authenticate_url(iframe))
    opened = open_page(ticket_of(response))
    token = opened.json()["token"]
    for each in (response, opened, poll(token), call("ask", token), call("code", token, code="1")):
        assert not each.cookies
        assert "no-store" in each["Cache-Control"]


@table("path", ["/toopher/phone/", "/toopher/v1/", "/toopher/v1/users", "/toopher/v1/web/frame/state"])
def test_S31_other_pages_of_the_service_can_be_framed_by_nobody(db, path):
    response = Client().get(path, secure=True)
    policy = response.get("Content-Security-Policy", "")
    assert response.get("X-Frame-Options") == "DENY" or "frame-ancestors 'none'" in policy


def test_texts_from_outside_are_escaped_in_the_page(requester):
    Requester.objects.update(name='<b>"Site"</b>')
    page = load("authenticate", username="<script>alert(1)</script>").content.decode()
    assert "<b>" not in page
    assert "alert(1)" not in page
