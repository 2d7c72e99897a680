"""A page that is to be confirmed: shown once, to who confirmed it; and the ways back from what is asked."""

from __future__ import annotations

import pytest

from django_toopher.session import state as session_keys
from tests.app.acts import outcomes, reason_of
from tests.drivers import attribute
from tests.tables import table

from .pages import STEP_UP, Page, asked

pytestmark = pytest.mark.urls("tests.app.step_up_urls")


def test_a_page_is_shown_once_it_was_confirmed(alices, phone, seen):
    page = asked(alices, "/transfer/?to=bob&to=ines")
    assert (page.way, page.action, page.target) == ("iframe", "Transfer money", STEP_UP)
    assert seen == []
    response = page.confirm(phone)
    assert (response.status_code, response["Location"]) == (302, "/transfer/?to=bob&to=ines")
    assert alices.get("/transfer/?to=bob&to=ines").content == b"transferred"
    assert [(each["method"], each["path"]) for each in seen] == [("GET", "/transfer/?to=bob&to=ines")]


def test_the_page_is_kept_by_no_cache(alices):
    response = alices.get("/transfer/")
    assert "no-store" in response["Cache-Control"]


def test_S13_an_approval_shows_the_page_once(alices, phone, seen):
    asked(alices, "/transfer/").confirm(phone)
    assert alices.get("/transfer/").content == b"transferred"
    assert Page(alices, alices.get("/transfer/")).way == "iframe"
    assert len(seen) == 1


@pytest.fixture
def confirmed(alices, phone):
    """Alice has confirmed a page, which is not shown yet."""
    asked(alices, "/transfer/?to=bob").confirm(phone)


@table("path", ["/transfer/?to=eve", "/transfer/large/", "/secret/", "/transfer/?to=bob&x"])
def test_S13_the_approval_of_one_page_shows_no_other(path, alices, confirmed, seen):
    seen.clear()
    assert Page(alices, alices.get(path)).way == "iframe"
    assert seen == []
    assert alices.get("/transfer/?to=bob").content == b"transferred"  # which is not spoiled by it


def test_S13_the_approval_of_a_page_carries_out_no_form(alices, phone, seen):
    asked(alices, "/transfer/").confirm(phone)
    assert Page(alices, alices.post("/transfer/", {"amount": "1"})).way == "iframe"
    assert seen == []


def test_S13_an_approval_is_spent_in_the_database_and_not_in_the_session(alices, phone, seen, settings):
    """A session that is brought back, as one that lives in a cookie can be, spends it no second time."""
    asked(alices, "/transfer/").confirm(phone)
    granted = alices.client.session[session_keys.STEP_UP_GRANT]
    assert alices.get("/transfer/").content == b"transferred"
    session = alices.client.session
    session[session_keys.STEP_UP_GRANT] = granted
    session.save()
    response = alices.get("/transfer/")
    assert (response.status_code, reason_of(response)) == (403, "expired")
    assert len(seen) == 1


def test_a_view_that_takes_no_post_can_be_confirmed(alices, phone, seen):
    assert asked(alices, "/secret/").confirm(phone)["Location"] == "/secret/"
    assert alices.get("/secret/").content == b"secret"


# The ways back


def test_a_no_on_the_phone_carries_nothing_out(alices, phone, seen):
    page = asked(alices, "/transfer/", {"amount": "1"}, headers={"Referer": "https://testserver/members/"})
    response = alices.post(page.target, page.denied(phone))
    assert (response.status_code, reason_of(response)) == (403, "denied")
    assert "Nothing was carried out." in response.content.decode()
    assert attribute(response.content.decode().partition("toopher-primary")[2], "href") == "https://testserver/members/"
    assert (seen, outcomes("step_up")) == ([], [("denied", "denied")])


def test_turning_back_leads_to_where_the_request_came_from_and_voids_the_attempt(alices, phone, seen):
    page = asked(alices, "/transfer/", {"amount": "1"}, headers={"Referer": "https://testserver/members/"})
    fields = page.approved(phone)
    cancel = attribute(page.text.partition("</iframe>")[2], "action")
    response = alices.post(cancel, {"back": "https://testserver/members/"})
    assert response["Location"] == "https://testserver/members/"
    assert reason_of(alices.post(page.target, fields)) == "expired"
    assert (seen, outcomes("step_up")) == ([], [("failed", "abandoned")])


@table("url", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_S10_back_leads_to_this_site_only(url, alices):
    page = asked(alices, "/transfer/", headers={"Referer": url})
    cancel = attribute(page.text.partition("</iframe>")[2], "action")
    assert attribute(page.text.partition('name="back"')[2], "value") == "/"
    assert alices.post(cancel, {"back": url})["Location"] == "/"


def test_S17_who_knows_an_attempts_id_alone_voids_nothing(alices, phone, seen):
    page = asked(alices, "/transfer/")
    forged = f"{page.ticket.partition('.')[0]}.{'x' * 43}"
    alices.post(f"{STEP_UP}{forged}/cancel/")
    assert page.confirm(phone)["Location"] == "/transfer/"


def test_S10_a_path_that_names_another_site_stays_on_this_one(alices, phone, seen):
    path = "//evil.example/transfer/"  # a view for any path
    page = Page(alices, alices.client.get("/x", secure=True, PATH_INFO=path))
    assert page.confirm(phone)["Location"] == "/%2Fevil.example/transfer/"
    assert alices.client.get("/x", secure=True, PATH_INFO=path).content == b"transferred"
    form = Page(alices, alices.client.post("/x", {"a": "1"}, secure=True, PATH_INFO=path))
    assert attribute(form.text, "toopher_postback") == "/%2Fevil.example/transfer/"
