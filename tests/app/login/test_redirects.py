"""Where a login leads to: to what the person wanted, and nowhere but to this very host (SECURITY.md S10)."""

from __future__ import annotations

import pytest

from django_toopher.session.state import PENDING_LOGIN
from tests.tables import table

from ..acts import AUTHENTICATE, LOGIN, POSTBACK, approve, signed, yes

pytestmark = pytest.mark.urls("tests.app.urls")

FOREIGN = [
    "https://evil.example/",
    "http://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "////evil.example/",
    "https:evil.example",
    "https:///evil.example",
    "https:/evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "\\\\evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "\x01//evil.example",
    " //evil.example",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
    "https://testserver:8443/",
    "http://testserver/members/",
    "https://[::1",
    "ftp://testserver/",
]


@table("field", ["query", "body"])
@table("target", FOREIGN, ids=ascii)
def test_S10_next_does_not_lead_away(target, field, account, make_computer, settings):
    settings.ALLOWED_HOSTS, computer = ["*"], make_computer()
    credentials = {"username": "alice", "password": "password"}
    if field == "query":
        computer.client.post(LOGIN, credentials, secure=True, query_params={"next": target})
    else:
        computer.post(LOGIN, {**credentials, "next": target})
    assert computer.post(POSTBACK, yes(computer, account))["Location"] == "/"


@table("target", FOREIGN, ids=ascii)
def test_S10_next_is_checked_again_after_it_was_kept(target, approved, computer, settings):
    settings.ALLOWED_HOSTS, computer = ["*"], computer.twin()
    session = computer.client.session
    session[PENDING_LOGIN] = {**session[PENDING_LOGIN], "next_url": target}
    session.save()
    assert computer.post(POSTBACK, approved)["Location"] == "/"


@table("target", ["https://evil.example/", "/admin/", '{"next": "https://evil.example/"}'])
def test_S10_metadata_of_the_postback_leads_nowhere(target, approved, computer, settings):
    settings.ALLOWED_HOSTS, computer = ["*"], computer.twin()
    both = signed(approved, requester_metadata=target, next=target, redirect_to=target)
    assert computer.post(POSTBACK, both)["Location"] == "/members/"


def test_S10_a_path_that_looks_like_a_host_leads_to_this_one(account, computer, phone, settings):
    settings.ALLOWED_HOSTS = ["*"]
    computer.client.force_login(account.user)
    response = computer.get("/", PATH_INFO="//evil.example/members/")
    assert response["Location"] == AUTHENTICATE
    assert computer.post(POSTBACK, approve(computer, phone))["Location"] in {"/", "/%2Fevil.example/members/"}


@table("target", ["/members/?a=1&b=%20x#y", "https://testserver/members/", "?a=1"], ids=str)
def test_next_survives_the_second_factor(target, account, make_computer, phone):
    computer = make_computer()
    computer.client.post(
        LOGIN, {"username": "alice", "password": "password"}, secure=True, query_params={"next": target}
    )
    assert computer.post(POSTBACK, approve(computer, phone))["Location"] == target


def test_without_next_a_login_leads_to_the_redirect_url(account, computer, phone, settings):
    settings.LOGIN_REDIRECT_URL = "members"
    assert computer.log_in(phone)["Location"] == "/members/"
