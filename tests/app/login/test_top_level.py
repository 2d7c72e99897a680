"""The service's page at top level (``TOOPHER_EMBED = "redirect"``), and its way back."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from django_toopher.client import ToopherIframe
from django_toopher.connection import credentials
from django_toopher.models import ToopherAccount
from django_toopher.service.models import Requester
from tests.drivers import Frame, attribute
from tests.tables import table

from ..acts import ACCOUNT, AUTHENTICATE, POSTBACK, reason_of, signed

RETURN = "/accounts/return/"
ROOT = "https://testserver/toopher/v1"
TOP = {"Sec-Fetch-Dest": "document"}

pytestmark = pytest.mark.urls("tests.app.urls")


@pytest.fixture(autouse=True)
def redirect(account, settings):  # paired in an iframe before
    settings.TOOPHER_EMBED = "redirect"


def address(computer, page=AUTHENTICATE) -> str:
    """Where the page's link leads."""
    content = computer.get(page).content.decode()
    assert "<iframe" not in content
    return attribute(content.partition('id="toopher_link"')[2], "href")


def local(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def test_the_page_links_to_the_signed_one_which_says_where_to_return(account, computer):
    computer.password()
    asked = dict(parse_qsl(urlsplit(address(computer)).query))
    assert asked["return_url"] == f"https://testserver{RETURN}?{urlencode({'to': AUTHENTICATE})}"
    page = computer.get(local(address(computer)), headers=TOP)
    assert page.status_code == 200
    assert attribute(page.content.decode(), "data-return") == asked["return_url"]


def test_the_page_at_top_level_says_which_site_asks(account, computer, settings):
    Requester.objects.update(name="Rowing & Sailing")
    computer.password()
    page = computer.get(local(address(computer)), headers=TOP).content.decode()
    assert '<p class="site"><bdi>Rowing &amp; Sailing</bdi></p>' in page
    assert ">Back to Rowing &amp; Sailing</a>" in page
    settings.TOOPHER_EMBED = "iframe"
    page = computer.get(local(attribute(computer.get(AUTHENTICATE).content.decode(), "src"))).content.decode()
    assert "Rowing" not in page


def test_S31_a_page_at_top_level_is_framed_by_nobody(account, computer):
    computer.password()
    page = computer.get(local(address(computer)), headers=TOP)
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert page["Referrer-Policy"] == "no-referrer"


def test_a_yes_logs_in(account, computer, phone, alice):
    computer.password(next_url="/members/")
    frame = Frame.at(computer, address(computer))
    frame.approve(phone)
    assert computer.post(POSTBACK, frame.poll()["postback"])["Location"] == "/members/"
    assert computer.is_logged_in()


def test_phones_are_managed_at_top_level_too(account, computer, phone, make_phone):
    computer.password()
    frame = Frame.at(computer, address(computer))
    frame.approve(phone)
    computer.post(POSTBACK, frame.poll()["postback"])
    content = computer.get(ACCOUNT).content.decode()
    assert "data-forward" not in content
    frame = Frame.at(computer, address(computer, ACCOUNT))
    make_phone().pair_link(frame.call("pair")["link"])
    computer.get(ACCOUNT)  # the way back leads here, where the result is posted from
    assert computer.post(f"{ACCOUNT}postback/", frame.poll()["postback"])["Location"] == ACCOUNT


@pytest.fixture
def page(account, computer):
    """The local address of the signed page, at which Alice's phone would be asked."""
    computer.password()
    return local(address(computer))


@table(
    "change",
    [
        lambda query: query.replace("return_url=https", "return_url=http"),
        lambda query: query.replace("testserver%2Faccounts", "evil.example%2Faccounts"),
        lambda query: "&".join(part for part in query.split("&") if not part.startswith("return_url")),
    ],
    ids=["another scheme", "another host", "left out"],
)
def test_S01_where_to_return_is_signed(change, page, computer):
    path, _mark, query = page.partition("?")
    assert change(query) != query
    assert computer.get(f"{path}?{change(query)}", headers={"Sec-Fetch-Dest": "iframe"}).status_code == 401


@table(
    "url",
    [
        "https://evil.example/accounts/return/",
        "http://testserver/accounts/return/",
        "https://testserver:8443/",
        "https://testserver@evil.example/",
        "https://testserver.evil.example/",
        "javascript:alert(1)//testserver",
        "//testserver/",
        "https://testserver/#fragment",
    ],
)
def test_S31_a_signed_page_returns_to_registered_origins_only(url, account, computer):
    iframe = ToopherIframe(*credentials(), ROOT)
    page = computer.get(local(iframe.get_auth_url("alice", "", "token", return_url=url)), headers=TOP)
    assert page.status_code == 400
    assert "data-return" not in page.content.decode()


def test_another_requester_returns_to_its_own_origins(make_requester, computer):
    make_requester("club", "secret", origins="https://club.example")
    iframe = ToopherIframe("club", "secret", ROOT)
    for url, status in {"https://club.example/back": 200, "https://testserver/back": 400}.items():
        page = computer.get(local(iframe.get_auth_url("alice", "", "token", return_url=url)), headers=TOP)
        assert page.status_code == status


def test_without_a_signed_return_nothing_is_shown_at_top_level(account, computer, settings):
    iframe = ToopherIframe(*credentials(), ROOT)
    page = local(iframe.get_auth_url("alice", "", "token"))
    assert computer.get(page, headers=TOP).status_code == 403
    assert computer.get(f"{page}&return_url=", headers=TOP).status_code == 401


# The way back


def test_S08_the_page_that_leads_back_touches_no_session(account, computer):
    computer.password()
    before = computer.client.cookies["sessionid"].value
    del computer.client.cookies["sessionid"]  # as a strict cookie is kept back by the browser
    response = computer.get(f"{RETURN}?to={AUTHENTICATE}")
    assert response.status_code == 200
    assert not {"sessionid", "csrftoken", "toopher_terminal", "toopher_asked"} & set(response.cookies)
    assert response["Referrer-Policy"] == "no-referrer"
    computer.client.cookies["sessionid"] = before
    assert computer.get(AUTHENTICATE).status_code == 200


@table("to", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "", "\0", "evil"])
def test_S10_the_way_back_leads_nowhere_else(to, db, computer, settings):
    settings.ALLOWED_HOSTS = ["*"]
    response = computer.client.get(RETURN, {"to": to}, secure=True)
    link = attribute(response.content.decode().partition('id="toopher_return"')[2], "href")
    assert link == AUTHENTICATE


def test_S03_the_result_of_another_session_is_refused(account, computer, phone, make_computer):
    computer.password()
    frame = Frame.at(computer, address(computer))
    frame.approve(phone)
    thief = make_computer()
    thief.password()
    response = thief.post(POSTBACK, frame.poll()["postback"])
    assert reason_of(response) == "invalid_postback"
    assert not thief.is_logged_in()


def test_S04_S05_a_result_is_taken_once_and_for_its_own_page(account, computer, phone):
    computer.password()
    frame = Frame.at(computer, address(computer))
    frame.approve(phone)
    fields = frame.poll()["postback"]
    assert reason_of(computer.post(POSTBACK, signed(fields, resource_type="pairing"))) == "invalid_postback"
    assert computer.post(POSTBACK, fields).status_code == 302
    assert reason_of(computer.post(POSTBACK, fields)) == "nothing_pending"


def test_S06_S07_a_user_who_was_changed_meanwhile_is_refused(account, computer, phone):
    computer.password()
    frame = Frame.at(computer, address(computer))
    frame.approve(phone)
    ToopherAccount.objects.get().change()
    assert reason_of(computer.post(POSTBACK, frame.poll()["postback"])) == "user_changed"
    assert not computer.is_logged_in()
